"""The simulated server as a program of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from device.sim.realtime import DEFAULT_KEY
from tests.sim.realtime.realtime_client import MODEL, Client, websockets


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


async def test_it_speaks_tls_with_a_certificate_of_its_own() -> None:
    """It says how a device is made to trust it; a device that is not refuses it."""
    command = (sys.executable, "-m", "device.sim.realtime", "--port", "0", "--tls")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    trust = (await process.stdout.readline()).decode()
    certificate = trust.partition("SSL_CERT_FILE=")[2].split(" ")[0]
    url = (await process.stdout.readline()).decode().split(chr(34))[1]
    assert url.startswith("wss://")
    try:
        told = await first_words_of_a_device(url, SSL_CERT_FILE=certificate)
        assert "SessionReady" in told
        assert "is not trusted" in await first_words_of_a_device(url)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()
    assert process.returncode == 0


async def first_words_of_a_device(url: str, **environment: str) -> str:
    """Open a session as the daemon does, in a process of its own; return the first fact of it."""
    device = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", DEVICE, url, DEFAULT_KEY),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await device.communicate()
    return told.decode()


DEVICE = """
import asyncio, sys
from device.conversation.openai.keys.keys import OwnKey
from device.conversation.openai.settings import OpenAI
from device.conversation.openai.conversation import RealtimeConversation
from device.core.actions import TurnEnd
from device.secrets import Secret

async def talk():
    told = asyncio.Queue()
    nothing = lambda *_: None
    conversation = RealtimeConversation(
        OpenAI(url=sys.argv[1]), "", OwnKey(Secret(sys.argv[2])), tuple, told.put_nowait, nothing, nothing
    )
    conversation.open(1, TurnEnd.PROVIDER)
    print(await told.get())
    await conversation.aclose()

asyncio.run(talk())
"""


async def test_a_certificate_that_is_none_is_refused() -> None:
    """With its name, and the exit code of a wrong configuration."""
    command = (sys.executable, "-m", "device.sim.realtime", "--port", "0", "--tls", __file__)
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode == os.EX_CONFIG
    assert f"{Path(__file__).name} holds no certificate" in said.decode()
    assert "Traceback" not in said.decode()
