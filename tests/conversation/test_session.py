"""The session over real sockets, with a server that does what it should not."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
import pytest

from device.conversation.openai import session
from device.conversation.openai.conversation import RealtimeConversation, in_numbers
from device.conversation.openai.keys.keys import OwnKey
from device.conversation.openai.messages.client_events import RemoteTool
from device.conversation.openai.messages.server_events import TokenDetails, Usage
from device.conversation.openai.protocol.protocol import Protocol
from device.conversation.openai.settings import OpenAI
from device.core import events as ev
from device.core.actions import TurnEnd
from device.core.events import Failure
from device.errors import ConfigError
from device.ports.conversation import Persona
from device.ports.tools import ToolSpec
from device.secrets import Secret
from tests.conversation.scripted_server import Peer, scripted_server
from tests.conversation.talk import SWITCH, milliseconds
from tests.waiting import until

KEY = "sk-test-abcdefghijklmnop"
PATIENCE_S = 20
PERSONAS = {"pirate": Persona("Be a pirate.", "cedar"), "butler": Persona("Be a butler.")}

E = TypeVar("E")


class House:
    """What hears of the conversation."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.tools: tuple[ToolSpec, ...] = (SWITCH,)
        self.remote_tools: tuple[RemoteTool, ...] = ()
        self.events: list[ev.Event] = []
        self.audio = b""
        self.ended: list[str] = []
        self._news = asyncio.Event()
        key, told = OwnKey(Secret(KEY)), (self._post, self._on_audio, self._on_end)
        self.conversation = RealtimeConversation(
            OpenAI(url=url, **settings),
            "Be brief.",
            key,
            lambda: self.tools,
            *told,
            personas=PERSONAS,
            remote_tools=lambda: self.remote_tools,
        )

    def _post(self, event: ev.Event) -> None:
        self.events.append(event)
        self._news.set()

    def _on_audio(self, turn: int, item: str, pcm: bytes) -> None:
        self.audio += pcm
        self._news.set()

    def _on_end(self, turn: int, item: str) -> None:
        self.ended.append(item)
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to have been heard."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def event(self, kind: type[E]) -> E:
        """Wait for the first event of a kind."""
        await self.until(lambda: any(isinstance(event, kind) for event in self.events))
        return next(event for event in self.events if isinstance(event, kind))

    async def failure(self) -> ev.SessionFailed:
        """Open a session and wait for it to fail."""
        self.conversation.open(1, TurnEnd.PROVIDER)
        failed = await self.event(ev.SessionFailed)
        await self.conversation.aclose()
        return failed


async def accept_and_listen(peer: Peer) -> None:
    await peer.accept()
    await peer.listen()


def appended(peer: Peer) -> bytes:
    events = [event for event in peer.received if event["type"] == "input_audio_buffer.append"]
    return b"".join(base64.b64decode(event["audio"]) for event in events)


