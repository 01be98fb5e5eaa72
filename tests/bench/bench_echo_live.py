"""Measures voice barge-in in real time: the whole device on the virtual sound card, in simulated rooms with echo.

`tests/bench/bench_echo_live.py [--minutes 20] [--write]`. `hearthside run` as a process of its own plays long stories
of the simulated Realtime server, and is restarted for every room; a person interrupts. The results are found in
recordings of the loudspeaker and of the room, and in the server's journal. Run nothing else meanwhile: on a busy
machine the virtual card's sound has gaps.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "audio" / "echo"))
sys.path.insert(0, str(Path(__file__).parent))

import common
from bench_echo import ASKERS, COMMANDS, LEVELS_DB, ROOMS, TOOLS, asked
from echo_stage import NEAR_DBFS, RATE, answers, at_level, upsampled

from device.sim.devices.soundcard import Recording, VirtualSoundCard
from device.sim.person.voice import Person
from device.sim.realtime import Entry, Reply, Script, SimulatedRealtime
from device.sim.room.acoustics import Room, Sound, pcm_from_samples, samples_from_pcm
from device.sim.room.echopath import EchoPath
from device.units import Hz

STORY_S = 40.0
STORIES = 3
# Pauses: before the first interruption in a room (the canceller's warm-up), and between two interruptions.
FIRST_S, BETWEEN_S = (4.5, 6.0), (2.5, 5.0)
LIMIT_S = 8.0
# The effects of what a person says come within this time after the last word.
CAUSED_S = 2.0
BLOCK_S, PAUSE_S = 0.005, 0.03
# Levels of the played sound, below which it counts as ducked (ducking is -15 dB), and as silent.
QUIETER, SILENT = 0.5, 0.03
LOUD_DBFS = -40.0
STARTED, DELTA = "input_audio_buffer.speech_started", "response.output_audio.delta"
TRUNCATE = "conversation.item.truncate"


@dataclass
class Figures:
    """What happened at one level of echo."""

    answered_s: float = 0.0
    itself: int = 0
    said: int = 0
    noticed: int = 0
    understood: int = 0
    ducked_ms: list[float] = field(default_factory=list)
    silent_ms: list[float] = field(default_factory=list)

    def row(self, name: str) -> tuple[str, ...]:
        """Return a row of the table."""
        shares = [f"{count / max(1, self.said):.0%}" for count in (self.noticed, self.understood)]
        times = [
            f"{statistics.median(found):.0f} / {sorted(found)[len(found) * 9 // 10]:.0f}" if found else ""
            for found in (self.ducked_ms, self.silent_ms)
        ]
        minutes = f"{self.answered_s / 60:.1f}"
        return name, minutes, str(self.itself), str(self.said), shares[0], *times, shares[1]


def together(found: Sequence[Figures]) -> Figures:
    """Return the sum."""
    whole = Figures()
    for one in found:
        for name in ("answered_s", "itself", "said", "noticed", "understood"):
            setattr(whole, name, getattr(whole, name) + getattr(one, name))
        whole.ducked_ms += one.ducked_ms
        whole.silent_ms += one.silent_ms
    return whole


@dataclass
class Sounds:
    """What is said and told, made before the clock runs: stories at the server's rate, commands with their words."""

    stories: Iterator[bytes]
    commands: Iterator[tuple[str, Sound]]
    call: Sound
    """Wakes it and asks for the first story, as loud as all that follows."""


def make_sounds() -> Sounds:
    """Synthesise them."""
    stories = [pcm_from_samples(upsampled(answers(STORY_S, seed))) for seed in range(STORIES)]
    commands = [(text, asked(text, asker)) for asker, text in itertools.product(ASKERS, COMMANDS)]
    random.shuffle(commands)
    call = asyncio.run(Person(VirtualSoundCard().play_into_room).render("tell me a story", "hey jarvis"))
    samples = samples_from_pcm(common.resampled(call.pcm, call.rate, RATE).astype("<i2").tobytes())
    return Sounds(itertools.cycle(stories), itertools.cycle(commands), at_level(samples, NEAR_DBFS))


