"""The house that runs on this machine, as it tells of itself over its control socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from device.control.client import ControlError, NotAllowedError, NotRunningError, ask

UNKNOWN = "unknown"
"""The state of a house that runs, and that this user may not ask."""
# A house that has not answered by then hangs.
_PATIENCE_S = 5.0

Ask = Callable[[dict[str, Any], float], dict[str, Any]]


class Part(msgspec.Struct, frozen=True):
    """The health of one part of the house."""

    part: str
    ok: bool
    why: str = ""
    what_to_do: str = ""


class Running(msgspec.Struct, frozen=True):
    """A running house."""

    state: str
    why: str = ""
    what_to_do: str = ""
    version: str = ""
    scored_frames: int = 0
    parts: tuple[Part, ...] = ()


class Levels(msgspec.Struct, frozen=True):
    """How loud the last second at its microphone was."""

    rms_dbfs: float | None
    clipped: int
    digital_silence: bool
    of_ms: float
    muted: bool


def find_running(ask_house: Ask = ask) -> Running | None:
    """Ask the house that runs how it is; None where none does. Blocks for some seconds at most."""
    try:
        return msgspec.convert(ask_house({"do": "status"}, _PATIENCE_S), Running)
    except NotRunningError:
        return None
    except NotAllowedError as error:
        why, _, todo = str(error).partition("; ")
        return Running(UNKNOWN, why, todo)
    except (ControlError, msgspec.ValidationError) as error:
        return Running("hanging", str(error), "sudo systemctl restart hearthside")


def ask_levels(ask_house: Ask = ask) -> Levels | None:
    """Ask what its microphone hears; None when it cannot say. Blocks for some seconds at most."""
    try:
        return msgspec.convert(ask_house({"do": "levels"}, _PATIENCE_S), Levels)
    except (ControlError, msgspec.ValidationError):
        return None
