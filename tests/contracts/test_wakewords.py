"""What every wake-word engine does."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
import soxr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.ports.wake import Detection, WakeWord
from device.wake.engines import load_engine
from device.wake.settings import Wake

RATE = 16_000
Sound = npt.NDArray[np.int16]
Make = Callable[..., WakeWord]


@cache
def say(text: str, voice: str, speed: int) -> Sound:
    """Return what espeak-ng says: forms of the words that both engines hear well."""
    command = ["espeak-ng", "--stdout", "-v", voice, "-s", str(speed), text]
    # A plain 44-byte header, 22050 Hz mono.
    raw = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout[44:], "<i2")
    sound = soxr.resample(raw.astype(np.float32), 22_050, RATE).clip(-32_768, 32_767).astype("<i2")
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > 300)
    return sound[loud[0] : loud[-1] + 1]


def jarvis() -> Sound:
    """Return "hey jarvis"."""
    return say("hey jarvis", "en-us+belinda", 180)


def alexa() -> Sound:
    """Return "alexa"."""
    return say("alexa", "en-us+m8", 140)


def quiet(seconds: float) -> Sound:
    """Return a quiet microphone's noise."""
    return (np.random.default_rng(3).standard_normal(int(seconds * RATE)) * 5).astype("<i2")


def feed(engine: WakeWord, *sounds: Sound, samples: int = 320) -> list[Detection]:
    """Feed the sounds in pieces."""
    pcm = np.concatenate(sounds).astype("<i2").tobytes()
    return [found for at in range(0, len(pcm), samples * 2) for found in engine.process(pcm[at : at + samples * 2])]


@pytest.fixture(params=["openwakeword", "microwakeword", "both"])
def make(request: pytest.FixtureRequest) -> Make:
    """Return a function that makes each engine from settings, and one of which the other is asked about every word."""
    if request.param == "both":
        return lambda **wake: load_engine(Wake(second_opinion=wake.get("words", Wake().words), **wake))
    return lambda **wake: load_engine(Wake(engine=request.param, second_opinion=(), **wake))


def test_scores_are_probabilities_of_every_word(make: Make) -> None:
    """From the start, and while it listens."""
    engine = make(words=("hey_jarvis", "alexa"))
    assert engine.words == ("hey_jarvis", "alexa")
    assert set(engine.rules) == set(engine.words)
    for sound in (quiet(0.5), jarvis(), quiet(0.3)):
        assert set(engine.scores) == {"hey_jarvis", "alexa"}
        assert all(0.0 <= score <= 1.0 for score in engine.scores.values())
        feed(engine, sound)


def test_each_word_is_detected_once_as_itself(make: Make) -> None:
    """In the order in which they are said; other speech is not."""
    engine = make(words=("alexa", "hey_jarvis"))
    other = say("what is the weather like", "en-us+belinda", 160)
    found = feed(engine, quiet(1.5), jarvis(), quiet(1.5), other, quiet(1), alexa(), quiet(1.5))
    assert [detection.word for detection in found] == ["hey_jarvis", "alexa"]


def test_the_end_of_a_word_is_within_it(make: Make) -> None:
    """Not late, and not before the word began."""
    lead = quiet(1.5)
    [found] = feed(make(), lead, jarvis(), quiet(1.5))
    assert len(lead) < found.end <= len(lead) + len(jarvis())


