"""The lights of a whole house with a microphone array in memory, whose chip hears voices and paints the ring."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from device.core import events as ev
from device.core.status import Phase
from device.sim.devices.usb import FakeUsbBus, FakeXvf3800
from device.sim.realtime import SimulatedRealtime
from device.units import Samples
from tests.house.cardless import open_cardless
from tests.waiting import until

WAKE = ev.WakeWordDetected("hey_jarvis", 0.9, Samples(0))


def brightest(array: FakeXvf3800) -> int:
    """Return which pixel of the ring is; -1 where none is lit."""
    pixels = [sum(colour.to_bytes(4, "big")) for colour in struct.unpack("<12I", array.ring or bytes(48))]
    return pixels.index(max(pixels)) if any(pixels) else -1


def white(array: FakeXvf3800) -> int:
    """Return how many pixels are white."""
    return sum(colour & 0xFF == colour >> 16 > 60 for colour in struct.unpack("<12I", array.ring))


async def test_a_ring_turns_to_the_voice_and_shows_the_volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the chip says of the direction gets to its own ring, past the sound; and the new volume, however it came."""
    array = FakeXvf3800((2, 1, 0), direction=90)
    bus = FakeUsbBus(array)
    monkeypatch.setattr("usb.backend.libusb1.get_backend", lambda *arguments, **options: bus)
    hardware = {"profile": "respeaker_xvf3800", "led": {"brightness": 1.0}}
    async with (
        SimulatedRealtime(key="sk-of-nobody") as server,
        open_cardless(tmp_path, monkeypatch, server.url, hardware=hardware) as house,
    ):
        controller = house.app.controller
        await until(lambda: array.led_effect == 5 and array.ring == bytes(48), "a dark ring")
        controller.post(WAKE)
        await until(lambda: controller.status.phase is Phase.LISTENING, "that it listens")
        await until(lambda: brightest(array) == 3, "the third of twelve hours")
        array.direction = 240
        await until(lambda: brightest(array) == 8, "the eighth")
        controller.post(ev.StopRequested())
        await until(lambda: array.ring == bytes(48), "the dark")

        assert await house.app.registry.call("set_volume", '{"percent": 25}') == "The volume is 25 percent"
        await until(lambda: white(array) == 3, "a quarter of the ring")

        bus.pull(array)
        controller.post(WAKE)
        await until(lambda: ev.Device.LIGHT in controller.status.faults, "the fault")
        bus.plug(array)
        await until(lambda: ev.Device.LIGHT not in controller.status.faults, "the light")
    assert array.ring == bytes(48)
    assert bus.refused == []
