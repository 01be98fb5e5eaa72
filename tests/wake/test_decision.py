"""Threshold, patience, refractory period and near misses, on scores alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.ports.wake import DetectionRule, NearMiss
from device.wake.decision import FRAME, NEAR, Decision, DetectionRules, pop_near_misses

Scores = Sequence[float]
SILENCE = (0.0,) * 6
HIGH = 0.9


def frames(count: float) -> int:
    """Return how many samples they are."""
    return int(count * FRAME)


def heard(decision: Decision, scores: Scores, step: int = FRAME, begin: int = 0) -> list[int]:
    """Return the numbers of the scores at which the word was detected."""
    return [index for index, score in enumerate(scores) if decision.hear(score, begin + (index + 1) * step)]


def decide(scores: Scores, threshold: float = 0.5, patience: int = 1, refractory: float = 3) -> list[int]:
    """Judge scores anew."""
    return heard(Decision("word", DetectionRule(threshold, patience, frames(refractory))), scores)


def near(scores: Scores, threshold: float = 0.5, patience: int = 1, refractory: float = 3) -> list[float]:
    """Return the near misses' scores."""
    decision = Decision("word", DetectionRule(threshold, patience, frames(refractory)))
    heard(decision, scores)
    return [miss.score for miss in decision.pop_near_misses()]


def test_a_word_is_detected_when_its_score_reaches_the_threshold() -> None:
    """A score equal to the threshold is enough; as long as the score stays there, it is one detection."""
    assert decide([0.1, 0.49, 0.5, 0.9, 0.9, 0.9, 0.9, 0.1]) == [2]


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("patience", [1, 3])
def test_what_is_not_a_number_is_no_detection(score: float, patience: int) -> None:
    """Nor a near miss; finite scores between them are judged as usual."""
    assert decide([score] * 12, patience=patience) == []
    assert near([score] * 12 + [0.0] * 12) == []
    assert decide([score, HIGH, score]) == [1]


def test_patience_asks_for_scores_in_a_row() -> None:
    """A lower score makes the count begin anew."""
    assert decide([HIGH, HIGH, 0.4, HIGH, HIGH, HIGH, HIGH], patience=3) == [5]
    assert decide([HIGH, HIGH, 0.4, HIGH, HIGH, 0.4], patience=3) == []


@pytest.mark.parametrize(("step", "first"), [(1280, 1), (480, 3), (320, 4), (2560, 1)])
def test_patience_is_counted_in_80_ms_whatever_the_step(step: int, first: int) -> None:
    """Two frames: 80 ms between the first score and the one that decides."""
    decision = Decision("word", DetectionRule(0.5, 2, frames(3)))
    assert heard(decision, [HIGH] * 6, step)[0] == first


def test_after_a_detection_the_word_rests() -> None:
    """For the refractory period, and until its score has fallen below the threshold."""
    assert decide([HIGH, 0, HIGH, 0, HIGH, 0, HIGH], refractory=4) == [0, 4]
    assert decide([HIGH] * 20, refractory=4) == [0]


def test_a_new_stream_keeps_the_refractory_period_and_forgets_the_rest() -> None:
    """An interrupted stream must not lead to two detections of one word."""
    decision = Decision("word", DetectionRule(0.5, 2, frames(5)))
    assert heard(decision, [HIGH, HIGH]) == [1]
    decision.forget()
    assert heard(decision, [HIGH, HIGH], begin=frames(2)) == []
    decision.forget()
    assert heard(decision, [HIGH], begin=frames(10)) == []
    decision.forget()
    assert heard(decision, [HIGH], begin=frames(11)) == []


def test_a_peak_below_the_threshold_is_one_near_miss() -> None:
    """With its highest score, also when it dips for a moment."""
    assert near([0.1, 0.3, 0.45, 0.1, 0.3, *SILENCE]) == [0.45]
    assert near([0.3, *SILENCE, 0.26, *SILENCE]) == [0.3, 0.26]


def test_a_near_miss_says_which_word_and_where() -> None:
    """At the peak."""
    decision = Decision("word", DetectionRule(0.8))
    heard(decision, [0.5, 0.6, 0.5, *SILENCE])
    assert decision.pop_near_misses() == [NearMiss("word", 0.6, 0.8, frames(2))]
    assert decision.pop_near_misses() == []


def test_a_peak_is_not_judged_before_it_is_over() -> None:
    """It may become a detection yet."""
    assert near([0.3, 0.3, 0.1, 0.1, 0.4]) == []


@pytest.mark.parametrize(
    "scores",
    [
        [0.2, 0.24, *SILENCE],
        [0.3, HIGH, 0.3, 0.2, *SILENCE],
        [0.3, 0.1, HIGH, 0.3, *SILENCE],
        [HIGH, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, *SILENCE],
        [HIGH, 0.1, 0.4, *SILENCE],
    ],
    ids=["low", "rise", "dip before", "long tail", "echo within the refractory period"],
)
def test_low_scores_and_what_belongs_to_a_detection_are_no_near_misses(scores: Scores) -> None:
    """Nor are the falling scores after a detection."""
    assert near(scores) == []


def test_impatience_is_a_near_miss() -> None:
    """The score was high enough, but not for long enough."""
    assert near([HIGH, HIGH, *SILENCE], patience=3) == [HIGH]


def test_near_misses_of_several_words_come_in_their_order() -> None:
    """In the order of their positions."""
    first, second = Decision("a", DetectionRule(0.5)), Decision("b", DetectionRule(0.5))
    heard(first, [0.1, 0.4, *SILENCE])
    heard(second, [0.3, *SILENCE])
    assert [miss.word for miss in pop_near_misses([first, second])] == ["b", "a"]


def test_a_word_s_own_rule_goes_before_that_of_all_and_that_before_the_engine_s() -> None:
    """Each of the three separately."""
    rules = DetectionRules(None, {"a": 0.7}, 2, {"b": 3}, 1.0, {"a": 2.0})
    assert rules.of("a", 0.9) == DetectionRule(0.7, 2, 32_000)
    assert rules.of("b", 0.9) == DetectionRule(0.9, 3, 16_000)
    assert DetectionRules(0.6).of("b", 0.9).threshold == 0.6


@given(
    scores=st.lists(st.floats(0, 1), max_size=120),
    threshold=st.floats(0.05, 1),
    patience=st.integers(1, 4),
    refractory=st.integers(0, 20),
)
def test_detections_keep_their_distance_and_peaks_are_counted_once(
    scores: Scores, threshold: float, patience: int, refractory: int
) -> None:
    """Whatever the scores; more patience never detects sooner."""
    found = decide(scores, threshold, patience, refractory)
    assert all(scores[at] >= threshold for at in found)
    assert all(later - sooner >= max(1, refractory) for sooner, later in pairwise(found))
    assert not found or found[0] >= decide(scores, threshold, 1, refractory)[0]
    misses = near([*scores, *SILENCE], threshold, patience, refractory)
    assert all(score >= NEAR * threshold for score in misses)
    assert patience > 1 or found or max(misses, default=0) < threshold