async def test_a_question_is_answered_over_a_real_connection() -> None:
    """Configure, hear, answer."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.hear_until("response.create")
        sound = base64.b64encode(milliseconds(40)).decode()
        await peer.say("response.created", response={"id": "r", "status": "in_progress"})
        await peer.say("response.output_audio.delta", response_id="r", item_id="i", content_index=0, delta=sound)
        await peer.say("response.output_audio.done", response_id="r", item_id="i")
        await peer.say("response.done", response={"id": "r", "status": "completed", "usage": {"total_tokens": 3}})
        await peer.listen()

    async with scripted_server(script) as server:
        house = House(server.url)
        house.conversation.open(1, TurnEnd.DEVICE)
        await house.event(ev.SessionReady)
        assert house.conversation.expires_at == 2_000_000_000
        house.conversation.send_audio(milliseconds(500))
        house.conversation.commit_turn()
        await house.event(ev.ResponseFinished)
        assert house.audio == milliseconds(40)
        assert house.ended == ["i"]
        assert appended(server.peers[0]) == milliseconds(500)
        assert server.peers[0].path == "/v1/realtime?model=gpt-realtime-2.1"
        assert server.headers[0]["authorization"] == f"Bearer {KEY}"
        await house.conversation.aclose()


async def test_each_session_is_told_the_tools_of_its_moment() -> None:
    """Tools come and go."""
    told: list[list[str]] = []

    async def script(peer: Peer) -> None:
        told.append([tool["name"] for tool in (await peer.accept()).get("tools", [])])
        await peer.listen()

    async with scripted_server(script) as server:
        house = House(server.url)
        for tools in ((), (SWITCH,), (SWITCH, replace(SWITCH, name="set_other"))):
            house.tools = tools
            house.conversation.open(1, TurnEnd.DEVICE)
            await house.event(ev.SessionReady)
            house.events.clear()
        assert told == [[], ["set_switch"], ["set_switch", "set_other"]]
        await house.conversation.aclose()


async def test_each_session_has_the_instructions_and_the_voice_of_its_persona() -> None:
    """Another one in the next session; who is not known, or has no voice of its own, speaks as usual."""
    heard: list[tuple[str, str]] = []

    async def script(peer: Peer) -> None:
        update = await peer.accept()
        heard.append((update["instructions"], update["audio"]["output"]["voice"]))
        await peer.listen()

    async with scripted_server(script) as server:
        house = House(server.url, voice="marin")
        for turn, persona in enumerate(("pirate", "butler", "", "ghost"), 1):
            house.conversation.open(turn, TurnEnd.DEVICE, persona=persona)
            await house.until(lambda turn=turn: ev.SessionReady(turn) in house.events)
        await house.conversation.aclose()
    assert heard == [("Be a pirate.", "cedar"), ("Be a butler.", "marin"), *[("Be brief.", "marin")] * 2]


async def test_ten_seconds_of_preroll_arrive_whole_and_in_order() -> None:
    """As many frames at once as the ring buffer holds."""
    async with scripted_server(accept_and_listen) as server:
        house = House(server.url)
        house.conversation.open(1, TurnEnd.PROVIDER)
        await house.event(ev.SessionReady)
        frames = [bytes([number % 251, 0]) * 480 for number in range(500)]
        for frame in frames:
            house.conversation.send_audio(frame)
        await until(lambda: len(appended(server.peers[0])) == 480_000)
        assert appended(server.peers[0]) == b"".join(frames)
        await house.conversation.aclose()


async def test_other_servers_take_the_key_in_their_own_header_and_keep_their_query() -> None:
    """Azure's header, and a model named in the URL."""
    async with scripted_server(accept_and_listen) as server:
        house = House(f"{server.url}?api-version=1&deployment=mine", auth_header="api-key")
        house.conversation.open(1, TurnEnd.PROVIDER)
        await house.event(ev.SessionReady)
        assert server.peers[0].path == "/v1/realtime?api-version=1&deployment=mine"
        assert server.headers[0]["api-key"] == KEY
        assert "authorization" not in server.headers[0]
        await house.conversation.aclose()


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (HTTPStatus.UNAUTHORIZED, Failure.REFUSED_KEY),
        (HTTPStatus.FORBIDDEN, Failure.REFUSED),
        (HTTPStatus.NOT_FOUND, Failure.WRONG_ADDRESS),
        (HTTPStatus.FOUND, Failure.WEB_PAGE),
        (HTTPStatus.TOO_MANY_REQUESTS, Failure.BUSY),
        (HTTPStatus.SERVICE_UNAVAILABLE, Failure.BUSY),
    ],
)
async def test_a_refused_handshake_says_why(status: HTTPStatus, failure: Failure) -> None:
    """Each with its advice, none with the key; a redirect is not followed."""
    async with scripted_server(accept_and_listen, status) as server:
        failed = await House(server.url).failure()
        assert failed.failure is failure
        assert "127.0.0.1" in failed.message
        assert str(status.value) in failed.message
        assert KEY not in failed.message
        assert len(server.headers) == 1


async def test_nobody_listening_is_unreachable() -> None:
    """Connection refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        failed = await House(f"ws://127.0.0.1:{taken.getsockname()[1]}/v1").failure()
    assert failed.failure is Failure.UNREACHABLE
    assert "conversation.openai.url" in failed.message


async def test_a_name_that_does_not_exist_is_unreachable() -> None:
    """RFC 2606 keeps .invalid free for this."""
    failed = await House("ws://nobody.invalid/v1", connect_timeout_s=15).failure()
    assert failed.failure is Failure.UNREACHABLE
    assert "nobody.invalid" in failed.message


async def test_the_next_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Homes have IPv6 that leads nowhere."""
    async with scripted_server(accept_and_listen) as server:
        port = int(server.url.rpartition(":")[2].partition("/")[0])
        good, bad = ("127.0.0.1", port), ("127.0.0.1", 1)
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in (bad, good)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        house = House("ws://house.test/v1")
        house.conversation.open(1, TurnEnd.PROVIDER)
        await house.event(ev.SessionReady)
        await house.conversation.aclose()


