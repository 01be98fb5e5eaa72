"""Indication -> light over time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.core.indication import Indication
from device.panel.patterns import DIMMABLE, FRAME, ON_OFF, Pattern, pattern_of
from device.units import Ms

LIVE = (
    Indication.WAKING,
    Indication.LISTENING,
    Indication.THINKING,
    Indication.SPEAKING,
    Indication.CONFIRMING,
)
# lgpio takes whole percents and cuts the rest off.
DARKEST = 0.01

moments = st.floats(min_value=0, max_value=1e8, allow_nan=False).map(Ms)
indications = st.sampled_from(Indication)


def movement(pattern: Pattern) -> list[float]:
    """Return ten seconds of one LED's brightness."""
    return [round(pattern.brightness(Ms(at)), 3) for at in range(0, 10_000, 10)]


@given(st.sampled_from(LIVE), moments, st.booleans())
def test_a_light_is_never_dark_while_the_microphone_may_be_live(indication: Indication, at: Ms, dimmable: bool) -> None:
    """In every phase of a conversation some light is seen, on any kind of LED."""
    pattern = pattern_of(indication, dimmable=dimmable)
    assert pattern.brightness(at) >= DARKEST
    assert max(pattern.colour_at(at)) >= DARKEST


@given(st.sampled_from([Indication.DEAF, Indication.FAULT, Indication.ERROR, Indication.MUTED]), moments)
def test_what_outranks_listening_is_never_dark_either(indication: Indication, at: Ms) -> None:
    """A fault may cover the indication of an open gate."""
    assert pattern_of(indication).brightness(at) >= DARKEST


@given(indications, moments, st.booleans())
def test_brightness_stays_between_zero_and_one(indication: Indication, at: Ms, dimmable: bool) -> None:
    """PWM takes nothing else."""
    pattern = pattern_of(indication, dimmable=dimmable)
    assert 0 <= pattern.brightness(at) <= 1
    assert all(0 <= channel <= 1 for channel in pattern.colour_at(at))


@pytest.mark.parametrize("table", [DIMMABLE, ON_OFF])
def test_every_indication_has_a_pattern(table: dict[Indication, Pattern]) -> None:
    """A new indication cannot be forgotten."""
    assert set(table) == set(Indication)


def test_one_led_tells_all_indications_apart() -> None:
    """Without any colour, and not by a nuance: somewhere they differ by a quarter of the range or are both static."""
    shapes = {indication: movement(pattern) for indication, pattern in DIMMABLE.items()}
    for one in Indication:
        for other in Indication:
            if one is not other:
                apart = max(abs(a - b) for a, b in zip(shapes[one], shapes[other], strict=True))
                assert apart >= 0.1, (one, other)


def test_an_led_that_cannot_dim_tells_apart_all_but_the_phases() -> None:
    """There, not being dark matters more."""
    shapes = {tuple(movement(ON_OFF[indication])) for indication in Indication if indication not in LIVE}
    shapes.add(tuple(movement(ON_OFF[Indication.LISTENING])))
    assert len(shapes) == len(Indication) - len(LIVE) + 1


@given(indications, moments)
def test_an_led_that_cannot_dim_is_only_asked_for_on_or_off(indication: Indication, at: Ms) -> None:
    """Its pattern has no levels in between."""
    assert pattern_of(indication, dimmable=False).brightness(at) in (0.0, 1.0)


def test_idle_is_dark_and_needs_no_timer() -> None:
    """A device spends its life idle."""
    for table in (DIMMABLE, ON_OFF):
        assert table[Indication.IDLE].brightness(Ms(0)) == 0
        assert table[Indication.IDLE].next_change(Ms(0)) is None


def test_mute_is_a_dim_steady_red_without_a_timer() -> None:
    """It may last for days."""
    pattern = DIMMABLE[Indication.MUTED]
    red, green, blue = pattern.colour_at(Ms(0))
    assert red > 0
    assert green == blue == 0
    assert pattern.next_change(Ms(0)) is None


# In whole microseconds: half an ulp before a jump, the wait for it cannot be divided.
@given(indications, st.integers(0, 10**8).map(lambda us: Ms(us / 1000)), st.booleans())
def test_between_two_refreshes_the_light_hardly_moves(indication: Indication, at: Ms, dimmable: bool) -> None:
    """next_change comes soon enough for fades, and at every jump."""
    pattern = pattern_of(indication, dimmable=dimmable)
    wait = pattern.next_change(at)
    if wait is None:
        return
    assert wait > 0
    for share in (0.0, 0.5, 0.99):
        assert abs(pattern.brightness(Ms(at + wait * share)) - pattern.brightness(at)) <= 0.16


@given(moments)
def test_a_light_that_holds_a_level_is_left_alone(at: Ms) -> None:
    """An offline device sleeps for seconds between its blips."""
    wait = DIMMABLE[Indication.OFFLINE].next_change(at)
    assert wait is not None
    assert wait <= 4920
    assert DIMMABLE[Indication.OFFLINE].next_change(Ms(80)) == 4920
    assert DIMMABLE[Indication.THINKING].next_change(Ms(0)) == FRAME
