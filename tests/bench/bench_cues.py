"""Measures how much of a wake cue is left in the outgoing audio, in simulated rooms; prints Markdown tables.

`tests/bench/bench_cues.py [--write]`. It needs espeak-ng for the answers from which the canceller learns, and no sound
card; it takes 20 s. The rooms are those of bench_echo.py.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench_echo import ROOMS
from common import publish, table

from device.audio.echo.farend import FarEnd
from device.sim.room.acoustics import Room
from tests.audio.echo.cue_stage import CueHeard, hear_cue, heard_span, make_canceller, notes_dbfs
from tests.audio.echo.echo_stage import PLAYED_RATE, RATE, answers

KINDS = {"none": "no canceller", "new": "a new canceller", "trained": "a canceller that knows the room"}
# The canceller adapts during an answer; then there is a pause.
LEARNING_S, PAUSE_S, AFTER_S = 8, 2, 1.5


@dataclass(frozen=True)
class Figures:
    """Levels of a cue's notes: as captured, and in the outgoing audio with and without the mask."""

    room: float
    captured: float
    unmasked: float
    sent: float
    silent_after_ms: float


def measure(place: Room, kind: str) -> Figures:
    """Play a cue in a room."""
    masked, unmasked = hear(place, kind, True), hear(place, kind, False)
    span, before = heard_span(masked), slice(masked.at - RATE * 8 // 10, masked.at)
    return Figures(
        notes_dbfs(masked.captured, before),
        notes_dbfs(masked.captured, span),
        notes_dbfs(unmasked.sent, span),
        notes_dbfs(masked.sent, span),
        max(0.0, masked.hidden_after_ms),
    )


def hear(place: Room, kind: str, masked: bool) -> CueHeard:
    """Play a cue; before it an answer, if the canceller is to have adapted to the room."""
    far_end = FarEnd(PLAYED_RATE)
    before = np.zeros(PAUSE_S * RATE, np.float32)
    if kind == "trained":
        before = np.concatenate((answers(LEARNING_S, place.seed), before))
    near = np.zeros(len(before) + int(AFTER_S * RATE), np.float32)
    return hear_cue(place, make_canceller(kind, far_end), far_end, before=before, near=near, masked=masked)


def rows(found: dict[str, list[Figures]]) -> Iterator[tuple[str, ...]]:
    """One row for each state of the canceller, over all rooms."""
    for kind, ones in found.items():
        levels = (spread([getattr(one, name) for one in ones]) for name in ("room", "captured", "unmasked", "sent"))
        yield (KINDS[kind], *levels, spread([one.silent_after_ms for one in ones]))


def room_rows(found: list[Figures]) -> Iterator[tuple[str, ...]]:
    """One row for each room, without a canceller."""
    for place, one in zip(ROOMS, found, strict=True):
        level = f"{place.delay_ms:g} ms, {one.captured:.0f} dBFS, {place.rt60_s:g} s"
        yield (level, f"{one.sent:.0f}", f"{one.room:.0f}", f"{one.silent_after_ms:.0f}")


def spread(values: list[float]) -> str:
    """Return the median, the minimum and the maximum."""
    return f"{statistics.median(values):.0f} ({min(values):.0f} .. {max(values):.0f})"


def main() -> None:
    """Make the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the tables on docs/figures.md")
    arguments = parser.parse_args()
    found = {kind: [measure(place, kind) for place in ROOMS] for kind in KINDS}
    texts = (
        table(HEAD, list(rows(found))),
        "Room by room, without a canceller:",
        table(ROOM_HEAD, list(room_rows(found["none"]))),
    )
    publish("bench_cues", "\n\n".join(texts), arguments.write)


HEAD = (
    *("", "the room's noise, dBFS", "cue captured", "sent, not silenced", "sent"),
    "ms of silence after the cue",
)
ROOM_HEAD = ("delay, cue captured, reverberation", "sent, dBFS", "the room's noise", "ms of silence after the cue")


if __name__ == "__main__":
    main()