async def test_a_server_without_tls_behind_a_secure_url_is_told_as_that() -> None:
    """The other end does not speak TLS."""
    async with scripted_server(accept_and_listen) as server:
        failed = await House(server.url.replace("ws://", "wss://")).failure()
        assert failed.failure is Failure.INSECURE
        assert "ws://" in failed.message


PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy", "socks_proxy")


async def test_a_server_on_this_machine_is_not_looked_for_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxy is for the world outside."""
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    monkeypatch.delenv("no_proxy", raising=False)
    async with scripted_server(accept_and_listen) as server:
        house = House(server.url)
        house.conversation.open(1, TurnEnd.PROVIDER)
        await house.event(ev.SessionReady)
        await house.conversation.aclose()


@pytest.mark.parametrize("proxy", ["http://me:hidden@127.0.0.1:1/", "nonsense://me:hidden@127.0.0.1:1/"])
async def test_a_proxy_that_does_not_work_is_told_as_that(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """Without its password in the message."""
    for name in PROXIES:
        monkeypatch.setenv(name, proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    failed = await House("wss://nobody.invalid/v1").failure()
    assert failed.failure is Failure.PROXY
    assert "nobody.invalid" in failed.message
    assert "hidden" not in failed.message


async def test_a_server_that_never_answers_is_given_up() -> None:
    """It takes the connection and says nothing."""

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(silence, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        failed = await House(f"ws://127.0.0.1:{port}/v1", connect_timeout_s=3).failure()
    assert failed.failure is Failure.SILENT
    assert "within 3 s" in failed.message


async def test_a_configuration_that_is_never_acknowledged_is_given_up() -> None:
    """Connected is not ready."""

    async def script(peer: Peer) -> None:
        await peer.say("session.created", session={})
        await peer.listen()

    async with scripted_server(script) as server:
        failed = await House(server.url, connect_timeout_s=3).failure()
        assert failed.failure is Failure.UNCONFIGURED
        assert "accepted the connection but not the session's configuration within 3 s" in failed.message


async def test_a_configuration_is_waited_for_less_than_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is there already."""
    monkeypatch.setattr(session, "_CONFIGURATION_S", 0.1)
    monkeypatch.setattr(session, "_CONFIGURATION_SHARE", 0.005)

    async def script(peer: Peer) -> None:
        await peer.say("session.created", session={})
        await peer.listen()

    async with scripted_server(script) as server:
        failed = await House(server.url, connect_timeout_s=60.0).failure()
        assert failed.failure is Failure.UNCONFIGURED
        assert "within 0.3 s" in failed.message


async def test_a_late_acknowledgement_is_waited_for_without_sending_audio() -> None:
    """The person speaks meanwhile; the gate keeps it."""
    go_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.say("session.created", session={})
        await peer.hear()
        await go_on.wait()
        await peer.say("session.updated", session={})
        await peer.listen()

    async with scripted_server(script) as server:
        house = House(server.url)
        house.conversation.open(1, TurnEnd.PROVIDER)
        await until(lambda: bool(server.peers and server.peers[0].received))
        house.conversation.send_audio(milliseconds(20))
        go_on.set()
        await house.event(ev.SessionReady)
        house.conversation.send_audio(milliseconds(40))
        await until(lambda: bool(appended(server.peers[0])))
        assert appended(server.peers[0]) == milliseconds(40)
        await house.conversation.aclose()


async def reset(peer: Peer) -> None:
    peer.reset()


def closing(code: int, reason: str = "") -> Callable[[Peer], Awaitable[None]]:
    async def close(peer: Peer) -> None:
        await peer.connection.close(code, reason)

    return close


def saying(text: str | bytes) -> Callable[[Peer], Awaitable[None]]:
    async def say(peer: Peer) -> None:
        await peer.connection.send(text)
        await peer.listen()

    return say


