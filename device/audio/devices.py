"""Which sound device the configuration means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from device.errors import DeviceNotFoundError
from device.units import Hz

DEFAULT = "default"
# Rates that cards do, best first, after the one that needs no resampling.
OTHER_RATES = (Hz(48_000), Hz(44_100), Hz(32_000), Hz(96_000), Hz(16_000))
# A real card has at most 8 channels and mixes nothing: open them all and pick. PCMs that convert claim 32 or more and
# would mix down what is not asked for, so they are asked for the channels up to the one wanted.
MOST_REAL_CHANNELS = 8
# What PortAudio makes of the 10,000 channels that ALSA's "plug" claims. PulseAudio's and PipeWire's PCMs claim fewer.
PLUG_CHANNELS = 128


class Direction(Enum):
    """The way sound goes; the value is the key of [audio] that names the device."""

    INPUT = "input"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """A sound device as PortAudio lists it; `inputs` and `outputs` are the most channels it takes."""

    index: int
    name: str
    inputs: int
    outputs: int

    def channels(self, direction: Direction) -> int:
        """Return the most channels it takes that way; 0 when it does not do it."""
        return self.inputs if direction is Direction.INPUT else self.outputs


def choose_device(devices: Sequence[SoundDevice], wanted: str, direction: Direction) -> SoundDevice:
    """Return the device that `wanted` names: by its whole name, its "hw:1,0", or a part of the name in any case.

    "default" is ALSA's default PCM, or the first device that does `direction` where there is no such PCM.
    Raise DeviceNotFoundError, which lists what there is.
    """
    able = [device for device in devices if device.channels(direction) > 0]
    for matches in (_is_named, _is_at, _contains):
        if found := next((device for device in able if matches(device.name, wanted)), None):
            return found
    if wanted == DEFAULT and able:
        return able[0]
    raise DeviceNotFoundError(_explain(able, wanted, direction))


def _is_named(name: str, wanted: str) -> bool:
    return name == wanted


def _is_at(name: str, wanted: str) -> bool:
    # PortAudio ends a card's name with its address: "USB Audio: - (hw:1,0)". "hw:1" must not find "(hw:10,0)".
    return wanted.startswith("hw:") and (f"({wanted})" in name or f"({wanted}," in name)


def _contains(name: str, wanted: str) -> bool:
    return bool(wanted) and not wanted.startswith("hw:") and wanted.lower() in name.lower()


def _explain(able: Sequence[SoundDevice], wanted: str, direction: Direction) -> str:
    key = f"audio.{direction.value}"
    if not able:
        return f'{key} = "{wanted}": this machine has no sound device with {direction.value} channels; connect one'
    listed = ", ".join(f'"{device.name}" ({device.channels(direction)} channels)' for device in able)
    return f'{key} = "{wanted}": there is no such sound device; those with {direction.value} channels are: {listed}'


def rates_to_try(best: Hz, device: SoundDevice) -> Iterable[Hz]:
    """Return the rates to try, best first: `best`, which needs no resampling, unless the device would suffer from it.

    A codec has one clock for both ways: 16 kHz for the microphone would hold the loudspeaker to it. And what ALSA's
    "plug" converts from the card's rate it interpolates in straight lines, unless better converters are installed.
    """
    is_codec = device.inputs and device.outputs and max(device.inputs, device.outputs) <= MOST_REAL_CHANNELS
    is_plug = max(device.inputs, device.outputs) >= PLUG_CHANNELS
    return dict.fromkeys(OTHER_RATES[:1] * bool(is_codec or is_plug) + (best, *OTHER_RATES))
