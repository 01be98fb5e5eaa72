"""What the house gives up when it falls behind, and when it takes that back. Every call has the time as an argument.

Sound that waits is sound that is answered late, and on a machine that is too slow it waits ever longer. So lateness is
answered by doing less: by giving up, one at a time and always in the same order, what the house can do without. That
comes back when there has been room for a while, one at a time, in the reverse order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

from device.units import Ms


class Burden(Enum):
    """What can be given up, the first one first; each value says so in a sentence."""

    ECHO_FILTER = "the linear part of the echo canceller"
    """Words spoken over an answer are understood less often: 33 instead of 36 of 38 commands in simulated rooms. The
    device interrupts itself no more than with it: never in eight minutes."""
    ECHO_CANCELLER = "the echo canceller"
    """Only the wake word interrupts an answer."""
    OTHER_WORDS = "the wake words after the first"
    WAKEFULNESS = "listening for the wake word for long after each sound"
    """Words hardly louder than a noise are missed more often."""


def in_words(burdens: Iterable[Burden]) -> str:
    """Name several."""
    return ", ".join(burden.value for burden in burdens)


@dataclass(frozen=True, slots=True, kw_only=True)
class StrainSettings:
    """When something is given up, and when it comes back."""

    late: Ms = Ms(60)
    """Less is no lateness: blocks of 20 ms wait for each other, and a virtual machine may stand still for as long."""
    sustained: Ms = Ms(120)
    """How long sound must have been late. With frames of up to 80 ms that is noticed within 200 ms; in an idle house
    sound comes up to 240 ms at a time, and where that is scored late, 160 ms at a time."""
    catching_up: float = 0.8
    """Sound that is late by this part of what it was, or less, is catching up by itself: then time counts anew."""
    forgotten: Ms = Ms(400)
    """Sound that comes after a longer pause says nothing of before: the longest blocks are of 280 ms."""
    in_time: Ms = Ms(5_000)
    """How long nothing may have been late before anything comes back."""
    first_wait: Ms = Ms(30_000)
    """How long something stays given up at first. It is twice as long each time that it is given up again,"""
    longest_wait: Ms = Ms(3_600_000)
    """up to this; and begins anew with the first once it was borne for so long."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something to be given up, or to be taken back."""

    burden: Burden
    given_up: bool


@dataclass(slots=True)
class _Wait:
    """How long something stays given up, and until when it does or did."""

    length: Ms
    until: Ms


class Strain:
    """Follows how late things are, and says what to give up and what to take back."""

    def __init__(self, settings: StrainSettings | None = None) -> None:
        self._settings = settings or StrainSettings()
        self._given_up: list[Burden] = []
        self._waits: dict[Burden, _Wait] = {}
        self._noted_at: Ms | None = None
        self._late_since: Ms | None = None
        self._latest = Ms(0)
        """How late it was then."""
        self._in_time_since: Ms | None = None

    @property
    def given_up(self) -> tuple[Burden, ...]:
        """What is given up at present, the first one first."""
        return tuple(self._given_up)

    def note(self, late: Ms, now: Ms) -> bool:
        """Note how late that is which is handled now; return whether `decide` may change something."""
        settings = self._settings
        if self._noted_at is None or now - self._noted_at > settings.forgotten:
            self._late_since = self._in_time_since = None
        self._noted_at = now
        if late <= settings.late:
            self._late_since = None
            if self._in_time_since is None:
                self._in_time_since = now
            return bool(self._given_up) and self._may_take_back(now)
        self._in_time_since = None
        if self._late_since is None or late <= self._latest * settings.catching_up:
            self._late_since, self._latest = now, late
        return now - self._late_since >= settings.sustained

    def decide(self, running: Collection[Burden], is_free: bool, now: Ms) -> Change | None:
        """Return what to change now, if anything; it counts as done.

        `running`: what costs something at the moment, for nothing else makes the house faster. `is_free`: nobody is in
        the middle of a conversation, in which a change back would be heard, and might have to be undone.
        """
        if self._late_since is not None and now - self._late_since >= self._settings.sustained:
            self._late_since = None
            return self._give_up(running, now)
        if is_free and self._given_up and self._may_take_back(now):
            # The next one must wait and see.
            self._in_time_since = now
            return Change(self._given_up.pop(), given_up=False)
        return None

    def _give_up(self, running: Collection[Burden], now: Ms) -> Change | None:
        burden = next((one for one in Burden if one in running and one not in self._given_up), None)
        if burden is None:
            return None
        self._given_up.append(burden)
        length = self._next_wait(burden, now)
        self._waits[burden] = _Wait(length, Ms(now + length))
        return Change(burden, given_up=True)

    def _next_wait(self, burden: Burden, now: Ms) -> Ms:
        settings, before = self._settings, self._waits.get(burden)
        if before is None or now - before.until > settings.longest_wait:
            return settings.first_wait
        return Ms(min(settings.longest_wait, 2 * before.length))

    def _may_take_back(self, now: Ms) -> bool:
        since = self._in_time_since
        if since is None or now - since < self._settings.in_time:
            return False
        return now >= self._waits[self._given_up[-1]].until
