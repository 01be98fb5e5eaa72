"""hearthside events: what happens in the house that runs, as it happens."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from device.control import client


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("events", help="print what happens, as it happens, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="for programs: one JSON object a line")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    with client.connected() as house:
        house.ask({"do": "subscribe"})
        for event in house.events():
            # Whoever reads a pipe wants to know at once.
            print(json.dumps(event) if options.json else line(event), flush=True)
    raise client.NotRunningError("hearthside has ended")


def line(event: dict[str, Any]) -> str:
    """Return it for people: "phase: listening, turn 3", and "conditions: ringing" for those that hold."""
    kind = event["event"]
    told = ((name.replace("_", " "), value) for name, value in event.items() if name != "event")
    words = [
        name if value is True else str(value) if name == kind else f"{name} {value}"
        for name, value in told
        if value is not False and value != ""
    ]
    return f"{time.strftime('%H:%M:%S')} {kind.replace('_', ' ')}: {', '.join(words) or 'none'}"
