"""hearthside volume: how loud the house that runs speaks."""

from __future__ import annotations

import argparse
import re
from typing import Any

from device.control import client


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("volume", help="say or set how loud it speaks")
    parser.add_argument(
        "change",
        nargs="?",
        type=_change,
        default={},
        metavar="N|+N|-N",
        help="percent, 0 to 100; or more, or less",
    )
    parser.set_defaults(command=_run)


def _change(text: str) -> dict[str, int]:
    """Return what to ask for. Raise ArgumentTypeError."""
    number = int(text) if re.fullmatch(r"[+-]?[0-9]{1,3}", text) else None
    if number is None or abs(number) > 100:
        raise argparse.ArgumentTypeError("give percent: 0 to 100, or +N or -N")
    return {"by" if text[0] in "+-" else "to": number}


def _run(options: argparse.Namespace) -> int:
    told = client.ask({"do": "volume", **options.change})
    print(f"{told['volume']} %")
    return 0
