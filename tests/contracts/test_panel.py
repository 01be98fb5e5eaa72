"""What every panel does: the ones on pins, on SPI and on USB, and the simulated one."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from device.core.events import (
    ButtonClicked,
    ButtonHeld,
    ButtonLifted,
    ButtonLongPressed,
    ButtonPressed,
    ButtonReleased,
    Device,
    DeviceFailed,
    DeviceRecovered,
    Event,
)
from device.core.indication import Indication
from device.foreign import spidev, usb
from device.foreign.gpio import MockBoard
from device.panel.gpio import GpioPanel
from device.panel.lights import faults, showing, usbrings
from device.panel.patterns import LIVE
from device.panel.settings import Button, Led, PanelSettings
from device.ports.panel import Panel
from device.sim.devices.panel import SimulatedPanel
from device.sim.devices.spi import SimulatedSpi, seen_apa102, seen_ws2812
from device.sim.devices.usb import FakeUsbBus, FakeXvf3000, FakeXvf3800
from device.units import Ms, Samples
from tests.waiting import until

LED, BUTTON = 18, 17
RED, GREEN, BLUE = 5, 6, 13
PATIENCE_S = 10.0

LEDS = {
    "one LED": Led(pin=LED),
    "RGB": Led(red=RED, green=GREEN, blue=BLUE),
    "APA102": Led(driver="apa102", pixels=12),
    "WS2812": Led(driver="ws2812", pixels=24),
    "XVF3000": Led(driver="xvf3000"),
    "XVF3800": Led(driver="xvf3800"),
}
ALL = ("simulated", "no light", *LEDS)


@dataclass
class World:
    """Everything that a panel can be wired to, and an eye for its lights."""

    board: MockBoard
    spi: SimulatedSpi
    bus: FakeUsbBus
    arrays: dict[str, FakeXvf3000 | FakeXvf3800]

    def is_lit(self, kind: str) -> bool:
        """Whether anything shines."""
        if kind in self.arrays:
            return any(self.arrays[kind].ring)
        if kind in ("APA102", "WS2812"):
            seen = seen_apa102 if kind == "APA102" else seen_ws2812
            return bool(self.spi.transfers) and any(map(any, seen(self.spi.transfers[-1][1], LEDS[kind].pixels or 0)))
        return any(self.board.level(pin) for pin in self._pins(kind))

    def break_light(self, kind: str) -> None:
        """Let nothing be set any more."""
        self.spi.failing = self.bus.failing = errno.EIO
        for pin in self._pins(kind):
            self.board.break_output(pin)

    def mend_light(self, kind: str) -> None:
        """Let it be set again."""
        self.spi.failing = self.bus.failing = None
        for pin in self._pins(kind):
            self.board.mend_output(pin)

    def _pins(self, kind: str) -> tuple[int, ...]:
        return {"one LED": (LED,), "RGB": (RED, GREEN, BLUE)}.get(kind, ())


@dataclass
class Subject:
    """A panel, a finger for its button, what it posts, and an eye for its lights."""

    panel: Panel
    press: Callable[[], None]
    release: Callable[[], None]
    events: asyncio.Queue[Event]
    is_lit: Callable[[], bool]
    break_light: Callable[[], None]
    mend_light: Callable[[], None]

    async def next_event(self) -> Event:
        """Wait for what is asked for next: not that a finger came or went."""
        while isinstance(event := await self.next_of_all(), ButtonPressed | ButtonLifted):
            pass
        return event

    async def next_of_all(self) -> Event:
        """Wait for what is posted next."""
        return await asyncio.wait_for(self.events.get(), PATIENCE_S)


def position_at(moment: float) -> Samples:
    """Pretend that sample 1000000 is being captured now."""
    return Samples(1_000_000 - round((time.monotonic() - moment) * 16_000))


Make = Callable[[float], Subject]
"""hold_s -> a panel."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Yield simulated pins and buses, in the place of the real ones."""
    arrays: dict[str, FakeXvf3000 | FakeXvf3800] = {"XVF3000": FakeXvf3000(), "XVF3800": FakeXvf3800((2, 1, 0))}
    with contextlib.closing(MockBoard()) as board:
        world = World(board, SimulatedSpi(tmp_path), FakeUsbBus(*arrays.values()), arrays)
        monkeypatch.setattr(spidev, "SYSTEM", world.spi)
        monkeypatch.setattr(usbrings, "open_device", lambda identity, backend: usb.open_device(identity, world.bus))
        # A busy machine may take its time, and a broken light shall soon be tried again.
        monkeypatch.setattr(showing, "LIT_WITHIN_S", PATIENCE_S)
        monkeypatch.setattr(showing, "SOON", Ms(5))
        monkeypatch.setattr(faults, "SOON", Ms(5))
        yield world


