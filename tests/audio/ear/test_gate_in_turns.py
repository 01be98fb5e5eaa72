"""The gate while what is due goes out in several turns of the event loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from device.audio.ear.gate import PIECE, Gate, Padding
from device.units import Hz, Samples
from tests.audio.ear.test_gate import AFTER, BEFORE, CAPACITY, House

WHOLE = range(CAPACITY)


class TurningHouse(House):
    """A gate that has turns."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: deque[Callable[[], None]] = deque()
        padding = Padding(Samples(BEFORE), Samples(AFTER))
        self.gate = Gate(self.ring, Hz(16_000), self.pieces.append, padding, self.turns.append)

    def turn(self) -> None:
        """Let the event loop come to it again."""
        self.turns.popleft()()


@pytest.fixture
def house() -> TurningHouse:
    """Return one whose ring is full, and whose gate has just been opened from its beginning on."""
    house = TurningHouse()
    house.hear(CAPACITY)
    house.open(0)
    return house


def test_a_stream_from_the_past_goes_out_a_piece_a_turn(house: TurningHouse) -> None:
    """And no turn is asked for that has nothing to do."""
    sent = [len(house.sent)]
    while house.turns:
        house.turn()
        sent.append(len(house.sent))
    assert sent == [PIECE, 2 * PIECE, 3 * PIECE, CAPACITY]
    assert house.sent == list(WHOLE)


def test_what_comes_meanwhile_follows_it(house: TurningHouse) -> None:
    """A frame brings a piece forward, too."""
    house.hear(0)
    assert len(house.sent) == 2 * PIECE
    assert len(house.turns) == 1
    house.turn()
    house.turn()
    assert house.sent == list(WHOLE)
    house.hear(320)
    assert house.sent == [*WHOLE, *range(CAPACITY, CAPACITY + 320)]
    assert not house.turns


def test_a_shut_gate_has_sent_all_of_it_and_a_cut_one_sends_nothing_more(house: TurningHouse) -> None:
    """A turn that was asked for finds nothing to do."""
    house.gate.close()
    assert house.sent == list(WHOLE)
    house.turn()
    house.open(0)
    before = len(house.sent)
    house.gate.cut()
    house.turn()
    assert (len(house.sent), before) == (before, CAPACITY + PIECE)
    assert not house.gate.is_open


def test_a_span_and_a_new_end_are_sent_at_once(house: TurningHouse) -> None:
    """What is asked for after that is about all of it."""
    house.open(0, until=CAPACITY - 100)
    assert house.sent == list(WHOLE)
    assert not house.gate.is_open
    house.open(10, until=5_000)
    assert house.sent[CAPACITY:] == list(range(10, 5_000))


def test_a_voice_in_a_gate_open_to_voices_finds_it_sent(house: TurningHouse) -> None:
    """Otherwise it could not tell what was withheld before it."""
    house.open(0, voiced_only=True)
    assert house.sent == list(WHOLE)
    house.hear(1_000)
    assert house.sent == list(WHOLE)
    house.start_voice(CAPACITY + 900)
    assert house.sent == [*WHOLE, *range(CAPACITY + 600, CAPACITY + 1_000)]


class TurningMachine(RuleBasedStateMachine):
    """The same orders to a gate with turns and to one without: both send the same, one of them later."""

    def __init__(self) -> None:
        super().__init__()
        self.plain, self.turning = House(), TurningHouse()
        self.last = 0

    def both(self, order: Callable[[House], None]) -> None:
        """Give both an order."""
        order(self.plain)
        order(self.turning)

    @rule(count=st.integers(0, 2 * PIECE))
    def hear(self, count: int) -> None:
        """Samples come from the microphone."""
        self.both(lambda house: house.hear(count))

    @rule(ago=st.integers(0, CAPACITY // 2), length=st.none() | st.integers(0, 9_000), voiced_only=st.booleans())
    def open(self, ago: int, length: int | None, voiced_only: bool) -> None:
        """From the past on; more of it than can be forgotten meanwhile would be lost."""
        since = max(0, self.plain.ring.end - ago)
        self.both(lambda house: house.open(since, None if length is None else since + length, voiced_only))

    @rule(is_start=st.booleans(), ago=st.integers(0, 1_500))
    def voice(self, is_start: bool, ago: int) -> None:
        """One begins or ends."""
        self.last = max(self.last, self.plain.ring.end - ago)
        self.both(lambda house: house.start_voice(self.last) if is_start else house.stop_voice(self.last))

    @rule()
    def close(self) -> None:
        """After that nothing is left to be sent."""
        self.both(lambda house: house.gate.close())
        assert self.turning.sent == self.plain.sent

    @precondition(lambda self: self.turning.turns)
    @rule()
    def turn(self) -> None:
        """One of them goes on."""
        self.turning.turn()

    def teardown(self) -> None:
        """In the end both have sent the same."""
        while self.turning.turns:
            self.turning.turn()
        assert self.turning.sent == self.plain.sent
        assert self.turning.gate.is_open == self.plain.gate.is_open
        assert self.turning.gate.traffic == self.plain.gate.traffic


TurningMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestTurningMachine = TurningMachine.TestCase
