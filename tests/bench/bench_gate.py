"""Measures how much of a follow-up window is not sent: of silence, of noise, and around sentences, which stay whole.

`python tests/bench/bench_gate.py [--count 40] [--write]` prints a Markdown table: for each kind of window the share of
its 8 s that the gate withheld, with the padding for a provider's VAD and with the padding for local turn taking; and of
the sentences (each with both) how many were sent whole, how many were not noticed, and how many lost a part.

The detector, segmenter, padding and gate are those of the daemon. There is no provider: in the daemon nothing is
withheld from the moment at which the provider hears somebody.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import common
from wake_set import RATE, Sound, in_room, noise, say

from device.audio.ear.frontend import VAD_FRAME
from device.audio.ear.gate import Gate
from device.audio.ear.preroll import PrerollRing
from device.audio.ear.segmenter import Segmenter
from device.audio.ear.vad import WebRtcVad
from device.audio.frames import Rechunker
from device.house import configuration
from device.house.configuration import Config
from device.house.policy import padding, segmenting
from device.units import CAPTURE_RATE, Samples

BEFORE_S, WINDOW_S = 4, 8
"""Sound of the room before the window, to which the detector adapts, and the window."""
OPENS = BEFORE_S * RATE
SENTENCES = ("turn off the light", "what about tomorrow", "stop", "and set a timer for five minutes please", "yes")
NOISES = {"silence": 3.0, "hiss": 200.0, "fan": 200.0, "rumble": 200.0, "babble": 200.0}
ROOMS = ("near", "far", "quiet", "hiss", "fan", "babble")
MODES = {name: configuration.parse({"conversation": {"turn_taking": name}}) for name in ("server", "local")}
# A position must fit into a sample.
STEP = 4

Window = tuple[Sound, tuple[int, int] | None]
"""The sound, and where in it somebody speaks."""


@dataclass
class Row:
    """One kind of window."""

    shares: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in MODES})
    missing: list[tuple[float, float]] = field(default_factory=list)
    """Of each sentence, in either mode: milliseconds, and the share of it."""


def noisy(kind: str, chance: np.random.Generator) -> Window:
    """Return a window in which nobody speaks."""
    nothing = np.zeros((BEFORE_S + WINDOW_S) * RATE)
    return noise("hiss" if kind == "silence" else kind, nothing, NOISES[kind], chance), None


def spoken(room: str, chance: np.random.Generator) -> Window:
    """Return a window with one sentence somewhere in it."""
    words = say(str(chance.choice(SENTENCES)), chance)[: 4 * RATE]
    at = OPENS + int(chance.uniform(0.5, 3.5) * RATE)
    sound = np.zeros((BEFORE_S + WINDOW_S) * RATE)
    sound[at : at + len(words)] = words
    return in_room(room, sound, (at, at + len(words)), chance), (at, at + len(words))


def passed(sound: Sound, settings: Config) -> np.ndarray:
    """Return which samples of `sound` the gate lets out, as a mask."""
    sent: list[bytes] = []
    ring = PrerollRing()
    gate = Gate(ring, CAPTURE_RATE, sent.append, padding(settings))
    vad, segmenter = WebRtcVad(settings.audio.vad_aggressiveness), Segmenter(segmenting(settings))
    pcm = np.clip(np.round(sound), -32768, 32767).astype("<i2").tobytes()
    for frame in Rechunker(VAD_FRAME).process(pcm):
        if frame.position == OPENS:
            gate.open(Samples(OPENS), voiced_only=True)
        ring.write((np.arange(frame.position, frame.end) // STEP).astype("<u2").tobytes())
        gate.advance()
        if fact := segmenter.process(vad.is_voice(frame), frame.position, frame.end):
            gate.follow(fact)
    steps = np.frombuffer(b"".join(sent), "<u2").astype(int)
    return np.bincount(steps, minlength=len(sound) // STEP).repeat(STEP)[: len(sound)].astype(bool)


def measure(make: Callable[[np.random.Generator], Window], count: int, chance: np.random.Generator) -> Row:
    """Send `count` windows of a kind through the gate of both modes."""
    row = Row()
    for _ in range(count):
        sound, speech = make(chance)
        for name, settings in MODES.items():
            mask = passed(sound, settings)
            row.shares[name].append(1 - float(mask[OPENS:].mean()))
            if speech:
                withheld = ~mask[slice(*speech)]
                row.missing.append((float(withheld.sum()) * 1000 / RATE, float(withheld.mean())))
    return row


def report(rows: dict[str, Row]) -> str:
    """Return the table."""
    lines = []
    for kind, row in rows.items():
        shares = [f"{100 * statistics.mean(row.shares[name]):.0f} %" for name in MODES]
        lines.append((kind, *shares, *_sentences(row)))
    head = ("8 s of", *(f"withheld, {name} turn taking" for name in MODES), "sentences whole", "unheard", "cut (worst)")
    return common.table(head, lines)


def _sentences(row: Row) -> tuple[str, str, str]:
    if not row.missing:
        return "", "", ""
    cut = [ms for ms, share in row.missing if 0 < share < 1]
    unheard = sum(share == 1 for _, share in row.missing)
    worst = f" ({max(cut):.0f} ms)" if cut else ""
    return f"{len(row.missing) - unheard - len(cut)} of {len(row.missing)}", str(unheard), f"{len(cut)}{worst}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=40, help="windows of each kind")
    parser.add_argument("--write", action="store_true", help="put the table into docs/figures.md")
    options = parser.parse_args()
    chance = np.random.default_rng(5)
    rows = {}
    for kind in NOISES:
        rows[kind] = measure(lambda chance, kind=kind: noisy(kind, chance), options.count, chance)
    for room in ROOMS:
        rows[f"speech, {room}"] = measure(lambda chance, room=room: spoken(room, chance), options.count, chance)
    common.publish("bench_gate", report(rows), options.write)


if __name__ == "__main__":
    main()
