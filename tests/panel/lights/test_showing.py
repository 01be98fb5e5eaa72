"""Lights in a thread of their own: what they show, when they are set, and what the house is told."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable

import pytest

from device.core.events import Device, DeviceFailed, DeviceRecovered, Event
from device.core.indication import Indication
from device.errors import PanelError
from device.foreign.pixels import Frame
from device.panel.lights import faults, showing
from device.panel.lights.faults import Patience
from device.panel.lights.showing import Picture, ThreadLights
from device.panel.patterns import LIVE
from device.panel.rings import frame_of
from device.panel.scene import dark, dimmed, is_lit
from device.panel.settings import Led
from device.units import Degrees, Ms
from tests.waiting import until

LED = Led(driver="apa102", pixels=12, brightness=1.0)


class SlowLight:
    """A light that keeps what it is told, and does what the test says meanwhile."""

    count = 12
    dimmable = True

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.error: Exception | None = None
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.begun = 0
        self.closed = False

    def write(self, frame: Frame) -> None:
        """See Light."""
        self.begun += 1
        self.may_go_on.wait(5)
        if self.error is not None:
            raise self.error
        self.frames.append(frame)

    def close(self) -> None:
        """See Light."""
        self.frames.append(dark(self.count))
        self.closed = True

    def is_lit(self) -> bool:
        """Whether the newest frame is."""
        return bool(self.frames) and is_lit(self.frames[-1])


@pytest.fixture
def light() -> SlowLight:
    """Return one that is well."""
    return SlowLight()


@pytest.fixture
def posted() -> list[Event]:
    """Collect what is posted."""
    return []


Make = Callable[..., ThreadLights]


@pytest.fixture
async def make(light: SlowLight, posted: list[Event]) -> AsyncIterator[Make]:
    """Yield what makes the lights."""
    made: list[ThreadLights] = []

    def make(direction: Callable[[], Degrees | None] | None = None, led: Led = LED, minute: float = 0) -> ThreadLights:
        picture = Picture(light, led, direction, lambda: minute)
        made.append(ThreadLights(light, picture, posted.append, asyncio.get_running_loop()))
        return made[-1]

    yield make
    light.may_go_on.set()
    for lights in made:
        lights.close()


async def test_what_is_shown_is_written_in_the_thread(make: Make, light: SlowLight) -> None:
    """And only once, where it stands still."""
    lights = make()
    lights.show(Indication.MUTED)
    await until(lambda: light.frames)
    lights.show(Indication.MUTED)
    await asyncio.sleep(0.15)
    assert light.frames == [frame_of(Indication.MUTED, Ms(0), 12)]


@pytest.mark.parametrize("indication", sorted(LIVE, key=lambda one: one.value))
async def test_a_light_is_lit_when_sound_may_leave(
    make: Make, light: SlowLight, indication: Indication, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When show returns, and not some time after it."""
    monkeypatch.setattr(showing, "LIT_WITHIN_S", 10.0)
    lights = make()
    lights.show(Indication.IDLE)
    lights.show(indication)
    assert light.is_lit()


async def test_a_light_that_hangs_keeps_nobody_waiting_and_is_told_of_at_once(
    make: Make, light: SlowLight, posted: list[Event]
) -> None:
    """When show returns the house knows that nothing is lit; and that it is, when it is after all."""
    lights = make()
    lights.show(Indication.IDLE)
    await until(lambda: light.frames)
    light.may_go_on.clear()
    began = time.monotonic()
    lights.show(Indication.WAKING)
    lights.show(Indication.LISTENING)
    lights.show(Indication.THINKING)
    lights.show(Indication.LISTENING)
    assert time.monotonic() - began < 2
    (told,) = posted
    assert isinstance(told, DeviceFailed)
    assert told.device is Device.LIGHT
    assert "not lit within 50 ms" in told.message
    assert not light.is_lit()
    light.may_go_on.set()
    await until(lambda: len(posted) == 2)
    assert posted[1] == DeviceRecovered(Device.LIGHT)
    assert light.is_lit()


