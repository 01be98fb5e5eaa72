"""The drivers, each on what stands for its bus: real bytes through a simulated SPI, real pyusb on a bus in memory."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.errors import PanelError
from device.foreign import spidev
from device.foreign.gpio import MockBoard
from device.foreign.pixels import APA102_HZ, WS2812_HZ, Frame, apa102, ws2812
from device.panel.lights.drivers import described, open_light
from device.panel.lights.light import Light
from device.panel.scene import dark
from device.panel.settings import Led
from device.sim.devices.spi import SimulatedSpi, seen_apa102, seen_ws2812
from device.sim.devices.usb import FakeUsbBus, FakeXvf3000, FakeXvf3800

APA102 = Led(driver="apa102", pixels=12, device=1, power_pin=5)
WS2812 = Led(driver="ws2812", pixels=24)
SOME: Frame = ((1.0, 0.0, 0.0), *((0.0, 0.7, 1.0),) * 11)


def flat(frame: Frame) -> list[float]:
    """Return the parts of all colours in a row."""
    return [part for colour in frame for part in colour]


def opened(led: Led, bus: FakeUsbBus | None = None) -> Light:
    """Open the lights, which there must be."""
    light = open_light(led, bus)
    assert light is not None
    return light


@pytest.fixture
def spi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedSpi:
    """Put a simulated SPI in the place of the kernel's."""
    simulated = SimulatedSpi(tmp_path)
    monkeypatch.setattr(spidev, "SYSTEM", simulated)
    return simulated


@pytest.fixture
def board() -> Iterator[MockBoard]:
    """Pins, for what switches the power."""
    board = MockBoard()
    yield board
    board.close()


def test_apa102_are_set_by_real_bytes(spi: SimulatedSpi, board: MockBoard) -> None:
    """One transfer a frame, at the speed of these chips; their power is on meanwhile, and off in the end."""
    strip = opened(APA102)
    assert (strip.count, strip.dimmable) == (12, True)
    assert spi.opened == 0
    strip.write(SOME)
    assert board.level(5) == 1
    assert spi.written("spidev0.1") == apa102(SOME)
    assert spi.speeds == {"spidev0.1": APA102_HZ}
    assert flat(seen_apa102(spi.transfers[-1][1], 12)) == pytest.approx(flat(SOME), abs=0.003)
    strip.close()
    strip.close()
    assert spi.written("spidev0.1") == apa102(SOME) + apa102(dark(12))
    assert spi.opened == 0
    assert not board.is_output(5)
    assert board.level(5) == 0


def test_ws2812_are_set_by_real_bytes(spi: SimulatedSpi) -> None:
    """As the pixels see the line."""
    strip = opened(WS2812)
    frame = SOME * 2
    strip.write(frame)
    assert spi.written("spidev0.0") == ws2812(frame)
    assert spi.speeds == {"spidev0.0": WS2812_HZ}
    assert flat(seen_ws2812(spi.transfers[-1][1], 24)) == pytest.approx(flat(frame), abs=0.0021)
    strip.close()
    assert seen_ws2812(spi.transfers[-1][1], 24) == dark(24)


def test_an_spi_that_is_not_there_is_told_with_the_line_to_add(spi: SimulatedSpi) -> None:
    """At the first write, and used as soon as it is there."""
    strip = opened(WS2812)
    spi.missing = True
    with pytest.raises(PanelError, match=r"/dev/spidev0\.0 cannot be set: No such file.*dtparam=spi=on"):
        strip.write(SOME * 2)
    spi.missing = False
    strip.write(SOME * 2)
    assert spi.opened == 1
    strip.close()


@pytest.mark.parametrize(("code", "fix"), [(errno.EIO, "wires"), (errno.EACCES, "usermod -aG spi")])
def test_an_spi_that_fails_is_opened_anew(spi: SimulatedSpi, code: int, fix: str) -> None:
    """Nothing stays open behind a failure; closing then is harmless."""
    strip = opened(WS2812)
    strip.write(SOME * 2)
    spi.failing = code
    with pytest.raises(PanelError, match=fix):
        strip.write(SOME * 2)
    assert spi.opened == 0
    strip.close()
    spi.failing = None
    strip.write(SOME * 2)
    assert len(spi.transfers) == 2
    strip.close()


