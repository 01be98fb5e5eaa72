"""The gate: the one door from the microphone to the outside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from device.audio.gate import Gate
from device.audio.preroll import PrerollRing
from device.units import Hz, Samples

CAPACITY = 12_000


class House:
    """A gate, its ring, and what came out, at the capture rate unless told otherwise."""

    def __init__(self, target_rate: int = 16_000) -> None:
        self.pieces: list[bytes] = []
        self.ring = PrerollRing(Samples(CAPACITY))
        self.gate = Gate(self.ring, Hz(target_rate), self.pieces.append)

    def hear(self, count: int) -> None:
        """Let the microphone hear samples that carry their own positions."""
        positions = np.arange(self.ring.end, self.ring.end + count)
        self.ring.write(positions.astype(np.uint16).tobytes())
        self.gate.advance()

    def open(self, since: int, until: int | None = None) -> None:
        """Open the gate."""
        self.gate.open(Samples(since), None if until is None else Samples(until))

    @property
    def sent(self) -> list[int]:
        """The positions of the samples that came out, in order."""
        return list(np.frombuffer(b"".join(self.pieces), dtype=np.uint16))


def test_a_gate_is_shut_until_it_is_opened() -> None:
    """Frames alone never leave."""
    house = House()
    house.hear(5000)
    assert not house.gate.is_open
    assert house.pieces == []


def test_an_opened_gate_sends_the_past_at_once_and_then_what_comes() -> None:
    """From `since` on, in order, in pieces of 200 ms at most."""
    house = House()
    house.hear(10_000)
    house.open(since=1000)
    assert house.sent == list(range(1000, 10_000))
    house.hear(320)
    assert house.sent == list(range(1000, 10_320))
    assert max(map(len, house.pieces)) <= 3200 * 2


def test_a_span_in_the_past_is_sent_and_the_gate_stays_shut() -> None:
    """What was said before the session was ready, and nothing after it."""
    house = House()
    house.hear(10_000)
    house.open(since=1000, until=5000)
    house.hear(320)
    assert house.sent == list(range(1000, 5000))
    assert not house.gate.is_open


def test_a_span_into_the_future_goes_on_and_shuts_by_itself() -> None:
    """Not a sample beyond `until`, wherever frames are cut."""
    house = House()
    house.hear(1000)
    house.open(since=500, until=1500)
    assert house.gate.is_open
    house.hear(320)
    house.hear(320)
    assert house.sent == list(range(500, 1500))
    assert not house.gate.is_open


def test_a_gate_opened_for_the_future_waits_for_it() -> None:
    """Samples before `since` stay inside though the gate is open."""
    house = House()
    house.open(since=400)
    house.hear(320)
    assert house.sent == []
    house.hear(320)
    assert house.sent == list(range(400, 640))


def test_opening_an_open_gate_sends_nothing_twice_and_skips_nothing() -> None:
    """A later or an earlier `since` changes nothing once the stream is going out."""
    house = House()
    house.hear(1000)
    house.open(since=500)
    house.open(since=0)
    house.open(since=5000)
    house.hear(320)
    assert house.sent == list(range(500, 1320))


def test_an_open_gate_can_be_given_an_end() -> None:
    """The newest `until` holds."""
    house = House()
    house.open(since=0)
    house.open(since=0, until=100)
    house.hear(320)
    assert house.sent == list(range(100))
    assert not house.gate.is_open


def test_a_later_opening_may_reach_back_for_a_new_session() -> None:
    """The sentence of a new session is whole even where the old one heard its beginning."""
    house = House()
    house.hear(1000)
    house.open(since=800)
    house.gate.close()
    house.open(since=900, until=1000)
    assert house.sent == [*range(800, 1000), *range(900, 1000)]


def test_samples_that_the_ring_has_forgotten_are_counted_as_lost() -> None:
    """The rest is sent all the same."""
    house = House()
    house.hear(CAPACITY + 500)
    house.open(since=100)
    assert (house.gate.lost, house.gate.passed) == (400, CAPACITY)
    house.open(since=0, until=50)
    assert not house.gate.is_open


def test_a_forgotten_span_opens_and_shuts_without_a_sample() -> None:
    """All of it is lost, and nothing else is sent in its place."""
    house = House()
    house.hear(CAPACITY + 500)
    house.open(since=100, until=300)
    assert (house.gate.lost, house.gate.is_open, house.pieces) == (200, False, [])


def tone(samples: int) -> bytes:
    """Return a steady sine wave at 16 kHz."""
    wave = 8000 * np.sin(2 * np.pi * 400 / 16_000 * np.arange(samples))
    return bytes(wave.astype(np.int16).tobytes())


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000])
def test_the_last_word_is_whole_after_resampling(rate: int) -> None:
    """Closing hands out what the resampler held back: the tone lasts to its end."""
    house = House(rate)
    house.ring.write(tone(8000))
    house.open(since=0, until=8000)
    out = np.frombuffer(b"".join(house.pieces), dtype=np.int16)
    assert out.size == pytest.approx(8000 * rate / 16_000, abs=1)
    assert np.abs(out[-rate // 50 :].astype(float)).max() > 7000


def test_each_opening_is_a_stream_of_its_own() -> None:
    """Nothing of the turn before leaks into the next one through the resampler."""
    house = House(24_000)
    house.ring.write(tone(4000))
    house.open(since=0, until=4000)
    house.pieces.clear()
    house.ring.write(bytes(8000))
    house.open(since=4000, until=8000)
    assert not any(b"".join(house.pieces))


def test_a_cut_gate_keeps_what_the_resampler_holds_back() -> None:
    """Muting drops the last samples instead of sending them."""
    house = House(24_000)
    house.ring.write(tone(4000))
    house.open(since=0)
    house.pieces.clear()
    house.gate.cut()
    house.gate.close()
    assert house.pieces == []
    house.ring.write(bytes(8000))
    house.open(since=4000, until=8000)
    assert not any(b"".join(house.pieces))


class GateMachine(RuleBasedStateMachine):
    """The gate against a model that decides sample by sample."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.expected: list[int] = []
        self.open = False
        self.since = 0
        self.until: int | None = None
        self.cleared = 0

    @property
    def end(self) -> int:
        """How many samples were heard."""
        return self.house.ring.end

    def expect(self, position: int) -> None:
        """Decide on one sample that is there."""
        if self.open and self.since <= position and (self.until is None or position < self.until):
            self.expected.append(position)

    def shut_when_over(self) -> None:
        """A span ends by itself."""
        if self.until is not None and max(self.end, self.since) >= self.until:
            self.open = False

    @rule(count=st.integers(0, 1000))
    def hear(self, count: int) -> None:
        """Samples come from the microphone."""
        first = self.end
        self.house.hear(count)
        for position in range(first, self.end):
            self.expect(position)
        self.shut_when_over()

    @precondition(lambda self: not self.open)
    @rule(ago=st.integers(-1000, 14_000), length=st.none() | st.integers(-10, 3000))
    def open_shut_gate(self, ago: int, length: int | None) -> None:
        """Order a stream or a span, in the past, the future or across now."""
        self.since = max(0, self.end - ago)
        self.until = None if length is None else self.since + length
        self.open = True
        for position in range(max(self.cleared, self.end - CAPACITY), self.end):
            self.expect(position)
        self.house.open(self.since, self.until)
        self.shut_when_over()

    @precondition(lambda self: self.open)
    @rule(since=st.integers(0, 20_000), ahead=st.none() | st.integers(-50, 2000))
    def open_open_gate(self, since: int, ahead: int | None) -> None:
        """Order again: only the end may change."""
        self.until = None if ahead is None else self.end + ahead
        self.house.open(since, self.until)
        self.shut_when_over()

    @rule(cut=st.booleans())
    def close(self, cut: bool) -> None:
        """Shut the gate in either way."""
        self.open = False
        if cut:
            self.house.gate.cut()
        else:
            self.house.gate.close()

    @rule()
    def clear(self) -> None:
        """The stream is interrupted."""
        self.cleared = self.end
        self.house.ring.clear()

    @invariant()
    def sends_exactly_what_it_should(self) -> None:
        """Every sample due, once, in order; nothing else."""
        assert self.house.gate.is_open == self.open
        assert self.house.sent == self.expected
        assert self.house.gate.passed == len(self.expected)


GateMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestGateMachine = GateMachine.TestCase
