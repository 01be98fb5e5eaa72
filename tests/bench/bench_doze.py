"""Measures whether dozing changes what is detected, and when: an engine that dozes is compared with one that does not.

`python tests/bench/bench_doze.py [--count 540]` prints a Markdown table by room: the wake words that the engine detects
without dozing; those that the dozing engine misses, adds or reports with another score (by 0.01) or end of the word (by
more than a sample); how much later it detects at most; in how many scenes it dozed so long that sound was never scored;
and how much of the time it runs. The dozing engine gets sound as the microphone delivers it: in long blocks in a room
at rest.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import common
from wake_set import CHUNK, RATE, ROOMS, SPELLING, Scene, scenes

from device.audio.cards.capture import Pace
from device.ports.wake import Detection
from device.wake.decision import Expectation
from device.wake.doze import Doze
from device.wake.openwakeword.engine import OpenWakeWord
from device.wake.steps import Steps

CHUNK_BYTES = 2 * CHUNK
WORDS = tuple(SPELLING)
# How long the microphone holds sound back in a quiet room, and by how much more its streams overlap while they change.
LONG, OVERLAP = int(Pace.CALM) * RATE // 1000, 50 * RATE // 1000
RELAXED, LEISURELY = int(Pace.RELAXED) * RATE // 1000, int(Pace.LEISURELY) * RATE // 1000
Heard = list[tuple[int, Detection]]
"""Detections with the positions (in samples of the stream) at which they were reported."""


def engine() -> OpenWakeWord:
    """Return the engine that both are given."""
    return OpenWakeWord(WORDS)


def chunks(pcm: bytes) -> list[bytes]:
    """Return the 80 ms that the worker hands over."""
    return [pcm[at : at + CHUNK_BYTES] for at in range(0, len(pcm), CHUNK_BYTES)]


class AlwaysOn:
    """Scores every chunk at once."""

    def __init__(self) -> None:
        self._engine = engine()
        self._position = 0

    def listen(self, pcm: bytes) -> Heard:
        """Return what is detected."""
        heard: Heard = []
        for chunk in chunks(pcm):
            self._position += CHUNK
            heard += [(self._position, detection) for detection in self._engine.process(chunk)]
        return heard


class Dozing:
    """Feeds the engine as worker (without its thread) and microphone do: when it dozes deeply, in long blocks."""

    def __init__(self) -> None:
        self._engine = engine()
        self._doze = Doze()
        self._expectation = Expectation(self._engine.rules)
        self._stream = b""
        self._position = self._taken = self._fed = 0
        self._is_long = False
        self._steps = Steps()
        self._next_arrival = CHUNK
        self.skips = self.worked = 0
        """Chunks after which the engine did not doze."""

    def listen(self, pcm: bytes) -> Heard:
        """Return what is detected."""
        heard: Heard = []
        self._stream += pcm
        end = self._position + len(pcm) // 2
        while self._next_arrival <= end:
            self._position = self._next_arrival
            heard += self._advance()
            self._next_arrival = self._position + self._block()
        self._position = end
        return heard

    def _advance(self) -> Heard:
        """Feed the sound that has arrived to the doze, in whole chunks."""
        count = (self._position - self._taken) // CHUNK
        arrived, self._stream = self._stream[: count * CHUNK_BYTES], self._stream[count * CHUNK_BYTES :]
        self._taken += count * CHUNK
        sound = self._doze.feed(arrived, self._expectation.holds_at(self._taken)) if count else None
        if sound is None:
            return []
        self.worked += count
        if sound.skipped:
            self.skips += 1
            self._engine.skip(self._taken - len(sound.pcm) // 2 - self._fed)
        self._fed = self._taken
        found = self._engine.process(sound.pcm)
        self._expectation.hear(self._engine.scores, self._fed)
        return [(self._position, detection) for detection in found]

    def _block(self) -> int:
        """Return how much sound arrives next: a long block, or less when the microphone changes to short blocks."""
        was_long, self._is_long = self._is_long, self._doze.is_deep
        if self._is_long:
            return LONG if was_long else 2 * LONG + OVERLAP
        if was_long:
            self._steps.reset()
            return LONG
        relaxed = LEISURELY if self._steps.are_aligned else RELAXED
        batch = CHUNK if self._expectation.holds_at(self._taken) else relaxed
        block = batch - self._position % batch
        if not self._expectation.holds_at(self._taken):
            self._steps.align()
        self._steps.cut(bytes(2 * block))
        return block


@dataclass
class Count:
    """One room's row."""

    scenes: int = 0
    slept: int = 0
    detected: int = 0
    missed: int = 0
    added: int = 0
    moved: int = 0
    """Detected by both, with another score or another end of the word."""
    delays_ms: list[float] = field(default_factory=list)
    chunks: int = 0
    worked: int = 0


def compare(stream: Iterable[Scene]) -> dict[str, Count]:
    """Let both listen to one stream of all scenes."""
    counts: dict[str, Count] = defaultdict(Count)
    always, dozing = AlwaysOn(), Dozing()
    for scene in stream:
        count, worked, skips = counts[scene.room], dozing.worked, dozing.skips
        expected, got = always.listen(scene.pcm), dozing.listen(scene.pcm)
        by_word = {detection.word: (at, detection) for at, detection in got}
        count.scenes += 1
        count.slept += dozing.skips > skips
        count.detected += len(expected)
        count.added += max(0, len(got) - len(expected))
        for at, detection in expected:
            if found := by_word.get(detection.word):
                count.delays_ms.append((found[0] - at) * 1000 / RATE)
                count.moved += abs(found[1].score - detection.score) > 0.01 or abs(found[1].end - detection.end) > 1
            else:
                count.missed += 1
        count.chunks += len(scene.pcm) // CHUNK_BYTES
        count.worked += dozing.worked - worked
    return counts


def table(counts: dict[str, Count]) -> str:
    """Return the comparison as Markdown."""
    rows = []
    for room in ROOMS:
        c = counts[room]
        numbers = (c.scenes, c.slept, c.detected, c.missed, c.added, c.moved)
        latest, share = max(c.delays_ms, default=0), c.worked / max(1, c.chunks)
        rows.append((room, *map(str, numbers), f"{latest:.0f}", f"{share:.0%}"))
    head = (
        "room",
        "scenes",
        "slept through",
        "detected",
        "missed",
        "added",
        "otherwise",
        "ms later at most",
        "at work",
    )
    return common.table(head, rows)


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=540)
    parser.add_argument("--write", action="store_true", help="put the table into docs/figures.md")
    options = parser.parse_args()
    common.publish("bench_doze", table(compare(scenes(options.count))), options.write)


if __name__ == "__main__":
    main()
