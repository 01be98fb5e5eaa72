"""Measures how fast the whole device is in a conversation, in recordings and in the server's journal.

`hearthside run` runs as a process of its own, on the virtual sound card and with the simulated server. All times are of
`time.monotonic`: of the sound in the room, of the events that the server received and sent, and of the sound at the
loudspeaker.

There are two cards: a fair one with blocks of 5 ms, and null sinks at PulseAudio's defaults, whose blocks are as long
as the measured program asks for. On each card a naive program (`naive_session.py`) takes turns with the device. Run as
a program; prints Markdown tables.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import common
import numpy as np
import numpy.typing as npt

from device.sim.devices.soundcard import Recording, VirtualSoundCard
from device.sim.person.voice import Person, Utterance
from device.sim.realtime import Entry, Reply, Script, SimulatedRealtime, tone
from device.units import Hz

RATE = Hz(24_000)
WAKE_WORD, COMMAND = "hey jarvis", "turn on the light"
GAP_MS = 60.0
# Every sentence ends in a buzz that stops within one sample, so that the end of speech is exactly known.
BUZZ_MS, BUZZ_LEVEL = 120, 9000
BUZZ_FOUND = 4000  # the filters on the way make the edge a slope, which is half as high at the right moment
SPEAKER_FOUND = 300
SHORT_MS, LONG_MS = 500, 6000
LIMIT_S = 20.0
SETTLE_S = 2.5  # a null sink at its defaults may sleep for 2 s when a stream begins
BETWEEN_S = 0.7  # the session is closed once the answer has been heard
APPEND, DELTA, STARTED = "input_audio_buffer.append", "response.output_audio.delta", "input_audio_buffer.speech_started"
HEARD_SO_FAR = ("conversation.item.truncate", "conversation.item.delete")  # the latter: nothing
CARDS = {"fair": VirtualSoundCard, "defaults": lambda: VirtualSoundCard(sleepy=True)}


@dataclass
class Figures:
    """Everything measured, in ms."""

    wake_to_server: list[float] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)
    left_over: list[float] = field(default_factory=list)
    uplink: list[float] = field(default_factory=list)
    downlink: list[float] = field(default_factory=list)
    added: list[float] = field(default_factory=list)
    unheard: int = 0
    quiet: list[float] = field(default_factory=list)
    truncation: list[float] = field(default_factory=list)


@dataclass
class Replies:
    """What each of two programs, which took turns, added to a reply."""

    device: Figures = field(default_factory=Figures)
    naive: Figures = field(default_factory=Figures)


@dataclass
class Bench:
    """The server, the two recordings, and the figures so far."""

    server: SimulatedRealtime
    card: VirtualSoundCard
    room: Recording
    speaker: Recording
    figures: Figures = field(default_factory=Figures)

    async def say(self, utterance: Utterance) -> tuple[float, float]:
        """Say it, and return when it began and ended in the room."""
        begun = time.monotonic()
        await self.card.play_into_room(utterance.pcm, utterance.rate)
        await asyncio.sleep(0.1)
        said = common.loud_span(self.room, begun, time.monotonic(), 1000)
        return said.began, said.ended

    async def wait(self, kinds: str | tuple[str, ...], since: float, direction: str = "sent") -> Entry:
        """Return the first event of a kind, or of several, after a moment."""
        wanted = (kinds,) if isinstance(kinds, str) else kinds
        return await self.server.journal.wait(
            lambda entry: entry.type in wanted and entry.at >= since and entry.direction == direction, LIMIT_S
        )

    def note_answer(self, said: float, delta: Entry, until: float) -> None:
        """Note what the device added between the end of what was `said` and the answer that `delta` begins."""
        arrived = self._last_loud_arrived(delta)
        uplink = (arrived - said) * 1e3
        self.figures.uplink.append(uplink)
        try:
            began = common.loud_span(self.speaker, delta.at - 0.005, until, SPEAKER_FOUND).began
        except LookupError:
            self.figures.unheard += 1
            return
        downlink = (began - delta.at) * 1e3
        self.figures.downlink.append(downlink)
        self.figures.added.append(uplink + downlink)

    def _last_loud_arrived(self, before: Entry) -> float:
        """Return when the last loud sample of a session's input arrived, of what came before an event."""
        moment = 0.0
        for entry in self.server.journal.received(APPEND, before.session):
            if entry.at < before.at and np.abs(_samples(entry)).max(initial=0) > BUZZ_FOUND:
                moment = entry.at
        return moment


