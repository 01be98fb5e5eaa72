"""How much of something there may be in a time: token buckets. Time is an argument; nothing here has a clock."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and `per_s` more in each second."""

    burst: float
    per_s: float

    @classmethod
    def per_minute(cls, count: int) -> Rate:
        """Return the rate that allows so many in a minute, and as many at once."""
        return cls(count, count / 60)


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is left of a rate at a moment (seconds of a clock that never goes back)."""

    left: float
    at: float

    def later(self, rate: Rate, now: float) -> Bucket:
        """Return it as it is now."""
        return Bucket(min(rate.burst, self.left + max(0.0, now - self.at) * rate.per_s), max(self.at, now))


class Limiter:
    """A bucket for each name, of which it remembers only those that are not full: what is known of others is enough."""

    def __init__(self, rate: Rate, most_names: int = 4096) -> None:
        self._rate = rate
        self._most = most_names
        self._buckets: dict[str, Bucket] = {}

    def take(self, name: str, now: float) -> float:
        """Take one; return 0, or after how many seconds there will be one again."""
        bucket = self._buckets.get(name, Bucket(self._rate.burst, now)).later(self._rate, now)
        if bucket.left < 1:
            self._buckets[name] = bucket
            return (1 - bucket.left) / self._rate.per_s
        if name not in self._buckets and len(self._buckets) >= self._most:
            self._forget(now)
            if len(self._buckets) >= self._most:
                # So many at once are one crowd: they wait together.
                return 1 / self._rate.per_s
        self._buckets[name] = Bucket(bucket.left - 1, bucket.at)
        return 0.0

    def _forget(self, now: float) -> None:
        aged = {name: bucket.later(self._rate, now) for name, bucket in self._buckets.items()}
        self._buckets = {name: bucket for name, bucket in aged.items() if bucket.left < self._rate.burst}


def day_of(now: float) -> int:
    """Return when the day (UTC) began that a moment of the Unix clock is in."""
    return int(now // DAY_S) * DAY_S


def neighbourhood(address: str) -> str:
    """Return whom an address is counted with: of IPv6 everybody has 2^64 of them."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    plain = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(plain) if plain.version == 4 else str(ipaddress.ip_network((plain, 64), strict=False))
