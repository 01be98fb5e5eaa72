"""The second opinion: what counts, what is refused, and that nothing else changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.ports.wake import Detection, DetectionRule, NearMiss, Refusal
from device.units import CAPTURE_RATE, Samples
from device.wake.agreement.opinion import AFTER, BEFORE, EngineJudge, SecondOpinion

STEP = 1280
THRESHOLD = 0.5
LATEST = 11_000
"""How long after a word's end it is detected at most (0.7 s)."""


class FakeFirst:
    """Detects what it was told to, when it was told to."""

    words = ("fake", "other")
    step = Samples(STEP)
    can_narrow = True

    def __init__(self, *planned: tuple[Detection, int]) -> None:
        """Each detection, and where in the stream it is detected."""
        self.rules = {word: DetectionRule(0.4) for word in self.words}
        self.forgiven: list[str] = []
        self.calls: list[object] = []
        self.near: list[NearMiss] = []
        self._planned = planned
        self._position = 0

    @property
    def scores(self) -> dict[str, float]:
        """Nothing of interest."""
        return {"fake": 0.1, "other": 0.2}

    def process(self, pcm: bytes) -> list[Detection]:
        """Go on by so many samples."""
        before, self._position = self._position, self._position + len(pcm) // 2
        return [found for found, at in self._planned if before < at <= self._position]

    def pop_near_misses(self) -> list[NearMiss]:
        """Return them once."""
        near, self.near = self.near, []
        return near

    def reset(self) -> None:
        """Note it."""
        self.calls.append("reset")

    def skip(self, samples: int) -> None:
        """Note it."""
        self.calls.append(("skip", samples))
        self._position += samples

    def narrow(self, first_only: bool) -> None:
        """Note it."""
        self.calls.append(("narrow", first_only))

    def forgive(self, word: str) -> None:
        """Note it."""
        self.forgiven.append(word)


class FakeJudge:
    """Its score is the loudest sample that it has heard, in thousandths."""

    threshold = THRESHOLD

    def __init__(self) -> None:
        self.heard = bytearray()
        self.loudest = 0
        self.pieces: list[bytes] = []

    def hear(self, pcm: bytes) -> float:
        """Add to what was heard."""
        self.heard += pcm
        self.loudest = max(self.loudest, int(np.frombuffer(pcm, "<i2").max(initial=0)))
        return self.loudest / 1000

    def forget(self) -> None:
        """Keep it for the test."""
        self.pieces.append(bytes(self.heard))
        self.heard, self.loudest = bytearray(), 0


class BrokenJudge(FakeJudge):
    """Raises."""

    def hear(self, pcm: bytes) -> float:
        """Raise."""
        raise RuntimeError("no memory")


def silence(samples: int) -> np.ndarray:
    """Return so much silence."""
    return np.zeros(samples, np.int16)


def feed(engine: SecondOpinion, sound: np.ndarray, pieces: Sequence[int] = (STEP,)) -> list[Detection]:
    """Feed the sound in pieces of these lengths, over and over."""
    pcm, found, at, number = sound.astype("<i2").tobytes(), [], 0, 0
    while at < len(pcm):
        size = 2 * pieces[number % len(pieces)]
        found += engine.process(pcm[at : at + size])
        at, number = at + size, number + 1
    return found


def detection(end: int, word: str = "fake") -> Detection:
    """Return one."""
    return Detection(word, 0.9, Samples(end))


def test_what_both_hear_is_detected_as_the_first_says() -> None:
    """Word, score and end; at once, if the sound is there."""
    heard = detection(30_000)
    sound = silence(60_000)
    sound[25_000] = 600
    engine = SecondOpinion(FakeFirst((heard, 34_000)), {"fake": FakeJudge()}, "second")
    assert feed(engine, sound[:34_560]) == [heard]
    assert feed(engine, sound[34_560:]) == []
    assert engine.pop_near_misses() == []


def test_what_only_the_first_hears_is_a_near_miss_that_says_who_refused() -> None:
    """And the word may be detected again at once."""
    sound = silence(60_000)
    sound[25_000] = 300
    first = FakeFirst((detection(30_000), 34_000))
    engine = SecondOpinion(first, {"fake": FakeJudge()}, "second")
    assert feed(engine, sound) == []
    miss = NearMiss("fake", 0.9, 0.4, Samples(30_000), Refusal("second", 0.3, THRESHOLD))
    assert engine.pop_near_misses() == [miss]
    assert str(miss) == "fake 0.90 (threshold 0.40), but second says no: 0.30 (threshold 0.50)"
    assert first.forgiven == ["fake"]