def _samples(append: Entry) -> npt.NDArray[np.int32]:
    return np.frombuffer(base64.b64decode(append.event["audio"]), "<i2").astype(np.int32)


async def sentence(person: Person, command: str, wake_word: str = "") -> Utterance:
    """Return a sentence that ends in the buzz."""
    said = await person.render(command, wake_word, GAP_MS)
    count = said.rate * BUZZ_MS // 1000
    buzz = (np.sign(np.sin(np.arange(count) * 2 * np.pi * 220 / said.rate)) * BUZZ_LEVEL).astype("<i2")
    return Utterance(said.text, said.pcm + buzz.tobytes(), said.rate, said.command_at)


async def reply(bench: Bench, utterance: Utterance) -> tuple[float, Entry]:
    """Say it, hear a short answer; return when it ended in the room, and the answer's first piece."""
    bench.server.script = Script(answer=lambda heard: Reply(audio=tone(SHORT_MS)))
    _, ended = await bench.say(utterance)
    delta = await bench.wait(DELTA, ended)
    await bench.wait("response.done", delta.at)
    await asyncio.sleep(SHORT_MS / 1e3 + 0.3)
    bench.note_answer(ended, delta, time.monotonic())
    await asyncio.sleep(BETWEEN_S)
    return ended, delta


async def one_breath(bench: Bench, utterance: Utterance) -> None:
    """Wake word and command in one breath, a short answer, and back to idle."""
    ended, delta = await reply(bench, utterance)
    _note_wake(bench, utterance, ended, delta)


def _note_wake(bench: Bench, utterance: Utterance, ended: float, delta: Entry) -> None:
    gap_s = GAP_MS / 1e3
    command_at = utterance.command_at / utterance.rate
    word_ended = ended - len(utterance.pcm) / 2 / utterance.rate + command_at - gap_s
    first = bench.server.journal.received(APPEND, delta.session)[0]
    bench.figures.wake_to_server.append((first.at - word_ended) * 1e3)
    heard = np.frombuffer(bench.server.journal.received_audio(delta.session), "<i2").astype(np.float64)
    whole = common.resampled(utterance.pcm, utterance.rate, RATE)
    start = common.best_lag(whole, heard[: RATE * 2]) / RATE
    bench.figures.lost.append(max(0.0, start - command_at) * 1e3)
    bench.figures.left_over.append(max(0.0, command_at - gap_s - start) * 1e3)


async def interruptions(bench: Bench, first: Utterance, others: Utterance, count: int) -> None:
    """One long answer after the other, each interrupted by the sentence that asks for the next."""
    bench.server.script = Script(answer=lambda heard: Reply(audio=tone(LONG_MS)))
    _, said = await bench.say(first)
    for _ in range(count):
        # Not before: the answer that was interrupted may have been sent on until then.
        delta = await bench.wait(DELTA, said)
        await asyncio.sleep(random.uniform(0.7, 1.4))
        since = time.monotonic()
        began, ended = await bench.say(others)
        started = await bench.wait(STARTED, since)
        truncated = await bench.wait(HEARD_SO_FAR, since, "received")
        bench.note_answer(said, delta, began)
        _note_interruption(bench, delta, started, truncated)
        said = ended


def _note_interruption(bench: Bench, delta: Entry, started: Entry, truncated: Entry) -> None:
    """Note how long the answer went on, and how well the device knew what was heard of it."""
    # Before the next answer begins: the server waits for 500 ms of silence.
    until, played_ms = started.at + 0.4, 0.0
    # A card that still sleeps has played nothing yet.
    with contextlib.suppress(LookupError):
        answer = common.loud_span(bench.speaker, delta.at - 0.005, until, SPEAKER_FOUND)
        bench.figures.quiet.append((answer.ended - started.at) * 1e3)
        played_ms = answer.heard * 1e3
    bench.figures.truncation.append(truncated.event.get("audio_end_ms", 0) - played_ms)


