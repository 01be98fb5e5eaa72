"""A key is tried by a client secret that nobody uses; real sockets, the simulated server and servers that refuse."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from device.conversation.openai.keytrial import try_key
from device.conversation.openai.settings import OpenAI
from device.ports.provider import KeyTrial, KeyVerdict
from device.secrets import Secret
from device.sim.realtime import SimulatedRealtime
from tests.conversation.refusing_server import answering, error, http, page

KEY = "sk-proj-planted-7461686c"


class NoHearing:
    """Stands for the recogniser: nothing is said here."""

    def learn(self, tools: Any) -> None:
        """Learn nothing."""


async def tried(url: str, key: str = KEY, **settings: Any) -> KeyTrial:
    """Try a key there."""
    return await asyncio.to_thread(try_key, OpenAI(url=url, **settings), Secret(key))


async def told(answer: bytes | None) -> KeyTrial:
    """Try a key at a server that answers so."""
    async with answering(answer) as url:
        return await tried(url)


@pytest.mark.parametrize("header", ["authorization", "api-key"])
async def test_a_good_key_is_taken(header: str) -> None:
    """By OpenAI's header and by Azure's; the server's clock comes with it."""
    async with SimulatedRealtime(understanding=NoHearing()) as server:  # type: ignore[arg-type]
        trial = await tried(server.url, server.key, auth_header=header)
    assert trial.verdict is KeyVerdict.TAKEN
    assert trial.took > 0
    assert trial.server_time is not None
    assert abs(trial.server_time - time.time()) < 60


async def test_a_wrong_key_and_a_wrong_model_are_refused() -> None:
    """Each with its own advice, and without the key."""
    async with SimulatedRealtime(understanding=NoHearing()) as server:  # type: ignore[arg-type]
        wrong_key = await tried(server.url)
        wrong_model = await tried(server.url, server.key, model="gpt-nothing")
    assert wrong_key.verdict is wrong_model.verdict is KeyVerdict.REFUSED
    assert "invalid_api_key" in wrong_key.why
    assert "check the key" in wrong_key.what_to_do
    assert "conversation.openai.model" in wrong_model.what_to_do


@pytest.mark.parametrize(
    ("answer", "verdict", "part"),
    [
        (http("401 Unauthorized", error("invalid_api_key", f"Incorrect key {KEY}")), KeyVerdict.REFUSED, "********"),
        (http("429 Too Many", error("insufficient_quota", "No credit")), KeyVerdict.REFUSED, "No credit"),
        (http("429 Too Many", error("rate_limit_exceeded", "Slow")), KeyVerdict.UNKNOWN, "Slow"),
        (http("404 Not Found", "404 page not found", "text/plain"), KeyVerdict.UNKNOWN, "404"),
        (http("500 Oops", b""), KeyVerdict.UNKNOWN, "500"),
        (page("302 Found", "Login", "Location: http://127.0.0.1:1/"), KeyVerdict.UNKNOWN, "302"),
        (b"SSH-2.0-nothing\r\n", KeyVerdict.UNKNOWN, "BadStatusLine"),
        (None, KeyVerdict.UNKNOWN, ""),
    ],
)
async def test_what_a_server_answers_is_told(answer: bytes | None, verdict: KeyVerdict, part: str) -> None:
    """Without the key, whoever echoes it; a redirect is not followed. There is always something to do."""
    trial = await told(answer)
    assert trial.verdict is verdict
    assert part in trial.why
    assert trial.what_to_do
    assert KEY[8:] not in json.dumps([trial.why, trial.what_to_do])


async def test_a_server_that_is_not_there_says_nothing_of_the_key() -> None:
    """The network is what is wrong."""
    async with answering(b"") as url:
        pass
    trial = await tried(url)
    assert trial.verdict is KeyVerdict.UNKNOWN
    assert "refused" in trial.why
    assert "network" in trial.what_to_do
