"""hearthside timers: what is set in the house that runs, and how long it still takes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from device.control import client


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("timers", help="list the timers, alarms and reminders that are set, or cancel one")
    parser.add_argument("--json", action="store_true", help="for programs: the list as JSON")
    parser.set_defaults(command=_list)
    parts = parser.add_subparsers(title="more", metavar="[cancel NAME]")
    cancel = parts.add_parser("cancel", help="cancel one")
    cancel.add_argument("name", nargs="+", metavar="NAME", help="its name, or its number as listed: pasta, 3")
    cancel.set_defaults(command=_cancel)


def _list(options: argparse.Namespace) -> int:
    timers = client.ask({"do": "timers"})["timers"]
    print(json.dumps(timers) if options.json else "\n".join(lines(timers)))
    return 0


def _cancel(options: argparse.Namespace) -> int:
    name = " ".join(options.name)
    # A shell takes a bare #3 for a comment.
    name = f"#{name}" if name.isdecimal() else name
    print(client.ask({"do": "cancel_timer", "name": name})["done"])
    return 0


def lines(timers: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each, or one that says that there is none."""
    if not timers:
        yield "no timer, alarm or reminder is set"
    rows = [(f"#{timer['id']}", timer["name"], _left(timer), _when(timer)) for timer in timers]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:3]
    for number, name, left, when in rows:
        yield f"{number:>{widths[0]}}  {name:<{widths[1]}}  {left:>{widths[2]}}  {when}".rstrip()


def _when(timer: dict[str, Any]) -> str:
    """Return for when it is; nothing where the time that is left says it."""
    return "" if timer["when"].startswith("in ") else timer["when"]


def _left(timer: dict[str, Any]) -> str:
    """Return "45 s", "4 min 5 s", "1 h 4 min" or "2 d 7 h"; or that it rings, or was missed."""
    if timer["state"] != "waiting":
        return str(timer["state"])
    minutes, seconds = divmod(round(max(0.0, timer["left_s"])), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
