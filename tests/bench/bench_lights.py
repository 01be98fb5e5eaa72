"""Measures what lights cost, and how soon they answer a button.

`python tests/bench/bench_lights.py [--seconds 20] [--pixels 24]` prints two Markdown tables: the share of a core that
each indication takes on each kind of lights, above what the event loop takes without lights, and how often the process
waits for something a second; and the time from a press of the button to the first lit frame on the bus.

What is measured is the program's own part, down to the system call: SPI goes to a simulated device whose transfers
end in /dev/null, USB to pyusb with a bus in memory, pins to gpiozero's mock. The buses' own time comes on top of the
latency: 24 pixels take 0.2 ms (APA102) and 1.4 ms (WS2812).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import common

from device.core.events import ButtonLifted, ButtonPressed, Event
from device.core.indication import Indication
from device.foreign import spidev, usb
from device.foreign.gpio import MockBoard
from device.foreign.pixels import apa102, ws2812
from device.foreign.spidev import System
from device.kit.threads import take_short_turns
from device.panel.gpio import GpioPanel
from device.panel.lights import usbrings
from device.panel.scene import dark
from device.panel.settings import Button, Led, PanelSettings
from device.sim.devices.usb import FakeUsbBus, FakeXvf3000, FakeXvf3800
from device.units import Samples

LED, BUTTON = 18, 17
STILL = (Indication.IDLE, Indication.MUTED, Indication.LISTENING)
MOVING = (Indication.THINKING, Indication.WAKING, Indication.SPEAKING, Indication.ANNOUNCING, Indication.RINGING)


class NullSpi(System):
    """SPI into /dev/null, which says when something lit was written."""

    def __init__(self) -> None:
        self.lit_at = 0.0
        self.writes = 0

    def open(self, path: Path) -> int:
        """See System."""
        return os.open(os.devnull, os.O_WRONLY)

    def ioctl(self, file: int, request: int, argument: bytes) -> None:
        """Take it."""

    def write(self, file: int, data: bytes) -> int:
        """See System."""
        self.writes += 1
        written = os.write(file, data)
        if not self.lit_at and data != self.dark:
            self.lit_at = time.monotonic()
        return written

    dark = b""


@contextlib.contextmanager
def world() -> Iterator[tuple[MockBoard, NullSpi]]:
    """Yield simulated pins and SPI; USB is simulated as well."""
    spi = spidev.SYSTEM = NullSpi()
    bus = FakeUsbBus(FakeXvf3000(), FakeXvf3800((2, 1, 0)))
    usbrings.open_device = lambda identity, backend: usb.open_device(identity, bus)  # type: ignore[assignment]
    with contextlib.closing(MockBoard()) as board:
        yield board, spi


def kinds(pixels: int) -> dict[str, Led]:
    """Return the lights to measure."""
    return {
        "one LED (PWM)": Led(pin=LED),
        f"APA102, {pixels}": Led(driver="apa102", pixels=pixels),
        f"WS2812, {pixels}": Led(driver="ws2812", pixels=pixels),
        "XVF3800, 12": Led(driver="xvf3800"),
    }


async def cost(led: Led, indication: Indication | None, seconds: float) -> tuple[float, float]:
    """Return the share of a core, and how often a second the process was woken."""
    panel = None
    if indication is not None:
        settings = PanelSettings(led=led)
        panel = GpioPanel(settings, lambda fact: None, lambda moment: Samples(0))
        panel.show(indication)
    await asyncio.sleep(0.5)
    before, cpu, began = resource.getrusage(resource.RUSAGE_SELF), time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    after, spent, lasted = resource.getrusage(resource.RUSAGE_SELF), time.process_time() - cpu, time.monotonic() - began
    if panel is not None:
        panel.close()
    return spent / lasted, (after.ru_nvcsw - before.ru_nvcsw) / lasted


async def press_to_light(board: MockBoard, spi: NullSpi, led: Led, tries: int) -> list[float]:
    """Return how long (ms) it took from a press to a lit frame, each time."""

    def show(fact: Event) -> None:
        """As the machine has it; it decides at once."""
        if isinstance(fact, ButtonPressed | ButtonLifted):
            panel.show(Indication.PRESSED if isinstance(fact, ButtonPressed) else Indication.IDLE)

    panel = GpioPanel(PanelSettings(led=led, button=Button(pin=BUTTON)), show, lambda moment: Samples(0))
    panel.show(Indication.IDLE)
    await asyncio.sleep(0.1)
    waits = []
    for attempt in range(tries):
        # Not in step with anything.
        await asyncio.sleep(0.05 + attempt % 7 * 0.003)
        spi.lit_at, pressed = 0.0, time.monotonic()
        board.press(BUTTON)
        while not (lit_at := spi.lit_at or (led.chosen == "gpio" and board.level(LED) > 0 and time.monotonic())):
            await asyncio.sleep(0)
        waits.append((lit_at - pressed) * 1000)
        board.release(BUTTON)
    panel.close()
    return waits


async def measure(seconds: float, pixels: int, tries: int) -> tuple[list[list[str]], list[list[str]]]:
    """Return the rows of both tables."""
    costs, waits = [], []
    with world() as (board, spi):
        nothing, _ = await cost(Led(), None, seconds)
        for name, led in kinds(pixels).items():
            for indication in (*STILL, *MOVING):
                share, woken = await cost(led, indication, seconds)
                costs.append([name, indication.value, f"{(share - nothing) * 100:.2f} %", f"{woken:.1f}"])
                print("|", " | ".join(costs[-1]), "|", file=sys.stderr, flush=True)
        for name, led in kinds(pixels).items():
            if led.chosen != "xvf3800":
                spi.dark = _dark(led)
                found = await press_to_light(board, spi, led, tries)
                waits.append([name, f"{statistics.median(found):.2f} ms", f"{max(found):.2f} ms"])
    return costs, waits


def _dark(led: Led) -> bytes:
    """Return what dark lights of this kind are sent."""
    if led.pixels is None:
        return b""
    frame = dark(led.pixels)
    return apa102(frame) if led.chosen == "apa102" else ws2812(frame)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each indication is watched")
    parser.add_argument("--pixels", type=int, default=24)
    parser.add_argument("--tries", type=int, default=200, help="presses")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/figures.md, too")
    options = parser.parse_args()
    take_short_turns()
    costs, waits = asyncio.run(measure(options.seconds, options.pixels, options.tries))
    tables = (
        common.table(["lights", "indication", "of a core", "waits a second"], costs),
        common.table(["lights", "press to light, median", "at most"], waits),
    )
    common.publish("bench_lights", "\n\n".join(tables), options.write)


if __name__ == "__main__":
    main()
