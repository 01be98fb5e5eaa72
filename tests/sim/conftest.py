"""The server under test: every event that it sends is checked against the openai package's types."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from device.sim.person.understanding import Understanding
from device.sim.realtime import Entry, SimulatedRealtime
from tests.conversation.openai_types import check_server_event
from tests.sim.realtime.realtime_client import TOOLS


@pytest.fixture(scope="session")
def understanding() -> Understanding:
    """One recogniser for all tests: it has no memory of its own."""
    return Understanding(TOOLS)


@pytest.fixture
async def server(understanding: Understanding) -> AsyncIterator[SimulatedRealtime]:
    """A server; the test fails when one of its events is not as the API's types say."""
    wrong: list[str] = []

    def check(entry: Entry) -> None:
        if entry.direction == "received" or entry.type.startswith("scripted."):
            return
        try:
            check_server_event(dict(entry.event))
        except ValueError as error:
            wrong.append(str(error))

    async with SimulatedRealtime(understanding=understanding) as running:
        running.journal.hooks.append(check)
        yield running
    assert not wrong
