"""How loud the device speaks: by the sound card's mixer where there is one, by software gain else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from device.audio.cards.mixer import find_mixer
from device.audio.settings import Audio
from device.ports import sound

FindMixer = Callable[[str, str], Awaitable[sound.Volume | None]]
"""output, control: see mixer.find_mixer."""


class Volume:
    """A `device.ports.sound.Volume`: the mixer's, or the software gain."""

    def __init__(
        self,
        settings: Audio,
        set_gain: Callable[[float], None],
        find: FindMixer = find_mixer,
        on_mixed: Callable[[], None] = lambda: None,
    ) -> None:
        """`set_gain` takes the software gain, 0 to 1; `on_mixed` is told that the card plays louder or more quietly."""
        self._settings = settings
        self._set_gain = set_gain
        self._find = find
        self._on_mixed = on_mixed
        self._mixer: sound.Volume | None = None
        self._percent = round(settings.volume * 100)

    async def start(self) -> None:
        """Look for a mixer. With one the software gain is out of the way; without, it starts at audio.volume."""
        self._mixer = await self._find(self._settings.output, self._settings.mixer)
        self._set_gain(1.0 if self._mixer else self._settings.volume)

    async def get(self) -> int:
        """Return the volume in percent. Raise AudioError."""
        return await self._mixer.get() if self._mixer else self._percent

    async def set(self, percent: int) -> int:
        """Set the volume, 0 to 100; return what became of it. Raise AudioError."""
        if self._mixer:
            self._on_mixed()
            return await self._mixer.set(percent)
        self._percent = percent
        self._set_gain(percent / 100)
        return percent
