"""The recogniser in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soxr

from device.errors import ConfigError, SpeechError
from device.ports.tools import Phrase, ToolSpec
from device.sim.person.phrases import NotUnderstood, Understood
from device.sim.person.recogniser import Recogniser
from device.sim.realtime import SimulatedRealtime
from tests.sim.realtime.realtime_client import TIME, TOOLS, spoken, talking


async def heard(text: str) -> bytes:
    """Return a sentence at 16 kHz."""
    pcm = np.frombuffer(await spoken(text) + bytes(9600), "<i2")
    return soxr.resample(pcm, 24000, 16000).astype("<i2").tobytes()


@pytest.fixture
async def recogniser() -> AsyncIterator[Recogniser]:
    """One that runs."""
    running = Recogniser(TOOLS)
    await running.start()
    yield running
    await running.aclose()


async def test_it_understands_like_the_one_in_this_process(recogniser: Recogniser) -> None:
    """Tool, arguments, talk, and what is none of it."""
    lamp = await recogniser.recognise(await heard("turn on the desk lamp"))
    assert lamp == Understood("turn on the desk lamp", "set_switch", {"on": True, "name": "desk_lamp"})
    assert await recogniser.recognise(await heard("hello")) == Understood("hello")
    assert await recogniser.recognise(bytes(32000)) == NotUnderstood("")
    assert recogniser.read("What time is it?") == Understood("what time is it", "get_time", {})


async def test_an_answer_that_nobody_waited_for_is_not_given_to_the_next(recogniser: Recogniser) -> None:
    """A session that ends leaves its question behind."""
    asked = asyncio.create_task(recogniser.recognise(await heard("hello")))
    await asyncio.sleep(0)
    asked.cancel()
    said = await recogniser.recognise(await heard("what time is it"))
    assert said.text == "what time is it"


async def test_it_learns_other_phrases(recogniser: Recogniser) -> None:
    """And forgets the old ones."""
    recogniser.learn([ToolSpec("open", "", {}, (Phrase("open the window"),))])
    assert await recogniser.recognise(await heard("open the window")) == Understood("open the window", "open")
    assert isinstance(await recogniser.recognise(await heard("turn on the light")), NotUnderstood)


async def test_a_process_that_has_ended_is_an_error(recogniser: Recogniser) -> None:
    """Not a hang."""
    await recogniser.aclose()
    with pytest.raises(SpeechError, match="not running"):
        await recogniser.recognise(bytes(32000))


async def test_what_goes_wrong_in_it_is_told_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here a word of no dictionary, and no espeak-ng to pronounce it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    recogniser = Recogniser([ToolSpec("t", "", {}, (Phrase("turn on the gizmotron"),))])
    with pytest.raises(ConfigError, match="apt install espeak-ng"):
        await recogniser.start()


async def test_a_server_by_itself_uses_it_and_learns() -> None:
    """From the real tools of a device, when they are known."""
    async with SimulatedRealtime() as server:
        server.learn([TIME])
        async with talking(server) as client:
            await client.says("what time is it")
            done = await client.until("response.function_call_arguments.done")
    assert done["name"] == "get_time"


async def test_a_recogniser_that_dies_fails_the_response() -> None:
    """The client is told, instead of waiting for ever."""
    recogniser = Recogniser(TOOLS)
    await recogniser.start()
    async with SimulatedRealtime(understanding=recogniser) as server, talking(server) as client:
        await recogniser.aclose()
        await client.says("what time is it")
        done = (await client.until("response.done"))["response"]
    assert done["status"] == "failed"
    assert done["status_details"]["error"]["code"] == "speech_failed"
