"""How fast the player speaks and falls silent, measured on the recorded monitor of the virtual sound card.

Run as a program; prints a table in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import time
from collections.abc import Iterable

import numpy as np

from device.audio.alsa import SoundCards
from device.audio.playback import Player
from device.config import Audio
from device.core.events import DeviceFailed, Event, PlaybackStopped
from device.sim.soundcard import MICROPHONE, SPEAKER, Recording, VirtualSoundCard
from device.units import Hz

REPLY_RATE = Hz(24_000)
CHUNK_MS = 100
THRESHOLD = 300
GAP_MS = 2


def tone(milliseconds: int) -> bytes:
    """A tone without a beginning or an end that could hide in the silence."""
    count = REPLY_RATE * milliseconds // 1000
    return bytes((np.sign(np.sin(np.arange(count) * 0.9)) * 8000).astype("<i2"))


def find_sound(recording: Recording, since: float) -> tuple[float, float, float]:
    """Return when the sound after `since` began and ended, and how long it was silent in between (underruns)."""
    samples = np.frombuffer(recording.pcm, dtype="<i2")
    first = max(0, recording.position(since))
    loud = np.flatnonzero(np.abs(samples[first:]) > THRESHOLD) + first
    steps = np.diff(loud)
    gaps = float(steps[steps > recording.rate * GAP_MS / 1000].sum()) / recording.rate
    return recording.start + loud[0] / recording.rate, recording.start + (loud[-1] + 1) / recording.rate, gaps


async def interrupt(player: Player, recording: Recording, events: list[Event], turn: int) -> tuple[float, ...]:
    """Play an answer, stop it somewhere, and return start delay, stop delay, truncation error and underruns."""
    sound, chunk = tone(3000), REPLY_RATE * 2 * CHUNK_MS // 1000
    asked = time.monotonic()
    for start in range(0, len(sound), chunk):
        player.play_reply(turn, f"item{turn}", sound[start : start + chunk])
    await asyncio.sleep(random.uniform(0.3, 1.2))
    stopped = time.monotonic()
    player.stop()
    await asyncio.sleep(0.3)
    began, ended, gaps = find_sound(recording, asked - 0.05)
    fact = next(event for event in events if isinstance(event, PlaybackStopped) and event.turn == turn)
    heard_ms = (ended - began - gaps) * 1e3
    return (began - asked) * 1e3, (ended - stopped) * 1e3, fact.played - heard_ms, gaps * 1e3


async def measure(card: VirtualSoundCard, count: int, listening: bool) -> list[tuple[float, ...]]:
    """Interrupt `count` answers."""
    events: list[Event] = []
    cards = SoundCards(Audio(input=MICROPHONE, output=SPEAKER), events.append)
    player = Player(cards.speaker(REPLY_RATE), REPLY_RATE, events.append)
    if listening:
        await cards.microphone(lambda frame, moment: None).open()
    player.warm_up()
    await asyncio.sleep(0.5)
    with card.record_speaker() as recording:
        await asyncio.sleep(0.3)
        rows = [await interrupt(player, recording, events, turn) for turn in range(count)]
    await player.close()
    await cards.close()
    failed = [event for event in events if isinstance(event, DeviceFailed)]
    print(f"device failures: {len(failed)}")
    return rows


def show(name: str, values: Iterable[float]) -> None:
    """Print one line of the table."""
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    print(f"{name:32} {statistics.median(ordered):8.1f} {p95:8.1f} {ordered[0]:8.1f} {ordered[-1]:8.1f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=40, help="interruptions")
    count = parser.parse_args().count
    with VirtualSoundCard() as card:
        os.environ.update(card.env())
        rows = asyncio.run(measure(card, count, listening=True))
    print(f"{'ms':32} {'median':>8} {'p95':>8} {'min':>8} {'max':>8}")
    names = ("play_reply to speaker", "stop to silence", "played_ms less recorded", "underruns in an answer")
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        show(name, values)
    show("|played_ms less recorded|", (abs(row[2]) for row in rows))


if __name__ == "__main__":
    main()
