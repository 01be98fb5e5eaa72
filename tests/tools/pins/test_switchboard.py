"""Never both, never too long: whatever the order of calls, of failures and of crashes."""

from __future__ import annotations

from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from device.tools.pins.switchboard import RETRY, Rule, Switchboard, Write
from device.units import Ms

DEAD, LONGEST = Ms(500), Ms(10_000)
RULES = {
    "up": Rule(longest_on=LONGEST, excludes=frozenset({"down"}), dead_time=DEAD),
    "down": Rule(longest_on=LONGEST, excludes=frozenset({"up"}), dead_time=DEAD),
    "heater": Rule(longest_on=LONGEST),
    "pump": Rule(safe=True),
}
GUARDED = [name for name, its in RULES.items() if its.guarded]
Outcome = Literal["done", "failed", "failed though done"]


class Home(RuleBasedStateMachine):
    """Pins that may refuse a write, or obey it and report a failure, and a process that may die at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000_000.0
        self.pins = {name: its.safe for name, its in RULES.items()}
        self.on_since: dict[str, float] = {}
        self.off_since = dict.fromkeys(RULES, 0.0)
        self.refused_since: dict[str, float] = {}
        """Since when a pin that should be off has refused."""
        self.kept: dict[str, Ms] = {}
        self.outcome: Outcome = "done"
        self.board = Switchboard(RULES, Ms(self.now))

    def work(self) -> None:
        """Do what is due; what is granted is kept before a pin goes on."""
        self.kept = self.board.grants
        while write := self.board.next_write(Ms(self.now)):
            self.write(write)
        self.kept = self.board.grants

    def write(self, write: Write) -> None:
        if self.outcome != "failed":
            self.drive(write.name, write.on)
        ok = self.outcome == "done"
        if ok or write.on:
            self.refused_since.pop(write.name, None)
        else:
            self.refused_since.setdefault(write.name, self.now)
        self.board.note(write, ok, Ms(self.now))

    def drive(self, name: str, on: bool) -> None:
        """Put a level on a pin."""
        if on and not self.pins[name]:
            self.on_since[name] = self.now
            for partner in RULES[name].excludes:
                assert not self.pins[partner], f"{name} goes on beside {partner}"
                assert self.now >= self.off_since[partner] + DEAD, "no dead time"
        if not on and self.pins[name]:
            self.off_since[name] = self.now
        self.pins[name] = on

    @rule(name=st.sampled_from(sorted(RULES)), on=st.booleans())
    def call(self, name: str, on: bool) -> None:
        self.board.set(name, on, Ms(self.now))
        self.work()

    @rule(outcome=st.sampled_from(["done", "done", "failed", "failed though done"]))
    def pins_change_their_mind(self, outcome: Outcome) -> None:
        self.outcome = outcome

    @rule(duration=st.sampled_from([1, 100, 499, 500, 501, 3_000, 9_999, 10_000, 30_000]))
    def time_passes(self, duration: int) -> None:
        end = self.now + duration
        while (at := self.board.get_timer(Ms(self.now))) is not None and at <= end:
            self.now = max(self.now, at)
            self.work()
            again = self.board.get_timer(Ms(self.now))
            assert again is None or again > self.now, "it asks for the same moment again and again"
        self.now = end

    @rule(gone=st.sampled_from([0, 100, 5_000, 20_000]))
    def crash(self, gone: int) -> None:
        """The pins stay as they are until the process is back; then they are made safe."""
        self.now += gone
        for name, its in RULES.items():
            if self.pins[name] is not its.safe:
                self.pins[name] = its.safe
                self.off_since[name] = self.now
        self.off_since = dict.fromkeys(RULES, self.now)
        self.refused_since.clear()
        self.outcome = "done"
        self.board = Switchboard(RULES, Ms(self.now), self.kept)
        promised = {name: until for name, until in self.kept.items() if until > self.now}
        for name, until in promised.items():
            grant = self.board.grant(name, Ms(self.now))
            assert grant is not None
            assert grant <= until, "a crash prolongs what was granted"

    @invariant()
    def never_both(self) -> None:
        assert not (self.pins["up"] and self.pins["down"])

    @invariant()
    def never_longer(self) -> None:
        """But while the pin itself refuses to go off, which is tried again and again."""
        for name in GUARDED:
            if not self.pins[name]:
                continue
            over = self.now - self.on_since[name] - LONGEST
            if over >= 0 and self.outcome == "done" and name not in self.refused_since:
                raise AssertionError(f"{name} is on for {over:g} ms too long")
            refused = self.now - self.refused_since.get(name, self.now)
            assert over <= refused + RETRY, "nobody tries to switch it off"


Home.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestHome = Home.TestCase


def worked(board: Switchboard, now: float) -> list[Write]:
    """Do what is due; return it."""
    done = []
    while write := board.next_write(Ms(now)):
        board.note(write, ok=True, now=Ms(now))
        done.append(write)
    return done


def test_the_other_one_goes_off_first_and_then_there_is_a_pause() -> None:
    """Break before make."""
    board = Switchboard(RULES, Ms(0))
    board.set("up", True, Ms(1_000))
    assert worked(board, 1_000) == [Write("up", True)]
    board.set("down", True, Ms(2_000))
    assert worked(board, 2_000) == [Write("up", False)]
    assert board.get_timer(Ms(2_000)) == 2_500
    assert worked(board, 2_499) == []
    assert worked(board, 2_500) == [Write("down", True)]


def test_after_a_start_the_dead_time_counts_too() -> None:
    """Before it the other one may have been on."""
    board = Switchboard(RULES, Ms(1_000))
    board.set("up", True, Ms(1_100))
    assert worked(board, 1_100) == []
    assert worked(board, 1_500) == [Write("up", True)]


def test_what_waits_is_off_at_a_second_thought() -> None:
    """Down, and no: nothing moves later."""
    board = Switchboard(RULES, Ms(0))
    board.set("up", True, Ms(1_000))
    worked(board, 1_000)
    board.set("down", True, Ms(2_000))
    worked(board, 2_000)
    board.set("down", False, Ms(2_100))
    assert worked(board, 60_000) == []
    assert board.get_timer(Ms(60_000)) is None


def test_its_time_is_up_however_often_it_is_asked_for() -> None:
    """Asking again while it is on prolongs nothing; after it went off by itself it may be asked for anew."""
    board = Switchboard(RULES, Ms(0))
    for at in (1_000, 5_000, 10_900):
        board.set("heater", True, Ms(at))
        worked(board, at)
    assert board.get_timer(Ms(10_900)) == 11_000
    assert worked(board, 11_000) == [Write("heater", False)]
    board.set("heater", True, Ms(11_001))
    assert worked(board, 11_001) == [Write("heater", True)]
    assert board.grants["heater"] == 21_001


def test_a_crash_grants_no_more_time() -> None:
    """What is left of it is left; once it is over, or was switched off by somebody, all of it is granted again."""
    board = Switchboard(RULES, Ms(0))
    board.set("heater", True, Ms(1_000))
    worked(board, 1_000)
    back = Switchboard(RULES, Ms(6_000), board.grants)
    assert not back.is_on("heater")
    back.set("heater", True, Ms(7_000))
    worked(back, 7_000)
    assert back.grants == {"heater": 11_000}
    assert worked(back, 11_000) == [Write("heater", False)]
    assert back.grants == {}
    again = Switchboard(RULES, Ms(6_000), board.grants)
    again.set("heater", False, Ms(7_000))
    assert again.grant("heater", Ms(7_000)) == 17_000


def test_a_file_that_says_too_much_grants_no_more_than_the_rule() -> None:
    """And what has no limit needs no grant."""
    board = Switchboard(RULES, Ms(0), {"heater": Ms(10**9), "pump": Ms(5), "gone": Ms(5)})
    assert board.grant("heater", Ms(0)) == LONGEST
    assert board.grants == {"heater": LONGEST}


def test_a_pin_that_refuses_is_tried_again_and_its_partner_waits() -> None:
    """Unknown counts as on."""
    board = Switchboard(RULES, Ms(0))
    board.set("up", True, Ms(1_000))
    worked(board, 1_000)
    board.set("down", True, Ms(2_000))
    off = board.next_write(Ms(2_000))
    assert off == Write("up", False)
    board.note(off, ok=False, now=Ms(2_000))
    assert board.next_write(Ms(2_500)) is None
    assert board.get_timer(Ms(2_500)) == 3_000
    assert worked(board, 3_000) == [Write("up", False)]
    assert worked(board, 3_500) == [Write("down", True)]
