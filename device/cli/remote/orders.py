"""hearthside mute, unmute, stop: an order to the house that runs."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from device.control import client

_ORDERS = {
    "mute": ("close the microphone; it stays closed over restarts", "muted: the microphone is closed"),
    "unmute": ("listen again", "unmuted"),
    "stop": ("end the conversation, and whatever is being said", "stopped"),
}
"""What each does, and what is printed when it is done."""


def add_to(commands: Any) -> None:
    """Add the commands to the parser's subcommands."""
    for name, (does, done) in _ORDERS.items():
        parser = commands.add_parser(name, help=does, description=f"Tells the Hearthside that runs here: {does}.")
        parser.set_defaults(command=partial(_run, name, done))


def _run(order: str, done: str, options: argparse.Namespace) -> int:
    client.ask({"do": order})
    print(done)
    return 0
