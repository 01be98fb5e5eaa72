"""Measures how much later wake words are detected in sound that goes on, because the microphone delivers it in blocks.

In simulated time, with the code of the daemon but without a card: words follow talk, in blocks that begin anywhere, and
an engine that gets every step at once hears the same. Prints a Markdown table. `--people FOLDER`: also with recordings
of people, whose files are called WORD-ANYTHING.wav.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import common
import numpy as np
from wake_set import CHUNK, RATE, SPELLING, Sound, say
from word_set import TALK

from device.audio.cards.capture import Intake, Pace, pace_of
from device.audio.cards.microphone import MIDDLE_BLOCK_MS
from device.audio.wavfile import open_wav
from device.core.status import Phase
from device.ports.wake import Detection
from device.units import CAPTURE_RATE
from device.wake.decision import Expectation
from device.wake.openwakeword.engine import OpenWakeWord
from device.wake.steps import Steps

WORDS = tuple(SPELLING)
FRAME_MS = 20
LEAD_S, TAIL_S = 4.0, 2.0
BEFORE, WITHIN, NEVER = "before the word", "within the word", "never"
SYNTHETIC, PEOPLE = "synthetic voices", "people"


@dataclass(frozen=True)
class Delivery:
    """How the microphone delivers sound."""

    name: str
    block_ms: int
    anew: str = BEFORE
    """When the steps begin anew, with a block."""
    relaxed: bool = True
    """Sound in which nothing is heard may wait for more."""


DELIVERIES = (
    Delivery("blocks of 20 ms, each step at once", 20, relaxed=False),
    Delivery("blocks of 60 ms (as it was)", 60),
    Delivery(f"blocks of {MIDDLE_BLOCK_MS} ms", MIDDLE_BLOCK_MS),
    Delivery("the same, before steps begin anew with a block", MIDDLE_BLOCK_MS, NEVER),
    Delivery("the same, while they do", MIDDLE_BLOCK_MS, WITHIN),
)


@dataclass(frozen=True)
class Scene:
    """`pcm`: s16le, talk and then the word, which begins and ends there (samples)."""

    word: str
    pcm: bytes
    begin: int
    end: int


@dataclass
class Row:
    """What became of the words."""

    words: int = 0
    after_ms: list[float] = field(default_factory=list)
    """From the end of each word that was detected to its detection."""
    waited_ms: list[float] = field(default_factory=list)
    """From the end of the step by which it is detected: how long that waited for its delivery."""


class Ear:
    """An engine behind a microphone."""

    def __init__(self, engine: OpenWakeWord, delivery: Delivery) -> None:
        self._engine = engine
        self._delivery = delivery
        self._expectation = Expectation(engine.rules)
        self._steps = Steps()
        self._intake = Intake(CAPTURE_RATE, 1, 0, FRAME_MS)
        self._scored = 0

    def listen(self, pcm: bytes, first: int, anew_from: float) -> Iterator[tuple[Detection, int, int]]:
        """Yield detections, how much sound (samples) there was when they were reported, and where their step ended.

        `first` is the length of the first block, in samples; `anew_from`, from where on steps may begin anew.
        """
        self._engine.reset()
        block = self._delivery.block_ms * RATE // 1000
        for end in range(first, len(pcm) // 2 + 1, block):
            piece = self._intake.feed(pcm[2 * max(0, end - block) : 2 * end], end / RATE, self._pace())
            if piece is not None:
                yield from ((found, end, step_end) for found, step_end in self._score(piece.pcm, end))
                if end >= anew_from and not self._expectation.holds_at(self._scored):
                    self._steps.align()

    def _pace(self) -> Pace:
        is_expected = not self._delivery.relaxed or self._expectation.holds_at(self._scored)
        return pace_of(Phase.IDLE, False, is_expected, self._steps.are_aligned)

    def _score(self, pcm: bytes, end: int) -> Iterator[tuple[Detection, int]]:
        steps = self._steps.cut(pcm)
        for at in range(0, len(steps), 2 * CHUNK):
            step_end = end - self._steps.begun_samples - (len(steps) - at) // 2 + CHUNK
            yield from ((found, step_end) for found in self._engine.process(steps[at : at + 2 * CHUNK]))
        self._scored += len(steps) // 2
        if steps:
            self._expectation.hear(self._engine.scores, self._scored)


def scenes(spoken: Sequence[tuple[str, Sound]], chance: np.random.Generator) -> Iterator[Scene]:
    """Yield each word, a moment after talk."""
    for word, sound in spoken:
        talk = np.concatenate([say(str(chance.choice(TALK)), chance) * 5000 for _ in range(2)])
        lead = talk[-int(LEAD_S * RATE) :]
        pause = np.zeros(int(chance.integers(RATE // 2)))
        pcm = np.concatenate([lead, pause, sound, np.zeros(int(TAIL_S * RATE))])
        pcm += chance.standard_normal(len(pcm)) * 5
        begin = len(lead) + len(pause)
        yield Scene(word, np.clip(pcm, -32768, 32767).astype("<i2").tobytes(), begin, begin + len(sound))


def measure(spoken: Sequence[tuple[str, Sound]], rounds: int) -> dict[Delivery, Row]:
    """Let every way of delivery have every word, `rounds` times with other talk and other blocks."""
    chance, engine = np.random.default_rng(1), OpenWakeWord(WORDS)
    rows: dict[Delivery, Row] = defaultdict(Row)
    for scene in scenes(list(spoken) * rounds, chance):
        for delivery in DELIVERIES:
            row = rows[delivery]
            block, length = delivery.block_ms * RATE // 1000, scene.end - scene.begin
            within = scene.begin + int(chance.integers(length))
            anew_from: float = {BEFORE: 0, WITHIN: within, NEVER: math.inf}[delivery.anew]
            heard = Ear(engine, delivery).listen(scene.pcm, int(chance.integers(1, block + 1)), anew_from)
            row.words += 1
            for at, step_end in ((at, step_end) for found, at, step_end in heard if found.word == scene.word):
                row.after_ms.append((at - scene.end) * 1000 / RATE)
                row.waited_ms.append((at - step_end) * 1000 / RATE)
                break
    return rows


def table(measured: dict[str, dict[Delivery, Row]]) -> str:
    """Return it as Markdown."""
    rows = []
    for voices, found in measured.items():
        for delivery, row in found.items():
            after = (f"{np.mean(row.after_ms):.0f}", f"{max(row.after_ms):.0f}")
            waited = (f"{ms:.0f}" for ms in (*np.percentile(row.waited_ms, (50, 90)), max(row.waited_ms)))
            mean = f"{np.mean(row.waited_ms):.0f}"
            rows.append((voices, delivery.name, str(row.words), str(len(row.after_ms)), *after, mean, *waited))
    detected = ("words", "detected", "ms after the word, mean", "most")
    return common.table(("voices", "delivery", *detected, "ms waited, mean", "median", "p90", "most"), rows)


def of_people(folder: Path) -> list[tuple[str, Sound]]:
    """Return the recordings of words that the engine knows, without the silence around them."""
    found = []
    for path in sorted(folder.glob("*.wav")):
        word = path.name.partition("-")[0]
        if word in WORDS:
            with open_wav(path) as pieces:
                sound = np.frombuffer(b"".join(pieces), "<i2").astype(np.float64)
            loud = np.flatnonzero(np.abs(sound) > 0.03 * np.abs(sound).max())
            found.append((word, sound[loud[0] : loud[-1] + 1]))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=160, help="how many words are spoken by synthetic voices")
    parser.add_argument("--people", type=Path, help="a folder of recordings")
    parser.add_argument("--rounds", type=int, default=6, help="how often each recording is used")
    parser.add_argument("--write", action="store_true", help="put the table into docs/figures.md")
    options = parser.parse_args()
    chance = np.random.default_rng(2)
    words = [(word, SPELLING[word]) for word, _ in zip(itertools.cycle(WORDS), range(options.count), strict=False)]
    spoken = [(word, say(text, chance) * chance.uniform(2000, 15_000)) for word, text in words]
    measured = {SYNTHETIC: measure(spoken, 1)}
    if options.people:
        measured[PEOPLE] = measure(of_people(options.people), options.rounds)
    common.publish("bench_delivery", table(measured), options.write)


if __name__ == "__main__":
    main()
