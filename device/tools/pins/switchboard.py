"""When a switch may be on: decisions only. Time is an argument, in milliseconds of a clock that never goes back.

Whatever the order of calls, of failures and of crashes:

- Two switches that exclude each other are never on together, and one goes on only when the other has been off for the
  dead time: break before make.
- None is on for longer than its longest on-time. To ask for it again while it is on prolongs nothing; nor does a crash,
  where who comes back is told what was granted before.
- What a pin shows after a failed write is unknown. That counts as on for whoever excludes it, and it is tried to be
  switched off until that works.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from device.units import Ms

RETRY = Ms(1_000)
"""How soon a write that failed is tried again."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for a switch; one with a limit or a partner has `safe` off."""

    safe: bool = False
    longest_on: Ms | None = None
    excludes: frozenset[str] = frozenset()
    """Who may not be on at the same time; each of them excludes this one."""
    dead_time: Ms = Ms(0)
    """How long all of them must have been off before this one goes on."""

    @property
    def guarded(self) -> bool:
        """Whether it matters that it is off."""
        return self.longest_on is not None or bool(self.excludes)


@dataclass(frozen=True, slots=True)
class Write:
    """Put a switch on or off now; `note` wants to know what became of it."""

    name: str
    on: bool


class _Level(Enum):
    OFF = "off"
    ON = "on"
    UNKNOWN = "unknown"
    """A write failed."""


@dataclass(slots=True)
class _Switch:
    rule: Rule
    level: _Level
    since: Ms
    """Since when it has this level."""
    wanted: bool | None
    """None: nobody wants anything of it since a write failed."""
    until: Ms | None = None
    """It may not be on from then on: granted when it was asked for, and kept over a crash."""
    tried: Ms | None = None
    """When a write last failed; None: the last one did not."""

    def move(self, level: _Level, now: Ms) -> None:
        """Show this level from now on, if it did not already."""
        if level is not self.level:
            self.level, self.since = level, now

    def is_spent(self, now: Ms) -> bool:
        """Say whether what it was granted is over."""
        return self.until is not None and now >= self.until

    def must_go_off(self, now: Ms) -> bool:
        """Say whether it is on, or may be, and should not."""
        return self.level is not _Level.OFF and (self.wanted is False or self.is_spent(now))

    def rests(self, now: Ms) -> bool:
        """Say whether a write has failed just now."""
        return self.tried is not None and now < self.tried + RETRY

    @property
    def waits(self) -> bool:
        """Whether it is still to be switched on."""
        return self.wanted is True and self.level is not _Level.ON


@dataclass(slots=True)
class Switchboard:
    """Knows the switches; whoever owns the pins does what `next_write` says until it says nothing, and again when the
    time that `get_timer` gives has come."""

    rules: Mapping[str, Rule]
    now: Ms
    """When all of them were put into their safe state."""
    granted: Mapping[str, Ms] = field(default_factory=dict)
    """Until when those might be on that were on when the process crashed."""
    _switches: dict[str, _Switch] = field(init=False)

    def __post_init__(self) -> None:
        self._switches = {name: self._at_start(name, rule) for name, rule in self.rules.items()}

    def _at_start(self, name: str, rule: Rule) -> _Switch:
        switch = _Switch(rule, _Level.ON if rule.safe else _Level.OFF, self.now, wanted=rule.safe)
        if rule.longest_on is not None and name in self.granted:
            switch.until = Ms(min(self.granted[name], self.now + rule.longest_on))
        return switch

    @property
    def grants(self) -> dict[str, Ms]:
        """Until when each may be on, of those that have a limit and were asked for: what must outlive a crash."""
        return {name: switch.until for name, switch in self._switches.items() if switch.until is not None}

    def is_on(self, name: str) -> bool:
        """Say whether it is on, as far as is known."""
        return self._switches[name].level is _Level.ON

    def is_due(self, name: str) -> bool:
        """Say whether it is still to be switched on."""
        return self._switches[name].waits

    def grant(self, name: str, now: Ms) -> Ms | None:
        """Return until when it might be on if it were asked for now; None: for as long as one likes."""
        switch = self._switches[name]
        if switch.rule.longest_on is None:
            return None
        if switch.until is not None and (switch.until > now or switch.level is not _Level.OFF):
            return switch.until
        return Ms(max(now, self._free_at(switch, now)) + switch.rule.longest_on)

    def set(self, name: str, on: bool, now: Ms) -> None:
        """Somebody wants it on or off. On: whoever excludes it goes off first."""
        switch = self._switches[name]
        if not on:
            _end(switch)
            return
        for partner in switch.rule.excludes:
            _end(self._switches[partner])
        switch.until = self.grant(name, now)
        switch.wanted, switch.tried = True, None

    def next_write(self, now: Ms) -> Write | None:
        """Return what is to be written now; None: nothing. Off comes before on."""
        for switch in self._switches.values():
            if switch.level is _Level.OFF and switch.is_spent(now):
                # Its time went by while it waited.
                _end(switch)
        for name, switch in self._switches.items():
            if switch.must_go_off(now) and not switch.rests(now):
                return Write(name, on=False)
        for name, switch in self._switches.items():
            if switch.waits and self._is_free(switch, now) and not switch.rests(now):
                return Write(name, on=True)
        return None

    def note(self, write: Write, ok: bool, now: Ms) -> None:
        """Note what became of a write."""
        switch = self._switches[write.name]
        if not ok:
            switch.move(_Level.UNKNOWN, now)
            switch.tried, switch.wanted = now, False if switch.rule.guarded else None
            return
        switch.move(_Level.ON if write.on else _Level.OFF, now)
        switch.tried = None
        if not write.on:
            _end(switch)

    def get_timer(self, now: Ms) -> Ms | None:
        """Return when `next_write` wants to be asked again, or None."""
        times = [at for switch in self._switches.values() if (at := self._due(switch, now)) is not None]
        return Ms(max(now, min(times))) if times else None

    def _is_free(self, switch: _Switch, now: Ms) -> bool:
        """Say whether all that exclude it have been off for long enough."""
        partners = [self._switches[name] for name in switch.rule.excludes]
        return all(partner.level is _Level.OFF for partner in partners) and self._free_at(switch, now) <= now

    def _free_at(self, switch: _Switch, now: Ms) -> Ms:
        """Return when that is so at the earliest, if all of them can go off now."""
        partners = (self._switches[name] for name in switch.rule.excludes)
        off_since = (partner.since if partner.level is _Level.OFF else now for partner in partners)
        return Ms(max((since + switch.rule.dead_time for since in off_since), default=now))

    def _due(self, switch: _Switch, now: Ms) -> Ms | None:
        rested = now if switch.tried is None else Ms(switch.tried + RETRY)
        times = [] if switch.until is None else [max(switch.until, rested)]
        if switch.must_go_off(now):
            return rested
        if switch.waits and all(self._switches[name].level is _Level.OFF for name in switch.rule.excludes):
            times.append(max(self._free_at(switch, now), rested))
        return min(times, default=None)


def _end(switch: _Switch) -> None:
    """Nobody wants it on any more; what it was granted is over when it is off."""
    switch.wanted, switch.tried = False, None
    if switch.level is _Level.OFF:
        switch.until = None