def test_positions_go_on_after_a_reset(make: Make) -> None:
    """Down to the odd sample; half a word before it is forgotten."""
    engine = make()
    before = np.concatenate([quiet(1.5), jarvis()[: len(jarvis()) // 2], quiet(0.1)[:77]])
    assert feed(engine, before) == []
    engine.reset()
    assert set(engine.scores.values()) == {0.0}
    assert feed(engine, jarvis()[len(jarvis()) // 2 :], quiet(1.5)) == []
    lead = len(before) + len(jarvis()) - len(jarvis()) // 2 + int(1.5 * RATE)
    [found] = feed(engine, jarvis(), quiet(1.5))
    assert lead < found.end <= lead + len(jarvis())


def test_a_reset_engine_is_like_a_new_one(make: Make) -> None:
    """Nothing of the old stream is left."""
    old, new = make(), make()
    feed(old, quiet(0.7), jarvis(), quiet(0.01)[:33])
    old.reset()
    for engine in (old, new):
        feed(engine, quiet(0.5), jarvis())
    assert old.scores == new.scores


@pytest.mark.parametrize(("refractory_s", "times"), [(1.0, 2), (5.0, 1)])
def test_a_word_is_not_detected_again_in_its_refractory_period(make: Make, refractory_s: float, times: int) -> None:
    """Counted in samples, also across a reset."""
    engine = make(refractory_s=refractory_s)
    found = feed(engine, quiet(1.5), jarvis(), quiet(1.0))
    engine.reset()
    found += feed(engine, quiet(1.0), jarvis(), quiet(1.0))
    assert len(found) == times


def test_patience_delays_a_detection_or_makes_a_near_miss_of_it(make: Make) -> None:
    """By frames of 80 ms, whatever the engine's step; no score stays up for two seconds."""
    sounds = (quiet(1.5), jarvis(), quiet(1.5))
    prompt, patient, stubborn = make(), make(patience=2), make(patiences={"hey_jarvis": 25})
    pieces = np.concatenate(sounds).tobytes()
    at: list[list[int]] = [[], []]
    for start in range(0, len(pieces), 320):
        for engine, when in zip((prompt, patient), at, strict=True):
            when += [start for _ in engine.process(pieces[start : start + 320])]
    assert len(at[0]) == len(at[1]) == 1
    assert at[0] < at[1]
    assert feed(stubborn, *sounds) == []
    [miss] = stubborn.pop_near_misses()
    assert miss.score >= miss.threshold
    assert len(sounds[0]) < miss.at < len(sounds[0]) + len(sounds[1]) + RATE
    assert stubborn.pop_near_misses() == []
    assert prompt.pop_near_misses() == []


def test_what_comes_near_the_threshold_is_a_near_miss(make: Make) -> None:
    """The same word, where no score is enough."""
    engine = make(threshold=1.0)
    assert feed(engine, quiet(1.5), jarvis(), quiet(1.5)) == []
    [miss] = engine.pop_near_misses()
    assert (miss.word, miss.threshold) == ("hey_jarvis", 1.0)
    assert 0.5 <= miss.score < 1.0


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(samples=st.sampled_from([1, 7, 160, 320, 487, 1280, 5000, 100_000]))
def test_the_length_of_the_pieces_changes_nothing(make: Make, samples: int) -> None:
    """Neither scores nor detections, but for the rounding: steps that come together are computed together."""
    sounds = [quiet(1.0), jarvis(), quiet(0.6)]
    pieces, steps = make(), make()
    [found], [expected] = feed(pieces, *sounds, samples=samples), feed(steps, *sounds)
    assert (found.word, found.score) == (expected.word, pytest.approx(expected.score, abs=1e-5))
    assert abs(found.end - expected.end) <= 1
    assert pieces.scores == pytest.approx(steps.scores, abs=1e-5)


def test_a_narrowed_engine_hears_its_first_word_alone_and_later_all_of_them_again(make: Make) -> None:
    """The others' scores are 0 meanwhile; positions are those of the stream."""
    engine = make(words=("alexa", "hey_jarvis"))
    assert engine.can_narrow
    feed(engine, quiet(1.5))
    engine.narrow(True)
    found = feed(engine, jarvis(), quiet(1.5), alexa(), quiet(1.5))
    assert [detection.word for detection in found] == ["alexa"]
    assert engine.scores["hey_jarvis"] == 0.0
    engine.narrow(False)
    before = 1.5 * RATE + len(jarvis()) + len(alexa()) + 3.0 * RATE
    found = feed(engine, quiet(1.5), jarvis(), quiet(1.5))
    assert [detection.word for detection in found] == ["hey_jarvis"]
    assert found[0].end == pytest.approx(before + 1.5 * RATE + len(jarvis()), abs=0.3 * RATE)
    assert not make(words=("alexa",)).can_narrow
