#!/usr/bin/env python3
"""What the running device says of itself, and waiting until it hears.

    health.py FILE [--version VERSION] [--within SECONDS] [--before JSON]

waits until the device hears; exit code 1, and why on stderr, when it does not in time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WITHIN_S = 60.0
"""So long a release may take from its start until it hears."""

_POLL_S = 0.25
_HEARS = ("listening", "offline", "fault")
"""In the last two it hears, too: the provider was not reached, or a part that is not the microphone fails."""


@dataclass(frozen=True)
class Wanted:
    """What must be seen."""

    version: str = ""
    """Whatever it is when this is empty."""
    not_pid: object = None
    """The process before it, which may not have ended yet."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """What the device said before the change. A part that was not well then, such as a lamp, may still be so. Where the
    device did not hear, or said nothing, it is enough that it hears now."""


def objection(first: Mapping[str, Any], now: Mapping[str, Any], wanted: Wanted) -> str:
    """Return why this is not yet a device that hears, "" when it is one.

    `first` is what the same process said first: sound was scored when there are more frames now. A muted device scores
    none.
    """
    if not now:
        return "it says nothing, so it does not come up"
    if wanted.not_pid is not None and now.get("pid") == wanted.not_pid:
        return "the service has not been restarted"
    if wanted.version and now.get("version") != wanted.version:
        return f"release {now.get('version')} still runs"
    state = now.get("state")
    if state == "muted":
        return ""
    if state not in _HEARS:
        return _told(now)
    if worse := _worse(now, wanted.before):
        return f"{state}, {worse}"
    scored = now.get("scored_frames", 0) > first.get("scored_frames", 0)
    return "" if scored else f"it is {state}, but it has scored no sound"


def _worse(now: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Return what is told of a part that is not well, but was before; "" when there is none."""
    if before.get("state") not in (*_HEARS, "muted"):
        return ""
    was_unwell = _unwell(before)
    return next((told for part, told in _unwell(now).items() if part not in was_unwell), "")


def _unwell(health: Mapping[str, Any]) -> dict[str, str]:
    """Return what is told of each part that is not well, by its name."""
    parts = [part for part in health.get("parts", ()) if not part.get("ok")]
    unwell = {
        str(part.get("part")): f"{part.get('part')}: {part.get('why')}, {part.get('what_to_do')}" for part in parts
    }
    if health.get("state") == "offline":
        # It can be so without a part that says it.
        unwell.setdefault("provider", ", ".join(_words(health, "why", "what_to_do")))
    return unwell


def _told(health: Mapping[str, Any]) -> str:
    return ", ".join(_words(health, "state", "why", "what_to_do"))


def _words(health: Mapping[str, Any], *keys: str) -> list[str]:
    return [str(health[key]) for key in keys if health.get(key)]


def understood(text: str | bytes) -> dict[str, Any]:
    """Return what a device has said, by its JSON; empty when that is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def read(file: Path) -> dict[str, Any]:
    """Return what the device says; empty when it says nothing."""
    try:
        return understood(file.read_bytes())
    except OSError:
        return {}


def wait(file: Path, wanted: Wanted, within_s: float = WITHIN_S) -> str:
    """Wait until the device hears; return "", or what was against it to the end."""
    end = time.monotonic() + within_s
    first: dict[str, Any] = {}
    while True:
        now = read(file)
        if now.get("pid") != first.get("pid"):
            # Each process counts its frames from its start.
            first = now
        said = objection(first, now, wanted)
        if not said or time.monotonic() >= end:
            return said
        time.sleep(_POLL_S)


def main() -> int:
    """Wait, for scripts that are no Python."""
    parser = argparse.ArgumentParser(description="Waits until the running device hears.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--version", default="", help="which must be running; whichever it is if not given")
    parser.add_argument("--within", type=float, default=WITHIN_S, metavar="SECONDS")
    parser.add_argument("--before", default="", metavar="JSON", help="what it said before: what was broken may be so")
    options = parser.parse_args()
    said = wait(options.file, Wanted(options.version, before=understood(options.before)), options.within)
    if said:
        print(f"not listening within {options.within:g} s: {said}", file=sys.stderr)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
