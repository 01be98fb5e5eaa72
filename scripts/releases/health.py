#!/usr/bin/env python3
"""What the running device says of itself, and waiting until it hears.

    health.py FILE [--version VERSION] [--within SECONDS] [--before STATE]

waits until the device hears; exit code 1, and why on stderr, when it does not in time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WITHIN_S = 60.0
"""So long a release may take from its start until it hears."""

_POLL_S = 0.25
_HEARS = ("offline", "fault")
"""In these it hears, too: the provider was not reached, or a part that is not the microphone fails."""


@dataclass(frozen=True)
class Wanted:
    """What must be seen."""

    version: str = ""
    """Whatever it is when this is empty."""
    not_pid: object = None
    """The process before it, which may not have ended yet."""
    before: str = ""
    """The state before the change: to hear, though something else is not well, is enough where that was so already."""


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
    if state != "listening" and not (state == wanted.before and state in _HEARS):
        return ", ".join(str(now[key]) for key in ("state", "why", "what_to_do") if now.get(key))
    scored = now.get("scored_frames", 0) > first.get("scored_frames", 0)
    return "" if scored else f"it is {state}, but it has scored no sound"


def read(file: Path) -> dict[str, Any]:
    """Return what the device says; empty when it says nothing."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


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
    parser.add_argument("--before", default="", metavar="STATE", help="offline, fault: that it hears so is enough")
    options = parser.parse_args()
    said = wait(options.file, Wanted(options.version, before=options.before), options.within)
    if said:
        print(f"not listening within {options.within:g} s: {said}", file=sys.stderr)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
