"""Whether dozing changes what is detected, and when: the same engine always on beside one that dozes.

`python tests/bench/bench_doze.py [--count 540]` prints a Markdown table by room: wake words that the always-on engine
detects, those that the dozing one misses, adds or reports otherwise (score by 1e-4, end of the word by a sample), how
much later it detects at worst, in how many scenes it had slept so long that sound was left out, and how much of the
time it works. In the other's way of listening sound arrives as the microphone brings it: at rest in long blocks.
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

from device.ports import Detection
from device.wake.doze import Doze
from device.wake.openwakeword import OpenWakeWord

CHUNK_BYTES = 2 * CHUNK
WORDS = tuple(SPELLING)
# In chunks. A change waits for one more long block, and until the streams overlap (measured: 50 ms more).
SHORT, LONG, TO_LONG, TO_SHORT = 1, 3, 6, 4
Heard = list[tuple[int, Detection]]
"""When (samples of the stream) and what."""


def engine() -> OpenWakeWord:
    """Return the engine of both ways."""
    return OpenWakeWord(WORDS)


def chunks(pcm: bytes) -> list[bytes]:
    """Return the 80 ms that the worker hands over."""
    return [pcm[at : at + CHUNK_BYTES] for at in range(0, len(pcm), CHUNK_BYTES)]


class AlwaysOn:
    """Every chunk is scored at once."""

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
    """The worker's way without its thread, and the microphone's: long blocks for a deep sleep, and slow changes."""

    def __init__(self) -> None:
        self._engine = engine()
        self._doze = Doze(self._engine.memory)
        self._position = self._fed = 0
        self._block = SHORT
        self._arriving: list[bytes] = []
        self.skips = self.worked = self.deep = 0
        """Chunks after which the engine was not asleep; and those that came in long blocks."""

    def listen(self, pcm: bytes) -> Heard:
        """Return what is detected."""
        heard: Heard = []
        for chunk in chunks(pcm):
            self._arriving.append(chunk)
            self._position += CHUNK
            if len(self._arriving) >= self._block:
                heard += self._take(self._arriving)
                self._arriving = []
                self._block = self._next_block()
        return heard

    def _take(self, arrived: list[bytes]) -> Heard:
        heard: Heard = []
        for left, chunk in zip(range(len(arrived) - 1, -1, -1), arrived, strict=True):
            if sound := self._doze.take(chunk, more=left > 0):
                self.worked += 1
                samples, end = len(sound.pcm) // 2, self._position - left * CHUNK
                if sound.skipped:
                    self.skips += 1
                    self._engine.skip(end - samples - self._fed)
                self._fed = end
                heard += [(self._position, detection) for detection in self._engine.process(sound.pcm)]
        return heard

    def _next_block(self) -> int:
        is_long = self._block in (LONG, TO_LONG)
        if self._doze.is_deep:
            self.deep += self._block if is_long else 0
            return LONG if is_long else TO_LONG
        return TO_SHORT if is_long else SHORT


@dataclass
class Count:
    """One room's row."""

    scenes: int = 0
    slept: int = 0
    detected: int = 0
    missed: int = 0
    added: int = 0
    moved: int = 0
    """Detected in both, but with another score or another place of the word's end."""
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
                count.moved += abs(found[1].score - detection.score) > 1e-4 or found[1].end != detection.end
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
