"""Press and release times -> gestures. No I/O, no clock: every call is told the time in milliseconds.

    up --press--> down --release--> Clicked
                   |
                 hold_s --> Held --release--> Released
                              |
                         long_press_s --> LongPressed --release--> Released

An edge counts once the level has been stable for DEBOUNCE, and counts from the moment at which it happened: waiting for
the contact to settle delays the report of a gesture, but does not change its times.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from device.units import Ms, ms_from_seconds

DEBOUNCE = Ms(20)
"""Push buttons settle within 5 to 10 ms; a finger's tap lasts 50 ms and more."""


@dataclass(frozen=True, slots=True)
class Clicked:
    """Pressed at `pressed_at` and let go before the hold time."""

    pressed_at: Ms


@dataclass(frozen=True, slots=True)
class Held:
    """Down for the hold time since `pressed_at`."""

    pressed_at: Ms


@dataclass(frozen=True, slots=True)
class LongPressed:
    """Down for the long-press time since `pressed_at`."""

    pressed_at: Ms


@dataclass(frozen=True, slots=True)
class Released:
    """A held button was let go at `released_at`."""

    released_at: Ms


Gesture = Clicked | Held | LongPressed | Released


class _Stage(Enum):
    UP = auto()
    DOWN = auto()
    HELD = auto()
    LONG = auto()


class Gestures:
    """Tells the gestures of one button. Calls come in the order of their times."""

    def __init__(self, hold_s: float, long_press_s: float) -> None:
        self._hold = ms_from_seconds(hold_s)
        self._long_press = ms_from_seconds(long_press_s)
        self._stage = _Stage.UP
        self._pressed_at = Ms(0)
        self._contact = False
        """The level as it comes, bouncing included: True is down."""
        self._contact_since = Ms(0)

    def handle_press(self, now: Ms) -> list[Gesture]:
        """The contact closed; return the gestures recognised by now."""
        return self._handle_edge(True, now)

    def handle_release(self, now: Ms) -> list[Gesture]:
        """The contact opened; return the gestures recognised by now."""
        return self._handle_edge(False, now)

    def get_timer(self) -> Ms | None:
        """Return when handle_timer is due; None while nothing can happen by itself."""
        if self._unsettled():
            return Ms(self._contact_since + DEBOUNCE)
        if self._stage is _Stage.DOWN:
            return Ms(self._pressed_at + self._hold)
        if self._stage is _Stage.HELD:
            return Ms(self._pressed_at + self._long_press)
        return None

    def handle_timer(self, now: Ms) -> list[Gesture]:
        """Time has passed; return what happened until now, oldest first."""
        gestures: list[Gesture] = []
        while (due := self.get_timer()) is not None and due <= now:
            gestures += self._settle() if self._unsettled() else self._stay_down()
        return gestures

    def _handle_edge(self, contact: bool, now: Ms) -> list[Gesture]:
        gestures = self.handle_timer(now)
        if contact is not self._contact:
            self._contact, self._contact_since = contact, now
        return gestures

    def _unsettled(self) -> bool:
        """True while the contact differs from what was reported."""
        return self._contact is (self._stage is _Stage.UP)

    def _settle(self) -> list[Gesture]:
        """The contact has been stable for long enough: its edge counts."""
        if self._contact:
            self._stage, self._pressed_at = _Stage.DOWN, self._contact_since
            return []
        overdue = self._stay_down_until(self._contact_since)
        gesture = Clicked(self._pressed_at) if self._stage is _Stage.DOWN else Released(self._contact_since)
        self._stage = _Stage.UP
        return [*overdue, gesture]

    def _stay_down(self) -> list[Gesture]:
        if self._stage is _Stage.DOWN:
            self._stage = _Stage.HELD
            return [Held(self._pressed_at)]
        self._stage = _Stage.LONG
        return [LongPressed(self._pressed_at)]

    def _stay_down_until(self, released_at: Ms) -> list[Gesture]:
        """Return the gestures that were due before the release and were delayed by a bouncing contact."""
        gestures: list[Gesture] = []
        if self._stage is _Stage.DOWN and released_at >= self._pressed_at + self._hold:
            gestures += self._stay_down()
        if self._stage is _Stage.HELD and released_at >= self._pressed_at + self._long_press:
            gestures += self._stay_down()
        return gestures
