"""Spoken words on the virtual sound card, and the bytes that a ring of twelve pixels gets on its bus."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.core.actions import Cue, PlayCue
from device.core.events import Device
from device.core.status import Phase
from device.foreign import spidev
from device.sim.devices.spi import SimulatedSpi, seen_apa102
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script, tone
from tests.scenarios.conftest import Open
from tests.waiting import until

pytestmark = pytest.mark.patient

PIXELS = 12
RING = (
    "hardware.led.driver=apa102",
    f"hardware.led.pixels={PIXELS}",
    "hardware.led.device=1",
    "hardware.led.brightness=1",
)


def colours(spi: SimulatedSpi) -> list[str]:
    """Return what the ring showed, one word for each change of colour, oldest first."""
    shown: list[str] = []
    for device, sent in spi.transfers:
        assert device == "spidev0.1"
        word = colour(max(seen_apa102(sent, PIXELS), key=max))
        if not shown or shown[-1] != word:
            shown.append(word)
    return shown


def colour(pixel: tuple[float, ...]) -> str:
    """Return the word for a colour, however bright."""
    peak = max(pixel)
    words = {(0, 1, 1): "cyan", (1, 0, 1): "violet", (0, 1, 0): "green", (1, 0, 0): "red", (1, 1, 1): "white"}
    return "dark" if peak == 0 else words[tuple(round(part / peak) for part in pixel)]


async def test_spoken_words_become_bytes_for_a_ring(
    open_house: Open, server: SimulatedRealtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cyan while it connects and listens, violet while it thinks, green while it speaks, dark again in the end."""
    spi = SimulatedSpi(tmp_path)
    monkeypatch.setattr(spidev, "SYSTEM", spi)
    server.script = Script(answer=lambda text: Reply("Beep.", audio=tone(400)) if text else None)
    async with open_house(*RING) as house:
        await until(lambda: spi.transfers, "the first frame")
        await house.converse()
        await house.phase(Phase.IDLE)
        await until(lambda: colours(spi)[-1] == "dark", "the dark")
        assert colours(spi) == ["dark", "cyan", "violet", "green", "dark"]
        assert await house.app.registry.call("set_volume", '{"percent": 50}') == "The volume is 50 percent"
        await until(lambda: colours(spi)[-1] == "white", "the volume")
        assert sum(pixel[0] for pixel in seen_apa102(spi.transfers[-1][1], PIXELS)) == pytest.approx(6, abs=0.1)
        await until(lambda: colours(spi)[-1] == "dark", "the dark")

        # SPI goes away: a sound takes the place of the light, until it is back.
        spi.missing = True
        since = await house.ask_by_click()
        await house.phase(Phase.LISTENING)
        assert Device.LIGHT in house.status.faults
        assert [action.cue for action in house.timeline.all(PlayCue, since)] == [Cue.WAKE]
        spi.missing = False
        await house.click()
        await until(lambda: not house.status.faults, "the recovery of the light")
