"""Measures how fast the player starts and stops, in recordings of the virtual sound card's loudspeaker.

Run as a program; prints a table. Some of the cards stand still at random moments for 20 to 300 ms, and run dry.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import sys
import time
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parent))

import common
import numpy as np

from device.audio.cards.microphone import AlsaMicrophone
from device.audio.cards.portaudio import SoundCards
from device.audio.cards.speaker import AlsaSpeaker
from device.audio.mouth.player import Player
from device.audio.settings import Audio
from device.core.events import DeviceFailed, Event, PlaybackStarted, PlaybackStopped
from device.sim.devices.soundcard import MICROPHONE, SPEAKER, Recording, VirtualSoundCard
from device.units import Hz

REPLY_RATE = Hz(24_000)
CHUNK_MS = 100
THRESHOLD = 300
WITHIN_MS = 20
# How much of an answer is handed to the card before it is interrupted.
HEARD_S = (0.3, 1.2)
# Longer than any card stands still, and than anything sounds after a stop.
SETTLED_S = 0.6
# Long enough for a card that sleeps and then stands still.
START_LIMIT_S = 5.0

Fact = TypeVar("Fact", PlaybackStarted, PlaybackStopped)
# How long a card stands still, and how long it plays in between (s). A card that sleeps for up to 2 s after it ran dry
# must play for longer, or it would not play at all.
STILL_S = (0.02, 0.3)
BETWEEN_S = (0.1, 1.0)
BETWEEN_SLEEPY_S = (1.0, 4.0)


def tone(milliseconds: int) -> bytes:
    """Return a tone whose beginning and end are loud."""
    count = REPLY_RATE * milliseconds // 1000
    return bytes((np.sign(np.sin(np.arange(count) * 0.9)) * 8000).astype("<i2"))


async def interrupt(player: Player, recording: Recording, events: list[Event], turn: int) -> tuple[float, ...]:
    """Play an answer, stop it at a random moment; return start delay, stop delay, truncation error and gaps, in ms.

    Raise LookupError when nothing of it was heard.
    """
    sound, chunk = tone(3000), REPLY_RATE * 2 * CHUNK_MS // 1000
    asked = time.monotonic()
    for start in range(0, len(sound), chunk):
        player.play_answer(turn, f"item{turn}", sound[start : start + chunk])
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(find(events, PlaybackStarted, turn), START_LIMIT_S)
    await asyncio.sleep(random.uniform(*HEARD_S))
    stopped = time.monotonic()
    player.stop()
    told = await find(events, PlaybackStopped, turn)
    await asyncio.sleep(SETTLED_S)
    answer = common.loud_span(recording, asked, time.monotonic(), THRESHOLD)
    error_ms = told.played - answer.heard * 1e3
    return (answer.began - asked) * 1e3, (answer.ended - stopped) * 1e3, error_ms, answer.holes * 1e3


async def interrupt_all(
    player: Player, recording: Recording, events: list[Event], count: int
) -> list[tuple[float, ...]]:
    """Interrupt answers until `count` of them were heard, at least in part; give up when most are not."""
    rows: list[tuple[float, ...]] = []
    for turn in range(4 * count):
        with contextlib.suppress(LookupError):
            rows.append(await interrupt(player, recording, events, turn))
        if len(rows) == count:
            break
    print(f"answers of which nothing was heard: {turn + 1 - len(rows)}", file=sys.stderr)
    return rows


async def find(events: list[Event], kind: type[Fact], turn: int) -> Fact:
    """Wait for an event of an answer and return it."""
    while True:
        for event in events:
            if isinstance(event, kind) and event.turn == turn:
                return event
        await asyncio.sleep(0.01)


async def stand_still_at_times(card: VirtualSoundCard) -> None:
    """Let the card run dry at random moments."""
    while True:
        await asyncio.sleep(random.uniform(*(BETWEEN_SLEEPY_S if card.sleepy else BETWEEN_S)))
        await card.stand_still(random.uniform(*STILL_S))


async def measure(card: VirtualSoundCard, count: int, stalls: bool) -> list[tuple[float, ...]]:
    """Interrupt `count` answers."""
    events: list[Event] = []
    cards = SoundCards(Audio(input=MICROPHONE, output=SPEAKER), events.append)
    player = Player(AlsaSpeaker(cards, REPLY_RATE), REPLY_RATE, events.append)
    await AlsaMicrophone(cards, lambda frame, moment: None).open()
    player.warm_up()
    await asyncio.sleep(0.5)
    with card.record_speaker() as recording:
        await asyncio.sleep(0.3)
        standing_still = asyncio.create_task(stand_still_at_times(card)) if stalls else None
        rows = await interrupt_all(player, recording, events, count)
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
    parser.add_argument("--count", type=int, default=100, help="interruptions on each card, of answers that were heard")
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
        *("card", "`play_answer` to the first sample, ms", "`stop` to silence, ms", "`played_ms` less what was heard"),
        *(f"within {WITHIN_MS} ms", "answers with holes"),
    )
    common.publish("bench_playback", common.table(head, found), options.write)


if __name__ == "__main__":
    main()
