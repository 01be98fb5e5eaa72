"""Measures the whole device on an emulated arm64, whose Python is about as slow as a Zero 2 W's, and beside it on this
machine, both on the virtual sound card and with the simulated server of this machine.

Run as a program, as root; prints Markdown tables. The first time it makes a Debian for arm64 with the program in it
(see tests/system/bare_debian.sh), which takes ten minutes and the network. Floating-point numbers are emulated in
software, several times too slowly: bench_operations.py counts those.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bench_dropouts
import bench_reply
import common
import places
from bench_idle import SETTLE_S, talk
from bench_reply import COMMAND, DELTA, HEARD_SO_FAR, LONG_MS, SHORT_MS, SPEAKER_FOUND, WAKE_WORD, Bench, sentence
from places import Device
from probed import CALLBACK, CANCELLED, FILLER, LOOP, SCORED, WAITED

from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.person.voice import Person, Utterance
from device.sim.realtime import Reply, Script, SimulatedRealtime, tone

QUIET, TALK, CONVERSATION, ANSWER = "quiet room", "somebody talks", "short questions", "long answers, interrupted"
SCENES = (QUIET, TALK, CONVERSATION, ANSWER)
# How many of what held the event loop are named.
HELD = 4
HERE, EMULATED = "this machine", "emulated"
SETTINGS = ('conversation.barge_in="voice"', "conversation.follow_up_s=0", "audio.cues=false")
# The canceller is loaded, and the wake word heard, long after that also where everything takes its time.
SLOW_S = 3.0


@dataclass
class Scene:
    """What a part of the visit cost."""

    share: float = 0.0
    by_role: dict[str, float] = field(default_factory=dict)
    """CPU of each kind of thread, in shares of a core."""
    late_ms: dict[str, float] = field(default_factory=dict)
    held_ms: dict[str, float] = field(default_factory=dict)
    """What held the event loop for long."""


@dataclass
class Visit:
    """Everything measured of the device in one place."""

    start_s: float = 0.0
    quiet_mb: float = 0.0
    talking_mb: float = 0.0
    scenes: dict[str, Scene] = field(default_factory=dict)
    figures: bench_reply.Figures = field(default_factory=bench_reply.Figures)
    answers: bench_dropouts.Figures = field(default_factory=bench_dropouts.Figures)
    noticed_ms: list[float] = field(default_factory=list)
    """From the beginning of an interruption in the room to silence at the loudspeaker."""
    after_word_ms: list[float] = field(default_factory=list)
    """From the end of the wake word in it."""
    by_word_ms: list[float] = field(default_factory=list)
    """The same where only the wake word interrupts, because the canceller was given up."""
    stories: bench_dropouts.Figures = field(default_factory=bench_dropouts.Figures)
    """Of long answers that are heard out on the emulated machine; bench_dropouts.py hears those of this one."""
    given_up: list[str] = field(default_factory=list)
    """What the device went on without, because it fell behind."""
    failed: list[str] = field(default_factory=list)
    """What did not come about in time."""


@asynccontextmanager
async def scene(name: str, device: Device, visit: Visit) -> AsyncIterator[None]:
    """Note what the device costs, and how late it gets, meanwhile."""
    begun, before = time.monotonic(), device.cpu_by_role()
    yield
    ended, after = time.monotonic(), device.cpu_by_role()
    by_role = {role: (after[role] - before[role]) / (ended - begun) for role in after}
    late_ms, held_ms = device.latest_ms(begun, ended), device.held_ms(begun, ended)
    visit.scenes[name] = Scene(sum(by_role.values()), by_role, late_ms, held_ms)


@dataclass
class Stage:
    """A card, a server and what is said, in a folder that both machines see."""

    card: VirtualSoundCard
    server: SimulatedRealtime
    folder: Path
    breath: Utterance
    stop: Utterance
    options: argparse.Namespace

    async def visit(self, is_emulated: bool) -> Visit:
        """Measure the device in one place."""
        visit = Visit()
        settings = (*SETTINGS, f"conversation.openai.url={self.server.url}", *self.options.set)
        with (
            self.card.record_room() as room,
            self.card.record_speaker() as speaker,
            places.start(self.card, self.folder, settings, is_emulated) as device,
        ):
            visit.start_s = device.start_s
            await self._listen(device, visit)
            await self._converse(Bench(self.server, self.card, room, speaker, visit.figures), device, visit)
            if is_emulated:
                await self._tell_stories(visit)
            visit.given_up = device.given_up()
            print(*device.said, sep="", file=sys.stderr)
        return visit

    async def _listen(self, device: Device, visit: Visit) -> None:
        await asyncio.sleep(SETTLE_S)
        async with scene(QUIET, device, visit):
            await asyncio.sleep(self.options.seconds)
        visit.quiet_mb = device.own_memory_mb()
        talking = asyncio.create_task(talk(self.card, SLOW_S + self.options.seconds))
        await asyncio.sleep(SLOW_S)
        async with scene(TALK, device, visit):
            await asyncio.sleep(self.options.seconds)
        await talking

    async def _converse(self, bench: Bench, device: Device, visit: Visit) -> None:
        async with scene(CONVERSATION, device, visit):
            for _ in range(self.options.turns):
                await self._try(visit, "question", bench_reply.one_breath(bench, self.breath))
                await asyncio.sleep(SLOW_S)
        async with scene(ANSWER, device, visit):
            for _ in range(self.options.interruptions):
                await self._try(visit, "interruption", interrupt(bench, self.breath, self.stop, visit, device))
                visit.talking_mb = max(visit.talking_mb, device.own_memory_mb())
                await asyncio.sleep(SLOW_S)

    async def _tell_stories(self, visit: Visit) -> None:
        self.server.script = Script(answer=lambda heard: Reply(audio=tone(bench_dropouts.STORY_MS)))
        while visit.stories.heard_s < self.options.minutes * 60:
            with self.card.record_speaker() as speaker:
                told = await bench_dropouts.tell(self.card, self.server, speaker, Person(self.card.play_into_room))
            visit.stories.heard_s += told.heard_s
            visit.stories.holes_ms += told.holes_ms
            await asyncio.sleep(SLOW_S)

    async def _try(self, visit: Visit, what: str, attempt: object) -> None:
        try:
            await attempt  # type: ignore[misc]
        except (TimeoutError, LookupError) as error:
            visit.failed.append(what)
            print(f"{what}: {type(error).__name__} {error}", file=sys.stderr, flush=True)


async def interrupt(bench: Bench, breath: Utterance, stop: Utterance, visit: Visit, device: Device) -> None:
    """Hear a long answer, and interrupt it by wake word and sentence, which get a short one.

    A voice is noticed at its beginning; where the canceller has been given up only the wake word is, after its end.
    """
    bench.server.script = Script(answer=lambda heard: Reply(audio=tone(LONG_MS)))
    _, said = await bench.say(breath)
    delta = await bench.wait(DELTA, said)
    await asyncio.sleep(random.uniform(2.0, 3.0))
    visit.answers.note(bench.speaker, delta, time.monotonic() - 0.3)
    bench.server.script = Script(answer=lambda heard: Reply(audio=tone(SHORT_MS)))
    since, by_word = time.monotonic(), not device.cancels_echoes()
    began, ended = await bench.say(stop)
    truncated = await bench.wait(HEARD_SO_FAR, since, "received")
    # Before the next answer begins, if there is one: until then the loudspeaker is silent.
    following = await bench.wait(DELTA, max(truncated.at, began))
    heard = common.loud_span(bench.speaker, delta.at - 0.005, following.at, SPEAKER_FOUND)
    visit.noticed_ms.append((heard.ended - began) * 1e3)
    visit.after_word_ms.append((heard.ended - word_end(stop, ended)) * 1e3)
    visit.by_word_ms += visit.after_word_ms[-1:] if by_word else []
    bench.figures.truncation.append(truncated.event.get("audio_end_ms", 0) - heard.heard * 1e3)
    await bench.wait("response.done", following.at)
    await asyncio.sleep(SHORT_MS / 1e3)


def word_end(said: Utterance, ended: float) -> float:
    """Return when the wake word ended of a sentence that ended then."""
    rest_s = (len(said.pcm) / 2 - said.command_at) / said.rate
    return ended - rest_s - bench_reply.GAP_MS / 1e3


async def measure(options: argparse.Namespace) -> dict[str, Visit]:
    """Measure here, and on the emulated machine."""
    with tempfile.TemporaryDirectory(prefix="hearthside-bench-") as shared:
        # Also the card's files are made in it.
        tempfile.tempdir = shared
        places.set_up(Path(shared))
        folder = Path(shared) / "state"
        folder.mkdir()
        visits: dict[str, Visit] = {}
        for name in (HERE, EMULATED):
            async with VirtualSoundCard() as card, SimulatedRealtime() as server:
                person = Person(card.play_into_room)
                breath = await sentence(person, COMMAND, WAKE_WORD)
                stop = await sentence(person, "stop it and turn off the light", WAKE_WORD)
                stage = Stage(card, server, folder, breath, stop, options)
                visits[name] = await stage.visit(name == EMULATED)
        tempfile.tempdir = None
    return visits


def report(visits: dict[str, Visit], commit: str) -> str:
    """Return the tables."""
    words = f"Measured on {time.strftime('%-d %B %Y')} at {commit}."
    there = visits[EMULATED]
    return "\n\n".join((words, whole_table(visits), lateness_table(visits), held_table(there), thread_table(there)))


def whole_table(visits: dict[str, Visit]) -> str:
    """Return what a person notices, and what it costs."""
    here, there = visits[HERE], visits[EMULATED]
    lines: list[tuple[str, Callable[[Visit], Sequence[float]], int]] = [
        ("start to listening, s", lambda of: [of.start_s], 1),
        *(
            (f"CPU, {name}, % of a core", lambda of, name=name: [of.scenes[name].share * 100], 1)  # type: ignore[misc]
            for name in SCENES
        ),
        ("end of the wake word to the first audio at the server, ms", lambda of: of.figures.wake_to_server, 0),
        ("delay that the device adds to a reply, ms", lambda of: of.figures.added, 0),
        ("gaps in answers, ms each", lambda of: of.answers.holes_ms, 0),
        ("interruption: from the beginning of its wake word to silence, ms", lambda of: of.noticed_ms, 0),
        ("interruption: from the end of its wake word to silence, ms", lambda of: of.after_word_ms, 0),
        ("the same, where the canceller was given up before, ms", lambda of: of.by_word_ms, 0),
        ("`audio_end_ms` less what was heard, ms", lambda of: of.figures.truncation, 0),
        ("memory (PSS) in a quiet room, MB", lambda of: [of.quiet_mb], 0),
        ("memory (PSS) in a conversation, MB", lambda of: [of.talking_mb], 0),
    ]
    rows = [(name, *(_several(values(of), digits) for of in (here, there))) for name, values, digits in lines]
    if there.stories.heard_s:
        rows.append(("minutes of answers heard out, and gaps in them", "", _stories(there)))
    rows.append(("given up, because it fell behind", *("; ".join(of.given_up) or "nothing" for of in (here, there))))
    rows.append(("did not come about within 20 s", *(", ".join(of.failed) or "nothing" for of in (here, there))))
    return common.table(("", HERE, "arm64, emulated"), rows)


def lateness_table(visits: dict[str, Visit]) -> str:
    """Return the longest latenesses."""
    rows = []
    for what in (LOOP, WAITED, CANCELLED, SCORED, CALLBACK, FILLER):
        for place, visit in visits.items():
            cells = (visit.scenes[name].late_ms.get(what) for name in SCENES)
            rows.append((f"{what}, {place}", *("" if late is None else f"{late:.0f}" for late in cells)))
    return common.table(("longest, ms", *SCENES), rows)


def held_table(visit: Visit) -> str:
    """Return what held the event loop longest."""
    rows = []
    for name in SCENES:
        longest = list(visit.scenes[name].held_ms.items())[:HELD]
        rows.append((name, "; ".join(f"{took:.0f}: `{what}`" for what, took in longest) or "nothing for 20 ms"))
    return common.table(("emulated", "what held the event loop longest, ms of wall-clock time"), rows)


def thread_table(visit: Visit) -> str:
    """Return what each kind of thread costs."""
    roles = visit.scenes[QUIET].by_role
    rows = [(role, *(f"{visit.scenes[name].by_role[role] * 100:.1f}" for name in SCENES)) for role in roles]
    return common.table(("emulated, % of a core", *SCENES), rows)


def _stories(visit: Visit) -> str:
    holes = visit.stories.holes_ms
    return f"{visit.stories.heard_s / 60:.1f}, {len(holes)} gaps" + (f" of {sum(holes):.0f} ms in all" if holes else "")


def _several(values: Sequence[float], digits: int) -> str:
    return f"{values[0]:.{digits}f}" if len(values) == 1 else common.spread(values, digits)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each measurement of the CPU takes")
    parser.add_argument("--turns", type=int, default=4, help="questions with a short answer")
    parser.add_argument("--interruptions", type=int, default=4, help="long answers that are interrupted")
    parser.add_argument("--minutes", type=float, default=0.0, help="of answers heard out there, besides")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the device")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/figures.md")
    options = parser.parse_args()
    commit = subprocess.run(["git", "-C", common.ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    common.publish("bench_small_pi", report(asyncio.run(measure(options)), commit.stdout.strip()), options.write)


if __name__ == "__main__":
    main()
