"""The simulated server as a program of its own."""

from __future__ import annotations

import asyncio
import signal
import sys

from tests.sim.realtime_client import MODEL, Client, websockets


async def test_it_serves_until_it_is_asked_to_stop() -> None:
    """It says where it is, takes its key, and ends at SIGTERM with exit code 0."""
    command = (
        sys.executable,
        "-m",
        "device.sim.realtime",
        "--port",
        "0",
        "--key",
        "sk-mine",
        "--switch",
        "garden_lamp",
    )
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    url = line.split(chr(34))[1]
    headers = {"Authorization": "Bearer sk-mine"}
    async with websockets.connect(f"{url}?model={MODEL}", additional_headers=headers) as socket:
        client = Client(socket)
        await client.configure(tools=[{"type": "function", "name": "set_switch"}], output_modalities=["text"])
        await client.writes("turn on the garden lamp")
        called = await client.until("response.function_call_arguments.done")
    process.send_signal(signal.SIGTERM)
    rest = (await process.stdout.read()).decode()
    assert await process.wait() == 0
    assert called["arguments"] == '{"on": true, "name": "garden_lamp"}'
    assert "-> response.function_call_arguments.done" in rest
