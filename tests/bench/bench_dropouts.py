"""Whether answers are heard without a hole: on a card with blocks of 5 ms and on one at PulseAudio's defaults, on a
machine at rest and while another process takes a whole core.

`hearthside run` as a process of its own tells stories (the simulated Realtime server's, one tone without a pause); the
holes in them are found in a recording of the loudspeaker. Run as a program: `--minutes` of answers for each row.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import common

from device.sim.devices.soundcard import Recording, VirtualSoundCard
from device.sim.person.voice import Person
from device.sim.realtime import Entry, Reply, Script, SimulatedRealtime, tone

STORY_MS = 20_000
# A wake word that was not heard is said again so soon.
LIMIT_S = 6.0
FOUND = 300
HOLE_MS = 2
DELTA = "response.output_audio.delta"
CARDS = {"blocks of 5 ms": False, "PulseAudio's defaults": True}


@dataclass
class Figures:
    """What was heard of the answers, in seconds and ms."""

    heard_s: float = 0.0
    holes_ms: list[float] = field(default_factory=list)
    begun_ms: list[float] = field(default_factory=list)

    def note(self, recording: Recording, delta: Entry, until: float) -> None:
        """Look for the holes in an answer that `delta` began, and note how soon it was heard."""
        samples = np.abs(np.frombuffer(recording.pcm, "<i2").astype(np.int32))
        first = max(0, recording.position(delta.at - 0.005))
        loud = np.flatnonzero(samples[first : recording.position(until)] > FOUND) + first
        steps = np.diff(loud)
        self.heard_s += len(loud) / recording.rate
        self.holes_ms += [step / recording.rate * 1e3 for step in steps if step > recording.rate * HOLE_MS / 1000]
        self.begun_ms.append((recording.moment(int(loud[0])) - delta.at) * 1e3)


@contextlib.contextmanager
def whole_core(taken: bool) -> Iterator[None]:
    """Keep a core busy meanwhile, if so."""
    if not taken:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as burner:
        try:
            yield
        finally:
            burner.kill()


async def tell(card: VirtualSoundCard, server: SimulatedRealtime, speaker: Recording, person: Person) -> Figures:
    """Ask for a story and hear it out."""
    figures = Figures()
    call = await person.render("tell me a story", "hey jarvis")
    since = time.monotonic()
    await card.play_into_room(call.pcm, call.rate)
    try:
        delta = await server.journal.wait(lambda entry: entry.type == DELTA and entry.at >= since, LIMIT_S)
    except TimeoutError:
        return figures
    await asyncio.sleep(STORY_MS / 1e3 + 1.5)
    figures.note(speaker, delta, time.monotonic())
    return figures


async def measure(sleepy: bool, taken: bool, minutes: float, at_once: int) -> Figures:
    """Hear stories for so long, told by several devices at the same time."""
    whole = Figures()
    with whole_core(taken):
        await asyncio.gather(*(hear_stories(sleepy, minutes, whole) for _ in range(at_once)))
    return whole


async def hear_stories(sleepy: bool, minutes: float, whole: Figures) -> None:
    """Hear the stories of one device until, in the `whole`, so much was heard."""
    with tempfile.TemporaryDirectory(prefix="hearthside-bench-") as folder:
        async with VirtualSoundCard(sleepy=sleepy) as card, SimulatedRealtime() as server:
            server.script = Script(answer=lambda heard: Reply(audio=tone(STORY_MS)))
            settings = (
                *("audio.cues=false", "conversation.follow_up_s=0"),
                f"conversation.openai.url={server.url}",
            )
            person = Person(card.play_into_room)
            with common.hearthside(card, folder, settings) as device:
                await asyncio.sleep(1.0)
                while whole.heard_s < minutes * 60:
                    # A recording of its own for each: it is searched as a whole.
                    with card.record_speaker() as speaker:
                        told = await tell(card, server, speaker, person)
                    print(f"heard {told.heard_s:.1f} s, holes {told.holes_ms}", file=sys.stderr, flush=True)
                    whole.heard_s += told.heard_s
                    whole.holes_ms += told.holes_ms
                    whole.begun_ms += told.begun_ms
                    await asyncio.sleep(1.0)
                print(*device.said, sep="", file=sys.stderr)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20, help="of answers for each row (default 20)")
    parser.add_argument("--at-once", type=int, default=1, help="so many devices speak at the same time (default 1)")
    parser.add_argument("--only", action="append", choices=list(CARDS), help="this card, instead of both")
    parser.add_argument("--rest", action="store_true", help="measure the machine at rest, too")
    parser.add_argument("--write", action="store_true", help="put the table on docs/figures.md")
    options = parser.parse_args()
    rows = []
    for name in options.only or CARDS:
        for taken in (False, True) if options.rest else (True,):
            found = asyncio.run(measure(CARDS[name], taken, options.minutes, options.at_once))
            machine = "one core taken" if taken else "at rest"
            holes = f"{len(found.holes_ms)}" + (f" ({sum(found.holes_ms):.0f} ms)" if found.holes_ms else "")
            rows.append((name, machine, f"{found.heard_s / 60:.1f}", holes, common.spread(found.begun_ms)))
            print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    head = ("card", "machine", "minutes of answers", "dropouts", "ms from the server's answer to its first sample")
    common.publish("bench_dropouts", common.table(head, rows), options.write)


if __name__ == "__main__":
    main()
