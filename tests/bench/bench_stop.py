"""Measures stop words: how often and how soon they are heard over answers and ringing, and what is taken for them.

`tests/bench/bench_stop.py [--seconds 45] [--minutes 20] [--write]`. In the rooms of bench_echo.py, faster than real
time: the real canceller, voice detector, segmenter and recogniser, without a sound card. It needs espeak-ng and flite.
"""

from __future__ import annotations

import argparse
import math
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "audio" / "echo"))

import echo_stage
from bench_echo import LEVELS_DB, ROOMS
from common import ROOT, publish, table
from echo_stage import FRAME, NEAR_DBFS, RATE, Device, answers, at_level
from wake_set import say

from device.audio.frames import AudioFrame
from device.audio.mouth.ring import DUCKED_DB, GIVES_WAY_S, GOES_ON_S, Ringer
from device.core.events import VoiceStarted, VoiceStopped
from device.sim.room.acoustics import Room, Sound, pcm_from_samples
from device.wake.stopword.listener import AFTER, BEFORE, Recogniser
from device.wake.stopword.recognisers import open_recogniser

PAGE = ROOT / "docs/wake-words.md"
WORD = "stop"
SENTENCES = (
    *("turn on the lamp", "what time is it", "thank you", "tell me a joke", "never mind", "turn off the lamp"),
    *("set the volume to fifty percent", "play some music", "that's enough", "next", "yes", "no", "start it again"),
    *("how are you", "what can you do", "louder please", "how long does it take", "I did not mean that"),
)
RHYMES = ("start", "step", "top", "shop", "what's up", "stock", "star", "store", "spot", "hop", "drop", "step up")
WITH_THE_WORD = (
    "The bus stop is just around the corner, next to the bakery.",
    "You can stop the timer at any time by saying stop.",
    "The train will stop at four stations before the terminal.",
    "Stop, look and listen before you cross the road.",
    "I cannot stop the rain, but I can tell you when it will end.",
)
FIRST_S, PAUSE_S = 4.0, 2.5
BYTES = 2


@dataclass(frozen=True)
class Said:
    """What a person says, and where it is in the stream."""

    text: str
    sound: Sound
    at: int

    @property
    def end(self) -> int:
        """Its end."""
        return self.at + len(self.sound)


@dataclass
class Outcome:
    """What became of what was said, in one room."""

    said: list[Said]
    heard_ms: dict[int, float] = field(default_factory=dict)
    """Of each that was taken for the stop word, by its number: how long after its end, computing included."""
    by_itself: int = 0
    """Stop words that nobody said."""
    voices: int = 0
    """How often somebody was noticed."""


class Listening(Device):
    """A Device that keeps what its segmenter tells."""

    def __init__(self, reacts: bool) -> None:
        """`reacts`: what is played becomes quieter for a voice."""
        super().__init__(reacts=reacts)
        self.facts: list[tuple[int, VoiceStarted | VoiceStopped]] = []

    def _listen(self, frame: AudioFrame) -> bool:
        self._confirmed = False
        fact = self._segmenter.process(self._vad.is_voice(frame), frame.position, frame.end)
        if fact is not None:
            self.facts.append((frame.end, fact))
            self._in_voice = isinstance(fact, VoiceStarted)
        return isinstance(fact, VoiceStarted)


class Ringing(Listening):
    """One whose ring gives way to a voice, as the Ringer does."""

    def __init__(self) -> None:
        super().__init__(reacts=True)
        self._told, self._gave_way = 0, -math.inf

    def _react(self, gain: Sound) -> bool:
        new, self._told = self.facts[self._told :], len(self.facts)
        for now, fact in new:
            if isinstance(fact, VoiceStarted) and now - self._gave_way >= (GIVES_WAY_S + GOES_ON_S) * RATE:
                self._gave_way = now
                gain[: int(GIVES_WAY_S * RATE)] = 10 ** (DUCKED_DB / 20)
        return False