async def test_the_newest_wins_when_a_write_takes_long(make: Make, light: SlowLight) -> None:
    """Nothing queues up behind it."""
    lights = make()
    light.may_go_on.clear()
    lights.show(Indication.MUTED)
    await until(lambda: light.begun == 1)
    for _ in range(5):
        lights.show(Indication.IDLE)
        lights.show(Indication.MUTED)
        lights.show(Indication.ERROR)
    light.may_go_on.set()
    await until(lambda: len(light.frames) >= 2)
    assert light.frames[0] == frame_of(Indication.MUTED, Ms(0), 12)
    assert light.frames[1][0][0] > 0.9, "the first flash of ERROR"


async def test_a_failure_is_told_once_and_its_end_when_something_is_lit(
    make: Make, light: SlowLight, posted: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again and again meanwhile, by itself."""
    monkeypatch.setattr(faults, "SOON", Ms(5))
    monkeypatch.setattr(showing, "LIT_WITHIN_S", 10.0)
    lights = make()
    light.error = PanelError("the lights are gone")
    lights.show(Indication.LISTENING)
    assert posted == [DeviceFailed(Device.LIGHT, "the lights are gone")]
    lights.show(Indication.FAULT)
    await until(lambda: light.begun >= 4)
    assert len(posted) == 1
    light.error = None
    await until(lambda: len(posted) == 2)
    assert posted[1] == DeviceRecovered(Device.LIGHT)


async def test_that_a_light_can_be_put_out_proves_nothing(make: Make, light: SlowLight, posted: list[Event]) -> None:
    """A fault lasts until something has been lit."""
    lights = make()
    light.error = PanelError("gone")
    lights.show(Indication.LISTENING)
    await until(lambda: light.begun and posted)
    light.error = None
    lights.show(Indication.IDLE)
    await until(lambda: light.frames)
    await asyncio.sleep(0)
    assert len(posted) == 1
    lights.show(Indication.FAULT)
    await until(lambda: len(posted) == 2)


async def test_a_light_that_broke_in_an_unforeseen_way_is_a_failure_too(
    make: Make, light: SlowLight, posted: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread goes on."""
    monkeypatch.setattr(faults, "SOON", Ms(5))
    lights = make()
    light.error = ZeroDivisionError()
    lights.show(Indication.DEAF)
    await until(lambda: posted)
    light.error = None
    await until(lambda: len(posted) == 2)


async def test_closing_puts_it_out_and_may_be_repeated(make: Make, light: SlowLight) -> None:
    """Nothing is lit afterwards."""
    lights = make()
    lights.show(Indication.LISTENING)
    lights.close()
    assert light.closed
    lights.close()
    lights.show(Indication.THINKING)
    lights.show_volume(50)
    assert light.frames[-1] == dark(12)


async def test_closing_does_not_wait_for_a_light_that_hangs(make: Make, light: SlowLight) -> None:
    """The house ends within 2 s."""
    lights = make()
    light.may_go_on.clear()
    lights.show(Indication.MUTED)
    await until(lambda: light.begun == 1)
    began = time.monotonic()
    lights.close()
    assert time.monotonic() - began < 1


async def test_the_direction_of_a_voice_is_followed_as_the_ring_is_mounted(make: Make, light: SlowLight) -> None:
    """Its first pixel at 90 degrees, and counted against the directions: 60 degrees are at its second."""
    lights = make(lambda: Degrees(60), Led(driver="apa102", pixels=12, brightness=1.0, first_pixel=90, reverse=True))
    lights.show(Indication.LISTENING)
    await until(lambda: len(light.frames) >= 3)
    levels = [max(pixel) for pixel in light.frames[-1]]
    assert levels.index(max(levels)) == 1


async def test_lights_are_dimmed_at_night(make: Make, light: SlowLight) -> None:
    """By the clock of the device."""
    led = Led(driver="apa102", pixels=12, brightness=0.8, night_brightness=0.1)
    make(led=led, minute=23 * 60).show(Indication.LISTENING)
    await until(lambda: light.frames)
    assert light.frames[-1] == dimmed(frame_of(Indication.LISTENING, Ms(0), 12), 0.1)


def test_what_is_gone_for_good_is_tried_ever_more_seldom() -> None:
    """And soon again once it was there."""
    patience = Patience()
    assert [patience.wait() for _ in range(6)] == [1_000, 2_000, 4_000, 8_000, 16_000, 16_000]
    patience.reset()
    assert patience.wait() == 1_000
