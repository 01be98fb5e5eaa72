"""hearthside persona, wake-word: who answers in the house that runs, and what wakes it."""

from __future__ import annotations

import argparse
from typing import Any

from device.control import client


def add_to(commands: Any) -> None:
    """Add the commands to the parser's subcommands."""
    persona = commands.add_parser(
        "persona",
        help="say or choose who answers",
        description="Says who answers in the Hearthside that runs here, and who else could; or chooses who does from "
        "the next conversation on, also after a restart.",
    )
    persona.add_argument(
        "name", nargs="*", metavar="NAME", help='of a table [conversation.personas.NAME]; or "default"'
    )
    persona.set_defaults(command=_persona)
    word = commands.add_parser(
        "wake-word",
        help="say or choose which wake words wake it",
        description="Says which wake words wake the Hearthside that runs here; or chooses one of them, and the others "
        "wake it no more, also after a restart.",
    )
    word.add_argument("word", nargs="*", metavar="WORD", help='one of wake.words; or "all"')
    word.set_defaults(command=_wake_word)


def _persona(options: argparse.Namespace) -> int:
    name = " ".join(options.name)
    told = client.ask({"do": "persona", **({"name": name} if name else {})})
    print(listed(told["persona"], told["personas"]))
    return 0


def _wake_word(options: argparse.Namespace) -> int:
    word = " ".join(options.word)
    told = client.ask({"do": "wake_word", **({"word": word} if word else {})})
    print(listed(told["wake_word"], told["wake_words"]))
    return 0


def listed(chosen: str, all_of_them: list[str]) -> str:
    """Return a line for each that may be chosen; the one that is has a mark."""
    return "\n".join(f"{'*' if one == chosen else ' '} {one}" for one in all_of_them)
