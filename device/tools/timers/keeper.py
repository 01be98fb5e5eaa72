"""The timers at work: keeps them, sleeps until the next one is due, and says so to the house.

The store is written after each change, and read once. A timer that a person sets is confirmed when it is on the disk.
One that is due rings first: the disk is told that it has rung when somebody has stopped it. So a process that is killed
while it rings goes on ringing when it is back, and what was stopped does not ring again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

from device.core import events as ev
from device.core.actions import StopRinging
from device.core.events import AlarmKind
from device.core.health import Health, unwell, well
from device.errors import ToolError
from device.kit.threads import Threads
from device.ports.facts import Post
from device.tools.timers.clocks import Clocks
from device.tools.timers.entry import Countdown, Entry, Now, TimeOfDay
from device.tools.timers.schedule import (
    Due,
    after_ringing,
    anchored,
    is_forgotten,
    is_trusted,
    look,
    put_off,
)
from device.tools.timers.settings import Timers
from device.tools.timers.spoken import was_for
from device.tools.timers.store import Kept, Store, StoreError
from device.units import Ms, ms_from_seconds

log = logging.getLogger(__name__)

MOST = 100
"""So many may be set at once."""
PATIENCE_S = 5.0
"""How long the disk may take before the person is told that it does not answer."""
TRY_AGAIN_S = 30.0
"""How long until a disk that refused is asked again."""
_DISK = "look whether service.state_dir is full, read-only or broken; it is tried again by itself"


@dataclass(frozen=True, slots=True)
class Change:
    """What became of what a person wanted. `kept`: it is on the disk; else it holds until the next restart."""

    entry: Entry
    kept: bool


class Timekeeper:
    """All timers, alarms and reminders of the house. Every method belongs to the event loop's thread."""

    def __init__(self, settings: Timers, store: Store, post: Post, clocks: Clocks | None = None) -> None:
        """Raise ThreadError."""
        self.settings = settings
        self._store = store
        self._post = post
        self._clocks = clocks or Clocks()
        self._threads = Threads("timers")
        self._entries: dict[int, Entry] = {}
        self._ringing: set[int] = set()
        self._next_id = 1
        self._alarm_clock = self._clocks.alarm_clock(self.look)
        self._read = asyncio.Event()
        self._again: asyncio.TimerHandle | None = None
        self._keeping = Health("timers", ok=True, since=_monotonic())
        self._reading = Health("timers of before", ok=True, since=_monotonic())
        self._tasks: set[asyncio.Task[object]] = set()

    # -- for who fits it into the house

    def start(self) -> None:
        """Find out what is set, and go on with it."""
        self._spawn(self._begin())

    def observe(self, what: object, status: object) -> None:
        """An observer of the controller: the machine decides when the ringing is over."""
        if isinstance(what, StopRinging) and self._ringing:
            rung, self._ringing = self._ringing, set()
            self._settle(rung, heard=not what.unheeded)
            self.look()
            self._spawn(self._keep())

    def health(self) -> tuple[Health, ...]:
        """Say whether they can be kept, and whether those of before the start were."""
        return (self._keeping, self._reading)

    async def close(self) -> None:
        """Wait for the disk, and let everything go."""
        self._alarm_clock.close()
        if self._again is not None:
            self._again.cancel()
        if not self._read.is_set():
            for task in self._tasks:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._threads.call(self._store.close)

    # -- for who asks and orders

    async def ready(self) -> None:
        """Wait until it is known what is set. Raise ToolError when the disk does not tell."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._read.wait()
        except TimeoutError as error:
            raise ToolError("the timers cannot be read from my disk; nothing was changed") from error

    @property
    def now(self) -> Now:
        """What the clocks say."""
        return self._clocks.now()

    @property
    def knows_the_time(self) -> bool:
        """Whether the wall clock is taken for right: not before the network has set it, or was waited for."""
        return self._is_trusted(self.now)

    @property
    def waiting(self) -> tuple[Entry, ...]:
        """Those that wait or ring."""
        return tuple(entry for entry in self._entries.values() if entry.waits)

    @property
    def ringing(self) -> tuple[Entry, ...]:
        """Those that ring."""
        return tuple(entry for number, entry in self._entries.items() if number in self._ringing)

    @property
    def missed(self) -> tuple[Entry, ...]:
        """Those that nobody heard in the last day."""
        now = self.now
        return tuple(entry for entry in self._entries.values() if not entry.waits and not is_forgotten(entry, now))

    async def add(
        self, kind: AlarmKind, label: str, countdown: Countdown | None, time_of_day: TimeOfDay | None = None
    ) -> Change:
        """Set a new one. Raise ToolError when there are too many."""
        if len(self.waiting) >= MOST:
            raise ToolError(f"there are {MOST} timers and alarms already; cancel some of them first")
        entry = Entry(self._next_id, kind, label, countdown, time_of_day)
        self._next_id += 1
        return await self._put(entry)

    async def change(self, entry: Entry) -> Change:
        """Put this in the place of the one with its number. One that rings goes on as long as it is due."""
        return await self._put(entry)

    async def put_off(self, entries: Iterable[Entry], seconds: float) -> bool:
        """Let these, which ring, ring again later; return whether the disk knows."""
        now = self.now
        for entry in entries:
            self._entries[entry.id] = put_off(entry, seconds, now)
            self._silence(entry.id)
        self.look()
        return await self._keep()

    async def remove(self, entries: Iterable[Entry]) -> bool:
        """Call them off, also those that ring; return whether the disk knows."""
        for entry in entries:
            self._entries.pop(entry.id, None)
            self._silence(entry.id)
        self.look()
        return await self._keep()

    async def stop(self, entries: Iterable[Entry]) -> bool:
        """Stop these, which ring: one that repeats rings the next time; return whether the disk knows."""
        numbers = [entry.id for entry in entries]
        self._settle(numbers, heard=True)
        for number in numbers:
            self._silence(number)
        self.look()
        return await self._keep()

    # -- time passes

    def look(self) -> None:
        """Ring what is due, tell what is too late, and sleep until there is more to do."""
        if not self._read.is_set():
            return
        now = self.now
        if trusted := self._is_trusted(now):
            self._anchor(now)
        found = self._find(now, trusted)
        self._ringing.update(entry.id for entry in found.ring)
        for entry in found.missed:
            self._post(ev.AlarmMissed(str(entry.id), entry.kind, entry.label, was_for(entry, now)))
        for entry in found.ring:
            self._post(ev.AlarmDue(str(entry.id), entry.kind, entry.label))

    def _find(self, now: Now, trusted: bool) -> Due:
        """Return what is due and what was missed, which is settled already; and sleep until there is more."""
        found = self._ask(now, trusted)
        self._settle([entry.id for entry in found.missed], heard=False)
        # One that repeats has its next time now.
        seconds = self._ask(now, trusted).look_in if found.missed else found.look_in
        try:
            self._alarm_clock.set(None if seconds is None else now.boot + seconds)
        except OSError as error:
            self._note_unwell(f"the kernel gives no alarm clock: {error.strerror}", "restart the service")
        if found.missed:
            self._spawn(self._keep())
        return found

    def _ask(self, now: Now, trusted: bool) -> Due:
        return look(self._entries.values(), self._ringing, now, trusted, self.settings.missed_minutes * 60)

    def _is_trusted(self, now: Now) -> bool:
        return is_trusted(self._clocks.synchronised(), now)

    def _anchor(self, now: Now) -> None:
        """The wall clock is right: keep what follows from it for countdowns, and forget what is long past."""
        entries = {
            number: anchored(entry, now) for number, entry in self._entries.items() if not is_forgotten(entry, now)
        }
        if entries != self._entries:
            self._entries = entries
            self._spawn(self._keep())

    def _settle(self, numbers: Iterable[int], heard: bool) -> None:
        """They have rung, or it is too late for that: keep what is left of them."""
        now = self.now
        for number in numbers:
            entry = self._entries.pop(number, None)
            left = entry and after_ringing(entry, now, heard)
            if left:
                self._entries[number] = left

    def _silence(self, number: int) -> None:
        if number in self._ringing:
            self._ringing.discard(number)
            self._post(ev.AlarmSilenced(str(number)))

    async def _put(self, entry: Entry) -> Change:
        self._entries[entry.id] = entry
        if entry.id in self._ringing and not self._is_due(entry):
            self._silence(entry.id)
        self.look()
        return Change(entry, await self._keep())

    def _is_due(self, entry: Entry) -> bool:
        found = look([entry], (), self.now, trusted=True, limit_s=float("inf"))
        return bool(found.ring)

    # -- the disk

    async def _begin(self) -> None:
        kept = await self._try_to_read()
        if kept is None:
            await asyncio.sleep(TRY_AGAIN_S)
            self._spawn(self._begin())
            return
        self._entries = dict(kept.entries)
        self._next_id = kept.next_id
        self._read.set()
        self.look()

    async def _try_to_read(self) -> Kept | None:
        """Return what is kept; None when it may be readable another time, and must not be written over."""
        try:
            kept = await self._threads.call(self._store.read)
        except StoreError as error:
            log.error("the timers cannot be read: %s", error)
            self._reading = unwell(self._reading, str(error), _DISK, _monotonic())
            return await self._set_aside(error) if error.lost else None
        self._reading = well(self._reading, _monotonic())
        return kept

    async def _set_aside(self, error: StoreError) -> Kept | None:
        """Begin anew beside a file in which there is nothing to be read; it is told of until the next start."""
        try:
            aside = await self._threads.call(self._store.set_aside)
        except OSError:
            return None
        advice = f"set them again; {aside} is what is left"
        self._reading = unwell(self._reading, f"the timers that were set are lost: {error}", advice, _monotonic())
        return Kept()

    async def _keep(self) -> bool:
        """Write all that is set; return whether it is on the disk. One that refuses is asked again later."""
        kept = Kept(dict(self._entries), self._next_id)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._threads.call(self._store.write, kept)
        except (StoreError, TimeoutError) as error:
            why = str(error) or "the disk does not answer"
            log.warning("the timers are not kept: %s", why)
            self._note_unwell(f"the timers would not outlive a restart: {why}", _DISK)
            self._ask_again()
            return False
        self._keeping = well(self._keeping, _monotonic())
        return True

    def _note_unwell(self, why: str, what_to_do: str) -> None:
        self._keeping = unwell(self._keeping, why, what_to_do, _monotonic())

    def _ask_again(self) -> None:
        if self._again is not None:
            self._again.cancel()
        self._again = asyncio.get_running_loop().call_later(TRY_AGAIN_S, lambda: self._spawn(self._keep()))

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="timers")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _monotonic() -> Ms:
    return ms_from_seconds(asyncio.get_running_loop().time())
