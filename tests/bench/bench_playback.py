"""How fast the player speaks and falls silent, measured on the recorded monitor of the virtual sound card.

Run as a program; prints a table. Some of the cards stand still at random moments, for 20 to 300 ms, and run dry.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import common
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
WITHIN_MS = 20
# For how long a card stands still that does, and how long it plays in between, in seconds.
STILL_S = (0.02, 0.3)
BETWEEN_S = (0.1, 1.0)


def tone(milliseconds: int) -> bytes:
    """A tone without a beginning or an end that could hide in the silence."""
    count = REPLY_RATE * milliseconds // 1000
    return bytes((np.sign(np.sin(np.arange(count) * 0.9)) * 8000).astype("<i2"))


def find_sound(recording: Recording, since: float) -> tuple[float, float, float]:
    """Return when the sound after `since` began and ended, and for how long in all it was silent in between."""
    samples = np.frombuffer(recording.pcm, dtype="<i2")
    first = max(0, recording.position(since))
    loud = np.flatnonzero(np.abs(samples[first:]) > THRESHOLD) + first
    if not len(loud):
        return since, since, 0.0
    steps = np.diff(loud)
    gaps = float(steps[steps > recording.rate * GAP_MS / 1000].sum()) / recording.rate
    return recording.moment(int(loud[0])), recording.moment(int(loud[-1]) + 1), gaps


async def interrupt(
    player: Player, recording: Recording, events: list[Event], turn: int, stalls: bool
) -> tuple[float, ...]:
    """Play an answer, stop it somewhere, and return start delay, stop delay, truncation error and underruns."""
    sound, chunk = tone(3000), REPLY_RATE * 2 * CHUNK_MS // 1000
    asked = time.monotonic()
    for start in range(0, len(sound), chunk):
        player.play_reply(turn, f"item{turn}", sound[start : start + chunk])
    await asyncio.sleep(random.uniform(0.3, 1.2))
    stopped = time.monotonic()
    player.stop()
    while not (facts := [fact for fact in events if isinstance(fact, PlaybackStopped) and fact.turn == turn]):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3 + (STILL_S[1] if stalls else 0.0))
    began, ended, gaps = find_sound(recording, asked - 0.05)
    fact = facts[0]
    heard_ms = (ended - began - gaps) * 1e3
    return (began - asked) * 1e3, (ended - stopped) * 1e3, fact.played - heard_ms, gaps * 1e3


async def stand_still_at_times(card: VirtualSoundCard) -> None:
    """Let the card run dry at random moments."""
    while True:
        await asyncio.sleep(random.uniform(*BETWEEN_S))
        await card.stand_still(random.uniform(*STILL_S))


async def measure(card: VirtualSoundCard, count: int, stalls: bool) -> list[tuple[float, ...]]:
    """Interrupt `count` answers."""
    events: list[Event] = []
    cards = SoundCards(Audio(input=MICROPHONE, output=SPEAKER), events.append)
    player = Player(cards.speaker(REPLY_RATE), REPLY_RATE, events.append)
    await cards.microphone(lambda frame, moment: None).open()
    player.warm_up()
    await asyncio.sleep(0.5)
    with card.record_speaker() as recording:
        await asyncio.sleep(0.3)
        standing_still = asyncio.create_task(stand_still_at_times(card)) if stalls else None
        rows = [await interrupt(player, recording, events, turn, stalls) for turn in range(count)]
        if standing_still:
            standing_still.cancel()
            await asyncio.gather(standing_still, return_exceptions=True)
    await player.close()
    await cards.close()
    failed = [event for event in events if isinstance(event, DeviceFailed)]
    print(f"device failures: {len(failed)}")
    return rows


CARDS = {
    "blocks of 5 ms": (False, False),
    "PulseAudio's defaults": (True, False),
    "blocks of 5 ms, stands still at times": (False, True),
    "PulseAudio's defaults, stands still at times": (True, True),
}


def row(name: str, rows: list[tuple[float, ...]]) -> tuple[str, ...]:
    """Return a row of the table."""
    begun, silent, errors, holes = zip(*rows, strict=True)
    within = f"{sum(abs(error) <= WITHIN_MS for error in errors)} of {len(errors)}"
    dry = f"{sum(hole > 0 for hole in holes)}"
    return name, common.spread(begun), common.spread(silent), common.spread(errors), within, dry


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="interruptions on each card")
    parser.add_argument("--only", action="append", choices=list(CARDS), help="this card, instead of all")
    parser.add_argument("--write", action="store_true", help="put the table on docs/figures.md")
    options = parser.parse_args()
    found = []
    for name in options.only or CARDS:
        sleepy, stalls = CARDS[name]
        with VirtualSoundCard(sleepy=sleepy) as card:
            os.environ.update(card.env())
            found.append(row(name, asyncio.run(measure(card, options.count, stalls))))
        print(*found[-1], sep=" | ", file=sys.stderr, flush=True)
    head = (
        *("card", "`play_reply` to the first sample, ms", "`stop` to silence, ms", "`played_ms` less what was heard"),
        *(f"within {WITHIN_MS} ms", "answers with holes"),
    )
    common.publish("bench_playback", common.table(head, found), options.write)


if __name__ == "__main__":
    main()
