"""How much was heard of what was handed over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.tracker import LONGEST_DELAY_S, PlaybackTracker
from device.units import Hz

RATE = Hz(24_000)
BLOCKS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 480), st.floats(0, 0.05)), min_size=1, max_size=40)


def hand_over_all(tracker: PlaybackTracker, blocks: list[tuple[str, int, float]]) -> float:
    """Hand the blocks over one behind the other, with a gap before each; return when the last has left."""
    moment = 0.0
    for item, count, gap in blocks:
        tracker.hand_over(item, count, moment + gap)
        moment += gap + count / RATE
    return moment


def test_nothing_is_played_before_its_dac_time() -> None:
    """What is in the card's buffer has not been heard."""
    tracker = PlaybackTracker(RATE)
    tracker.hand_over("a", 240, 1.0)
    assert tracker.get_played("a", 0.999) == 0


def test_a_block_is_played_sample_by_sample() -> None:
    """Half a block after half its length."""
    tracker = PlaybackTracker(RATE)
    tracker.hand_over("a", 240, 1.0)
    assert tracker.get_played("a", 1.005) == 120


def test_silence_between_blocks_is_not_counted() -> None:
    """An underrun leaves a gap in the DAC times."""
    tracker = PlaybackTracker(RATE)
    tracker.hand_over("a", 240, 1.0)
    tracker.hand_over("a", 240, 1.5)
    assert tracker.get_played("a", 1.4) == 240
    assert tracker.get_played("a", 2.0) == 480


def test_what_was_dropped_never_plays() -> None:
    """The card's buffer was emptied in the middle of a block."""
    tracker = PlaybackTracker(RATE)
    tracker.hand_over("a", 240, 1.0)
    tracker.hand_over("a", 240, 1.01)
    tracker.drop(1.005)
    assert tracker.get_played("a", 99.0) == 120


@pytest.mark.parametrize("item", ["a", "b"])
def test_a_forgotten_count_begins_at_nothing(item: str) -> None:
    """A new answer is a new count."""
    tracker = PlaybackTracker(RATE)
    tracker.hand_over(item, 240, 1.0)
    tracker.forget()
    assert tracker.get_played(item, 99.0) == 0


def test_old_blocks_are_not_kept() -> None:
    """A long answer takes no more memory than the card's buffer, and is counted in full."""
    tracker = PlaybackTracker(RATE)
    for index in range(2000):
        tracker.hand_over("a", 120, index * 0.005)
    assert len(tracker._blocks) <= LONGEST_DELAY_S / 0.005 + 1
    assert tracker.get_played("a", 10.0) == 2000 * 120


@given(BLOCKS, st.lists(st.floats(0, 3), min_size=2, max_size=10))
def test_the_count_never_falls(blocks: list[tuple[str, int, float]], moments: list[float]) -> None:
    """Time only adds."""
    tracker = PlaybackTracker(RATE)
    hand_over_all(tracker, blocks)
    counts = [tracker.get_played("a", moment) for moment in sorted(moments)]
    assert counts == sorted(counts)


@given(BLOCKS, st.floats(0, 3))
def test_no_more_is_played_than_was_handed_over(blocks: list[tuple[str, int, float]], moment: float) -> None:
    """And all of it once the last sample's time has passed."""
    tracker = PlaybackTracker(RATE)
    end = hand_over_all(tracker, blocks)
    for item in "ab":
        received = sum(count for name, count, _ in blocks if name == item)
        assert 0 <= tracker.get_played(item, moment) <= received
        assert tracker.get_played(item, end + 0.001) == received


@given(BLOCKS, st.floats(0, 3))
def test_dropping_keeps_what_had_been_played(blocks: list[tuple[str, int, float]], moment: float) -> None:
    """The count at the drop is the count for ever."""
    tracker = PlaybackTracker(RATE)
    hand_over_all(tracker, blocks)
    before = tracker.get_played("a", moment)
    tracker.drop(moment)
    assert tracker.get_played("a", moment + 10) == before
