"""say and ask over the control socket: who asked is told what became of it, and nobody else."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from device.control.messages import LONGEST_TEXT, BadRequestError, decode
from device.core.actions import Outcome
from device.core.events import AnnouncementRequested, AnnouncementWithdrawn
from tests.control.house import FakeHouse, connected, serving
from tests.waiting import until


async def test_say_is_answered_when_it_was_said(folder: Path) -> None:
    """And others are answered meanwhile."""
    house = FakeHouse()
    async with serving(folder, house), connected(folder) as client, connected(folder) as other:
        asking = asyncio.create_task(client.ask("say", text="Dinner is ready."))
        await until(lambda: house.facts, "the request")
        assert (await other.ask("status"))["ok"]
        assert not asking.done()
        house.settle(1, Outcome.SAID)
        assert (await asking)["result"] == {"said": True}
    assert house.facts == [AnnouncementRequested("Dinner is ready.", 1)]


async def test_what_is_held_back_is_told_at_once(folder: Path) -> None:
    """Nobody waits until the morning."""
    house = FakeHouse()
    async with serving(folder, house), connected(folder) as client:
        asking = asyncio.create_task(client.ask("say", text="Dinner.", urgent=False))
        await until(lambda: house.facts, "the request")
        house.settle(1, Outcome.HELD)
        assert (await asking)["result"] == {"said": False}


async def test_an_answer_goes_to_who_asked_only(folder: Path) -> None:
    """Not to one who asked something else, nor to a subscriber."""
    house = FakeHouse()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(folder, house))
        first, second, subscriber = [await stack.enter_async_context(connected(folder)) for _ in range(3)]
        await subscriber.ask("subscribe")
        asking = [asyncio.create_task(client.ask("ask", text="Now?", urgent=True)) for client in (first, second)]
        await until(lambda: len(house.facts) == 2, "both requests")
        house.settle(2, Outcome.ANSWERED, "no")
        house.settle(1, Outcome.ANSWERED, "yes")
        assert sorted([(await one)["result"]["heard"] for one in asking]) == ["no", "yes"]
        assert (await subscriber.ask("status"))["ok"], "an event came between"


@pytest.mark.parametrize("outcome", [Outcome.MUTED, Outcome.QUIET, Outcome.FULL, Outcome.UNANSWERED, Outcome.UNSAID])
async def test_a_refusal_says_why(folder: Path, outcome: Outcome) -> None:
    """In words for people."""
    house = FakeHouse()
    async with serving(folder, house), connected(folder) as client:
        asking = asyncio.create_task(client.ask("ask", text="Now?"))
        await until(lambda: house.facts, "the request")
        house.settle(1, outcome)
        answer = await asking
        assert not answer["ok"]
        assert len(answer["error"]) > 10


async def test_who_leaves_withdraws_a_question_and_nothing_else(folder: Path) -> None:
    """A sentence that somebody wanted said is said all the same."""
    house = FakeHouse()
    async with serving(folder, house):
        for do in ("say", "ask"):
            async with connected(folder) as client:
                client.send(json.dumps({"id": 1, "do": do, "text": "Now?"}).encode() + b"\n")
                wanted = len(house.facts) + 1
                await until(lambda wanted=wanted: len(house.facts) == wanted, "the request")  # type: ignore[misc]
        await until(lambda: len(house.facts) == 3, "the withdrawal")
    assert [fact for fact in house.facts if isinstance(fact, AnnouncementWithdrawn)] == [AnnouncementWithdrawn(2)]


async def test_a_question_does_not_swallow_the_line_after_it(folder: Path) -> None:
    """A client may send ahead."""
    house = FakeHouse()
    async with serving(folder, house), connected(folder) as client:
        client.send(b'{"id": 1, "do": "ask", "text": "Now?"}\n{"id": 2, "do": "status"}\n')
        await until(lambda: house.facts, "the request")
        await asyncio.sleep(0)
        house.settle(1, Outcome.ANSWERED, "yes")
        assert (await client.next())["result"] == {"heard": "yes"}
        assert (await client.next())["id"] == 2


async def test_a_client_that_leaves_after_its_answer_withdraws_nothing(folder: Path) -> None:
    """It is served already."""
    house = FakeHouse()
    async with serving(folder, house):
        async with connected(folder) as client:
            asking = asyncio.create_task(client.ask("ask", text="Now?"))
            await until(lambda: house.facts, "the request")
            house.settle(1, Outcome.ANSWERED, "yes")
            await asking
        async with connected(folder) as client:
            await client.ask("status")
    assert len(house.facts) == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "text: give 1 to 500 characters; these are 0"),
        (" \n ", "these are 0"),
        ("x" * (LONGEST_TEXT + 1), "text: give 1 to 500 characters; these are 501"),
        (7, "Expected `str`, got `int`"),
        (None, "Expected `str`, got `null`"),
    ],
)
def test_a_text_has_a_length(text: object, complaint: str) -> None:
    """And is one."""
    with pytest.raises(BadRequestError, match=complaint):
        decode(json.dumps({"id": 1, "do": "say", "text": text}).encode())
