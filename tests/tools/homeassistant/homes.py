"""A small house in Home Assistant, and a link to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from device.secrets import Secret
from device.sim.home.homeassistant import Entity, SimulatedHome
from device.tools.homeassistant.link import Link
from device.tools.homeassistant.settings import HomeAssistant
from tests.waiting import until

AREAS = {"kitchen": "Kitchen", "living": "Living Room", "up_bedroom": "Bedroom", "up_bath": "Bathroom"}
FLOORS = {"up": "Upstairs"}
DIMMED = {"supported_color_modes": ["brightness"]}


def a_house() -> SimulatedHome:
    """Return one with the usual things."""
    return SimulatedHome(
        {
            "light.kitchen_ceiling": Entity("Kitchen Ceiling", area="kitchen", attributes=dict(DIMMED)),
            "light.kitchen_counter": Entity("Counter", area="kitchen", aliases=("worktop",)),
            "light.sofa": Entity(
                "Sofa Lamp", area="living", attributes={"supported_color_modes": ["color_temp", "rgb"]}
            ),
            "light.bed": Entity("Bedside", area="up_bedroom", state="on", attributes={**DIMMED, "brightness": 102}),
            "switch.coffee": Entity("Coffee Machine", area="kitchen"),
            "cover.blind": Entity("Blind", "open", "up_bedroom", attributes={"current_position": 100}),
            "lock.front": Entity("Front Door", "locked"),
            "climate.bath": Entity(
                "Heating", "heat", "up_bath", attributes={"temperature": 21, "current_temperature": 19.5}
            ),
            "sensor.outside": Entity("Outside Temperature", "7.5", attributes={"unit_of_measurement": "°C"}),
            "scene.movie": Entity("Movie Night", "unknown"),
            "light.secret": Entity("Secret", area="living", exposed=False),
        },
        AREAS,
        FLOORS,
    )


@asynccontextmanager
async def linked(home: SimulatedHome, **settings: object) -> AsyncIterator[Link]:
    """Connect to it, and wait until what it has is known."""
    from msgspec import convert

    link = Link(convert({"url": home.url, **settings}, HomeAssistant), Secret(home.token))
    running = asyncio.create_task(link.run())
    try:
        await until(lambda: link.is_connected and len(link.things) > 0, "what the house has")
        yield link
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
