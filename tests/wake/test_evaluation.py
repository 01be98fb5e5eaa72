"""Recordings through an engine, and the errors at other thresholds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from device.ports.wake import DetectionRule
from device.units import Samples
from device.wake.engines import load_engine
from device.wake.evaluation import THRESHOLDS, Evaluator, Track, errors, sweep
from device.wake.settings import Wake

RATE = 16_000
Sound = np.ndarray
Say = Callable[..., Sound]
Silence = Callable[[float], Sound]
RULE = DetectionRule(0.5, refractory=Samples(3 * 1280))


def track(name: str, *scores: float, samples: int = 3600 * RATE) -> Track:
    """Return a recording of an hour with these scores."""
    return Track(name, Samples(samples), Samples(1280), {"word": scores}, (), ())


@pytest.fixture(params=["openwakeword", "microwakeword"])
def evaluator(request: pytest.FixtureRequest) -> Evaluator:
    """Return one for each engine."""
    return Evaluator(load_engine(Wake(engine=request.param)))


def test_a_word_is_heard_in_every_recording_wherever_it_is(evaluator: Evaluator, say: Say, silence: Silence) -> None:
    """Also when the recording contains only the word, and the recording before ended with it."""
    word = say("hey jarvis", "en-us+belinda", 180).tobytes()
    alone = evaluator.hear("alone", [word])
    again = evaluator.hear("again", [word])
    late = evaluator.hear("late", [silence(1.2).tobytes(), word[:1000], word[1000:]])
    nothing = evaluator.hear("nothing", [silence(2).tobytes()])
    assert [len(found.detections) for found in (alone, again, late, nothing)] == [1, 1, 1, 0]
    assert alone.scores == again.scores
    assert alone.samples == len(word) // 2
    assert late.detections[0].end - alone.detections[0].end == pytest.approx(1.2 * RATE, abs=0.1 * RATE)


def test_an_empty_recording_has_no_detections(evaluator: Evaluator) -> None:
    """And its length is 0."""
    heard = evaluator.hear("empty", [])
    assert (heard.samples, heard.detections, heard.near_misses) == (0, (), ())


def test_the_configured_threshold_gives_what_the_engine_detected(
    evaluator: Evaluator, say: Say, silence: Silence
) -> None:
    """The sweep decides as the engine does."""
    word, other = say("hey jarvis", "en-us+belinda", 180), say("hey travis", "en-us", 160)
    sound = np.concatenate([word, silence(1.8), other, silence(2.5), word, silence(0.3), word, silence(1)])
    heard = evaluator.hear("x", [sound.astype("<i2").tobytes()])
    rule = evaluator._engine.rules["hey_jarvis"]
    counted = errors([heard], {"x": ""}, "hey_jarvis", rule, rule.threshold)
    assert counted.accepted == len(heard.detections) >= 2


def test_errors_are_counted_by_what_was_said() -> None:
    """A word in a recording of another is a false accept; two detections in its own are none."""
    tracks = [track("yes", 0.9, 0, 0, 0, 0.9), track("missed", 0.3), track("other", 0.1, 0.9, 0, 0, 0, 0.6)]
    expected = {"yes": "word", "missed": "word", "other": "another"}
    found = errors(tracks, expected, "word", RULE, 0.5)
    assert (found.rejected, found.spoken, found.accepted, found.hours) == (1, 2, 2, 1.0)
    assert (found.rejected_share, found.accepted_per_hour) == (0.5, 2.0)


def test_without_recordings_of_a_kind_there_is_no_rate() -> None:
    """Rather than a perfect one."""
    with_word = errors([track("a", 0.9)], {"a": "word"}, "word", RULE, 0.5)
    without = errors([track("a", 0.9)], {"a": ""}, "word", RULE, 0.5)
    assert (with_word.rejected_share, with_word.accepted_per_hour) == (0.0, None)
    assert (without.rejected_share, without.accepted_per_hour) == (None, 1.0)


def test_a_sweep_covers_the_thresholds_with_the_word_s_patience() -> None:
    """Higher ones reject more and accept less."""
    tracks = [track("yes", 0.3, 0.6, 0.6), track("no", 0.4, 0.5)]
    points = sweep(tracks, {"yes": "word", "no": ""}, "word", DetectionRule(0.5, 2))
    assert [point.threshold for point in points] == list(THRESHOLDS)
    assert (THRESHOLDS[0], THRESHOLDS[-1]) == (0.1, 0.95)
    assert {point.threshold for point in points if point.rejected} == {point for point in THRESHOLDS if point > 0.6}
    assert {point.threshold for point in points if point.accepted} == {point for point in THRESHOLDS if point <= 0.4}
