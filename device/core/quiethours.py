"""The hours of the day in which only what is urgent is said. Pure: the time is an argument."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one minute of the day (0 to 1439) to another, which may be the next day's; from one to itself: never."""

    begin: int
    end: int

    def cover(self, minute: int) -> bool:
        """Say whether it is quiet in that minute of the day: from `begin` on, and in `end` no more."""
        if self.begin <= self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end


def parse(text: str) -> QuietHours:
    """Return what "22:00-07:00" says. Raise ValueError."""
    if (found := _HOURS.fullmatch(text.strip())) is None:
        raise ValueError("these are no hours of a day")
    hour, minute, last_hour, last_minute = map(int, found.groups())
    return QuietHours(hour * 60 + minute, last_hour * 60 + last_minute)
