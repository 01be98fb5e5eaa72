"""When a sensor's change is worth a sentence."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from device.tools.pins.noticing import Policy, Watch, minutes
from device.units import Ms

NOON, NIGHT = minutes("12:00"), minutes("23:10")
AT_NIGHT = Policy(Ms(200), Ms(60_000), (minutes("22:00"), minutes("06:30")))


def opens(watch: Watch, at: float, minute: int = NIGHT) -> bool:
    """Open the door for a second, and close it; return whether that was announced."""
    said = [watch.see(True, Ms(at + ms), minute) for ms in (0, 100, 200, 300)]
    assert not any(watch.see(False, Ms(at + ms), minute) for ms in (1_000, 1_200, 1_400))
    return any(said)


def test_a_door_that_opens_is_announced_once_and_not_when_it_closes() -> None:
    """The door was shut at the start."""
    watch = Watch(AT_NIGHT)
    assert not watch.see(False, Ms(0), NIGHT)
    assert opens(watch, 1_000)


def test_what_is_so_at_the_start_has_not_begun() -> None:
    """A restart announces no door that has been open for hours."""
    watch = Watch(AT_NIGHT)
    assert not any(watch.see(True, Ms(at), NIGHT) for at in range(0, 5_000, 100))


def test_a_contact_that_bounces_says_nothing() -> None:
    """Only what lasts counts."""
    watch = Watch(AT_NIGHT)
    assert not any(watch.see(at % 200 == 0, Ms(at), NIGHT) for at in range(100, 5_000, 100))


def test_no_more_often_than_it_may() -> None:
    """A door that swings in the wind; what was left out is not said later."""
    watch = Watch(AT_NIGHT)
    watch.see(False, Ms(0), NIGHT)
    assert [opens(watch, at) for at in (1_000, 10_000, 60_000, 62_000)] == [True, False, False, True]


def test_only_at_its_time_of_day() -> None:
    """The night goes over midnight; by day nothing is said, and nothing is made up for later."""
    watch = Watch(AT_NIGHT)
    watch.see(False, Ms(0), NOON)
    assert not opens(watch, 1_000, NOON)
    assert opens(watch, 100_000, minutes("05:00"))
    assert not opens(watch, 200_000, minutes("06:30"))
    assert opens(watch, 300_000, minutes("22:00"))


@given(
    st.lists(st.tuples(st.integers(0, 30_000), st.booleans(), st.integers(0, 1_439)), max_size=60),
    st.integers(0, 1_000),
    st.integers(1_000, 90_000),
)
def test_whatever_it_sees_it_never_says_more_than_it_may(
    seen: list[tuple[int, bool, int]], debounce: int, every: int
) -> None:
    """At most one in the time, and only of what is so at that moment."""
    watch, now, said = Watch(Policy(Ms(debounce), Ms(every), (60, 120))), 0, []
    for later, active, minute in seen:
        now += later
        if watch.see(active, Ms(now), minute):
            assert active
            assert 60 <= minute < 120
            said.append(now)
    assert all(after - before >= every for before, after in pairwise(said))
