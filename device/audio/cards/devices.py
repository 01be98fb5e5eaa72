"""Which sound device the configuration means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from device.errors import DeviceNotFoundError
from device.foreign.asound import Card, Likeness
from device.units import Hz

DEFAULT = "default"
# Rates that cards do, best first, after the one that needs no resampling.
OTHER_RATES = (Hz(48_000), Hz(44_100), Hz(32_000), Hz(96_000), Hz(16_000))
# A real card has at most 8 channels and mixes nothing: open them all and pick. PCMs that convert claim 32 or more and
# would mix down what is not asked for, so they are asked for the channels up to the one wanted.
MOST_REAL_CHANNELS = 8
# What PortAudio makes of the 10,000 channels that ALSA's "plug" claims. PulseAudio's and PipeWire's PCMs claim fewer.
PLUG_CHANNELS = 128


# What people with a new HAT do not know.
_HAT = "a Raspberry Pi sees a HAT only with its overlay in /boot/firmware/config.txt: see hardware.md"


class Direction(Enum):
    """The way sound goes; the value is the key of [audio] that names the device."""

    INPUT = "input"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """A sound device as PortAudio lists it; `inputs` and `outputs` are the most channels it takes.

    `card` is the sound card whose device it is, None for a PCM of ALSA's configuration.
    """

    index: int
    name: str
    inputs: int
    outputs: int
    card: Card | None = None

    def channels(self, direction: Direction) -> int:
        """Return the most channels it takes that way; 0 when it does not do it."""
        return self.inputs if direction is Direction.INPUT else self.outputs


def choose_device(devices: Sequence[SoundDevice], wanted: str, direction: Direction) -> SoundDevice:
    """Return the device that `wanted` names: by its whole name, its "hw:1,0", its card's id or name, or a part of one.

    What is named exactly is meant: with a device that only works the other way no part of another's name is looked at.
    "default" is ALSA's default PCM, or the first device that does `direction` where there is no such PCM.
    Raise DeviceNotFoundError, which lists what there is.
    """
    able = [device for device in devices if device.channels(direction) > 0]
    for means in _MEANINGS:
        if found := _first(able, means, wanted):
            return found
        if means in _EXACT and wanted != DEFAULT and (other := _first(devices, means, wanted)):
            raise DeviceNotFoundError(_explain_one_way(able, wanted, direction, other))
    if wanted == DEFAULT and able:
        return able[0]
    raise DeviceNotFoundError(_explain(able, wanted, direction))


def _is_named(device: SoundDevice, wanted: str) -> bool:
    return device.name == wanted


def _is_at(device: SoundDevice, wanted: str) -> bool:
    # PortAudio ends a card's name with its address: "USB Audio: - (hw:1,0)". "hw:1" must not find "(hw:10,0)".
    return wanted.startswith("hw:") and (f"({wanted})" in device.name or f"({wanted}," in device.name)


def _has_id(device: SoundDevice, wanted: str) -> bool:
    return _is_like(device, wanted, Likeness.ID)


def _has_card_name(device: SoundDevice, wanted: str) -> bool:
    return _is_like(device, wanted, Likeness.NAME)


def _contains(device: SoundDevice, wanted: str) -> bool:
    if not wanted or wanted.startswith("hw:"):
        return False
    return wanted.casefold() in device.name.casefold() or _is_like(device, wanted, Likeness.PART)


def _contains_at_length(device: SoundDevice, wanted: str) -> bool:
    return not wanted.startswith("hw:") and _is_like(device, wanted, Likeness.PART_OF_LONG_NAME)


def _is_like(device: SoundDevice, wanted: str, likeness: Likeness) -> bool:
    return device.card is not None and device.card.likeness(wanted) is likeness


# The best first.
_MEANINGS = (_is_named, _is_at, _has_id, _has_card_name, _contains, _contains_at_length)
# An id stands for one card and a PCM's name for one PCM; several cards may have one name.
_EXACT = (_is_named, _has_id)


def _first(
    devices: Sequence[SoundDevice], means: Callable[[SoundDevice, str], bool], wanted: str
) -> SoundDevice | None:
    return next((device for device in devices if means(device, wanted)), None)


def _explain(able: Sequence[SoundDevice], wanted: str, direction: Direction) -> str:
    key = f"audio.{direction.value}"
    if not able:
        lacking = f"this machine has no sound device with {direction.value} channels"
        return f'{key} = "{wanted}": {lacking}; connect one ({_HAT})'
    return f'{key} = "{wanted}": there is no such sound device; {_list(able, direction)} ({_HAT})'


def _explain_one_way(able: Sequence[SoundDevice], wanted: str, direction: Direction, other: SoundDevice) -> str:
    found = f'audio.{direction.value} = "{wanted}": the sound device "{other.name}" has no {direction.value} channels'
    return f"{found}; {_list(able, direction)}"


def _list(able: Sequence[SoundDevice], direction: Direction) -> str:
    listed = ", ".join(f'"{device.name}" ({device.channels(direction)} channels)' for device in able)
    return f"those with {direction.value} channels are: {listed or 'none'}"


def rates_to_try(best: Hz, device: SoundDevice) -> Iterable[Hz]:
    """Return the rates to try, best first: `best`, which needs no resampling, unless the device would suffer from it.

    A codec has one clock for both ways: 16 kHz for the microphone would hold the loudspeaker to it. And what ALSA's
    "plug" converts from the card's rate it interpolates in straight lines, unless better converters are installed.
    """
    is_codec = device.inputs and device.outputs and max(device.inputs, device.outputs) <= MOST_REAL_CHANNELS
    is_plug = max(device.inputs, device.outputs) >= PLUG_CHANNELS
    return dict.fromkeys(OTHER_RATES[:1] * bool(is_codec or is_plug) + (best, *OTHER_RATES))
