"""What is shown at a moment: indications, and at times the volume over them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device.core.indication import Indication
from device.panel.patterns import LIVE, pattern_of
from device.panel.rings import VOLUME_SHOWN, frame_of
from device.panel.scene import Scene, dark, is_lit
from device.units import Degrees, Ms


def test_before_anything_is_shown_it_is_dark_and_still() -> None:
    """Nobody need be woken."""
    scene = Scene(12)
    assert scene.frame(Ms(5)) == dark(12)
    assert scene.next_change(Ms(5)) is None


def test_an_indication_begins_when_it_is_shown_and_not_again() -> None:
    """The controller may show it after every event."""
    scene = Scene(12)
    assert scene.show(Indication.WAKING, Ms(1000))
    assert not scene.show(Indication.WAKING, Ms(1100))
    assert scene.frame(Ms(1200)) == frame_of(Indication.WAKING, Ms(200), 12)


def test_one_pixel_shows_what_a_single_led_shows() -> None:
    """Dimmable or not."""
    for dimmable in (True, False):
        scene = Scene(1, dimmable)
        scene.show(Indication.FAULT, Ms(0))
        pattern = pattern_of(Indication.FAULT, dimmable=dimmable)
        assert scene.frame(Ms(170)) == (pattern.colour_at(Ms(170)),)
        assert scene.next_change(Ms(170)) == pattern.next_change(Ms(170))


def test_the_volume_lies_over_it_for_a_moment() -> None:
    """Then what was there before is back, by one timer."""
    scene = Scene(12)
    scene.show(Indication.IDLE, Ms(0))
    assert scene.show_volume(50, Ms(100))
    assert sum(map(is_lit, [(pixel,) for pixel in scene.frame(Ms(200))])) == 6
    assert scene.next_change(Ms(200)) == 100 + VOLUME_SHOWN - 200
    assert scene.frame(Ms(100 + VOLUME_SHOWN)) == dark(12)
    assert scene.next_change(Ms(100 + VOLUME_SHOWN)) is None


def test_a_level_is_not_shown_on_too_few_pixels() -> None:
    """One LED would only flash."""
    assert not Scene(1).show_volume(50, Ms(0))
    assert not Scene(2).show_volume(50, Ms(0))


def test_the_direction_counts_while_it_listens() -> None:
    """And only where somebody tells it."""
    scene = Scene(12, follows_direction=True)
    scene.show(Indication.THINKING, Ms(0))
    assert not scene.wants_direction
    scene.show(Indication.LISTENING, Ms(0))
    assert scene.wants_direction
    assert scene.frame(Ms(0), Degrees(90)) == frame_of(Indication.LISTENING, Ms(0), 12, Degrees(90))
    assert scene.next_change(Ms(0)) is not None
    still = Scene(12)
    still.show(Indication.LISTENING, Ms(0))
    assert not still.wants_direction
    assert still.next_change(Ms(0)) is None


@given(
    st.sampled_from(sorted(LIVE, key=lambda indication: indication.value)),
    st.integers(1, 60),
    st.integers(0, 100),
    st.floats(0, 1e6).map(Ms),
)
def test_the_volume_never_makes_a_live_light_dark(indication: Indication, count: int, percent: int, at: Ms) -> None:
    """It may change while sound may leave."""
    scene = Scene(count)
    scene.show(indication, Ms(0))
    scene.show_volume(percent, at)
    assert is_lit(scene.frame(at))
    assert is_lit(scene.frame(Ms(at + 2000)))
