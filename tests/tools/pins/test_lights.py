"""set_light on gpiozero's mock pins with PWM."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.errors import ConfigError, ToolError
from device.foreign import spidev
from device.foreign.gpio import MockBoard
from device.foreign.pixels import apa102, ws2812
from device.house.configuration import parse
from device.sim.devices.spi import SimulatedSpi, seen_ws2812
from device.tools.pins import colours
from device.tools.pins.lights import Lights, light_tool
from device.tools.pins.settings import Light
from device.tools.registry import Registry
from tests.waiting import until

LAMP, RED, GREEN, BLUE = 5, 6, 13, 19
SETTINGS = {
    "desk_lamp": Light(pin=LAMP, room="study"),
    "shelf": Light(red=RED, green=GREEN, blue=BLUE, active_high=False),
}


@pytest.fixture
def board() -> Iterator[MockBoard]:
    """Put mock pins in the place of the real ones."""
    board = MockBoard()
    yield board
    board.close()


@pytest.fixture
def lights(board: MockBoard) -> Iterator[Lights]:
    """Open a lamp, and a strip that is lit by low pins."""
    with Lights(SETTINGS) as lights:
        yield lights


@pytest.fixture
def registry(lights: Lights) -> Registry:
    """Return their tool."""
    return Registry([light_tool(lights)], 10)


async def test_a_lamp_is_switched_and_dimmed(board: MockBoard, registry: Registry) -> None:
    """Half the brightness is a fifth of the light; it keeps its brightness while it is off."""
    assert await registry.call("set_light", '{"name": "desk_lamp", "on": true}') == "The desk lamp is at 100 percent"
    assert board.level(LAMP) == 1.0
    assert (
        await registry.call("set_light", '{"name": "desk_lamp", "brightness": 50}') == "The desk lamp is at 50 percent"
    )
    assert board.level(LAMP) == pytest.approx(0.2176, abs=0.001)
    assert await registry.call("set_light", '{"name": "desk_lamp", "on": false}') == "The desk lamp is off"
    assert board.level(LAMP) == 0.0
    await registry.call("set_light", '{"name": "desk_lamp"}')
    assert board.level(LAMP) == pytest.approx(0.2176, abs=0.001)
    assert await registry.call("set_light", '{"name": "desk_lamp", "brightness": 0}') == "The desk lamp is off"
    assert board.level(LAMP) == 0.0


async def test_a_strip_takes_a_colour(board: MockBoard, registry: Registry) -> None:
    """On pins that light when they are low."""
    assert [board.level(pin) for pin in (RED, GREEN, BLUE)] == [1, 1, 1]
    said = await registry.call("set_light", '{"name": "shelf", "colour": "orange", "brightness": 100}')
    assert said == "The shelf is orange at 100 percent"
    assert [board.level(pin) for pin in (RED, GREEN, BLUE)] == [0.0, 0.75, 1.0]
    with pytest.raises(ToolError, match="the desk lamp has no colours"):
        await registry.call("set_light", '{"name": "desk_lamp", "colour": "red"}')
    with pytest.raises(ToolError, match='colour "organge" is unknown; did you mean "orange"'):
        await registry.call("set_light", '{"name": "shelf", "colour": "organge"}')


async def test_a_light_that_cannot_be_dimmed_says_so() -> None:
    """Plain mock pins have no PWM."""
    board = MockBoard(pwm=False)
    with Lights({"lamp": Light(pin=LAMP)}) as lights:
        registry = Registry([light_tool(lights)], 10)
        said = await registry.call("set_light", '{"name": "lamp", "brightness": 20}')
        assert said == "The lamp is on (it cannot be dimmed)"
        assert board.level(LAMP) == 1
    board.close()


async def test_lights_are_dark_at_the_end_whatever_one_of_them_does(
    board: MockBoard, registry: Registry, lights: Lights, caplog: pytest.LogCaptureFixture
) -> None:
    """The pins are let go; a broken one is told in its health, too."""
    for name in SETTINGS:
        await registry.call("set_light", f'{{"name": "{name}", "on": true}}')
    board.break_output(LAMP)
    with pytest.raises(ToolError, match="the desk lamp could not be switched"):
        await registry.call("set_light", '{"name": "desk_lamp", "brightness": 10}')
    assert [health.ok for health in lights.health()] == [False, True]
    lights.close()
    # The last one is the mock's own, when it is let go.
    assert [board.levels_seen(pin)[-2] for pin in (RED, GREEN, BLUE)] == [1, 1, 1]
    assert not any(board.is_output(pin) for pin in (RED, GREEN, BLUE))
    assert "light desk_lamp may not be safe" in caplog.text
    board.mend_output(LAMP)


async def test_a_light_may_have_a_longest_time_too(board: MockBoard) -> None:
    """In the cellar."""
    with Lights({"cellar": Light(pin=LAMP, longest_on_s=0.1)}) as lights:
        await lights.light("cellar", 40, None)
        await until(lambda: not lights.states["cellar"], "the end of its time")
        assert board.level(LAMP) == 0


async def test_every_phrase_is_a_valid_call(registry: Registry) -> None:
    """What a recogniser makes of a phrase passes the tool's own check."""
    said = set()
    for phrase in registry.specs[0].phrases:
        chosen = {slot: next(iter(values.values())) for slot, values in phrase.slots.items()}
        await registry.call(
            "set_light",
            str({**phrase.arguments, **chosen}).replace("'", '"').replace("True", "true").replace("False", "false"),
        )
        said.add(phrase.text)
    assert {"turn on the {name}", "dim the {name} to {brightness} percent", "make the {name} {colour}"} <= said