class Ear:
    """The recogniser, and what it costs."""

    def __init__(self) -> None:
        self.recogniser: Recogniser = open_recogniser((WORD,))
        self.recogniser.begin()
        self.computed_s = self.heard_s = 0.0

    def words(self, pcm: bytes, voices: Sequence[tuple[int, int]], eager: bool) -> Iterator[tuple[int, float]]:
        """Yield where (in samples) the word was recognised in one of these spans, and how long (s) that took.

        `eager`: as over a ring (see Recogniser).
        """
        for begin, end in voices:
            self.recogniser.begin(eager)
            for at in range(begin, end, FRAME):
                began = time.perf_counter()
                word = self.recogniser.hear(pcm[at * BYTES : (at + FRAME) * BYTES])
                spent = time.perf_counter() - began
                self.computed_s, self.heard_s = self.computed_s + spent, self.heard_s + FRAME / RATE
                if word:
                    yield at + FRAME, spent
                    break


def spans(facts: Sequence[tuple[int, VoiceStarted | VoiceStopped]], end: int) -> list[tuple[int, int]]:
    """Return what of the stream the recogniser hears, as the listener does it."""
    found: list[tuple[int, int]] = []
    for now, fact in facts:
        if isinstance(fact, VoiceStarted):
            found.append((max(0, fact.at - BEFORE), end))
        elif found:
            found[-1] = (found[-1][0], min(end, now + AFTER))
    return found


def converse(ear: Ear, place: Room, played: Sound, said: list[Said], reacts: bool) -> Outcome:
    """Let somebody speak over what is played, which `reacts` as an answer does, or else as a ring."""
    near = np.zeros_like(played)
    for one in said:
        near[one.at : one.end] += one.sound
    device = Listening(reacts=True) if reacts else Ringing()
    heard = device.hear(played, near, place, [one.end + RATE for one in said])
    outcome = Outcome(said, voices=sum(isinstance(fact, VoiceStarted) for _, fact in device.facts))
    for at, spent in ear.words(pcm_from_samples(heard.left), spans(device.facts, len(played)), not reacts):
        number = next((n for n, one in enumerate(said) if one.at < at < one.end + RATE), None)
        if number is None:
            outcome.by_itself += 1
        else:
            outcome.heard_ms.setdefault(number, (at - said[number].end) * 1000 / RATE + spent * 1000)
    return outcome


def utterances(texts: Sequence[str], seconds: float, seed: int) -> list[Said]:
    """Return what is said over `seconds`: the texts in turn, each by a voice of its own."""
    chance = np.random.default_rng(seed + 1000)
    at, said = int(FIRST_S * RATE) + seed * 1_777, []
    while True:
        text = texts[(len(said) + seed * 5) % len(texts)]
        one = Said(text, at_level(np.asarray(say(text, chance), np.float32), NEAR_DBFS), at)
        if one.end + PAUSE_S * RATE > seconds * RATE:
            return said
        said.append(one)
        at = one.end + int(PAUSE_S * RATE)


