"""A stream without end is told from cards that are merely odd."""

from __future__ import annotations

import pytest

from device.audio.rush import FARTHEST_AHEAD_S, Rush

BLOCK_S = 0.02


def keeps_time(speed: float, seconds: float, burst_s: float = 0.0) -> bool:
    """Tell what becomes of a stream that begins with a burst and then goes at `speed`."""
    rush = Rush(0.0)
    if burst_s and not rush.note(burst_s, 0.0):
        return False
    return all(rush.note(BLOCK_S, number * BLOCK_S / speed) for number in range(round(seconds * speed / BLOCK_S)))


@pytest.mark.parametrize("speed", [0.999, 1.0, 1.001, 2.0])
def test_a_card_keeps_time_for_as_long_as_it_runs(speed: float) -> None:
    """Clocks that are off, and cards that run dry and take more than they play: what they gain is forgotten."""
    assert keeps_time(speed, 600.0)


def test_a_card_that_wakes_up_may_take_two_seconds_at_once() -> None:
    """PulseAudio's null sink with its defaults."""
    assert keeps_time(1.0, 60.0, burst_s=2.0)


@pytest.mark.parametrize("speed", [10.0, 1_000.0])
def test_a_stream_without_a_clock_is_noticed_within_the_first_second(speed: float) -> None:
    """ALSA's null."""
    assert not keeps_time(speed, 1.0)


def test_how_far_ahead_is_known_on_the_way() -> None:
    """A stream that may turn out to have no end is not yet taken for one that works."""
    rush = Rush(5.0)
    rush.note(2.0, 5.0)
    assert rush.is_ahead(1.0, 5.0)
    assert not rush.is_ahead(1.0, 6.0)
    assert not rush.is_ahead(FARTHEST_AHEAD_S, 5.0)
