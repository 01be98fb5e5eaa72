"""How much of something there may be, at any times that a test can think of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.broker.limits import DAY_S, Bucket, Limiter, Rate, day_of, neighbourhood

STEPS = st.lists(st.floats(0, 120), min_size=1, max_size=80)


@given(steps=STEPS, count=st.integers(1, 30))
def test_nobody_gets_more_than_the_rate(steps: list[float], count: int) -> None:
    """In whatever stretch of time: at most the burst, and what flowed in since."""
    limiter, now, taken = Limiter(Rate.per_minute(count)), 0.0, []
    for step in steps:
        now += step
        if limiter.take("kitchen", now) == 0:
            taken.append(now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            most = count + (taken[last] - taken[first]) * count / 60
            assert last - first + 1 <= most + 1e-6


@given(steps=STEPS, count=st.integers(1, 30))
def test_whoever_waits_as_told_gets_one(steps: list[float], count: int) -> None:
    """The number of seconds is enough, and never more than a whole one takes."""
    limiter, now = Limiter(Rate.per_minute(count)), 0.0
    for step in steps:
        now += step
        if wait_s := limiter.take("kitchen", now):
            assert wait_s <= 60 / count + 1e-6
            now += wait_s + 1e-6
            assert limiter.take("kitchen", now) == 0


def test_one_does_not_use_up_what_belongs_to_another() -> None:
    """Each name has its own."""
    limiter = Limiter(Rate.per_minute(1))
    assert limiter.take("kitchen", 0.0) == 0
    assert limiter.take("kitchen", 0.0) > 0
    assert limiter.take("bath", 0.0) == 0


def test_a_crowd_of_names_takes_no_more_memory() -> None:
    """Those beyond wait, and one that was there before still has what it had; later there is room again."""
    limiter = Limiter(Rate.per_minute(2), most_names=10)
    assert [limiter.take(f"name{n}", 0.0) for n in range(10)] == [0.0] * 10
    assert limiter.take("one more", 0.0) > 0
    assert limiter.take("name3", 0.0) == 0
    assert len(limiter._buckets) == 10
    assert limiter.take("one more", 61.0) == 0
    assert len(limiter._buckets) < 10


@given(left=st.floats(0, 5), at=st.floats(0, 1e6), now=st.floats(0, 1e6))
def test_a_clock_that_goes_back_gives_nothing(left: float, at: float, now: float) -> None:
    """And takes nothing away."""
    later = Bucket(left, at).later(Rate(5, 1), now)
    assert left <= later.left <= 5
    assert later.at >= at


@given(now=st.integers(0, 2**33))
def test_a_day_has_a_beginning(now: int) -> None:
    """At midnight UTC."""
    assert day_of(now) <= now < day_of(now) + DAY_S
    assert day_of(now) % DAY_S == 0


@pytest.mark.parametrize(
    ("address", "with_whom"),
    [
        ("192.168.1.7", "192.168.1.7"),
        ("::ffff:192.168.1.7", "192.168.1.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_network_is_one_neighbour(address: str, with_whom: str) -> None:
    """Else a machine with one would be as many as it likes."""
    assert neighbourhood(address) == with_whom
