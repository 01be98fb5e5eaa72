"""The house that runs on this machine, as it tells of itself: the state that it keeps in its runtime folder."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

RUNTIME = Path("/run/hearthside")
HEALTH = "health.json"
# It is written every 10 s at least.
FRESH_S = 30.0
_MOST_BYTES = 1_000_000


class Part(msgspec.Struct, frozen=True):
    """The health of one part of the house."""

    part: str
    ok: bool
    why: str = ""
    what_to_do: str = ""


class Running(msgspec.Struct, frozen=True):
    """The state of a running house; `written` is when (unix s)."""

    state: str
    written: float
    pid: int = 0
    why: str = ""
    what_to_do: str = ""
    version: str = ""
    scored_frames: int = 0
    parts: tuple[Part, ...] = ()


def runtime_folders(environment: Mapping[str, str] | None = None) -> list[Path]:
    """Return where a running house may keep its state and its socket: the service's, and one run by hand."""
    environment = os.environ if environment is None else environment
    found = [RUNTIME]
    if own := environment.get("XDG_RUNTIME_DIR", ""):
        found.append(Path(own) / "hearthside")
    return found


def find_running(folders: Iterable[Path] | None = None, now: float | None = None) -> Running | None:
    """Return the house that runs; None where none does, or it may not be read."""
    now = time.time() if now is None else now
    for folder in runtime_folders() if folders is None else folders:
        running = _read(folder / HEALTH)
        if running is not None and is_alive(running, now):
            return running
    return None


def is_alive(running: Running, now: float) -> bool:
    """Tell whether what was written is news: a house that was killed leaves its last words behind."""
    return abs(now - running.written) <= FRESH_S


def _read(path: Path) -> Running | None:
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_MOST_BYTES), type=Running)
    except (OSError, msgspec.MsgspecError):
        return None
