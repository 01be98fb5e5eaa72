"""Runs a simulated Home Assistant alone, to try a device with it: `python -m device.sim.home --port 8123`."""

from __future__ import annotations

import argparse
import asyncio
import signal

from device.sim.home.demo import demo_home, large_home
from device.sim.home.homeassistant import TOKEN


async def _serve(port: int, things: int) -> None:
    stop = asyncio.Event()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(wanted, stop.set)
    home = large_home(things) if things else demo_home()
    home.port = port
    async with home:
        print(f'Serving. In the configuration: tools.home_assistant.url = "{home.url}"; its token: {TOKEN}', flush=True)
        await stop.wait()


def main() -> None:
    """Serve until somebody stops it."""
    parser = argparse.ArgumentParser(description="A simulated Home Assistant.")
    parser.add_argument("--port", type=int, default=8123, help="0: any that is free")
    parser.add_argument("--things", type=int, default=0, help="a house of so many; else that of Home Assistant's demo")
    options = parser.parse_args()
    asyncio.run(_serve(options.port, options.things))


if __name__ == "__main__":
    main()
