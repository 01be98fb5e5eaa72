"""set_volume: how loud the device speaks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from device.errors import AudioError, ToolError
from device.ports.feature import Feature, Fitted, Outside
from device.ports.sound import VolumeOfHouse
from device.ports.tools import Phrase, Tool

STEP = 10
"""Percentage points for "louder" and "quieter"."""


class SetVolume(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of set_volume: one of the two."""

    percent: Annotated[int, Meta(ge=0, le=100, description="the new volume, 0 is silent")] | None = None
    change: Annotated[Literal["up", "down"], Meta(description="a step louder or quieter instead")] | None = None


def volume_tool(volume: VolumeOfHouse) -> Tool[SetVolume]:
    """Return set_volume."""

    async def run(arguments: SetVolume) -> str:
        if (arguments.percent is None) is (arguments.change is None):
            raise ToolError("set_volume: give either percent or change")
        step = STEP if arguments.change == "up" else -STEP
        try:
            percent = await (volume.change(step) if arguments.percent is None else volume.set(arguments.percent))
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


def _open(settings: None, outside: Outside) -> Fitted:
    return Fitted(tools=(volume_tool(outside.volume),))


VOLUME = Feature("volume", _open)


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