@pytest.fixture
async def make(request: pytest.FixtureRequest, world: World) -> AsyncIterator[Make]:
    """Yield a function that makes a panel with the kind of lights that the test asks for."""
    kind = request.param
    with contextlib.ExitStack() as open_things:

        def make(hold_s: float) -> Subject:
            events: asyncio.Queue[Event] = asyncio.Queue()
            button = Button(pin=BUTTON, hold_s=hold_s, long_press_s=hold_s + 0.2)
            settings = PanelSettings(led=LEDS.get(kind, Led()), button=button)
            lights = (partial(world.is_lit, kind), partial(world.break_light, kind), partial(world.mend_light, kind))
            if kind == "simulated":
                simulated = SimulatedPanel(settings, events.put_nowait, position_at)
                subject = Subject(simulated, simulated.press, simulated.release, events, *lights)
            else:
                panel = GpioPanel(settings, events.put_nowait, position_at)
                press, release = partial(world.board.press, BUTTON), partial(world.board.release, BUTTON)
                subject = Subject(panel, press, release, events, *lights)
            open_things.callback(subject.panel.close)
            return subject

        yield make


@pytest.fixture
async def subject(make: Make) -> Subject:
    """Return a panel on whose button one need not wait long."""
    return make(0.1)


every_panel = pytest.mark.parametrize("make", ALL, indirect=True)
every_light = pytest.mark.parametrize("make", LEDS, indirect=True)


def from_another_thread(action: Callable[[], None]) -> None:
    """Run it as GPIO libraries do."""
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


@every_panel
async def test_every_indication_can_be_shown(subject: Subject) -> None:
    """In any order, repeatedly, without raising; and any volume over it."""
    for indication in [*Indication, *reversed(Indication), *Indication]:
        subject.panel.show(indication)
        subject.panel.show_volume(50)
        subject.panel.show(indication)
    for percent in (0, 100):
        subject.panel.show_volume(percent)
    assert subject.events.empty()


@every_light
@pytest.mark.parametrize("indication", sorted(LIVE, key=lambda one: one.value))
async def test_a_light_is_lit_before_sound_may_leave(subject: Subject, indication: Indication) -> None:
    """When show returns: nothing need be awaited, whatever bus it is on."""
    subject.panel.show(Indication.IDLE)
    subject.panel.show(indication)
    assert subject.is_lit()


@every_light
async def test_idle_is_dark_and_so_is_a_closed_panel(subject: Subject) -> None:
    """What was lit goes out."""
    subject.panel.show(Indication.LISTENING)
    subject.panel.show(Indication.IDLE)
    await until(lambda: not subject.is_lit(), "the dark")
    subject.panel.show(Indication.LISTENING)
    subject.panel.close()
    await until(lambda: not subject.is_lit(), "the dark")


@every_light
async def test_a_light_that_cannot_be_lit_is_told_before_sound_may_leave(subject: Subject) -> None:
    """When show returns it has been posted, once; and once that it works again, by itself."""
    subject.panel.show(Indication.IDLE)
    await asyncio.sleep(0.01)
    subject.break_light()
    subject.panel.show(Indication.LISTENING)
    told = subject.events.get_nowait()
    assert isinstance(told, DeviceFailed)
    assert told.device is Device.LIGHT
    subject.panel.show(Indication.THINKING)
    await asyncio.sleep(0.05)
    assert subject.events.empty()
    subject.mend_light()
    assert await subject.next_event() == DeviceRecovered(Device.LIGHT)
    await until(subject.is_lit, "the light")


@every_panel
async def test_a_tap_from_another_thread_is_a_click_in_the_past(make: Make) -> None:
    """The event arrives on the loop's thread and points before now."""
    subject = make(5.0)
    from_another_thread(subject.press)
    await asyncio.sleep(0.03)  # the finger's own time, longer than a bounce
    from_another_thread(subject.release)
    event = await subject.next_event()
    assert isinstance(event, ButtonClicked)
    assert event.at < 1_000_000


@every_panel
async def test_a_press_is_told_before_what_it_means_and_its_end_after_that(make: Make) -> None:
    """So that a light can answer the finger."""
    subject = make(5.0)
    subject.press()
    await asyncio.sleep(0.03)  # the finger's own time, longer than a bounce
    subject.release()
    kinds = [type(await subject.next_of_all()) for _ in range(3)]
    assert kinds == [ButtonPressed, ButtonClicked, ButtonLifted]


@every_panel
async def test_holding_talks_long_holding_is_told_and_letting_go_ends_it(subject: Subject) -> None:
    """Held, long pressed, released: in this order, the first two with the button still down."""
    subject.press()
    held = await subject.next_event()
    assert isinstance(held, ButtonHeld)
    assert held.at <= 1_000_000 - 100 * 16
    assert isinstance(await subject.next_event(), ButtonLongPressed)
    subject.release()
    assert isinstance(await subject.next_event(), ButtonReleased)


@every_panel
async def test_a_closed_panel_is_silent_and_forgiving(subject: Subject) -> None:
    """Closing twice, showing and pressing afterwards do nothing; a gesture under way is dropped."""
    subject.press()
    subject.panel.close()
    subject.panel.close()
    subject.panel.show(Indication.LISTENING)
    await asyncio.sleep(0.15)  # longer than the hold time: the dropped gesture would have been told
    assert subject.events.empty()


@every_panel
async def test_showing_never_waits_for_the_button(subject: Subject) -> None:
    """Lights go on changing while the button is held."""
    subject.press()
    subject.panel.show(Indication.LISTENING)
    assert isinstance(await subject.next_event(), ButtonHeld)
    subject.panel.show(Indication.IDLE)
    subject.release()
    assert isinstance(await subject.next_event(), ButtonReleased)
