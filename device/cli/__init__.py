"""The command line: one file per command. Only that of the command which is asked for is loaded."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module

from device import __version__
from device.errors import ConfigError, HearthsideError
from device.kit import signals

COMMANDS = {
    "run": "run",
    "fault": "fault",
    "status": "remote.status",
    "mute": "remote.orders",
    "unmute": "remote.orders",
    "stop": "remote.orders",
    "volume": "remote.volume",
    "persona": "remote.choices",
    "wake-word": "remote.choices",
    "say": "remote.speaking",
    "ask": "remote.speaking",
    "timers": "remote.timers",
    "events": "remote.events",
    "tools": "tools",
    "mcp": "mcp",
    "listen": "listen",
    "replay": "replay",
    "config": "config",
    "setup": "setup",
    "doctor": "doctor",
    "bench": "bench",
    "support-bundle": "support_bundle",
    "demo": "demo",
    "leds": "leds",
    "broker": "broker",
    "factory-reset": "factory_reset",
}
"""The module of each, in this package."""


def main(arguments: Sequence[str] | None = None, told: int | None = None) -> int:
    """Run a command; return its exit code: 0, 1 when it failed, 2 for wrong arguments, 78 for a wrong configuration.

    `told`: that of being told to stop, see `device.kit.signals.leave_at_once`.
    """
    _print_whatever_it_is()
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser([given[0]] if given and given[0] in COMMANDS else COMMANDS).parse_args(given)
    try:
        signals.unwind(told)
        code: int = options.command(options)
        sys.stdout.flush()
    except ConfigError as error:
        complaint = _placed(str(error), options)
        if "leave_complaint" in options:
            options.leave_complaint(complaint)
        return _complain(complaint, os.EX_CONFIG)
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


def _parser(names: Iterable[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return one that knows these commands, and those that share a file with them."""
    parser = argparse.ArgumentParser(prog="hearthside", description="A voice for the room.")
    parser.add_argument("--version", action="version", version=f"hearthside {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in dict.fromkeys(COMMANDS[name] for name in names):
        import_module(f"device.cli.{module}").add_to(commands)
    return parser


def _placed(complaint: str, options: argparse.Namespace) -> str:
    """Put the file before a complaint that begins with a key: whoever looks for a model or a card does not know it."""
    if "overrides" not in options:
        return complaint
    # Late: a command that has no use for the configuration does not load it.
    from device.house import configuration, sources

    tables = "|".join(configuration.SCHEMA.__struct_fields__)
    key = re.match(rf"({tables})\.[\w.]*\w", complaint.removeprefix("the configuration: "))
    if key is None:
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
    # An error to the journal as well (sd-daemon(3)), though nothing is known of logging yet.
    priority = "<3>" if "JOURNAL_STREAM" in os.environ else ""
    print(f"{priority}hearthside: {complaint}", file=sys.stderr)
    return code
