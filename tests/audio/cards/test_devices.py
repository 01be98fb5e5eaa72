"""Which sound device the configuration means."""

from __future__ import annotations

import pytest

from device.audio.cards.devices import Direction, SoundDevice, choose_device
from device.errors import ConfigError, DeviceNotFoundError

DEVICES = [
    SoundDevice(0, "vc4-hdmi: MAI PCM i2s-hifi-0 (hw:0,0)", 0, 2),
    SoundDevice(1, "ArrayUAC10: USB Audio (hw:1,0)", 6, 2),
    SoundDevice(2, "USB PnP Sound Device: Audio (hw:10,0)", 1, 2),
    SoundDevice(3, "ArrayUAC1", 2, 0),
    SoundDevice(4, "default", 32, 32),
]


@pytest.mark.parametrize(
    ("wanted", "direction", "index"),
    [
        ("default", Direction.INPUT, 4),
        ("ArrayUAC1", Direction.INPUT, 3),
        ("arrayuac10", Direction.INPUT, 1),
        ("usb", Direction.INPUT, 1),
        ("hw:1,0", Direction.INPUT, 1),
        ("hw:1", Direction.INPUT, 1),
        ("hw:10", Direction.OUTPUT, 2),
        ("hdmi", Direction.OUTPUT, 0),
    ],
)
def test_a_device_is_found_by_name_address_or_part(wanted: str, direction: Direction, index: int) -> None:
    """A whole name goes before a part, and an address is never taken for a part of another."""
    assert choose_device(DEVICES, wanted, direction).index == index


@pytest.mark.parametrize("wanted", ["hdmi", "hw:0,0", "nonsense", "hw:2", ""])
def test_a_device_that_does_not_capture_is_no_microphone(wanted: str) -> None:
    """The message names the key, the name, and every device that would do."""
    with pytest.raises(DeviceNotFoundError) as raised:
        choose_device(DEVICES, wanted, Direction.INPUT)
    message = str(raised.value)
    assert f'audio.input = "{wanted}"' in message
    assert '"ArrayUAC10: USB Audio (hw:1,0)" (6 channels)' in message
    assert "vc4-hdmi" not in message
    assert isinstance(raised.value, ConfigError)


def test_default_is_the_first_device_where_alsa_has_no_default() -> None:
    """A machine whose default card is the HDMI output has no default microphone."""
    assert choose_device(DEVICES[:4], "default", Direction.INPUT).index == 1


def test_a_machine_without_any_microphone_is_told_so() -> None:
    """There is nothing to list; and what makes a HAT appear."""
    with pytest.raises(
        DeviceNotFoundError, match=r"connect one .*HAT only with its overlay in /boot/firmware/config\.txt"
    ):
        choose_device(DEVICES[:1], "default", Direction.INPUT)