def test_without_a_strip_the_model_is_told_of_no_colours(board: MockBoard) -> None:
    """It would only try."""
    with Lights({"lamp": Light(pin=LAMP)}) as lights:
        spec = Registry([light_tool(lights)], 10).specs[0]
    assert set(spec.parameters["properties"]) == {"name", "on", "brightness"}
    assert spec.parameters["properties"]["name"]["enum"] == ["lamp"]


@given(st.sampled_from(colours.NAMES), st.integers(0, 100), st.sampled_from([1, 3]))
def test_a_brighter_light_is_brighter_in_every_channel(colour: colours.ColourName, percent: int, channels: int) -> None:
    """And never outside of what a pin can do."""
    shown = colours.levels(colour, percent, channels)
    assert len(shown) == channels
    assert all(0.0 <= level <= 1.0 for level in shown)
    if percent < 100:
        brighter = colours.levels(colour, percent + 1, channels)
        assert all(after >= before for before, after in zip(shown, brighter, strict=True))
        assert max(brighter) > max(shown)


@pytest.mark.parametrize(
    ("light", "words"),
    [
        ({}, ["tools.lights.lamp", "give pin"]),
        ({"pin": 4, "red": 5}, ["not both"]),
        ({"red": 5, "green": 6}, ["all of red, green and blue"]),
        ({"pin": 4, "colour": "red"}, ['"colour"']),
        ({"pin": 4, "strip": "ws2812", "pixels": 3}, ["not both", "strip (pixels on an SPI bus)"]),
        ({"strip": "ws2812"}, ["tools.lights.lamp.pixels must say how many"]),
        ({"pin": 4, "pixels": 3}, ["tools.lights.lamp.pixels is for pixels on an SPI bus"]),
        ({"strip": "ws2811", "pixels": 3}, ['"apa102" or "ws2812"']),
    ],
)
def test_what_makes_no_sense_is_refused(light: dict[str, Any], words: list[str]) -> None:
    """With the key, what is wrong and what to do."""
    with pytest.raises(ConfigError) as caught:
        parse({"tools": {"lights": {"lamp": light}}})
    for word in words:
        assert word in str(caught.value)


@pytest.fixture
def spi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedSpi:
    """Put a simulated SPI in the place of the kernel's."""
    simulated = SimulatedSpi(tmp_path)
    monkeypatch.setattr(spidev, "SYSTEM", simulated)
    return simulated


