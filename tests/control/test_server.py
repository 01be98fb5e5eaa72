"""The contract of the control socket, over a real one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.control import server as serving_module
from device.control.messages import LONGEST_LINE, BadRequestError, decode, id_of
from device.control.server import LONGEST_UNREAD, MOST_CLIENTS
from device.core.events import MuteRequested, StopRequested, UnmuteRequested
from device.errors import AudioError
from tests.control.house import FakeHouse, connected, serving
from tests.waiting import until


async def test_every_request_is_answered_with_its_id(folder: Path) -> None:
    """One line each."""
    house = FakeHouse()
    async with serving(folder, house), connected(folder) as client:
        assert await client.ask("status") == {"id": 1, "ok": True, "result": {"state": "listening", "volume": 40}}
        assert (await client.ask("levels"))["result"] == {"rms_dbfs": -50.0}
        assert (await client.ask("stop"))["result"] == {}
        assert (await client.ask("volume"))["result"] == {"volume": 40}
        assert (await client.ask("volume", to=70))["result"] == {"volume": 70}
        assert (await client.ask("volume", by=-100))["result"] == {"volume": 0}
        assert (await client.ask("mute"))["result"] == {"muted": True}
        assert (await client.ask("status"))["result"]["state"] == "muted"
        assert (await client.ask("unmute"))["result"] == {"muted": False}
        client.send(b'{"id": "mine", "do": "status"}\n')
        assert (await client.next())["id"] == "mine"
    assert house.facts == [StopRequested(), MuteRequested(), UnmuteRequested()]


async def test_personas_and_wake_words_are_told_and_chosen(folder: Path) -> None:
    """What is not there is answered with the reason."""
    house = FakeHouse()
    async with serving(folder, house), connected(folder) as client:
        assert (await client.ask("persona"))["result"] == {"persona": "default", "personas": ["default", "butler"]}
        assert (await client.ask("persona", name="butler"))["result"]["persona"] == "butler"
        assert (await client.ask("persona", name="cook"))["error"] == 'no persona "cook" is configured'
        assert (await client.ask("wake_word"))["result"] == {"wake_word": "all", "wake_words": ["all", "alexa"]}
        assert (await client.ask("wake_word", word="alexa"))["result"]["wake_word"] == "alexa"
        assert not (await client.ask("wake_word", word=3))["ok"]
    assert (house.persona, house.wake_word) == ("butler", "alexa")


async def test_timers_are_listed_and_called_off(folder: Path) -> None:
    """What cannot be is answered with the reason."""
    async with serving(folder, FakeHouse()) as _, connected(folder) as client:
        assert (await client.ask("timers"))["result"] == {"timers": [{"id": 1, "name": "pasta timer"}]}
        assert (await client.ask("cancel_timer", name="pasta"))["result"] == {"done": "Cancelled: the pasta timer"}
        assert (await client.ask("cancel_timer", name="tea"))["error"] == "nothing like that is set"
        assert not (await client.ask("cancel_timer"))["ok"]


async def test_mute_is_answered_when_the_microphone_is_closed(folder: Path) -> None:
    """Not when it was ordered to be; and others are answered meanwhile."""
    house = FakeHouse()
    house.closing.clear()
    async with serving(folder, house), connected(folder) as client, connected(folder) as other:
        asking = asyncio.create_task(client.ask("mute"))
        await until(lambda: house.muted, "the order")
        assert (await other.ask("status"))["ok"]
        assert not asking.done()
        house.closing.set()
        assert (await asking)["result"] == {"muted": True}
        assert house.closed


async def test_a_mute_whose_microphone_hangs_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It promises no more than is known."""
    monkeypatch.setattr("device.control.desk.CLOSING_LIMIT_S", 0.01)
    house = FakeHouse()
    house.closing.clear()
    async with serving(folder, house), connected(folder) as client:
        answer = await client.ask("mute")
        assert not answer["ok"]
        assert answer["error"].startswith("muted: nothing that the microphone hears is used or sent; but")
        assert house.muted


async def test_a_mute_that_somebody_took_back_is_not_told_as_one(folder: Path) -> None:
    """Two people at two terminals."""
    house = FakeHouse()
    house.closing.clear()
    async with serving(folder, house), connected(folder) as client, connected(folder) as other:
        asking = asyncio.create_task(client.ask("mute"))
        await until(lambda: house.muted, "the order")
        await other.ask("unmute")
        house.closing.set()
        assert "unmuted" in (await asking)["error"]


