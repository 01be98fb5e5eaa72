"""An agent's call to a house that takes its time, or is broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from device.control import client
from device.control.agents.calls import Calls
from device.control.agents.settings import McpServer
from device.core.actions import Outcome
from device.core.events import AnnouncementRequested, AnnouncementWithdrawn
from tests.control.agents.stage import AgentHouse
from tests.control.house import serving
from tests.waiting import until


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for the house in the folder."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)


def facts(house: AgentHouse, kind: type) -> int:
    """Return how many of a kind the house was told."""
    return sum(isinstance(fact, kind) for fact in house.facts)


async def test_what_nobody_answers_is_withdrawn_and_told(folder: Path) -> None:
    """What is to be said is said all the same."""
    house, calls = AgentHouse(), Calls(McpServer(), patience_s=3)
    async with serving(folder, house):
        told = await calls.call("ask", {"text": "shall I?"})
        assert (told.failed, "withdrawn" in told.text) == (True, True)
        await until(lambda: facts(house, AnnouncementWithdrawn) == 1, "a withdrawal")
        told = await calls.call("say", {"text": "hello"})
        assert (told.failed, "as soon as" in told.text) == (True, True)
        assert facts(house, AnnouncementRequested) == 2
        assert facts(house, AnnouncementWithdrawn) == 1


async def test_who_waits_no_more_makes_room_for_others(folder: Path) -> None:
    """As often as it happens: no thread stays behind."""
    house, calls = AgentHouse(), Calls(McpServer(speeches_per_minute=100))
    async with serving(folder, house):
        for number in range(1, 7):
            asking = asyncio.create_task(calls.call("ask", {"text": "shall I?"}))
            await until(lambda: facts(house, AnnouncementRequested) == number, "a question")  # noqa: B023
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await until(lambda: facts(house, AnnouncementWithdrawn) == number, "a withdrawal")  # noqa: B023


async def test_quiet_hours_and_a_muted_house_are_told(folder: Path) -> None:
    """In the house's own words."""
    house, calls = AgentHouse(), Calls(McpServer())
    for name, outcome, words in (("say", Outcome.HELD, "quiet hours"), ("ask", Outcome.MUTED, "muted")):
        async with serving(folder, house):
            calling = asyncio.create_task(calls.call(name, {"text": "hello"}))
            await until(lambda: bool(house.facts), "what is to be said")
            (fact,) = house.facts
            assert isinstance(fact, AnnouncementRequested)
            house.settle(fact.ticket, outcome)
            assert words in (await calling).text
            house.facts.clear()


@asynccontextmanager
async def hanging(folder: Path) -> AsyncIterator[None]:
    """A house that takes every question and says nothing."""
    held: list[asyncio.StreamWriter] = []
    # A writer that nobody holds is closed by Python 3.13.
    path = folder / "agents" / "control.sock"
    path.parent.mkdir()
    async with await asyncio.start_unix_server(lambda reader, writer: held.append(writer), path):
        yield
        for writer in held:
            writer.close()


async def test_a_house_that_hangs_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while."""
    monkeypatch.setattr(client, "PATIENCE_S", 0.2)
    async with hanging(folder):
        told = await Calls(McpServer()).call("get_status", {})
    assert (told.failed, "does not answer" in told.text) == (True, True)


async def test_nonsense_is_told_and_asks_nothing_of_anybody() -> None:
    """No house runs here: it would be told otherwise."""
    calls = Calls(McpServer())
    assert "no tool called" in (await calls.call("format_disk", {})).text
    assert (await calls.call("say", {"text": 7})).text.startswith("say: ")
    assert (await calls.call("say", {"text": ""})).text.startswith("say: ")
    assert "not running" in (await calls.call("stop", {})).text
