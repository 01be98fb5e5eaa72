"""A stream without end is told from cards that are merely odd."""

from __future__ import annotations

import pytest

from device.audio.cards.microphone import AlsaMicrophone
from device.audio.cards.rush import Rush
from device.audio.cards.speaker import AlsaSpeaker

BLOCK_S = 0.02


FARTHEST_S = [AlsaMicrophone.farthest_ahead_s, AlsaSpeaker.farthest_ahead_s]


def keeps_time(speed: float, seconds: float, farthest_s: float, burst_s: float = 0.0) -> bool:
    """Tell what becomes of a stream that begins with a burst and then goes at `speed`."""
    rush = Rush(0.0, farthest_s)
    if burst_s and not rush.note(burst_s, 0.0):
        return False
    return goes_on(rush, 0.0, speed, seconds)


def goes_on(rush: Rush, since: float, speed: float, seconds: float) -> bool:
    """Tell whether a stream that goes at `speed` from a moment on is taken for a card all the time."""
    blocks = range(round(seconds * speed / BLOCK_S))
    return all(rush.note(BLOCK_S, since + number * BLOCK_S / speed) for number in blocks)


@pytest.mark.parametrize("farthest_s", FARTHEST_S)
@pytest.mark.parametrize("speed", [0.999, 1.0, 1.001, 2.0])
def test_a_card_keeps_time_for_as_long_as_it_runs(speed: float, farthest_s: float) -> None:
    """Clocks that are off, and cards that run dry and take more than they play: what they gain is forgotten."""
    assert keeps_time(speed, 600.0, farthest_s)


def test_a_card_that_wakes_up_may_take_two_seconds_at_once() -> None:
    """PulseAudio's null sink with its defaults."""
    assert keeps_time(1.0, 60.0, AlsaSpeaker.farthest_ahead_s, burst_s=2.0)


def test_a_card_may_give_at_once_what_it_held_while_the_program_stood_still() -> None:
    """A process that was stopped for a minute: a sound server may have kept all of it."""
    rush = Rush(0.0, AlsaMicrophone.farthest_ahead_s)
    assert rush.note(BLOCK_S, BLOCK_S)
    assert all(rush.note(BLOCK_S, 60.0) for _ in range(3_000))
    assert goes_on(rush, 60.0, speed=1.0, seconds=60.0)


def test_one_that_begins_to_rush_after_a_standstill_is_noticed() -> None:
    """As soon as there was more than the time since could have brought."""
    rush = Rush(0.0, AlsaMicrophone.farthest_ahead_s)
    assert rush.note(BLOCK_S, 5.0)
    assert not goes_on(rush, 15.1, speed=1_000.0, seconds=0.04)


@pytest.mark.parametrize("farthest_s", FARTHEST_S)
@pytest.mark.parametrize("speed", [10.0, 1_000.0])
def test_a_stream_without_a_clock_is_noticed_within_the_first_second(speed: float, farthest_s: float) -> None:
    """ALSA's null."""
    assert not keeps_time(speed, 1.0, farthest_s)


def test_how_far_ahead_is_known_on_the_way() -> None:
    """A stream that may turn out to have no end is not yet taken for one that works."""
    rush = Rush(5.0, 4.0)
    assert rush.note(2.0, 5.0)
    assert rush.is_ahead(1.0, 5.0)
    assert not rush.is_ahead(1.0, 6.0)
