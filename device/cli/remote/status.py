"""hearthside status: how the house that runs is doing."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from typing import Any

from device.control import client
from device.ports.choices import ALL, DEFAULT

_MEANINGS = {
    "listening": "all is well",
    "fault": "it hears you, but something does not work",
    "offline": "it hears you, but who answers could not be reached the last time",
    "deaf": "it does not hear its wake word",
}
"""What the states mean that do not say it by themselves, or by what follows."""
_PHASES = {
    "waking": "opening a conversation",
    "listening": "listening to you",
    "thinking": "waiting for the answer",
}
"""How phases are told whose names are not enough."""
_BESIDE = (
    ("ringing", "ringing"),
    ("announcing", "making an announcement"),
    ("confirming", "waiting for a permission"),
)
"""What may go on beside a phase, by its key, and how it is told."""


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("status", help="say how the service is doing, and what to do about it")
    parser.add_argument("--json", action="store_true", help="for programs: all that is known, as JSON")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    told = client.ask({"do": "status"})
    print(json.dumps(told) if options.json else "\n".join(lines(told)))
    return 0


def lines(told: dict[str, Any]) -> Iterator[str]:
    """Yield it for people: the state, what is not well, and a few facts."""
    yield _first_line(told)
    unwell = [part for part in told["parts"] if not part["ok"]]
    if not unwell and told["why"]:
        yield from _trouble(told["why"], told["what_to_do"])
    for part in unwell:
        yield from _trouble(f"{part['part']}: {part['why']} (since {_when(part['since'])})", part["what_to_do"])
    yield from _chosen(told)
    volume = "unknown" if told["volume"] is None else f"{told['volume']} %"
    yield f"volume: {volume}; provider: {told['provider']}; version: {told['version']}"


def _first_line(told: dict[str, Any]) -> str:
    state, phase = told["state"], told["phase"]
    during = [] if phase == "idle" else [_PHASES.get(phase, phase)]
    during += [words for key, words in _BESIDE if told[key]]
    meaning = _MEANINGS.get(state, "")
    if state == "listening" and not during:
        meaning += ", it waits for its wake word"
    said = f"{state} since {_when(told['since'])}" + (f": {meaning}" if meaning else "")
    return said + (f" ({', '.join(during)})" if during else "")


def _chosen(told: dict[str, Any]) -> Iterator[str]:
    words = ", ".join(told["words"])
    if told.get("wake_word", ALL) == ALL:
        yield f"wake words: {words}"
    else:
        yield f"wake word: {told['wake_word']} only, of {words} (`hearthside wake-word all` lets all of them wake it)"
    if told.get("persona", DEFAULT) != DEFAULT:
        yield f"persona: {told['persona']}"


def _trouble(why: str, what_to_do: str) -> Iterator[str]:
    yield f"  {why}"
    if what_to_do:
        yield f"  what to do: {what_to_do}"


def _when(since_1970: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(since_1970))