@pytest.mark.parametrize(
    ("mishap", "failure"),
    [
        (reset, Failure.DROPPED),
        (closing(1001, "Your session hit the maximum duration of 60 minutes."), Failure.EXPIRED),
        (closing(1000), Failure.EXPIRED),
        (closing(1001), Failure.DROPPED),
        (closing(1011, "internal error"), Failure.DROPPED),
        (closing(1013), Failure.BUSY),
        (closing(1008, "invalid api key"), Failure.REFUSED_KEY),
        (closing(4000, "invalid_request_error.beta_api_shape_disabled"), Failure.WRONG_ADDRESS),
        (saying("this is not JSON"), Failure.PROTOCOL),
        (saying('{"type": "x", "y": "' + "z" * 70_000 + '"}'), Failure.PROTOCOL),
    ],
)
async def test_a_session_that_ends_in_the_middle_of_an_answer_says_why(
    mishap: Callable[[Peer], Awaitable[None]], failure: Failure
) -> None:
    """Once, and the next session is answered."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.say("response.created", response={"id": "r"})
        await (mishap(peer) if len(server.peers) == 1 else peer.listen())

    async with scripted_server(script) as server:
        house = House(server.url, max_message_bytes=65_536)
        house.conversation.open(1, TurnEnd.PROVIDER)
        failed = await house.event(ev.SessionFailed)
        assert failed.failure is failure
        house.conversation.open(2, TurnEnd.PROVIDER)
        await house.until(lambda: ev.ResponseStarted(2, "r") in house.events)
        assert sum(isinstance(event, ev.SessionFailed) for event in house.events) == 1
        await house.conversation.aclose()


async def test_a_binary_message_does_not_end_the_session() -> None:
    """It is complained of, and the conversation goes on."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.connection.send(b"\x00\x01")
        await peer.say("response.created", response={"id": "r"})
        await peer.listen()

    async with scripted_server(script) as server:
        house = House(server.url)
        house.conversation.open(1, TurnEnd.PROVIDER)
        await house.event(ev.ResponseStarted)
        assert [type(event) for event in house.events] == [ev.SessionReady, ev.ProviderComplained, ev.ResponseStarted]
        await house.conversation.aclose()


async def test_a_closed_session_says_nothing_more_and_the_next_may_follow_at_once() -> None:
    """What the old server still sends belongs to nobody."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.say("response.created", response={"id": f"r{server.peers.index(peer)}"})
        await peer.listen()

    async with scripted_server(script) as server:
        house = House(server.url)
        house.conversation.open(1, TurnEnd.PROVIDER)
        await house.event(ev.ResponseStarted)
        house.conversation.close()
        house.conversation.open(2, TurnEnd.PROVIDER)
        house.conversation.close()
        house.conversation.open(3, TurnEnd.PROVIDER)
        await house.until(lambda: any(isinstance(e, ev.ResponseStarted) and e.turn == 3 for e in house.events))
        assert not any(
            event.turn == 2 for event in house.events if isinstance(event, ev.SessionReady | ev.SessionFailed)
        )
        assert not any(isinstance(event, ev.SessionFailed) for event in house.events)
        await house.conversation.aclose()


async def test_nothing_is_left_running_after_the_end() -> None:
    """No task, whatever the server does: this one never answers a close."""
    before = asyncio.all_tasks()
    async with scripted_server(accept_and_listen) as server:
        house = House(server.url)
        house.conversation.open(1, TurnEnd.PROVIDER)
        await house.event(ev.SessionReady)
        server.peers[0].connection.transport.pause_reading()
        async with asyncio.timeout(PATIENCE_S):
            await house.conversation.aclose()
        names = {task.get_name() for task in asyncio.all_tasks() - before}
        assert not any(name.startswith("realtime") for name in names)
        server.peers[0].connection.transport.abort()


async def test_a_network_too_slow_for_speech_ends_the_session() -> None:
    """More is waiting than anybody would wait for."""
    async with scripted_server(accept_and_listen) as server:
        house = House(server.url)
        house.conversation.open(1, TurnEnd.PROVIDER)
        await house.event(ev.SessionReady)
        for _ in range(31):
            house.conversation.send_audio(milliseconds(1000))
        failed = await house.event(ev.SessionFailed)
        assert failed.failure is Failure.DROPPED
        await until(lambda: server.peers[0].connection.state.name == "CLOSED")
        await house.conversation.aclose()


async def test_an_error_in_this_program_is_not_blamed_on_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends in words, too, with a traceback in the log."""

    def trip(*_: Any) -> None:
        raise KeyError("tripped")

    monkeypatch.setattr(Protocol, "receive_text", trip)
    async with scripted_server(accept_and_listen) as server:
        failed = await House(server.url).failure()
    assert failed.failure is Failure.INTERNAL


