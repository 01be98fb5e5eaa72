"""Levels of a sliding switch -> what it says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device.panel.mutes.slide import SETTLED, Slide
from device.units import Ms

looks = st.lists(st.tuples(st.integers(1, 400), st.booleans()), max_size=60)
"""How long after the one before, and whether it said mute."""


def test_it_mutes_at_the_first_sign_and_lets_go_when_it_is_sure() -> None:
    """Towards quiet."""
    slide = Slide(muting=False)
    assert slide.handle_level(True, Ms(0))
    assert slide.muting
    assert not slide.handle_level(False, Ms(100))
    assert not slide.handle_level(False, Ms(249))
    assert slide.handle_level(False, Ms(250))
    assert not slide.muting


def test_a_contact_that_bounces_means_mute() -> None:
    """However often it opens."""
    slide = Slide(muting=False)
    told = [slide.handle_level(at % 3 == 0, Ms(at * 40)) for at in range(100)]
    assert told[0]
    assert not any(told[1:])
    assert slide.muting


@given(st.booleans(), looks)
def test_what_it_says_follows_from_the_last_looks(begun: bool, levels: list[tuple[int, bool]]) -> None:
    """It says mute unless every look of the last SETTLED ms said otherwise; a change is told once, and is one."""
    slide, now, story = Slide(begun), 0, []
    said = begun
    for gap, muting in levels:
        now += gap
        story.append((now, muting))
        changed = slide.handle_level(muting, Ms(now))
        assert changed is (slide.muting is not said)
        said = slide.muting
        last_mute = max((at for at, level in story if level), default=None)
        opened = [at for at, level in story if not level and (last_mute is None or at > last_mute)]
        if muting:
            assert slide.muting
        elif opened and now - opened[0] >= SETTLED:
            assert not slide.muting
        else:
            assert slide.muting is (begun if last_mute is None else True)
