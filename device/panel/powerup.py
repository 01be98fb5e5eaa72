"""A button held through power-up: press times -> what to say, and whether everything is to be erased. No I/O, no clock.

    down at the start --2 s--> WARN --spoken, 5 s--> INVITE --spoken--+-- let go --> RESET
         |                      |                                     +-- 10 s ---> KEPT
         +------ let go --------+-- let go --> KEPT

It is letting go that erases, and only after both sentences: a button that is stuck, or wired the wrong way round, is
down for ever and erases nothing.
"""

from __future__ import annotations

from enum import Enum, auto

from device.units import Ms

WARN_AFTER = Ms(2_000)
INVITE_AFTER = Ms(5_000)
"""From the end of the warning on: time to understand it."""
GIVE_UP_AFTER = Ms(10_000)
"""From the end of the invitation on."""
SETTLED = Ms(60)
"""Let go for so long is let go: contacts bounce."""


class Order(Enum):
    """What is to be done."""

    WARN = auto()
    INVITE = auto()
    RESET = auto()
    KEPT = auto()
    """It is over, and nothing was erased."""


class _Stage(Enum):
    HELD = auto()
    WARNING = auto()
    WARNED = auto()
    INVITING = auto()
    INVITED = auto()
    OVER = auto()


_WAITS = {_Stage.HELD: WARN_AFTER, _Stage.WARNED: INVITE_AFTER, _Stage.INVITED: GIVE_UP_AFTER}


class PowerUpHold:
    """Follows one button that is down at `now`. Calls come in the order of their times."""

    def __init__(self, now: Ms) -> None:
        self._stage = _Stage.HELD
        self._since = now
        self._up_since: Ms | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self._stage is _Stage.OVER

    def handle_level(self, down: bool, now: Ms) -> list[Order]:
        """The button is down or up now; return what is to be done."""
        if down:
            self._up_since = None
        elif self._up_since is None:
            self._up_since = now
        elif now - self._up_since >= SETTLED and not self.is_over:
            return self._end(Order.RESET if self._stage is _Stage.INVITED else Order.KEPT)
        return self._wait(now)

    def handle_spoken(self, now: Ms) -> list[Order]:
        """What was ordered has been said to its end; return what is to be done."""
        if self._stage in (_Stage.WARNING, _Stage.INVITING):
            self._go(_Stage.WARNED if self._stage is _Stage.WARNING else _Stage.INVITED, now)
        return []

    def handle_failure(self) -> list[Order]:
        """It could not be said: nobody was warned, so nothing is erased."""
        return [] if self.is_over else self._end(Order.KEPT)

    def _wait(self, now: Ms) -> list[Order]:
        wait = _WAITS.get(self._stage)
        if wait is None or self._up_since is not None or now - self._since < wait:
            return []
        if self._stage is _Stage.INVITED:
            return self._end(Order.KEPT)
        warned = self._stage is _Stage.WARNED
        self._go(_Stage.INVITING if warned else _Stage.WARNING, now)
        return [Order.INVITE if warned else Order.WARN]

    def _end(self, order: Order) -> list[Order]:
        self._stage = _Stage.OVER
        return [order]

    def _go(self, stage: _Stage, now: Ms) -> None:
        self._stage, self._since = stage, now
