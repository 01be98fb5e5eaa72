"""Press and release times of one button -> gestures. No I/O, no clock: every call is told the time in milliseconds.

    up --press--> down --release--> (counted) --too late for another, or no more are waited for--> Clicked
                   |
                 hold --> Held --release--> Released
                            |
                       long hold --> LongHeld --release--> Released

An edge counts once the level has been stable for DEBOUNCE, and counts from the moment at which it happened: waiting for
the contact to settle delays the report of a gesture, but does not change its times. Only that there is a finger is told
at once. Only what means something is waited
for: where no double click does, a click is told as soon as its release has settled; where no hold does, a press of any
length is a click.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from device.units import Ms, ms_from_seconds

DEBOUNCE = Ms(20)
"""Push buttons settle within 5 to 10 ms; a finger's tap lasts 50 ms and more."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """The contact closed at `at`: told at once, for a light that answers the finger. It may turn out to be nothing."""

    at: Ms


@dataclass(frozen=True, slots=True)
class Clicked:
    """Pressed and let go `count` times, quickly, for the first time at `pressed_at`."""

    pressed_at: Ms
    count: int = 1


@dataclass(frozen=True, slots=True)
class Held:
    """Down for the hold time since `pressed_at`."""

    pressed_at: Ms


@dataclass(frozen=True, slots=True)
class LongHeld:
    """Down for the long hold's time since `pressed_at`."""

    pressed_at: Ms


@dataclass(frozen=True, slots=True)
class Released:
    """Let go at `at`: the end of what Pressed told of, told after what it was."""

    at: Ms
    held: bool = False
    """It had been told as held."""


Gesture = Pressed | Clicked | Held | LongHeld | Released


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which gestures mean something."""

    hold: Ms | None = None
    """The hold's time."""
    long_hold: Ms | None = None
    """The long hold's time, more than the hold's."""
    counts: frozenset[int] = frozenset({1})
    """How many clicks in a row. Another number of them is so many single clicks."""
    between: Ms = Ms(300)
    """From a release on, how soon the next press must follow to be counted with it."""

    @property
    def most(self) -> int:
        """After so many clicks no more are waited for."""
        return max(self.counts, default=1)


def wanted(hold_s: float | None, long_hold_s: float | None, counts: frozenset[int], between_s: float) -> Wanted:
    """Return what is wanted, given in seconds as in the configuration."""
    hold = None if hold_s is None else ms_from_seconds(hold_s)
    long_hold = None if long_hold_s is None else ms_from_seconds(long_hold_s)
    return Wanted(hold, long_hold, counts, ms_from_seconds(between_s))


class _Stage(Enum):
    UP = auto()
    DOWN = auto()
    HELD = auto()
    LONG = auto()


class Gestures:
    """Tells the gestures of one button. Calls come in the order of their times."""

    def __init__(self, means: Wanted) -> None:
        self._means = means
        self._stage = _Stage.UP
        self._was_held = False
        self._touched = False
        """Pressed was told, and Released was not yet."""
        self._pressed_at = Ms(0)
        self._released_at = Ms(0)
        self._clicks: list[Ms] = []
        """When each click began that has not been told, because another may follow."""
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
        dues = [due for due in (self._settled_at(), self._too_late_at(), self._stays_until()) if due is not None]
        return min(dues, default=None)

    def handle_timer(self, now: Ms) -> list[Gesture]:
        """Time has passed; return what happened until now, oldest first."""
        gestures: list[Gesture] = []
        while (due := self.get_timer()) is not None and due <= now:
            gestures += self._happen()
        return gestures

    def _handle_edge(self, contact: bool, now: Ms) -> list[Gesture]:
        gestures = self.handle_timer(now)
        if contact is not self._contact:
            self._contact, self._contact_since = contact, now
        if contact and not self._touched:
            self._touched = True
            gestures.append(Pressed(now))
        return gestures

    def _unsettled(self) -> bool:
        """True while the contact differs from what was reported."""
        return self._contact is (self._stage is _Stage.UP)

    def _settled_at(self) -> Ms | None:
        """Return when the contact will have been still for long enough, where that is waited for."""
        bounced = self._touched and self._stage is _Stage.UP
        return Ms(self._contact_since + DEBOUNCE) if self._unsettled() or bounced else None

    def _too_late_at(self) -> Ms | None:
        """Return when another click would come too late to be counted with those before it."""
        waits = self._clicks and self._stage is _Stage.UP and not self._contact
        return Ms(self._released_at + self._means.between) if waits else None

    def _stays_until(self) -> Ms | None:
        """Return when a button that stays down comes to its next stage."""
        following = None if self._unsettled() else self._following()
        return None if following is None else following[0]

    def _happen(self) -> list[Gesture]:
        """Do what is due first."""
        due = self.get_timer()
        if due == self._settled_at():
            return self._settle()
        return self._tell_clicks() if due == self._too_late_at() else self._stay_down()

    def _settle(self) -> list[Gesture]:
        """The contact has been still for long enough."""
        if not self._unsettled():
            return self._lift()
        return self._settle_down() if self._contact else self._settle_up()

    def _lift(self) -> list[Gesture]:
        """It was a spike, and no press."""
        self._touched = False
        return [Released(self._contact_since)]

    def _settle_down(self) -> list[Gesture]:
        """The press counts."""
        self._stage, self._was_held = _Stage.DOWN, False
        self._pressed_at = self._contact_since
        return []

    def _settle_up(self) -> list[Gesture]:
        """The release counts."""
        overdue = self._stay_down_until(self._contact_since)
        held, self._released_at = self._stage is not _Stage.DOWN, self._contact_since
        self._stage, self._touched = _Stage.UP, False
        clicks = [] if held else self._count()
        return [*overdue, *clicks, Released(self._released_at, self._was_held)]

    def _count(self) -> list[Gesture]:
        self._clicks.append(self._pressed_at)
        return self._tell_clicks() if len(self._clicks) >= self._means.most else []

    def _tell_clicks(self) -> list[Gesture]:
        """No click follows any more."""
        clicks, self._clicks = self._clicks, []
        if clicks and len(clicks) in self._means.counts:
            return [Clicked(clicks[0], len(clicks))]
        return [Clicked(pressed_at) for pressed_at in clicks]

    def _following(self) -> tuple[Ms, _Stage] | None:
        """Return when the button, if it stays down, comes to its next stage, and to which."""
        means = self._means
        if self._stage is _Stage.DOWN and means.hold is not None:
            return Ms(self._pressed_at + means.hold), _Stage.HELD
        if self._stage in (_Stage.DOWN, _Stage.HELD) and means.long_hold is not None:
            return Ms(self._pressed_at + means.long_hold), _Stage.LONG
        return None

    def _stay_down(self) -> list[Gesture]:
        """It has been down long enough for its next stage: clicks before this press are over."""
        following = self._following()
        assert following is not None
        self._stage = following[1]
        if self._stage is _Stage.LONG:
            return [*self._tell_clicks(), LongHeld(self._pressed_at)]
        self._was_held = True
        return [*self._tell_clicks(), Held(self._pressed_at)]

    def _stay_down_until(self, released_at: Ms) -> list[Gesture]:
        """Return the gestures that were due before the release and were delayed by a bouncing contact."""
        gestures: list[Gesture] = []
        while (following := self._following()) is not None and following[0] <= released_at:
            gestures += self._stay_down()
        return gestures
