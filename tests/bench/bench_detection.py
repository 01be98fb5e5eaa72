"""Measures the time from the end of a wake word to its detection, with microphone, engine and doze as in the daemon.

On the virtual sound card: in a room at rest (`calm`: the microphone delivers long blocks and the engine dozes), in a
quiet one where people live (its blocks stay at 80 ms), in one where somebody spoke just before, and without dozing.
Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))

import common

from device.audio.cards import microphone
from device.audio.cards.capture import Pace, pace_of
from device.audio.cards.microphone import AlsaMicrophone
from device.audio.cards.portaudio import SoundCards
from device.audio.settings import Audio
from device.core.status import Phase
from device.foreign.espeak import VoiceStyle
from device.sim.devices.soundcard import MICROPHONE, Recording, VirtualSoundCard
from device.sim.person.voice import Person
from device.wake.engines import load_engine
from device.wake.settings import Wake
from device.wake.worker import WakeWorker

WORD = "hey_jarvis"
VOICES = (
    VoiceStyle("en-us", 150),
    VoiceStyle("en-us", 175, 60),
    VoiceStyle("en-us", 130, 40),
    VoiceStyle("en-us", 160, 30),
)
CALM_AFTER_S, BUSY_AFTER_S = 10.0, 2.5
AT_ONCE, NEVER = 0, sys.maxsize
"""After how many samples of quiet there are long blocks again."""
LIMIT_S = 3.0
LOUD = 1000


@dataclass
class Ear:
    """Microphone and engine, and the times of the detections."""

    doze: bool
    detected: list[float] = field(default_factory=list)

    async def open(self) -> tuple[SoundCards, WakeWorker]:
        """Listen."""
        engine = load_engine(Wake(words=(WORD,)))
        worker = WakeWorker(engine, lambda heard: self.detected.append(time.monotonic()), print, doze=self.doze)
        worker.start()
        cards = SoundCards(Audio(input=MICROPHONE), print)

        def pace() -> Pace:
            return pace_of(Phase.IDLE, worker.is_at_rest, worker.expects_word, worker.is_punctual)

        await AlsaMicrophone(cards, lambda pcm, moment: worker.feed(pcm), pace, worker.reset).open()
        return cards, worker


async def delays(ear: Ear, card: VirtualSoundCard, room: Recording, pause_s: float, count: int) -> list[float]:
    """Return how long (ms) after its end each of `count` words was detected; infinite: never."""
    found = []
    for number, voice in zip(range(count), itertools.cycle(VOICES), strict=False):
        # A random pause, so that words do not always begin at the same place of a block.
        await asyncio.sleep(pause_s + number * 0.037 % 0.32)
        ear.detected.clear()
        begun = time.monotonic()
        await Person(card.play_into_room, voice).say("", "hey jarvis")
        await asyncio.sleep(LIMIT_S if not ear.detected else 0.3)
        ended = common.loud_span(room, begun, time.monotonic(), LOUD).ended
        found.append((ear.detected[0] - ended) * 1000 if ear.detected else float("inf"))
    return found


async def measure(count: int) -> dict[str, list[float]]:
    """Measure all, one after the other; before each one word more, so that what follows is as in all later ones."""
    kinds = {
        "calm": (True, CALM_AFTER_S, AT_ONCE),
        "calm, where people live": (True, CALM_AFTER_S, NEVER),
        "after other sounds": (True, BUSY_AFTER_S, NEVER),
        "no doze": (False, BUSY_AFTER_S, NEVER),
    }
    found = {}
    with VirtualSoundCard() as card:
        os.environ.update(card.env())
        for name, (doze, pause_s, worth) in kinds.items():
            ear = Ear(doze)
            cards, worker = await ear.open()
            with card.record_room() as room, mock.patch.object(microphone, "WORTH_LONG_BLOCKS", worth):
                await delays(ear, card, room, pause_s, 1)
                found[name] = await delays(ear, card, room, pause_s, count)
            worker.close()
            await cards.close()
    return found


def report(found: dict[str, Sequence[float]]) -> str:
    """Return the table."""
    rows = [(name, *figures(delays)) for name, delays in found.items()]
    return common.table(("room", "words", "detected", "ms, least", "p10", "median", "p90", "most"), rows)


def figures(delays: Sequence[float]) -> list[str]:
    """Return count, how many were detected, and the distribution."""
    heard = sorted(delay for delay in delays if delay < float("inf"))
    tenths = statistics.quantiles(heard, n=10)
    values = heard[0], tenths[0], statistics.median(heard), tenths[8], heard[-1]
    return [str(len(delays)), str(len(heard)), *(f"{value:.0f}" for value in values)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=24, help="words in each kind of room")
    parser.add_argument("--write", action="store_true", help="put the table into docs/figures.md")
    options = parser.parse_args()
    common.publish("bench_detection", report(asyncio.run(measure(options.count))), options.write)


if __name__ == "__main__":
    main()
