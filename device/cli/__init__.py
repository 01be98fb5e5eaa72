"""The command line: one file per command."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Sequence

from device import __version__
from device.cli import config, demo, doctor, listen, replay, run
from device.errors import ConfigError, HearthsideError
from device.house import configuration, sources
from device.kit import signals

COMMANDS = (run, listen, replay, config, doctor, demo)

_KEY = re.compile(rf"({'|'.join(configuration.SCHEMA.__struct_fields__)})\.[\w.]*\w")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code: 0, 1 when it failed, 2 for wrong arguments, 78 for a wrong configuration."""
    _print_whatever_it_is()
    options = _parser().parse_args(arguments)
    try:
        signals.unwind()
        code: int = options.command(options)
        sys.stdout.flush()
    except ConfigError as error:
        return _complain(_placed(str(error), options), os.EX_CONFIG)
    except HearthsideError as error:
        return _complain(str(error), 1)
    except KeyboardInterrupt:
        return signals.INTERRUPTED
    except BrokenPipeError:
        # Whoever read it has seen enough; Python would flush once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _print_whatever_it_is() -> None:
    """Let a terminal that lacks a letter, or a file name that is no text, be shown as \\xe4 and not end the command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hearthside", description="A voice for the room.")
    parser.add_argument("--version", action="version", version=f"hearthside {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return parser


def _placed(complaint: str, options: argparse.Namespace) -> str:
    """Put the file before a complaint that begins with a key: whoever looks for a model or a card does not know it."""
    key = _KEY.match(complaint.removeprefix("the configuration: "))
    if key is None or "overrides" not in options:
        return complaint
    try:
        place = configuration.read(options.config, options.overrides).place(key[0])
    except ConfigError:
        # Somebody has changed the file since, or it was a pipe.
        return complaint
    # What nobody has set would be set in the first file.
    place = place or next(map(str, sources.files(options.config)), "")
    return f"{place}: {key.string}" if place else key.string


def _complain(complaint: str, code: int) -> int:
    print(f"hearthside: {complaint}", file=sys.stderr)
    return code
