"""What every panel does: the one on pins and the simulated one."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from device.core.events import (
    ButtonClicked,
    ButtonHeld,
    ButtonLifted,
    ButtonLongPressed,
    ButtonPressed,
    ButtonReleased,
    Event,
)
from device.core.indication import Indication
from device.foreign.gpio import MockBoard
from device.panel.gpio import GpioPanel
from device.panel.settings import Button, Led, PanelSettings
from device.ports.panel import Panel
from device.sim.devices.panel import SimulatedPanel
from device.units import Samples

LED, BUTTON = 18, 17
PATIENCE_S = 10.0


@dataclass
class Subject:
    """A panel, a finger for its button and what it posts."""

    panel: Panel
    press: Callable[[], None]
    release: Callable[[], None]
    events: asyncio.Queue[Event]

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


@pytest.fixture(params=["gpio", "simulated"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    """Yield a function that makes each kind of panel."""
    with contextlib.ExitStack() as open_things:

        def make(hold_s: float) -> Subject:
            events: asyncio.Queue[Event] = asyncio.Queue()
            button = Button(pin=BUTTON, hold_s=hold_s, long_press_s=hold_s + 0.2)
            settings = PanelSettings(led=Led(pin=LED), button=button)
            if request.param == "simulated":
                panel = SimulatedPanel(settings, events.put_nowait, position_at)
                subject = Subject(panel, panel.press, panel.release, events)
            else:
                board = open_things.enter_context(contextlib.closing(MockBoard()))
                subject = Subject(
                    GpioPanel(settings, events.put_nowait, position_at),
                    lambda: board.press(BUTTON),
                    lambda: board.release(BUTTON),
                    events,
                )
            open_things.callback(subject.panel.close)
            return subject

        yield make


@pytest.fixture
async def subject(make: Make) -> Subject:
    """Return a panel on whose button one need not wait long."""
    return make(0.1)


def from_another_thread(action: Callable[[], None]) -> None:
    """Run it as GPIO libraries do."""
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


async def test_every_indication_can_be_shown(subject: Subject) -> None:
    """In any order, repeatedly, without raising."""
    for indication in [*Indication, *reversed(Indication), *Indication]:
        subject.panel.show(indication)
        subject.panel.show(indication)


async def test_a_tap_from_another_thread_is_a_click_in_the_past(make: Make) -> None:
    """The event arrives on the loop's thread and points before now."""
    subject = make(5.0)
    from_another_thread(subject.press)
    await asyncio.sleep(0.03)  # the finger's own time, longer than a bounce
    from_another_thread(subject.release)
    event = await subject.next_event()
    assert isinstance(event, ButtonClicked)
    assert event.at < 1_000_000


async def test_a_press_is_told_before_what_it_means_and_its_end_after_that(make: Make) -> None:
    """So that a light can answer the finger."""
    subject = make(5.0)
    subject.press()
    await asyncio.sleep(0.03)  # the finger's own time, longer than a bounce
    subject.release()
    kinds = [type(await subject.next_of_all()) for _ in range(3)]
    assert kinds == [ButtonPressed, ButtonClicked, ButtonLifted]


async def test_holding_talks_long_holding_is_told_and_letting_go_ends_it(subject: Subject) -> None:
    """Held, long pressed, released: in this order, the first two with the button still down."""
    subject.press()
    held = await subject.next_event()
    assert isinstance(held, ButtonHeld)
    assert held.at <= 1_000_000 - 100 * 16
    assert isinstance(await subject.next_event(), ButtonLongPressed)
    subject.release()
    assert isinstance(await subject.next_event(), ButtonReleased)


async def test_a_closed_panel_is_silent_and_forgiving(subject: Subject) -> None:
    """Closing twice, showing and pressing afterwards do nothing; a gesture under way is dropped."""
    subject.press()
    subject.panel.close()
    subject.panel.close()
    subject.panel.show(Indication.LISTENING)
    await asyncio.sleep(0.15)  # longer than the hold time: the dropped gesture would have been told
    assert subject.events.empty()


async def test_showing_never_waits_for_the_button(subject: Subject) -> None:
    """Lights go on changing while the button is held."""
    subject.press()
    subject.panel.show(Indication.LISTENING)
    assert isinstance(await subject.next_event(), ButtonHeld)
    subject.panel.show(Indication.IDLE)
    subject.release()
    assert isinstance(await subject.next_event(), ButtonReleased)
