"""What a button that is held through power-up means: nothing is erased but by letting go after two sentences."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device.panel.powerup import GIVE_UP_AFTER, INVITE_AFTER, SETTLED, WARN_AFTER, Order, PowerUpHold
from device.units import Ms

SPEECH = Ms(4_000)


class Person:
    """Holds the button from the start on, and hears what is said; looked at every 20 ms."""

    def __init__(self) -> None:
        self.now = Ms(0)
        self.hold = PowerUpHold(self.now)
        self.orders: list[Order] = []
        self.speaking_until: Ms | None = None

    def keep(self, down: bool, duration: Ms) -> None:
        """Keep it down, or up, for so long."""
        end = self.now + duration
        while self.now < end:
            self.now = Ms(self.now + 20)
            if self.speaking_until is not None and self.now >= self.speaking_until:
                self.speaking_until = None
                self.orders += self.hold.handle_spoken(self.now)
            new = self.hold.handle_level(down, self.now)
            self.orders += new
            if Order.WARN in new or Order.INVITE in new:
                self.speaking_until = Ms(self.now + SPEECH)


UNTIL_INVITED = Ms(WARN_AFTER + SPEECH + INVITE_AFTER + SPEECH + 200)


def test_letting_go_after_both_sentences_erases() -> None:
    """The one way."""
    person = Person()
    person.keep(True, UNTIL_INVITED)
    assert person.orders == [Order.WARN, Order.INVITE]
    person.keep(False, Ms(200))
    assert person.orders[2:] == [Order.RESET]
    assert person.hold.is_over


def test_a_stuck_button_erases_nothing() -> None:
    """It is never let go, or the wiring says so."""
    person = Person()
    person.keep(True, Ms(UNTIL_INVITED + GIVE_UP_AFTER + 1000))
    person.keep(False, Ms(1000))
    assert person.orders == [Order.WARN, Order.INVITE, Order.KEPT]


def test_letting_go_too_early_erases_nothing() -> None:
    """During the warning, or before it."""
    for held in (Ms(100), Ms(WARN_AFTER + 1000), Ms(WARN_AFTER + SPEECH + 1000), Ms(UNTIL_INVITED - 1000)):
        person = Person()
        person.keep(True, held)
        person.keep(False, Ms(20_000))
        assert Order.RESET not in person.orders
        assert person.orders[-1] is Order.KEPT


def test_a_bouncing_contact_is_not_let_go() -> None:
    """Up for a moment is nothing."""
    person = Person()
    person.keep(True, UNTIL_INVITED)
    person.keep(False, Ms(SETTLED - 20))
    person.keep(True, Ms(100))
    assert person.orders == [Order.WARN, Order.INVITE]


def test_nothing_is_erased_when_nothing_can_be_said() -> None:
    """Nobody was warned."""
    person = Person()
    person.keep(True, Ms(WARN_AFTER + 100))
    assert person.hold.handle_failure() == [Order.KEPT]
    person.keep(True, UNTIL_INVITED)
    person.keep(False, Ms(1000))
    assert Order.RESET not in person.orders


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 400)), max_size=8), st.integers(0, 600))
def test_only_two_sentences_lead_to_a_reset(moves: list[tuple[bool, int]], first: int) -> None:
    """Whatever the finger does; and the last word is said once."""
    person = Person()
    for down, steps in [(True, first), *moves]:
        person.keep(down, Ms(steps * 50))
    ends = [order for order in person.orders if order in (Order.RESET, Order.KEPT)]
    assert len(ends) <= 1
    if ends == [Order.RESET]:
        assert person.orders == [Order.WARN, Order.INVITE, Order.RESET]
