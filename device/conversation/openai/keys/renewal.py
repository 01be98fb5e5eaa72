"""When to fetch the next key, so that one is at hand. Pure; times are seconds of a clock that never goes back."""

from __future__ import annotations

from dataclasses import dataclass, replace

# The next one is fetched when so much of a key's time has passed: a broker that is away for the rest is not missed.
_RENEWED_AT = 2 / 3
# A session is opened within this; a key that ends sooner is not begun with.
_LEAST_LEFT_S, _LEAST_SHARE = 15.0, 0.25
_FIRST_WAIT_S, _LONGEST_WAIT_S = 5.0, 300.0
# Every device of a house misses its broker at the same moment: they shall not all come back at the same one.
_SPREAD = 0.5
_TOLD_AFTER = 2


@dataclass(frozen=True, slots=True)
class Renewal:
    """What is known: until when the newest key is good, and how often in a row fetching another has failed."""

    got: float = 0.0
    until: float = 0.0
    failures: int = 0

    def fetched(self, asked: float, lasts_s: float) -> Renewal:
        """Return it after a key came that is good for so long; from when it was asked for, since it was made later."""
        return Renewal(asked, asked + lasts_s)

    def failed(self) -> Renewal:
        """Return it after another failure."""
        return replace(self, failures=self.failures + 1)

    def refused(self) -> Renewal:
        """Return it after the provider did not take the key."""
        return replace(self, until=0.0)

    def is_usable(self, now: float) -> bool:
        """Tell whether a session can be opened with the key."""
        least_s = min(_LEAST_LEFT_S, (self.until - self.got) * _LEAST_SHARE)
        return now < self.until - least_s

    def wait_s(self, now: float, chance: float) -> float:
        """Return in how many seconds to ask again; `chance` is from 0 to 1."""
        if self.failures:
            wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(self.failures - 1, 10))
            return wait_s * (1 + _SPREAD * (chance - 0.5))
        return max(0.0, self.got + (self.until - self.got) * _RENEWED_AT - now)

    def is_to_be_told(self, now: float) -> bool:
        """Tell whether the failures matter by now: one alone may be a broker that was just restarted."""
        return self.failures >= _TOLD_AFTER or (self.failures > 0 and not self.is_usable(now))
