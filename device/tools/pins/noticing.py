"""When what a sensor shows is worth a sentence: decisions only. Time is an argument."""

from __future__ import annotations

from dataclasses import dataclass

from device.units import Ms

DAY = 24 * 60
"""In minutes."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What must hold."""

    debounce: Ms
    """It lasts for so long."""
    every: Ms
    """Nothing was said of it for so long."""
    between: tuple[int, int] | None = None
    """The time of day, in minutes since midnight: from the one on, before the other; None: always."""


def minutes(text: str) -> int:
    """Return "06:30" as minutes since midnight."""
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)


class Watch:
    """Sees a sensor again and again, and says when something has begun that should be announced."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._stands: bool | None = None
        """What it has shown for long enough; None: it was never seen. What is so at the start has not begun."""
        self._changed: Ms | None = None
        """Since when it has shown the other."""
        self._said: Ms | None = None

    def see(self, active: bool, now: Ms, minute: int) -> bool:
        """Note what it shows now, at this minute of the day; return whether to announce it."""
        if self._stands is None:
            self._stands = active
        if active is self._stands:
            self._changed = None
            return False
        self._changed = now if self._changed is None else self._changed
        if now - self._changed < self._policy.debounce:
            return False
        self._stands, self._changed = active, None
        return active and self._may_say(now, minute)

    def _may_say(self, now: Ms, minute: int) -> bool:
        if self._said is not None and now - self._said < self._policy.every:
            return False
        if not _is_between(minute, self._policy.between):
            return False
        self._said = now
        return True


def _is_between(minute: int, between: tuple[int, int] | None) -> bool:
    if between is None:
        return True
    begin, end = between
    return (minute - begin) % DAY < (end - begin) % DAY
