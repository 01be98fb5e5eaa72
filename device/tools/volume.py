"""set_volume: the sound card's mixer where there is one, software gain else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, Protocol

from msgspec import Meta, Struct

from device import config
from device.audio.cards.mixer import find_mixer
from device.errors import AudioError, ToolError
from device.ports import Phrase
from device.tools.registry import Tool

STEP = 10
"""Percentage points for "louder" and "quieter"."""


class Mixer(Protocol):
    """A volume in percent; both raise AudioError."""

    async def get(self) -> int:
        """Return it."""

    async def set(self, percent: int) -> int:
        """Set it; return what became of it."""


FindMixer = Callable[[str, str], Awaitable[Mixer | None]]
"""output, control: see mixer.find_mixer."""


class Volume:
    """How loud the device speaks."""

    def __init__(
        self,
        settings: config.Audio,
        set_gain: Callable[[float], None],
        find: FindMixer = find_mixer,
        on_mixed: Callable[[], None] = lambda: None,
    ) -> None:
        """`set_gain` takes the software gain, 0 to 1; `on_mixed` is told that the card plays louder or more quietly."""
        self._settings = settings
        self._set_gain = set_gain
        self._find = find
        self._on_mixed = on_mixed
        self._mixer: Mixer | None = None
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


class SetVolume(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of set_volume: one of the two."""

    percent: Annotated[int, Meta(ge=0, le=100, description="the new volume, 0 is silent")] | None = None
    change: Annotated[Literal["up", "down"], Meta(description="a step louder or quieter instead")] | None = None


def volume_tool(volume: Volume) -> Tool[SetVolume]:
    """Return set_volume."""

    async def run(arguments: SetVolume) -> str:
        if (arguments.percent is None) is (arguments.change is None):
            raise ToolError("set_volume: give either percent or change")
        try:
            percent = await volume.set(await _wanted(volume, arguments))
        except AudioError as error:
            raise ToolError("the sound card did not take the new volume") from error
        return f"The volume is {percent} percent"

    return Tool(
        name="set_volume",
        description="Set how loud this speaker is: to a percentage, or one step up or down.",
        arguments=SetVolume,
        run=run,
        phrases=_phrases(),
    )


async def _wanted(volume: Volume, arguments: SetVolume) -> int:
    if arguments.percent is not None:
        return arguments.percent
    step = STEP if arguments.change == "up" else -STEP
    return min(100, max(0, await volume.get() + step))


def _phrases() -> tuple[Phrase, ...]:
    numbers: dict[str, dict[str, Any]] = {"percent": {spoken_number(value): value for value in range(0, 101, 5)}}
    absolute = ("set the volume to {percent}", "set the volume to {percent} percent", "volume {percent}")
    up = ("turn the volume up", "turn up the volume", "volume up", "louder", "make it louder")
    down = ("turn the volume down", "turn down the volume", "volume down", "quieter", "make it quieter")
    return (
        *(Phrase(text, numbers) for text in absolute),
        *(Phrase(text, arguments={"change": "up"}) for text in up),
        *(Phrase(text, arguments={"change": "down"}) for text in down),
    )


_ONES = {0: "zero", 5: "five", 10: "ten", 15: "fifteen", 100: "one hundred"}
_TENS = {2: "twenty", 3: "thirty", 4: "forty", 5: "fifty", 6: "sixty", 7: "seventy", 8: "eighty", 9: "ninety"}


def spoken_number(value: int) -> str:
    """Return a multiple of five, 0 to 100, in words."""
    if value in _ONES:
        return _ONES[value]
    tens = _TENS[value // 10]
    return f"{tens} five" if value % 10 else tens
