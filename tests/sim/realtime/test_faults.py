"""What the script makes the simulated server do wrong, and how connections are refused and end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any

import aiohttp
import pytest
import websockets
from openai import AsyncOpenAI
from openai.types.realtime import ClientSecretCreateResponse
from websockets.exceptions import ConnectionClosed, InvalidStatus

from device.sim.realtime import (
    DEFAULT_KEY,
    AfterEvent,
    AfterReplyAudio,
    Close,
    Drop,
    Fault,
    Refusal,
    Reply,
    Script,
    Send,
    SimulatedRealtime,
    Stall,
    error_event,
    oversized,
    tone,
)
from tests.conversation.openai_types import check_server_event
from tests.sim.realtime.realtime_client import MODEL, Client, dialled, talking

BETA = {"Authorization": f"Bearer {DEFAULT_KEY}", "OpenAI-Beta": "realtime=v1"}


async def ended(client: Client) -> ConnectionClosed:
    """Read until the connection ends; return how."""

    async def read_on() -> None:
        while True:
            await client.next()

    with pytest.raises(ConnectionClosed) as closed:
        await read_on()
    return closed.value


async def refused(server: SimulatedRealtime, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Dial, and return status and error of the HTTP answer."""
    with pytest.raises(InvalidStatus) as status:
        async with dialled(server, headers=headers):
            pass
    response = status.value.response
    return response.status_code, json.loads(response.body)["error"]


async def test_a_wrong_or_missing_key_is_401(server: SimulatedRealtime) -> None:
    """With the code that the API gives."""
    wrong = await refused(server, {"Authorization": "Bearer sk-wrong"})
    missing = await refused(server, {})
    assert (wrong[0], wrong[1]["code"]) == (401, "invalid_api_key")
    assert missing[0] == 401


@pytest.mark.parametrize("headers", [{"api-key": DEFAULT_KEY}, {"Authorization": f"bearer {DEFAULT_KEY}"}])
async def test_the_key_may_come_as_azure_wants_it(server: SimulatedRealtime, headers: dict[str, str]) -> None:
    """And the scheme in any case."""
    async with dialled(server, headers=headers) as client:
        assert (await client.next())["type"] == "session.created"


async def test_a_browser_sends_the_key_as_a_subprotocol(server: SimulatedRealtime) -> None:
    """`realtime` is the one that is chosen."""
    offered = [websockets.Subprotocol("realtime"), websockets.Subprotocol(f"openai-insecure-api-key.{DEFAULT_KEY}")]
    async with websockets.connect(f"{server.url}?model={MODEL}", subprotocols=offered) as socket:
        assert socket.subprotocol == "realtime"
        assert json.loads(await socket.recv())["type"] == "session.created"


async def test_keys_are_not_in_the_journal(server: SimulatedRealtime) -> None:
    """Only harmless headers are."""
    async with dialled(server) as client:
        await client.next()
    (connection,) = server.journal.connections
    assert connection.query == {"model": MODEL}
    assert DEFAULT_KEY not in str(server.journal.connections)


@pytest.mark.parametrize(
    ("query", "headers", "code"),
    [
        (f"?model={MODEL}", BETA, "beta_api_shape_disabled"),
        ("?model=gpt-5-banana", None, "model_not_found"),
        ("", None, "missing_required_parameter"),
    ],
)
async def test_a_hopeless_session_gets_one_error_and_a_close(
    server: SimulatedRealtime, query: str, headers: dict[str, str] | None, code: str
) -> None:
    """The upgrade succeeds, no session.created, close 4000 with the code as reason."""
    async with dialled(server, query, headers) as client:
        closed = await ended(client)
    assert [event["error"]["code"] for event in client.events] == [code]
    assert closed.rcvd is not None
    assert (closed.rcvd.code, closed.rcvd.reason) == (4000, f"invalid_request_error.{code}")


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_the_script_refuses_with_a_status(server: SimulatedRealtime, status: int) -> None:
    """Before the WebSocket begins."""
    server.script = Script(refuse=Refusal(status, "insufficient_quota", "You are out of money."))
    answer = await refused(server, {"Authorization": f"Bearer {DEFAULT_KEY}"})
    assert (answer[0], answer[1]["code"]) == (status, "insufficient_quota")


@pytest.mark.parametrize("expiry", ["error", "close"])
async def test_a_session_expires(server: SimulatedRealtime, expiry: Any) -> None:
    """With an error event first, or with the close alone."""
    server.script = Script(expire_after_s=0.05, expiry=expiry)
    async with dialled(server) as client:
        closed = await ended(client)
    codes = [event["error"]["code"] for event in client.events if event["type"] == "error"]
    assert codes == (["session_expired"] if expiry == "error" else [])
    assert closed.rcvd is not None
    assert closed.rcvd.code == 1001
    assert closed.rcvd.reason == "Your session hit the maximum duration of 60 minutes."