STRIPS = {
    "shelf": Light(strip="ws2812", pixels=30),
    "stairs": Light(strip="apa102", pixels=2, bus=1, device=1, order="rgb"),
}
DARK = (0.0, 0.0, 0.0)


async def test_strips_on_buses_get_the_bytes_of_their_chips(spi: SimulatedSpi) -> None:
    """All pixels alike; dark at the start, whatever they showed before, and at the end."""
    with Lights(STRIPS) as lights:
        assert spi.transfers == [("spidev0.0", ws2812((DARK,) * 30)), ("spidev1.1", apa102((DARK,) * 2))]
        registry = Registry([light_tool(lights)], 10)
        said = await registry.call("set_light", '{"name": "shelf", "colour": "blue", "brightness": 100}')
        assert said == "The shelf is blue at 100 percent"
        assert seen_ws2812(spi.transfers[-1][1], 30) == ((0.0, 0.0, 1.0),) * 30
        await registry.call("set_light", '{"name": "stairs", "colour": "orange", "brightness": 100}')
        assert spi.transfers[-1] == ("spidev1.1", bytes.fromhex("00000000 ffff4000 ffff4000 0000000000"))
        await registry.call("set_light", '{"name": "shelf", "brightness": 50}')
        assert seen_ws2812(spi.transfers[-1][1], 30)[29] == pytest.approx((0.0, 0.0, 0.2176), abs=0.002)
        await registry.call("set_light", '{"name": "shelf", "on": false}')
        assert seen_ws2812(spi.transfers[-1][1], 30) == (DARK,) * 30
        spi.transfers.clear()
    assert [data for device, data in spi.transfers if device == "spidev1.1"][-1] == apa102((DARK,) * 2)
    assert spi.opened == 0
    lights.close()
    assert spi.opened == 0, "what is closed stays closed"


def test_a_strip_whose_bus_is_not_there_is_told_at_the_start(spi: SimulatedSpi) -> None:
    """With the line that is missing, and the keys; what was open by then is let go."""
    spi.missing = True
    with pytest.raises(ConfigError, match=r"tools\.lights\.shelf: .*dtparam=spi=on.* tools\.lights\.shelf\.bus"):
        Lights(STRIPS)
    assert spi.opened == 0


async def test_a_strip_that_cannot_be_set_is_told_and_dark_as_soon_as_it_can_be(
    spi: SimulatedSpi, caplog: pytest.LogCaptureFixture
) -> None:
    """In its health, to who asked, and at the end."""
    lights = Lights(STRIPS)
    registry = Registry([light_tool(lights)], 10)
    spi.failing = errno.EIO
    with pytest.raises(ToolError, match="the shelf could not be switched"):
        await registry.call("set_light", '{"name": "shelf", "on": true}')
    assert [health.ok for health in lights.health()] == [False, True]
    spi.failing = None
    await registry.call("set_light", '{"name": "shelf", "on": true}')
    assert all(health.ok for health in lights.health())
    spi.failing = errno.EIO
    lights.close()
    assert "light shelf may not be safe: the lights on /dev/spidev0.0 cannot be set" in caplog.text
    assert spi.opened == 0


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"hardware": {"led": {"driver": "apa102", "pixels": 3, "device": 1}}}, "are both SPI bus 0"),
        ({"tools": {"relays": {"fan": {"pin": 10}}}}, "are both GPIO 10"),
        ({"hardware": {"profile": "respeaker_2mic_v2"}}, "this board uses GPIO 10 for its lights (SPI data)"),
    ],
)
def test_a_bus_has_one_strip_and_its_pins_nothing_else(other: dict[str, Any], words: str) -> None:
    """The panel's lights, a relay, or what a board has there: pixels heed no chip select."""
    table = {**other, "tools": {**other.get("tools", {}), "lights": {"shelf": {"strip": "ws2812", "pixels": 30}}}}
    with pytest.raises(ConfigError) as caught:
        parse(table)
    assert words in str(caught.value)
    assert "tools.lights.shelf" in str(caught.value)
