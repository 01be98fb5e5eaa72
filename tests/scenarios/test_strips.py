"""A strip that lights a room: from spoken words to the bytes on its bus, and dark whenever the house is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.foreign import spidev
from device.foreign.pixels import ws2812
from device.sim.devices.spi import SimulatedSpi, seen_ws2812
from device.sim.person.understanding import TALK, Understanding
from device.sim.realtime import SimulatedRealtime
from device.tools.pins.lights import Lights, light_tool
from device.tools.pins.settings import Light
from device.tools.registry import Registry
from tests.scenarios.conftest import Open
from tests.scenarios.test_faults import outputs
from tests.waiting import until

pytestmark = pytest.mark.patient

PIXELS = 30
SHELF = ("tools.lights.shelf.strip=ws2812", f"tools.lights.shelf.pixels={PIXELS}", "tools.lights.shelf.device=1")
DARK = ((0.0, 0.0, 0.0),) * PIXELS


@pytest.fixture(scope="module")
def understanding(tmp_path_factory: pytest.TempPathFactory) -> Understanding:
    """What the server understands: the shelf."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spidev, "SYSTEM", SimulatedSpi(tmp_path_factory.mktemp("spi")))
        with Lights({"shelf": Light(strip="ws2812", pixels=PIXELS)}) as lights:
            return Understanding(Registry([light_tool(lights)], 1.0).specs, TALK)


async def test_spoken_words_light_a_strip(
    open_house: Open, server: SimulatedRealtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every pixel of it; the lights of the device go their own way, on their pin."""
    spi = SimulatedSpi(tmp_path)
    monkeypatch.setattr(spidev, "SYSTEM", spi)
    async with open_house(*SHELF) as house:
        assert spi.transfers == [("spidev0.1", ws2812(DARK))]
        await house.wake("make the shelf blue")
        await until(lambda: outputs(server) == ["The shelf is blue at 100 percent"], "the result")
        assert [device for device, _ in spi.transfers] == ["spidev0.1"] * 2
        assert seen_ws2812(spi.transfers[-1][1], PIXELS) == ((0.0, 0.0, 1.0),) * PIXELS
    assert spi.transfers[-1][1] == ws2812(DARK)
    assert spi.opened == 0