async def test_the_connection_is_cut_in_the_middle_of_a_reply_once(server: SimulatedRealtime) -> None:
    """No close frame; the next connection gets its whole answer."""
    cut = Fault(AfterReplyAudio(600), Drop())
    server.script = Script(answer=lambda _: Reply("A tone.", audio=tone(1500)), faults=(cut,))
    async with talking(server) as client:
        await client.writes("hello")
        closed = await ended(client)
        assert len(client.reply_audio()) == 600 * 48
    assert closed.rcvd is None
    async with talking(server) as client:
        await client.writes("hello")
        await client.until("response.done")
        assert len(client.reply_audio()) == 1500 * 48


@pytest.mark.parametrize("event", ["session.created", "session.updated", "response.created", "response.done"])
async def test_the_connection_is_cut_after_an_event(server: SimulatedRealtime, event: str) -> None:
    """After the event that the script names."""
    server.script = Script(faults=(Fault(AfterEvent(event), Drop()),))
    async with dialled(server) as client:
        with contextlib.suppress(ConnectionClosed):
            await client.send("session.update", session={"type": "realtime"})
            await client.writes("hello")
        assert (await ended(client)).rcvd is None
    assert server.journal.entries[-1].type == event


async def test_the_script_closes_in_good_order(server: SimulatedRealtime) -> None:
    """With its code and reason."""
    server.script = Script(faults=(Fault(AfterEvent("session.created"), Close(1011, "keepalive")),))
    async with dialled(server) as client:
        closed = await ended(client)
    assert closed.rcvd is not None
    assert (closed.rcvd.code, closed.rcvd.reason) == (1011, "keepalive")


async def test_the_script_sends_what_it_likes(server: SimulatedRealtime) -> None:
    """Errors, unknown events, malformed JSON, too much of it."""
    sends = (
        error_event("rate_limit_exceeded"),
        Send({"type": "scripted.novelty"}),
        Send("{"),
        oversized(100_000),
    )
    server.journal.hooks.clear()  # what is sent here is wrong on purpose
    server.script = Script(faults=tuple(Fault(AfterEvent("session.created"), send) for send in sends))
    async with dialled(server) as client:
        frames = [await client.socket.recv() for _ in range(5)]
    assert json.loads(frames[1])["error"]["code"] == "rate_limit_exceeded"
    assert json.loads(frames[2])["type"] == "scripted.novelty"
    assert frames[3] == "{"
    assert len(frames[4]) > 100_000


async def test_a_server_that_stalls_says_nothing_more(server: SimulatedRealtime) -> None:
    """The connection stays."""
    server.script = Script(faults=(Fault(AfterEvent("response.created"), Stall()),))
    async with talking(server) as client:
        await client.writes("hello")
        await client.until("response.created")
        await client.send("session.update", session={"type": "realtime"})
        await client.socket.ping()
        await server.journal.wait(lambda e: e.type == "session.update" and "tools" not in e.event["session"])
    assert server.journal.sent()[-1].type == "response.created"


async def test_a_model_that_fails_says_so_in_response_done(server: SimulatedRealtime) -> None:
    """With the error in status_details."""
    failure = ("server_error", "rate_limit_exceeded", "Too many.")
    server.script = Script(answer=lambda _: Reply(failure=failure))
    async with talking(server) as client:
        await client.writes("hello")
        done = (await client.until("response.done"))["response"]
    assert done["status"] == "failed"
    assert done["status_details"]["error"]["code"] == "rate_limit_exceeded"


async def test_older_servers_use_the_names_of_the_beta(server: SimulatedRealtime) -> None:
    """The same events, named as before GA."""
    server.journal.hooks.clear()  # the types know GA's names only
    server.script = Script(beta_names=True)
    async with talking(server) as client:
        await client.writes("hello")
        await client.until("response.done")
    types = set(client.types())
    assert {"response.audio.delta", "response.audio_transcript.delta", "conversation.item.created"} <= types
    assert not {name for name in types if name.startswith(("response.output_audio", "conversation.item.added"))}


async def test_answers_wait_as_long_as_the_script_says(server: SimulatedRealtime) -> None:
    """Before the configuration is acknowledged, and before the response."""
    server.script = Script(session_created_delay_s=0.05, session_updated_delay_s=0.05, response_delay_s=0.05)
    async with talking(server) as client:
        await client.writes("hello")
        await client.until("response.done")
    asked, updated = server.journal.received("session.update")[0], server.journal.sent("session.updated")[0]
    created, first = server.journal.sent("response.created")[0], server.journal.sent("response.output_item.added")[0]
    assert updated.at - asked.at >= 0.05
    assert first.at - created.at >= 0.05


