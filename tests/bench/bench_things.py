"""How long it takes from a model's call to the message at a real broker, and to a thing's answer.

    .venv/bin/python -m tests.bench.bench_things [--calls 200] [--write]

A house of 200 Zigbee devices (simulated, on a real mosquitto) and the device's own parts: the registry, the words for
things, the connection. A second client looks when a message is there.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from device.sim.home.zigbee import SimulatedZigbee2Mqtt, ZigbeeDevice, ranged, switched
from tests.bench.common import publish, table
from tests.tools.mqtt.brokers import Broker, onlooker
from tests.tools.mqtt.things.homes import Used, used
from tests.waiting import until

ROOMS = ("kitchen", "bedroom", "hall", "office", "attic", "cellar", "garden", "bathroom", "garage", "nursery")
NAMES = ("ceiling", "counter", "bedside", "reading", "corner", "shelf", "desk", "window", "mirror", "wall")


def house() -> dict[str, ZigbeeDevice]:
    """Return 200 devices: ten lamps and ten plugs in each of ten rooms."""
    lamp = [switched("light", ranged("brightness", 0, 254))]
    return {
        f"{room}/{name} {kind}": ZigbeeDevice(lamp if kind == "lamp" else [switched()], {"state": "OFF"})
        for room in ROOMS
        for name in NAMES
        for kind in ("lamp", "plug")
    }


async def measured(home: Used, bridge: SimulatedZigbee2Mqtt, arrived: list[float], calls: int) -> list[list[float]]:
    """Return, for each call: how long (ms) until its message was at the broker, and until the model had its answer."""
    taken: list[list[float]] = [[], []]
    for number in range(calls):
        room, name, action = ROOMS[number % 10], NAMES[number // 10 % 10], ("on", "off")[number % 2]
        arrived.clear()
        began = time.monotonic()
        told = await home.control(f"{name} lamp", action, room=room)
        taken[1].append((time.monotonic() - began) * 1000)
        assert told.startswith("Done: "), told
        await until(lambda: arrived, "the message")
        taken[0].append((arrived[0] - began) * 1000)
    return taken


async def main(calls: int, write: bool) -> None:
    """Measure, and tell."""
    arrived: list[float] = []
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder)) as broker:
        async with onlooker(broker) as other, used(broker, things={}) as home:
            other._link.subscribe("zigbee2mqtt/+/+/set", lambda message: arrived.append(time.monotonic()))
            with SimulatedZigbee2Mqtt(broker.port, house()) as bridge:
                await until(lambda: len(list(home.source.things)) == 200, "the house")
                taken = await measured(home, bridge, arrived, calls)
    rows = [
        [what, *(f"{value:.1f}" for value in (statistics.median(times), sorted(times)[int(0.95 * calls)], max(times)))]
        for what, times in zip(("its message is at the broker", "the model has the answer"), taken, strict=True)
    ]
    publish("bench_things", table(["from a model's call until", "median, ms", "95 %", "most"], rows), write)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--write", action="store_true", help="put the table into docs/figures.md")
    given = parser.parse_args()
    asyncio.run(main(given.calls, given.write))