@dataclass
class Stage:
    """The server, the recordings, and what was heard and said so far."""

    server: SimulatedRealtime
    card: VirtualSoundCard
    room: Recording
    speaker: Recording
    sounds: Sounds
    figures: Figures = field(default_factory=Figures)
    heard: list[tuple[float, str]] = field(default_factory=list)
    spoken: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.script = Script(answer=self._answer)

    def _answer(self, text: str) -> Reply:
        self.heard.append((time.monotonic(), text))
        return Reply("A story.", audio=next(self.sounds.stories))

    async def wait(self, kind: str, since: float, limit_s: float = LIMIT_S) -> Entry | None:
        """Return the first event that the server sent after a moment; None when there is none in time."""
        journal = self.server.journal
        try:
            return await journal.wait(lambda entry: entry.type == kind and entry.at >= since, limit_s)
        except TimeoutError:
            return None

    async def say(self, sound: Sound) -> float:
        """Say it into the room; return when that was begun."""
        begun = time.monotonic()
        await self.card.play_into_room(pcm_from_samples(sound), RATE)
        self.spoken.append((begun, time.monotonic()))
        return begun


async def converse(stage: Stage, until: float) -> None:
    """Ask for a story, and interrupt it and all that follow, until it is time."""
    call = stage.sounds.call
    since = await stage.say(call)
    pause_s = FIRST_S
    while time.monotonic() < until:
        if (delta := await stage.wait(DELTA, since)) is None:
            since, pause_s = await stage.say(call), FIRST_S
            continue
        await asyncio.sleep(random.uniform(*pause_s))
        pause_s = BETWEEN_S
        text, sound = next(stage.sounds.commands)
        begun = await stage.say(sound)
        # Whatever is told from here on answers this.
        since = begun + len(sound) / RATE
        await stage.wait(DELTA, since, 2.0)
        note(stage, delta, text, sound, begun)


def note(stage: Stage, delta: Entry, text: str, sound: Sound, begun: float) -> None:
    """Find out what became of an interruption."""
    figures = stage.figures
    figures.said += 1
    until = begun + len(sound) / RATE
    figures.understood += any(said == text for at, said in stage.heard if at > begun)
    onset = found_onset(stage.room, sound, begun)
    quieter, silent = heard_over(stage, delta, onset, until + 0.3)
    figures.noticed += quieter is not None
    for found, times in ((quieter, figures.ducked_ms), (silent, figures.silent_ms)):
        times += [(found.at - onset) * 1000] if found is not None and found.sharp else []


