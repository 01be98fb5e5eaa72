"""hearthside say, ask: the house that runs says a sentence of its own accord."""

from __future__ import annotations

import argparse
from typing import Any

from device.control import client

_HELD = "not said now, since these are quiet hours: it is said when they are over"


def add_to(commands: Any) -> None:
    """Add the commands to the parser's subcommands."""
    say = commands.add_parser(
        "say",
        help="say a sentence as soon as nobody talks",
        description="Has the Hearthside that runs here say a sentence, and comes back when it was said.",
    )
    ask = commands.add_parser(
        "ask",
        help="say a sentence, listen for one answer, and print it",
        description="Has the Hearthside that runs here say a sentence, and listen for one answer without a wake word. "
        "Prints what it understood.",
    )
    say.add_argument(
        "--voice",
        choices=("own", "provider"),
        default="own",
        help="whose: its own, or that of answers, which costs a session and falls back to its own",
    )
    for parser, command in ((say, _say), (ask, _ask)):
        parser.add_argument("text", nargs="+", metavar="TEXT", help="what to say")
        parser.add_argument("--urgent", action="store_true", help="in quiet hours (audio.quiet_hours), too")
        parser.set_defaults(command=command)


def _say(options: argparse.Namespace) -> int:
    print("said" if _order("say", options, voice=options.voice)["said"] else _HELD)
    return 0


def _ask(options: argparse.Namespace) -> int:
    print(_order("ask", options)["heard"])
    return 0


def _order(do: str, options: argparse.Namespace, **more: str) -> dict[str, Any]:
    """Wait as long as it takes: a conversation, an alarm and other announcements may come before it."""
    request = {"do": do, "text": " ".join(options.text), "urgent": options.urgent, **more}
    return client.ask(request, patience_s=None)