async def test_an_unmute_against_a_switch_says_what_holds_it(folder: Path) -> None:
    """And that nothing else helps."""
    house = FakeHouse()
    house.muted, house.holders = True, "mute switch"
    async with serving(folder, house), connected(folder) as client:
        answer = await client.ask("unmute")
        assert not answer["ok"]
        assert "still muted: its mute switch says so" in answer["error"]
        assert house.muted


async def test_what_cannot_be_done_is_told_as_an_error(folder: Path) -> None:
    """The card refuses its volume; the status is told all the same."""
    house = FakeHouse()
    house.volume_error = AudioError("the mixer is gone")
    async with serving(folder, house), connected(folder) as client:
        assert await client.ask("volume", to=10) == {"id": 1, "ok": False, "error": "the mixer is gone"}
        assert (await client.ask("status"))["result"]["volume"] is None


async def test_an_error_that_nobody_foresaw_is_an_answer_and_no_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its text, which may hold anything, is shown to nobody."""
    house = FakeHouse()

    hidden = "what nobody may see"

    async def break_down() -> int:
        raise LookupError(hidden)

    monkeypatch.setattr(house, "get", break_down)
    async with serving(folder, house), connected(folder) as client:
        answer = await client.ask("status")
        assert not answer["ok"]
        assert hidden not in str(answer) + caplog.text
        assert "LookupError" in caplog.text
        assert (await client.ask("levels"))["ok"]


BAD_LINES = [
    b"",
    b"no json",
    b"[]",
    b"null",
    b'"status"',
    b"{}",
    b'{"do": "status"}',
    b'{"id": 1}',
    b'{"id": 1, "do": "dance"}',
    b'{"id": 1, "do": "status", "more": 1}',
    b'{"id": null, "do": "status"}',
    b'{"id": 1.5, "do": "status"}',
    b'{"id": 1, "do": "volume", "to": 101}',
    b'{"id": 1, "do": "volume", "to": "50"}',
    b'{"id": 1, "do": "volume", "to": true}',
    b'{"id": 1, "do": "volume", "to": 1, "by": 1}',
    b'{"id": 1, "do": "mute", "muted": false}',
    b'{"id": 1, "do": "mute"} trailing',
    b'\xff\xfe{"id": 1}',
    b"[" * 30_000,
    b'{"id": ' + b"[" * 30_000,
    b'{"id": 1, "x": ' + b'{"x": ' * 5_000,
    b'{"id": 1, "do": "' + b"x" * 30_000 + b'"}',
]


@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: line[:40].decode("latin1"))
async def test_a_line_that_is_no_request_is_refused_in_a_few_words(line: bytes, folder: Path) -> None:
    """And changes nothing: the next one is answered."""
    house = FakeHouse()
    async with serving(folder, house), connected(folder) as client:
        client.send(line + b"\n")
        answer = await client.next()
        assert answer["ok"] is False
        assert 0 < len(answer["error"]) <= 200
        assert (await client.ask("status"))["ok"]
    assert house.facts == []


async def test_an_id_is_given_back_where_a_wrong_request_has_one(folder: Path) -> None:
    """So that who asks knows which one it was."""
    async with serving(folder, FakeHouse()), connected(folder) as client:
        client.send(b'{"id": 7, "do": "dance"}\n')
        assert (await client.next())["id"] == 7


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
WORDS = st.sampled_from(["status", "mute", "unmute", "stop", "volume", "subscribe", "levels", "dance"])
ALMOST = st.fixed_dictionaries(
    {"id": st.integers() | JSON, "do": WORDS | JSON}, optional={"to": JSON, "by": JSON, "extra": JSON}
).map(lambda table: json.dumps(table).encode())


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()) | ALMOST)
@settings(max_examples=400)
def test_no_line_breaks_the_decoder(line: bytes) -> None:
    """It is a request, or refused: nothing else is raised, and the id is one or none."""
    assert isinstance(id_of(line), int | str | None)
    with contextlib.suppress(BadRequestError):
        assert isinstance(decode(line).id, int | str)


async def test_a_flood_of_garbage_is_answered_line_by_line_and_keeps_nobody_waiting(folder: Path) -> None:
    """Bytes without sense beside a client that asks properly."""
    chance = random.Random(3)
    garbage = b"\n".join(chance.randbytes(chance.randrange(60)).replace(b"\n", b"") for _ in range(2_000)) + b"\n"
    async with serving(folder, FakeHouse()), connected(folder) as noisy, connected(folder) as client:
        noisy.send(garbage)
        for _ in range(20):
            assert (await client.ask("status"))["ok"]
        for _ in range(2_000):
            assert not (await noisy.next())["ok"]


async def test_a_line_without_end_ends_the_connection(folder: Path) -> None:
    """It is not kept in memory to see what becomes of it."""
    async with serving(folder, FakeHouse()), connected(folder) as client, connected(folder) as other:
        client.send(b"x" * (2 * LONGEST_LINE))
        assert "bytes" in (await client.next())["error"]
        assert await client.ended()
        assert (await other.ask("status"))["ok"]


async def test_half_a_line_is_none(folder: Path) -> None:
    """Whoever leaves in the middle of a request has asked for nothing."""
    house = FakeHouse()
    async with serving(folder, house) as server:
        async with connected(folder) as client:
            assert (await client.ask("status"))["ok"]
            client.send(b'{"id": 1, "do": "mute"}')
            await client.writer.drain()
        await until(lambda: not server._clients, "the end of the connection")
    assert house.facts == []


async def test_there_is_always_room_for_one_more(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever keeps connections for nothing must not keep others from muting: the longest silent one goes."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(folder, FakeHouse()))
        clients = [await stack.enter_async_context(connected(folder)) for _ in range(MOST_CLIENTS)]
        for client in [*clients[1:], clients[0]]:
            assert (await client.ask("status"))["ok"]
        last = await stack.enter_async_context(connected(folder))
        assert (await last.ask("mute"))["ok"]
        assert await clients[1].ended()
        assert (await clients[0].ask("status"))["ok"]
    assert "the longest silent one is let go" in caplog.text


async def test_subscribers_are_told_and_others_are_not(folder: Path) -> None:
    """The answer to the subscription comes first, and says how things stand."""
    async with serving(folder, FakeHouse()) as server, connected(folder) as client, connected(folder) as other:
        server.publish("phase", {"phase": "waking"})
        assert (await client.ask("subscribe"))["result"]["state"] == "listening"
        assert (await other.ask("status"))["ok"]
        server.publish("phase", {"phase": "listening"})
        assert await client.next() == {"event": "phase", "phase": "listening"}
        assert (await client.ask("status"))["ok"]
        assert (await other.ask("status"))["ok"]


async def test_a_subscriber_that_does_not_read_is_let_go(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Telling never waits, and what waits for it in memory is bounded."""
    async with serving(folder, FakeHouse()) as server, connected(folder) as slow, connected(folder) as client:
        assert (await slow.ask("subscribe"))["ok"]
        slow.reader._transport.pause_reading()  # type: ignore[attr-defined]
        (kept,) = server._subscribers
        for _ in range(1_000):
            server.publish("filler", {"text": "x" * 4_000})
            assert kept._writer.transport.get_write_buffer_size() <= LONGEST_UNREAD
        assert not server.has_subscribers
        assert (await client.ask("status"))["ok"]
    assert caplog.text.count("does not read its events") == 1


async def test_a_client_that_does_not_read_its_answers_is_let_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be waited for with each of them."""
    monkeypatch.setattr(serving_module, "READ_LIMIT_S", 0.05)
    house: Any = FakeHouse()
    async with serving(folder, house) as server, connected(folder) as client:
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(200):
            client.send(b'{"id": 1, "do": "volume"}\n' * 100)
            await asyncio.sleep(0)
        await until(lambda: not server._clients, "the end of the connection")


async def test_the_end_of_the_house_ends_every_connection(folder: Path) -> None:
    """And takes the socket away."""
    async with AsyncExitStack() as stack:
        async with serving(folder, FakeHouse()):
            client = await stack.enter_async_context(connected(folder))
            assert (await client.ask("subscribe"))["ok"]
        assert await client.ended()
        assert not (folder / "control.sock").exists()