async def test_a_writer_that_breaks_ends_the_session_in_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Else the person would speak to nobody; and what could not be written may be what a person said."""

    def broken(protocol: Protocol) -> bytes:
        raise ValueError(" ".join(("turn", "on", "the", "light")))

    async with scripted_server(accept_and_listen) as server:
        house = House(server.url)
        house.conversation.open(1, TurnEnd.PROVIDER)
        await house.event(ev.SessionReady)
        monkeypatch.setattr(Protocol, "next_message", broken)
        house.conversation.send_audio(milliseconds(20))
        failed = await house.event(ev.SessionFailed)
        assert failed.failure is Failure.INTERNAL
        await house.conversation.aclose()
    assert "in broken" in caplog.text
    assert "turn on" not in caplog.text


async def test_orders_without_a_session_are_harmless() -> None:
    """The machine may be a step ahead."""
    house = House("ws://127.0.0.1:9/")
    talk = house.conversation
    talk.begin_turn(1, TurnEnd.DEVICE)
    talk.send_audio(b"\0\0")
    talk.commit_turn()
    talk.cancel_response()
    talk.cancel_response(keeps_due=True)
    talk.drop_response()
    talk.truncate_item("i", 3)
    talk.delete_item("i")
    talk.send_tool_result("c", "ok")
    talk.close()
    await talk.aclose()
    assert talk.expires_at is None
    assert house.events == []


async def test_neither_key_nor_words_nor_sound_are_in_the_logs(caplog: pytest.LogCaptureFixture) -> None:
    """Even at debug level, where websockets would write the headers; words only there."""

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.hear_until("input_audio_buffer.append")
        error = {"type": "odd", "code": "odd", "message": f"Incorrect API key provided: {KEY[:12]}***{KEY[-4:]}."}
        await peer.say("error", error=error)
        await peer.say("conversation.item.input_audio_transcription.completed", item_id="u", transcript="my words")
        await peer.listen()

    caplog.set_level(logging.DEBUG)
    async with scripted_server(script) as server:
        house = House(server.url)
        house.conversation.open(1, TurnEnd.PROVIDER)
        await house.event(ev.SessionReady)
        house.conversation.send_audio(milliseconds(100))
        complaint = await house.event(ev.ProviderComplained)
        await house.event(ev.Heard)
        await house.conversation.aclose()
    ours = [record for record in caplog.records if record.name.startswith("device.")]
    # The controller logs what was complained of.
    text = "\n".join([complaint.message, *(record.getMessage() for record in ours)])
    assert "Incorrect API key" in text
    assert not any(part in text for part in (KEY, KEY[:12], KEY[-4:], "AQABAA"))
    assert all(record.levelno == logging.DEBUG for record in ours if "my words" in record.getMessage())


async def test_the_token_of_a_server_that_it_calls_is_not_told_either() -> None:
    """What it complains of goes on to the health, and from there to a broker."""
    token = "zug-7t4qpw"

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.hear_until("input_audio_buffer.append")
        await peer.say("error", error={"type": "odd", "code": "odd", "message": f"calendar refuses {token} today"})
        await peer.listen()

    async with scripted_server(script) as server:
        house = House(server.url)
        calendar = RemoteTool(server_label="calendar", server_url="https://c.example", require_approval="always")
        house.remote_tools = (msgspec.structs.replace(calendar, authorization=token),)
        house.conversation.open(1, TurnEnd.PROVIDER)
        await house.event(ev.SessionReady)
        house.conversation.send_audio(milliseconds(100))
        complaint = await house.event(ev.ProviderComplained)
        await house.conversation.aclose()
    assert "calendar refuses ******** today" in complaint.message


@pytest.mark.parametrize("url", ["ws://", "ws://[bad/", "ws://host:port/", "wss://user:secret@host/"])
def test_a_url_that_cannot_be_dialled_is_a_configuration_error(url: str) -> None:
    """Named, without what it may hold of a password."""
    with pytest.raises(ConfigError, match=r"conversation\.openai\.url") as caught:
        House(url)
    assert "secret" not in str(caught.value)


def test_usage_is_one_line_of_numbers() -> None:
    """For the log, and later for a budget."""
    usage = Usage(total_tokens=9, input_tokens=6, input_token_details=TokenDetails(audio_tokens=5, cached_tokens=0))
    assert in_numbers(usage) == "total=9 input=6 input_audio=5 input_cached=0 tokens"