def test_a_device_that_is_no_spi_is_refused_by_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real calls, on a file: it can be opened and written to, but knows no ioctl of SPI."""
    monkeypatch.setattr(spidev, "FOLDER", tmp_path)
    (tmp_path / "spidev0.0").write_bytes(b"")
    strip = opened(WS2812)
    with pytest.raises(PanelError, match=r"spidev0\.0 cannot be set: Inappropriate ioctl"):
        strip.write(SOME * 2)
    assert (tmp_path / "spidev0.0").read_bytes() == b""
    strip.close()


def test_a_transfer_that_is_cut_short_is_a_failure(spi: SimulatedSpi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the pixels would show something else."""
    strip = opened(WS2812)
    monkeypatch.setattr(spi, "write", lambda file, data: len(data) - 1)
    with pytest.raises(PanelError, match="cannot be set"):
        strip.write(SOME * 2)


def test_a_power_pin_that_cannot_be_used_is_a_fault_of_the_light(spi: SimulatedSpi, board: MockBoard) -> None:
    """The house starts all the same: it is the board that wants the pin. Once it is free, it is used."""
    other, strip = opened(Led(pin=5)), opened(APA102)
    with pytest.raises(PanelError, match=r"hardware\.led\.power_pin: GPIO 5 cannot be used"):
        strip.write(SOME)
    assert spi.transfers == []
    other.close()
    strip.write(SOME)
    assert board.level(5) == 1
    strip.close()


def test_the_ring_of_an_xvf3000_is_painted() -> None:
    """Taken over from the chip: full brightness, and no light in the middle that says something of its own."""
    array = FakeXvf3000()
    bus = FakeUsbBus(array)
    ring = opened(Led(driver="xvf3000"), bus)
    assert bus.opened == 0
    ring.write(SOME)
    assert array.ring == bytes.fromhex("ff000000" + "00b2ff00" * 11)
    assert (array.brightness, array.centre_led) == (31, 0)
    ring.close()
    ring.close()
    assert array.ring == bytes(48)
    assert (bus.opened, bus.refused) == (0, [])


@pytest.mark.parametrize("firmware", [(2, 0, 7), (2, 0, 10), (2, 1, 0)])
def test_the_ring_of_an_xvf3800_is_painted(firmware: tuple[int, int, int]) -> None:
    """By its effect "ring", also when the chip is busy at first."""
    array = FakeXvf3800(firmware, busy=3)
    bus = FakeUsbBus(array)
    ring = opened(Led(driver="xvf3800"), bus)
    ring.write(SOME)
    assert array.led_effect == 5
    assert array.ring == bytes.fromhex("0000ff00" + "ffb20000" * 11)
    transfers = bus.transfers
    ring.write(SOME)
    assert bus.transfers == transfers + 1
    ring.close()
    assert array.ring == bytes(48)
    assert (bus.opened, bus.refused) == (0, [])


@pytest.mark.parametrize("firmware", [(2, 0, 2), (2, 0, 6)])
def test_an_xvf3800_whose_firmware_has_no_ring_is_told(firmware: tuple[int, int, int]) -> None:
    """With both versions and what to do; nothing that it does not know is written to it."""
    bus = FakeUsbBus(FakeXvf3800(firmware))
    ring = opened(Led(driver="xvf3800"), bus)
    found = ".".join(map(str, firmware))
    with pytest.raises(
        PanelError, match=rf"has firmware {found}, and its ring of lights needs 2\.0\.7 or newer: update it"
    ):
        ring.write(SOME)
    assert (bus.opened, bus.refused) == (0, [])
    ring.close()


@pytest.mark.parametrize("driver", ["xvf3000", "xvf3800"])
def test_an_array_that_is_pulled_out_comes_back(driver) -> None:
    """The write fails; after it is plugged in again the next one takes the ring over anew."""
    array = FakeXvf3000() if driver == "xvf3000" else FakeXvf3800((2, 1, 0))
    bus = FakeUsbBus(array)
    ring = opened(Led(driver=driver), bus)
    ring.write(SOME)
    bus.pull(array)
    with pytest.raises(PanelError, match=r"the ring of lights: USB 2886.* cannot be written to: .*No such device"):
        ring.write(SOME)
    with pytest.raises(PanelError, match="there is no USB device"):
        ring.write(SOME)
    array.ring = b""
    bus.plug(array)
    ring.write(SOME)
    assert array.ring
    ring.close()


@pytest.mark.parametrize(
    ("led", "text"),
    [
        (Led(), ""),
        (Led(pin=18), "one LED on GPIO 18"),
        (Led(red=5, green=6, blue=13), "an RGB LED on GPIO 5, 6 and 13"),
        (APA102, "12 pixels of APA102 on /dev/spidev0.1, switched by GPIO 5"),
        (Led(driver="ws2812", pixels=1), "1 pixel of WS2812 on /dev/spidev0.0"),
        (Led(driver="xvf3800"), "the ring of the XVF3800 on USB"),
    ],
)
def test_what_is_configured_is_said_in_words(led: Led, text: str) -> None:
    """For commands."""
    assert described(led) == text