def test_a_judge_that_hears_the_word_a_little_later_is_waited_for() -> None:
    """What it has heard already it is not given again."""
    sound = silence(60_000)
    sound[46_500] = 600
    judge = FakeJudge()
    engine = SecondOpinion(FakeFirst((detection(40_000), 41_000)), {"fake": judge}, "second")
    assert feed(engine, sound[:46_080]) == []
    assert feed(engine, sound[46_080:47_360]) == [detection(40_000)]
    _with_silence_after_it, heard = judge.pieces
    assert len(heard) // 2 == BEFORE + 47_360 - 40_000


class LateJudge(FakeJudge):
    """One that says what it has heard only when it has heard this much more."""

    LATE = 4_800

    def hear(self, pcm: bytes) -> float:
        """Add to what was heard."""
        self.heard += pcm
        return int(np.frombuffer(bytes(self.heard), "<i2")[: -self.LATE].max(initial=0)) / 1000


def test_a_judge_that_would_agree_if_silence_followed_is_not_waited_for() -> None:
    """The first engine detects some words before they are over; the other one needs sound after them."""
    sound = silence(60_000)
    sound[33_900] = 600
    judge = LateJudge()
    engine = SecondOpinion(FakeFirst((detection(33_000), 34_000)), {"fake": judge}, "second")
    assert feed(engine, sound[:34_560]) == [detection(33_000)]
    [heard] = judge.pieces
    real, silent = heard[: 2 * (BEFORE + 34_560 - 33_000)], heard[2 * (BEFORE + 34_560 - 33_000) :]
    assert real == sound[33_000 - BEFORE : 34_560].tobytes()
    assert len(silent) > 2 * LateJudge.LATE
    assert not any(silent)


def test_silence_that_was_only_supposed_is_not_held_against_a_word() -> None:
    """Where it does not help, the judge begins again, and hears without a break what was and what comes."""
    sound = silence(60_000)
    sound[30_000], sound[38_000] = 100, 600
    judge = FakeJudge()
    engine = SecondOpinion(FakeFirst((detection(33_000), 34_000)), {"fake": judge}, "second")
    assert feed(engine, sound[:38_400]) == [detection(33_000)]
    assert judge.pieces[1] == sound[33_000 - BEFORE : 38_400].tobytes()


def test_words_without_a_judge_are_detected_as_before() -> None:
    """Also beside one that is examined."""
    other, fake = detection(30_000, "other"), detection(29_000)
    engine = SecondOpinion(FakeFirst((fake, 31_000), (other, 31_000)), {"fake": FakeJudge()}, "second")
    assert feed(engine, silence(60_000)) == [other]


@given(
    st.lists(st.tuples(st.integers(0, LATEST), st.booleans(), st.integers(-BEFORE + 1, AFTER)), max_size=4),
    st.lists(st.integers(1, 70_000), min_size=1, max_size=5),
)
def test_each_detection_is_either_returned_or_refused_however_the_sound_comes(
    words: list[tuple[int, bool, int]], pieces: list[int]
) -> None:
    """Only by what is heard around it, from two seconds before its end to 0.8 s after it; nothing of it is changed."""
    planned, agreed = [], []
    sound = silence(50_000 * (len(words) + 1))
    for number, (late, is_heard, at) in enumerate(words, start=1):
        end = 50_000 * number - 10_000
        planned.append((detection(end), end + late))
        if is_heard:
            sound[end + at - 1] = 700
            agreed.append(planned[-1][0])
    engine = SecondOpinion(FakeFirst(*planned), {"fake": FakeJudge()}, "second")
    assert feed(engine, sound, pieces) == agreed
    refused = [miss.at for miss in engine.pop_near_misses()]
    assert refused == [found.end for found, _ in planned if found not in agreed]


def test_two_detections_at_once_are_one_word() -> None:
    """Heard twice by the first engine, which is asked about once."""
    judge = FakeJudge()
    engine = SecondOpinion(FakeFirst((detection(30_000), 31_000), (detection(32_000), 33_000)), {"fake": judge}, "s")
    assert feed(engine, silence(60_000)) == []
    # With silence after it, and with what really came.
    assert len(judge.pieces) == 2
    assert len(engine.pop_near_misses()) == 1


