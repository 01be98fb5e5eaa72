"""The pre-roll ring."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.ear.preroll import DEFAULT_CAPACITY, PrerollRing
from device.units import Samples


def numbered(first: int, count: int) -> bytes:
    """Return samples that carry (the low 16 bits of) their own positions."""
    return np.arange(first, first + count).astype(np.uint16).tobytes()


class NaiveRing:
    """Remembers everything, and looks up what a ring of `capacity` would still hold."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.end = 0
        self.held: list[int] = []

    def write(self, count: int) -> None:
        """Append the next `count` positions."""
        self.held = [*self.held, *range(self.end, self.end + count)][-self.capacity :]
        self.end += count

    def read(self, since: int, until: int) -> tuple[list[int], int]:
        """Return the positions held in the span, and how many of it are gone."""
        span = range(max(0, since), min(until, self.end))
        found = [position for position in span if position in self.held]
        return found, len(span) - len(found)


@given(st.integers(1, 12), st.data())
def test_the_ring_agrees_with_a_naive_model(capacity: int, data: st.DataObject) -> None:
    """Whatever is written, cleared and read back."""
    ring, model = PrerollRing(Samples(capacity)), NaiveRing(capacity)
    for _ in range(data.draw(st.integers(1, 12))):
        if data.draw(st.integers(0, 5)) == 0:
            ring.clear()
            model.held = []
        count = data.draw(st.integers(0, 2 * capacity))
        ring.write(numbered(model.end, count))
        model.write(count)
        since, until = data.draw(st.tuples(*[st.integers(-3, model.end + 3)] * 2))
        recall = ring.read(Samples(since), Samples(until))
        found, lost = model.read(since, until)
        assert np.frombuffer(recall.pcm, dtype=np.uint16).tolist() == found
        assert recall.lost == lost
        assert not found or recall.position == found[0]
        assert (ring.end, ring.end - ring.start) == (model.end, len(model.held))


def test_sixteen_seconds_are_held_by_default() -> None:
    """Longer than the slowest session takes to open."""
    ring = PrerollRing()
    for start in range(0, 20 * 16_000, 320):
        ring.write(numbered(start, 320))
    recall = ring.read(Samples(0), ring.end)
    assert (recall.position, recall.lost) == (4 * 16_000, 4 * 16_000)
    assert recall.pcm == numbered(4 * 16_000, DEFAULT_CAPACITY)


def test_nothing_from_before_a_clear_stays_in_memory() -> None:
    """Cleared is overwritten, and positions go on."""
    ring = PrerollRing(Samples(8))
    ring.write(b"\x55" * 16)
    ring.clear()
    assert b"\x55" not in ring._data
    assert (ring.start, ring.end) == (8, 8)


def test_half_a_sample_is_refused() -> None:
    """It would turn every later sample into noise."""
    with pytest.raises(ValueError, match="whole number of samples"):
        PrerollRing().write(b"\0\0\0")


def test_a_ring_without_room_is_refused() -> None:
    """A capacity of 0 holds nothing."""
    with pytest.raises(ValueError, match="at least one sample"):
        PrerollRing(Samples(0))
