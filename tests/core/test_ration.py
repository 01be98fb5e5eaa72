"""Of what comes again and again, a few and then only how many."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from device.core.ration import Excess, Ration, Verdict
from device.units import Ms

WINDOW = Ms(1_000)
LIMIT = 3


def take(ration: Ration, *moments: float, kind: str = "a") -> list[Verdict]:
    """Take one of a kind at each moment."""
    return [ration.take(kind, f"{kind} {moment:g}", Ms(moment)) for moment in moments]


def test_a_few_are_taken_and_the_others_counted() -> None:
    """Of each kind for itself."""
    ration = Ration(LIMIT, WINDOW)
    assert take(ration, 0, 1, 2, 3, 4) == [Verdict.TAKEN, Verdict.TAKEN, Verdict.LAST, *[Verdict.COUNTED] * 2]
    assert take(ration, 5, kind="b") == [Verdict.TAKEN]
    assert ration.pop_due(Ms(999)) == []
    assert ration.pop_due(Ms(1_000)) == [Excess("a 0", 2)]
    assert ration.pop_due(Ms(9_000)) == []


def test_the_next_window_begins_with_the_next_one() -> None:
    """However long nothing came."""
    ration = Ration(LIMIT, WINDOW)
    take(ration, 0, 1, 2)
    assert ration.pop_due(Ms(7_000)) == []
    assert take(ration, 7_000, 7_001, 7_999) == [Verdict.TAKEN, Verdict.TAKEN, Verdict.LAST]


arrivals = st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 400)), max_size=200)


@given(arrivals, st.integers(1, 5))
def test_nothing_is_lost_and_no_time_has_more_than_two_rations(life: list[tuple[str, float]], limit: int) -> None:
    """What is taken and what is counted are all that came."""
    ration, now = Ration(limit, WINDOW), 0.0
    taken: dict[str, list[float]] = {"a": [], "b": []}
    counted = 0
    for kind, pause in life:
        now += pause
        counted += sum(excess.count for excess in ration.pop_due(Ms(now)))
        if ration.take(kind, kind, Ms(now)) is not Verdict.COUNTED:
            taken[kind].append(now)
    counted += sum(excess.count for excess in ration.pop_due(Ms(math.inf)))
    assert counted + sum(map(len, taken.values())) == len(life)
    for moments in taken.values():
        # The end of one window and the beginning of the next may come together; a third ration may not.
        assert all(later - first >= WINDOW for first, later in zip(moments, moments[2 * limit :], strict=False))
