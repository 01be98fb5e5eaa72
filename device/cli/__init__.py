"""The command line: one file per command."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from device import __version__, signals
from device.cli import demo, listen, replay, run
from device.errors import ConfigError, HearthsideError

COMMANDS = (run, listen, replay, demo)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code: 0, 1 when it failed, 2 for wrong arguments, 78 for a wrong configuration."""
    _print_whatever_it_is()
    options = _parser().parse_args(arguments)
    try:
        signals.unwind()
        code: int = options.command(options)
        sys.stdout.flush()
    except ConfigError as error:
        return _complain(error, os.EX_CONFIG)
    except HearthsideError as error:
        return _complain(error, 1)
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


def _complain(error: HearthsideError, code: int) -> int:
    print(f"hearthside: {error}", file=sys.stderr)
    return code
