"""How loud the device speaks: by the sound card's mixer where there is one, by software gain else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from device.audio.cards.mixer import find_mixer
from device.audio.keptvolume import KeptVolume
from device.audio.settings import Audio
from device.core.actions import Ring, StopRinging
from device.errors import AudioError
from device.ports import sound

log = logging.getLogger(__name__)

FindMixer = Callable[[str, str], Awaitable[sound.Volume | None]]
"""output, control: see mixer.find_mixer."""

KEEP_AFTER_S = 2.0
"""Who turns a knob sets twenty volumes; the last of them is kept."""


class Volume:
    """A `device.ports.sound.Volume`: the mixer's, or the software gain. What is set outlives the process.

    A mixer that stands below audio.alarm_floor is raised to it while it rings, and put back afterwards; with software
    gain the player keeps the ring above it, and all else stays as it is.
    """

    def __init__(
        self,
        settings: Audio,
        set_gain: Callable[[float], None],
        find: FindMixer = find_mixer,
        on_mixed: Callable[[], None] = lambda: None,
        kept: KeptVolume | None = None,
    ) -> None:
        """`set_gain` takes the software gain, 0 to 1; `on_mixed` is told that the card plays louder or more quietly.

        Without `kept` nothing outlives the process.
        """
        self._settings = settings
        self._set_gain = set_gain
        self._find = find
        self._on_mixed = on_mixed
        self._kept = kept
        self._mixer: sound.Volume | None = None
        self._percent = round(settings.volume * 100)
        self._floor = round(settings.alarm_floor * 100)
        self._raised = False
        """The mixer stands at the floor, and `_percent` is where it is put back to."""
        self._turn = asyncio.Lock()
        self._keeping: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.watchers: list[Callable[[int], None]] = []
        """Told, in percent, what became of each change."""

    async def start(self) -> None:
        """Look for a mixer. With one the software gain is out of the way; without, it is as it was set last.

        At the first start it is at audio.volume. A mixer is set only where it may not stand as it was left: after
        another boot, or a crash while an alarm rang.
        """
        kept = self._kept.read() if self._kept is not None else None
        if kept is not None:
            self._percent = kept.percent
        self._mixer = await self._find(self._settings.output, self._settings.mixer)
        self._set_gain(1.0 if self._mixer else self._percent / 100)
        if self._mixer and self._kept and kept is not None and (kept.raised or kept.boot != self._kept.boot):
            await self._put(kept.percent)
            await self._kept.keep(kept.percent)

    async def get(self) -> int:
        """Return the volume in percent. Raise AudioError."""
        return await self._mixer.get() if self._mixer and not self._raised else self._percent

    async def set(self, percent: int) -> int:
        """Set the volume, 0 to 100; return what became of it. Raise AudioError."""
        async with self._turn:
            self._percent = await self._set(percent)
        return self._changed()

    async def change(self, by: int) -> int:
        """See VolumeOfHouse."""
        async with self._turn:
            self._percent = await self._set(min(100, max(0, await self.get() + by)))
        return self._changed()

    async def close(self) -> None:
        """Put a raised mixer back, and keep what was set last."""
        for task in tuple(self._tasks):
            task.cancel()
        await self._put_back()
        if self._keeping is not None:
            self._keeping.cancel()
            await self._keep()

    def observe(self, what: object, status: object) -> None:
        """An observer of the controller: an alarm begins or ends."""
        if self._mixer is not None and isinstance(what, Ring | StopRinging):
            self._spawn(self._raise() if isinstance(what, Ring) else self._put_back())

    def _changed(self) -> int:
        self._keep_soon()
        for tell in self.watchers:
            tell(self._percent)
        return self._percent

    async def _set(self, percent: int) -> int:
        if self._mixer is None:
            self._set_gain(percent / 100)
            return percent
        self._on_mixed()
        if self._raised and percent < self._floor:
            await self._mixer.set(self._floor)
            return percent
        return await self._mixer.set(percent)

    async def _raise(self) -> None:
        async with self._turn:
            if self._mixer is None or self._raised:
                return
            with contextlib.suppress(AudioError):
                self._percent = await self._mixer.get()
            if self._percent >= self._floor:
                return
            # First on the disk: whatever becomes of this process, the next one puts it back.
            if self._kept is not None:
                await self._kept.keep(self._percent, raised=True)
            self._raised = True
            await self._put(self._floor)

    async def _put_back(self) -> None:
        async with self._turn:
            if not self._raised:
                return
            await self._put(self._percent)
            self._raised = False
            await self._keep()

    async def _put(self, percent: int) -> None:
        """Set the mixer; nobody waits for the result."""
        assert self._mixer is not None, "only a mixer is raised or put back"
        self._on_mixed()
        try:
            await self._mixer.set(percent)
        except AudioError as error:
            log.warning("the sound card did not take the volume: %s", error)

    def _keep_soon(self) -> None:
        if self._kept is not None:
            if self._keeping is not None:
                self._keeping.cancel()
            self._keeping = asyncio.get_running_loop().call_later(KEEP_AFTER_S, lambda: self._spawn(self._keep()))

    async def _keep(self) -> None:
        self._keeping = None
        if self._kept is not None:
            await self._kept.keep(self._percent, self._raised)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
