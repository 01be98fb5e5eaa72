"""hearthside timers: what is set in the house that runs, and how long it still takes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from device.control import client

_DAY_S, _HOUR_S, _MINUTE_S = 86_400, 3_600, 60


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("timers", help="list the timers, alarms and reminders that are set, or cancel one")
    parser.add_argument("--json", action="store_true", help="for programs: the list as JSON")
    parser.set_defaults(command=_list)
    parts = parser.add_subparsers(title="more", metavar="")
    cancel = parts.add_parser("cancel", help="cancel one")
    cancel.add_argument("name", nargs="+", help='its name, or its number as listed: pasta, "#3"')
    cancel.set_defaults(command=_cancel)


def _list(options: argparse.Namespace) -> int:
    timers = client.ask({"do": "timers"})["timers"]
    print(json.dumps(timers) if options.json else "\n".join(lines(timers)))
    return 0


def _cancel(options: argparse.Namespace) -> int:
    print(client.ask({"do": "cancel_timer", "name": " ".join(options.name)})["done"])
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
    """Return "4:05", "1:04:05" or "2 d 3:00:00"; or that it rings, or was missed."""
    if timer["state"] != "waiting":
        return str(timer["state"])
    days, seconds = divmod(round(max(0.0, timer["left_s"])), _DAY_S)
    hours, seconds = divmod(seconds, _HOUR_S)
    minutes, seconds = divmod(seconds, _MINUTE_S)
    clock = f"{hours}:{minutes:02}:{seconds:02}" if hours or days else f"{minutes}:{seconds:02}"
    return f"{days} d {clock}" if days else clock
