"""When the next key is fetched, at any times and after any failures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device.conversation.openai.keys.renewal import Renewal

MOMENTS, LASTS, CHANCES = st.floats(0, 1e7), st.floats(10, 7200), st.floats(0, 1)


@given(asked=MOMENTS, lasts_s=LASTS, chance=CHANCES)
def test_the_next_key_is_fetched_while_this_one_is_good(asked: float, lasts_s: float, chance: float) -> None:
    """With a third of its time left, whatever that is; so a wake word finds one at hand."""
    renewal = Renewal().fetched(asked, lasts_s)
    at = asked + renewal.wait_s(asked, chance)
    assert asked < at < asked + lasts_s
    assert renewal.is_usable(at)
    assert abs(asked + lasts_s - at - lasts_s / 3) < 1e-3


@given(asked=MOMENTS, lasts_s=LASTS)
def test_a_key_that_is_about_to_end_is_not_begun_with(asked: float, lasts_s: float) -> None:
    """The handshake takes its time."""
    renewal = Renewal().fetched(asked, lasts_s)
    assert not renewal.is_usable(asked + lasts_s - min(14, lasts_s / 5))
    assert not Renewal().is_usable(asked)


@given(failures=st.integers(1, 60), chance=CHANCES)
def test_a_broker_that_fails_is_asked_less_and_less_often(failures: int, chance: float) -> None:
    """But at least every seven minutes, and not by all devices at once."""
    renewal = Renewal()
    waits = []
    for _ in range(failures):
        renewal = renewal.failed()
        waits.append(renewal.wait_s(0.0, chance))
    assert waits == sorted(waits)
    assert 3 < waits[0] < 7
    assert waits[-1] <= 375
    assert Renewal(failures=5).wait_s(0, 0.0) < Renewal(failures=5).wait_s(0, 1.0)


def test_one_failure_is_told_only_when_no_key_is_left() -> None:
    """A broker that was just restarted is not worth a word."""
    held = Renewal().fetched(0, 600)
    assert not held.is_to_be_told(400)
    assert not held.failed().is_to_be_told(400)
    assert held.failed().is_to_be_told(599)
    assert held.failed().failed().is_to_be_told(400)
    assert Renewal().failed().is_to_be_told(0)
    assert not held.failed().failed().fetched(500, 600).is_to_be_told(500)


def test_a_key_that_was_refused_is_not_usable_and_replaced_at_once() -> None:
    """Whatever its time says."""
    renewal = Renewal().fetched(100, 600).refused()
    assert not renewal.is_usable(101)
    assert renewal.wait_s(101, 0.5) == 0