def found_onset(room: Recording, sound: Sound, begun: float) -> float:
    """Return when a sound began in the room, an echo or not: where it fits best."""
    first = max(0, room.position(begun - 0.1))
    heard = np.frombuffer(room.pcm, "<i2")[first : first + len(sound) + RATE // 2].astype(np.float64)
    lag = common.best_lag(heard, sound.astype(np.float64))
    return room.start + (first + lag) / RATE


@dataclass(frozen=True)
class Found:
    """When the loudspeaker changed; not `sharp`: it was in a pause of the story, some time before."""

    at: float
    sharp: bool


def heard_over(stage: Stage, delta: Entry, onset: float, until: float) -> tuple[Found | None, Found | None]:
    """Return when the story became quieter, and when silent: what was played against what was sent."""
    sent = samples_from_pcm(stage.server.journal.sent_audio(item=delta.event["item_id"]))
    played = samples_from_pcm(stage.speaker.pcm)
    rate = stage.speaker.rate
    # Where it was still whole. All that was played since the answer began to arrive comes from it.
    first, voice = max(0, stage.speaker.position(delta.at)), stage.speaker.position(onset)
    lag = first + common.best_lag(played[first:voice].astype(np.float64), sent[: voice - first].astype(np.float64))
    size = int(BLOCK_S * rate)
    quieter = silent = None
    last = voice
    for at in range(voice, stage.speaker.position(until) - size, size):
        source = float(np.sqrt(np.mean(sent[max(0, at - lag) :][:size] ** 2))) if at - lag < len(sent) - size else 0.0
        if 20 * math.log10(source + 1e-9) < LOUD_DBFS:
            continue
        ratio = float(np.sqrt(np.mean(played[at : at + size] ** 2))) / source
        moment = Found(stage.speaker.start + at / rate, at - last < PAUSE_S * rate)
        last = at
        quieter = moment if ratio < QUIETER and quieter is None else quieter
        silent = None if ratio > SILENT else moment if silent is None else silent
    return quieter, silent


def count_itself(stage: Stage) -> int:
    """Return how often the device stopped, or the server heard somebody, with nobody speaking."""
    entries = stage.server.journal.entries
    stops = [entry.at for entry in entries if entry.type in (STARTED, TRUNCATE)]
    alone = [at for at in stops if not any(since <= at < until + CAUSED_S for since, until in stage.spoken)]
    return sum(1 for last, at in itertools.pairwise([-math.inf, *alone]) if at - last > 1.0)


def answered_s(recording: Recording) -> float:
    """Return for how long the loudspeaker sounded, pauses in speech included."""
    sound = samples_from_pcm(recording.pcm)
    blocks = np.abs(sound[: len(sound) // recording.rate * recording.rate]).reshape(-1, recording.rate)
    return float((blocks.max(axis=1, initial=0.0) > 0.01).sum())


async def in_room(place: Room, seconds: float, sounds: Sounds) -> Figures:
    """Live in a room for a while."""
    with tempfile.TemporaryDirectory(prefix="hearthside-bench-") as folder:
        async with VirtualSoundCard() as card, SimulatedRealtime(TOOLS) as server, EchoPath(card, place):
            settings = (
                *("hardware.profile=generic", "audio.volume=1.0", "audio.cues=false", "conversation.follow_up_s=8"),
                f"conversation.openai.url={server.url}",
            )
            with card.record_room(RATE) as room, card.record_speaker(Hz(24_000)) as speaker:
                stage = Stage(server, card, room, speaker, sounds)
                with common.hearthside(card, folder, settings):
                    await asyncio.sleep(1.0)
                    await converse(stage, time.monotonic() + seconds)
                stage.figures.itself = count_itself(stage)
                stage.figures.answered_s = answered_s(speaker)
    return stage.figures


async def measure(minutes: float, sounds: Sounds) -> list[tuple[str, ...]]:
    """Go from room to room; return the rows of the table."""
    found: dict[int, list[Figures]] = {level: [] for level in LEVELS_DB}
    for number, place in enumerate(ROOMS):
        level = LEVELS_DB[number % len(LEVELS_DB)]
        figures = await in_room(place, minutes * 60 / len(ROOMS), sounds)
        found[level].append(figures)
        print(f"{place.delay_ms:g} ms,", *figures.row(f"{level} dB"), file=sys.stderr, sep=" | ", flush=True)
    rows = [together(rooms).row(f"{level} dB") for level, rooms in found.items()]
    return [*rows, together(list(itertools.chain(*found.values()))).row("all")]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20, help="in all rooms together (default 20)")
    parser.add_argument("--write", action="store_true", help="put the table on docs/figures.md")
    arguments = parser.parse_args()
    random.seed(1)
    rows = asyncio.run(measure(arguments.minutes, make_sounds()))
    head = (
        *("echo", "minutes of answers", "interrupted itself", "commands", "noticed"),
        *("ms to quieter, median / p90", "ms to silence, median / p90", "understood by the server"),
    )
    common.publish("bench_echo_live", common.table(head, rows), arguments.write)


if __name__ == "__main__":
    main()