async def test_a_person_who_says_nothing_is_asked(understanding: Any) -> None:
    """idle_timeout_ms after the answer has played out, silence is committed and answered."""
    answers = iter([Reply("A tone.", audio=tone(10)), Reply("Are you there?")])
    script = Script(answer=lambda _: next(answers))
    async with SimulatedRealtime(understanding=understanding, script=script) as server:
        audio = {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}}
        async with talking(server, audio=audio) as client:
            await client.writes("hello")
            await client.until("response.done")
            timeout = await client.until("input_audio_buffer.timeout_triggered")
            said = await client.until("response.output_audio_transcript.done")
    check_server_event(timeout)
    assert said["transcript"] == "Are you there?"


async def post(server: SimulatedRealtime, body: Any, key: str = DEFAULT_KEY) -> tuple[int, dict[str, Any]]:
    """Ask for a client secret."""
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{server.http_url}/realtime/client_secrets"
    async with aiohttp.ClientSession() as http, http.post(url, json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_a_client_secret_opens_sessions_with_its_configuration(server: SimulatedRealtime) -> None:
    """The model comes from the secret."""
    session = {"type": "realtime", "model": "gpt-realtime-2.1-mini", "instructions": "Be brief."}
    status, secret = await post(server, {"session": session, "expires_after": {"anchor": "created_at", "seconds": 60}})
    ClientSecretCreateResponse.model_validate(secret)
    assert status == 200
    assert secret["value"].startswith("ek_")
    async with dialled(server, "", {"Authorization": f"Bearer {secret['value']}"}) as client:
        created = (await client.next())["session"]
    assert (created["model"], created["instructions"]) == ("gpt-realtime-2.1-mini", "Be brief.")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"expires_after": {"seconds": 9}}, "invalid_value"),
        ({"expires_after": {"seconds": 7201}}, "invalid_value"),
        ({"session": {"type": "realtime", "voice": "marin"}}, "unknown_parameter"),
        ({"session": {}}, "missing_required_parameter"),
        ({"session": {"type": "realtime", "model": "gpt-5-banana"}}, "model_not_found"),
        ([], "invalid_value"),
    ],
)
async def test_a_wrong_request_for_a_secret_is_refused(server: SimulatedRealtime, body: Any, code: str) -> None:
    """With 400 and the code."""
    status, answer = await post(server, body)
    assert (status, answer["error"]["code"]) == (400, code)
    assert (await post(server, {}, key="sk-wrong"))[0] == 401


async def test_a_client_secret_is_for_its_model_and_makes_no_others(server: SimulatedRealtime) -> None:
    """It opens sessions only."""
    _, secret = await post(server, {"session": {"type": "realtime", "model": "gpt-realtime-2.1-mini"}})
    assert (await post(server, {}, key=secret["value"]))[0] == 401
    async with dialled(server, "?model=gpt-realtime-2.1", {"Authorization": f"Bearer {secret['value']}"}) as client:
        error = (await client.next())["error"]
    assert (error["code"], error["param"]) == ("invalid_value", "model")


async def test_a_client_secret_expires(server: SimulatedRealtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """From then on it is as unknown as any other key."""
    _, secret = await post(server, {"expires_after": {"seconds": 10}})
    now = time.time()
    monkeypatch.setattr("device.sim.realtime.server.time.time", lambda: now + 11)
    with pytest.raises(InvalidStatus, match="401"):
        async with dialled(server, "", {"Authorization": f"Bearer {secret['value']}"}):
            pass


async def test_a_transcription_session_writes_down_and_never_answers(server: SimulatedRealtime) -> None:
    """Its response.create is refused."""
    async with dialled(server, "?intent=transcription") as client:
        await client.until("session.created")
        audio = {"input": {"transcription": {"model": "gpt-transcribe"}}}
        await client.send("session.update", session={"type": "transcription", "audio": audio})
        await client.until("session.updated")
        await client.says("what time is it")
        heard = await client.until("conversation.item.input_audio_transcription.completed")
        error = await client.refused("response.create")
    assert heard["transcript"] == "what time is it"
    assert error["code"] == "invalid_event"


async def test_the_openai_package_talks_to_it(server: SimulatedRealtime) -> None:
    """OpenAI's own client, unchanged but for the address."""
    sockets = server.url.removesuffix("/realtime")
    client = AsyncOpenAI(api_key=DEFAULT_KEY, base_url=server.http_url, websocket_base_url=sockets)
    async with client.realtime.connect(model=MODEL) as connection:
        await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        content: Any = [{"type": "input_text", "text": "how are you"}]
        await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
        await connection.response.create()
        text = ""
        async for event in connection:
            text += event.delta if event.type == "response.output_text.delta" else ""
            if event.type == "response.done":
                break
    assert text == "I am well, thank you."


async def test_stopping_the_server_cuts_its_sessions(understanding: Any) -> None:
    """A client notices, even in the middle of an answer."""
    server = SimulatedRealtime(understanding=understanding)
    await server.start()
    async with talking(server) as client:
        await client.writes("tell me a story")
        await client.until("response.output_audio.delta")
        async with asyncio.TaskGroup() as group:
            group.create_task(server.stop())
            assert (await ended(client)).rcvd is None