@dataclass
class Stage:
    """One card, and all that is used on it."""

    card: VirtualSoundCard
    server: SimulatedRealtime
    breath: Utterance
    stop: Utterance
    folder: str
    settings: Sequence[str]
    checkout: Path = common.ROOT

    def device(self) -> common.Program:
        """Start the device."""
        talk = (f"conversation.openai.url={self.server.url}", 'conversation.barge_in="voice"')
        settings = ("audio.cues=false", *talk, "conversation.follow_up_s=0", *self.settings)
        return common.hearthside(self.card, self.folder, settings, self.checkout)

    def naive(self) -> common.Program:
        """Start the reference."""
        return common.naive_session(self.card, f"{self.server.url}?model=gpt-realtime")

    async def run(
        self, start: Callable[[], common.Program], figures: Figures, replies: int, interrupted: int = 0
    ) -> None:
        """Let a program give so many short answers, and then so many long ones that are interrupted."""
        with self.card.record_room() as room, self.card.record_speaker() as speaker, start():
            bench = Bench(self.server, self.card, room, speaker, figures)
            await asyncio.sleep(SETTLE_S)
            for _ in range(replies):
                # It waits for a wake word, or hears everything.
                await (one_breath if start == self.device else reply)(bench, self.breath)
            if interrupted:
                await interruptions(bench, self.breath, self.stop, interrupted)


async def measure(card: VirtualSoundCard, options: argparse.Namespace) -> tuple[Figures, Replies]:
    """Hold the conversations on one card."""
    figures, replies = Figures(), Replies()
    with tempfile.TemporaryDirectory(prefix="hearthside-bench-") as folder:
        async with card, SimulatedRealtime() as server:
            person = Person(card.play_into_room)
            breath = await sentence(person, COMMAND, WAKE_WORD)
            stop = await sentence(person, "stop it and turn off the light")
            stage = Stage(card, server, breath, stop, folder, options.set)
            for _ in range(options.rounds):
                await stage.run(stage.device, replies.device, options.turns)
                await stage.run(stage.naive, replies.naive, options.turns)
            await stage.run(stage.device, figures, options.turns, options.interruptions)
    return figures, replies


def report(figures: Figures) -> str:
    """Return the table of what the device did."""
    lines = [
        ("end of the wake word to the first audio at the server", figures.wake_to_server, "300"),
        ("one breath: start of the sentence lost", figures.lost, "0"),
        ("one breath: wake word left over", figures.left_over, "200"),
        ("end of speech in the room to its arrival at the server", figures.uplink, ""),
        ("server sends the answer to its first sample at the speaker", figures.downlink, ""),
        ("delay that the device adds to a reply (the sum)", figures.added, "50"),
        ("server sends `speech_started` to silence at the speaker", figures.quiet, "25"),
        ("`audio_end_ms` less what was heard", figures.truncation, ""),
        ("the same, without its sign", [abs(value) for value in figures.truncation], "5 (worst 20)"),
    ]
    rows = [(name, common.spread(values), str(len(values)), aim) for name, values, aim in lines]
    return common.table(("ms", "median (least .. most)", "times", "aim: median at most"), rows)


def report_replies(replies: Replies) -> str:
    """Return the table of what the device adds to a reply, and what the naive program does."""
    rows = [
        (
            who,
            str(len(of.uplink)),
            str(of.unheard),
            common.spread(of.uplink),
            common.spread(of.downlink),
            common.spread(of.added),
        )
        for who, of in (("`hearthside run`", replies.device), ("naive session", replies.naive))
    ]
    return common.table(("in turn", "times", "not heard", "way in, ms", "way out, ms", "added to a reply, ms"), rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--card", choices=CARDS, help="measure on this card only")
    parser.add_argument("--turns", type=int, default=8, help="one-breath commands, in each round")
    parser.add_argument("--rounds", type=int, default=3, help="how often the naive program takes its turn")
    parser.add_argument("--interruptions", type=int, default=50)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the device")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/figures.md")
    options = parser.parse_args()
    for name, card in CARDS.items():
        if options.card in (None, name):
            figures, replies = asyncio.run(measure(card(), options))
            text = f"{report(figures)}\n\n{report_replies(replies)}"
            common.publish(f"bench_reply, {name}", text, options.write)


if __name__ == "__main__":
    main()