def ringing(seconds: float, seed: int) -> Sound:
    """Return the ring of what is due, from its soft beginning on."""
    ringer = Ringer(1.0)
    ringer.ring(ducked=False)
    blocks = [ringer.mix(bytes(2 * FRAME), RATE, at, over=False) for at in range(int(seconds * RATE) // FRAME)]
    return np.asarray(np.concatenate([block for block in blocks if block is not None]) / 32_768, np.float32)


def answers_with_the_word(seconds: float, seed: int) -> Sound:
    """Return answers, in each of which the device says the word itself."""
    usual, echo_stage.ANSWERS = echo_stage.ANSWERS, WITH_THE_WORD
    try:
        return answers(seconds, seed)
    finally:
        echo_stage.ANSWERS = usual


Play = Callable[[float, int], Sound]


def over(ear: Ear, play: Play, texts: Sequence[str], seconds: float) -> list[tuple[Room, Outcome]]:
    """Say the texts over what is played, in every room."""
    found = []
    for seed, place in enumerate(ROOMS):
        said = utterances(texts, seconds, seed) if texts else []
        found.append((place, converse(ear, place, play(seconds, seed + 40 * (not texts)), said, play is not ringing)))
    return found


def heard_rows(name: str, found: Sequence[tuple[Room, Outcome]]) -> Iterator[list[str]]:
    """Yield a row for each level of the echo, and one for all."""
    for number, level in enumerate(LEVELS_DB):
        yield _heard_row(f"{name}, echo {level} dB", [one for _, one in found[number :: len(LEVELS_DB)]])
    yield _heard_row(f"{name}, all", [one for _, one in found])


def _heard_row(name: str, outcomes: Sequence[Outcome]) -> list[str]:
    count = sum(len(one.said) for one in outcomes)
    delays = sorted(ms for one in outcomes for ms in one.heard_ms.values())
    times = f"{statistics.median(delays):.0f} / {delays[len(delays) * 9 // 10]:.0f}" if delays else "-"
    return [name, str(count), f"{len(delays)} ({len(delays) / count:.0%})", times]


def alone_row(name: str, minutes: float, found: Sequence[tuple[Room, Outcome]]) -> list[str]:
    """Return what the device took for a person, or for the word, with nobody there."""
    return [
        name,
        f"{minutes:.0f}",
        *(str(sum(getattr(one, key) for _, one in found)) for key in ("voices", "by_itself")),
    ]


def resumed_row(found: Sequence[tuple[Room, Outcome]], seconds: float) -> list[str]:
    """Return how often its own answers were taken for the word, at full volume again a second after a person spoke."""
    times, alone = (sum(count) for count in zip(*((len(one.said), one.by_itself) for _, one in found), strict=True))
    return [f"answers, talked over {times} times", f"{len(found) * seconds / 60:.0f}", "", str(alone)]


def taken_row(name: str, found: Sequence[tuple[Room, Outcome]]) -> list[str]:
    """Return what was taken for the stop word."""
    count = sum(len(one.said) for _, one in found)
    taken = [one.said[number].text for _, one in found for number in one.heard_ms]
    which = ", ".join(f"{text} {taken.count(text)}" for text in sorted(set(taken)))
    return [name, str(count), f"{len(taken)} ({len(taken) / count:.0%})", which]


def show_cost() -> None:
    """Print what loading takes: ms, and MB."""
    recogniser = open_recogniser((WORD,))
    before, began = _pss_mb(), time.perf_counter()
    recogniser.begin()
    spent = time.perf_counter() - began
    recogniser.hear(bytes(RATE))
    print(spent * 1000, _pss_mb() - before)


def _pss_mb() -> float:
    found = re.search(r"^Pss:\s+(\d+) kB", Path("/proc/self/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def main() -> None:
    """Make every table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=45, help="talked over, in each room (default 45)")
    parser.add_argument("--minutes", type=float, default=20, help="with nobody there (default 20)")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    parser.add_argument("--cost", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cost:
        show_cost()
        return
    load_ms, memory_mb = map(float, subprocess.check_output([sys.executable, __file__, "--cost"], text=True).split())
    ear, alone_s = Ear(), options.minutes * 60 / len(ROOMS)
    word, sentences, rhymes = (over(ear, answers, texts, options.seconds) for texts in ((WORD,), SENTENCES, RHYMES))
    heard = [
        *heard_rows("answers", word),
        *heard_rows("ringing", over(ear, ringing, (WORD,), options.seconds)),
    ]
    alone = [
        alone_row("answers", options.minutes, over(ear, answers, (), alone_s)),
        alone_row("answers with the word in them", options.minutes, over(ear, answers_with_the_word, (), alone_s)),
        alone_row("ringing", options.minutes / 2, over(ear, ringing, (), alone_s / 2)),
        resumed_row([*word, *sentences, *rhymes], options.seconds),
    ]
    taken = [
        taken_row("sentences and short answers, over answers", sentences),
        taken_row("the same, over ringing", over(ear, ringing, SENTENCES, options.seconds)),
        taken_row("words that sound like it, over answers", rhymes),
        taken_row("the same, over ringing", over(ear, ringing, RHYMES, options.seconds)),
    ]
    texts = (
        f"“{WORD}” said over what sounds, ms from the end of the word (without the sound card):",
        table(("over", "times", "heard", "ms, median / p90"), heard),
        "With nobody there:",
        table(("what sounds", "minutes", "voices noticed", "stop words heard"), alone),
        f"Said, and taken for “{WORD}”:",
        table(("what", "times", "taken for it", "which"), taken),
        f"While somebody speaks over something it takes {ear.computed_s / ear.heard_s:.1%} of a core; "
        f"the model is loaded in {load_ms:.0f} ms, when something first sounds, and takes {memory_mb:.1f} MB.",
    )
    publish("bench_stop", "\n\n".join(texts), options.write, PAGE)


if __name__ == "__main__":
    main()