def test_an_interrupted_stream_decides_what_was_open() -> None:
    """It is refused, and the sound from before is forgotten."""
    judge = FakeJudge()
    first = FakeFirst((detection(30_000), 31_000), (detection(33_000), 34_000))
    engine = SecondOpinion(first, {"fake": judge}, "second")
    feed(engine, silence(32_000))
    engine.reset()
    assert [miss.at for miss in engine.pop_near_misses()] == [30_000]
    feed(engine, silence(16_000))
    assert len(judge.pieces[3]) // 2 == 33_000 + AFTER - 32_000
    assert first.calls == ["reset"]


def test_a_skipped_part_of_the_stream_is_counted() -> None:
    """The positions of both engines stay the same; what was heard before it stands for it, as it sounds the same."""
    judge = FakeJudge()
    first = FakeFirst((detection(130_000), 131_000))
    engine = SecondOpinion(first, {"fake": judge}, "second")
    feed(engine, silence(20_000))
    engine.skip(100_000)
    feed(engine, silence(40_000))
    assert len(judge.pieces[1]) // 2 == 130_000 + AFTER - 100_000
    assert first.calls == [("skip", 100_000)]


def test_after_less_than_a_step_was_skipped_the_judge_hears_on() -> None:
    """The worker begins its steps anew: what was open stays so, for as much sound as before."""
    for level, agreed in ((600, [detection(30_000)]), (0, [])):
        judge = FakeJudge()
        engine = SecondOpinion(FakeFirst((detection(30_000), 31_000)), {"fake": judge}, "second")
        feed(engine, silence(32_000))
        engine.skip(300)
        assert feed(engine, silence(16_000) + level) == agreed
        assert [miss.at for miss in engine.pop_near_misses()] == ([] if agreed else [30_000])
    # All that there was before the word's end, and after it as much as usual.
    assert len(judge.pieces[-1]) // 2 == 30_000 + AFTER


def test_a_judge_that_fails_agrees_and_is_complained_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody wants a deaf house because of a second opinion."""
    found = detection(30_000), detection(80_000)
    engine = SecondOpinion(FakeFirst(*((one, one.end + 1000) for one in found)), {"fake": BrokenJudge()}, "second")
    assert feed(engine, silence(120_000)) == list(found)
    assert [record.getMessage() for record in caplog.records] == [
        "no second opinion, so every detection counts: no memory"
    ]


def test_everything_else_is_the_first_engine_s() -> None:
    """Scores, rules, near misses, and what the worker asks of it."""
    first = FakeFirst()
    first.near = [NearMiss("other", 0.3, 0.4, Samples(1))]
    engine = SecondOpinion(first, {"fake": FakeJudge()}, "second")
    engine.narrow(True)
    assert (engine.scores, engine.rules, engine.words) == (first.scores, first.rules, first.words)
    assert (engine.step, engine.can_narrow) == (first.step, True)
    assert [miss.word for miss in engine.pop_near_misses()] == ["other"]
    assert first.calls == [("narrow", True)]


class FakeEngine:
    """Its score of a step is its loudest sample, in thousandths."""

    words = ("fake",)
    step = Samples(480)
    rules: ClassVar = {"fake": DetectionRule(0.9)}

    def __init__(self) -> None:
        self.scores = {"fake": 0.0}
        self.resets = 0

    def process(self, pcm: bytes) -> list[Detection]:
        """Score it."""
        self.scores = {"fake": int(np.frombuffer(pcm, "<i2").max()) / 1000}
        return []

    def pop_near_misses(self) -> list[NearMiss]:
        """Return none."""
        return []

    def reset(self) -> None:
        """Count."""
        self.resets += 1


def test_an_engine_s_judgement_is_its_highest_score_since_it_was_told_to_forget() -> None:
    """The engine is made when it is first needed, and reset after each question."""
    made: list[FakeEngine] = []

    def make() -> FakeEngine:
        made.append(FakeEngine())
        return made[-1]

    judge = EngineJudge("fake", THRESHOLD, make)
    judge.forget()
    assert made == []
    sound = silence(CAPTURE_RATE)
    sound[500] = 700
    assert judge.hear(sound.tobytes()) == 0.7
    assert judge.hear(silence(480).tobytes()) == 0.7
    judge.forget()
    assert judge.hear(silence(480).tobytes()) == 0.0
    assert [engine.resets for engine in made] == [1]
