"""How much was heard of what was handed over."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.audio.mouth.tracker import LONGEST_DELAY_S, PlaybackTracker
from device.units import Hz

RATE = Hz(24_000)
BLOCKS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 480), st.floats(0, 0.05)), min_size=1, max_size=40)


def hand_over_all(tracker: PlaybackTracker, blocks: list[tuple[str, int, float]]) -> float:
    """Hand the blocks over one behind the other, with a gap before each; return when the last has left."""
    moment = 0.0
    for item, count, gap in blocks:
        tracker.hand_over(item, count, moment + gap, moment + gap)
        moment += gap + count / RATE
    return moment


def test_nothing_is_played_before_its_dac_time() -> None:
    """What is in the card's buffer has not been heard."""
    tracker = PlaybackTracker(RATE)
    tracker.hand_over("a", 240, 1.0, 1.0)
    assert tracker.get_played("a", 0.999) == 0


def test_a_block_is_played_sample_by_sample() -> None:
    """Half a block after half its length."""
    tracker = PlaybackTracker(RATE)
    tracker.hand_over("a", 240, 1.0, 1.0)
    assert tracker.get_played("a", 1.005) == 120


def test_silence_between_blocks_is_not_counted() -> None:
    """An underrun leaves a gap in the DAC times."""
    tracker = PlaybackTracker(RATE)
    tracker.hand_over("a", 240, 1.0, 1.0)
    tracker.hand_over("a", 240, 1.5, 1.5)
    assert tracker.get_played("a", 1.4) == 240
    assert tracker.get_played("a", 2.0) == 480


def test_what_was_dropped_never_plays() -> None:
    """The card's buffer was emptied in the middle of a block."""
    tracker = PlaybackTracker(RATE)
    tracker.hand_over("a", 240, 1.0, 1.0)
    tracker.hand_over("a", 240, 1.01, 1.01)
    tracker.drop(1.005)
    assert tracker.get_played("a", 99.0) == 120


@pytest.mark.parametrize("item", ["a", "b"])
def test_a_forgotten_count_begins_at_nothing(item: str) -> None:
    """A new answer is a new count."""
    tracker = PlaybackTracker(RATE)
    tracker.hand_over(item, 240, 1.0, 1.0)
    tracker.forget()
    assert tracker.get_played(item, 99.0) == 0


def test_old_blocks_are_not_kept() -> None:
    """A long answer takes no more memory than the card's buffer, and is counted in full."""
    tracker = PlaybackTracker(RATE)
    for index in range(2000):
        tracker.hand_over("a", 120, index * 0.005, index * 0.005)
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


class Card:
    """Says what it likes of when it plays, and runs dry when it likes."""

    def __init__(self) -> None:
        self.tracker = PlaybackTracker(RATE)
        self.now = 0.0
        self.handed_over = 0
        self.since = 0.0
        self.told: list[int] = []

    def live(self, passed_s: float, count: int, said_s: float, dry: bool) -> None:
        """Let time pass, perhaps run dry, take a block and say when it will sound; ask how much was played."""
        self.now += passed_s
        if dry:
            self.tracker.drop(self.now)
        self.since = self.since if self.handed_over else self.now
        self.tracker.hand_over("a", count, self.now + said_s, self.now)
        self.handed_over += count
        self.told.append(self.tracker.get_played("a", self.now))


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 0.2), st.integers(1, 480), st.floats(-3, 3), st.booleans()), min_size=1, max_size=60
    ),
    st.floats(0, 5),
)
def test_whatever_a_card_says_no_more_was_played_than_can_be(
    life: list[tuple[float, int, float, bool]], after_s: float
) -> None:
    """Not more than was handed over, nor than time has passed since the first sample could sound; and never back."""
    card = Card()
    for moment in life:
        card.live(*moment)
        assert card.told[-1] <= card.handed_over
        assert card.told[-1] <= (card.now - card.since) * RATE + 1
    card.told.append(card.tracker.get_played("a", card.now + after_s))
    assert card.told == sorted(card.told)
    assert card.told[-1] <= min(card.handed_over, (card.now + after_s - card.since) * RATE + 1)


def test_what_a_card_swallows_at_once_is_not_played_faster_than_time() -> None:
    """A card that runs dry again and again while it begins takes seconds of sound in a moment, and plays none of it."""
    card = Card()
    for _ in range(400):
        card.live(0.0005, 120, 0.0, dry=True)
    assert card.told[-1] <= 0.2 * RATE + 1 < card.handed_over / 9
