"""Every way in which a provider or the network before it is wrong, as something that really happens."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.sim.realtime.tls import make_certificate, server_context
from tests.conversation.refusing_server import answering, error, http, page
from tests.conversation.scripted_server import Peer, scripted_server
from tests.troubles.stage import Place, Provider, Waited


@dataclass(frozen=True)
class Trouble:
    """What is wrong, in words for a person, and a provider with which it is."""

    what: str
    provider: Provider


# -- ways to go wrong


def _url(url: str, **environment: str) -> Provider:
    @asynccontextmanager
    async def provider(folder: Path) -> AsyncIterator[Place]:
        yield Place(url, environment)

    return provider


def _nobody() -> Provider:
    @asynccontextmanager
    async def provider(folder: Path) -> AsyncIterator[Place]:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            yield Place(f"ws://127.0.0.1:{taken.getsockname()[1]}/v1/realtime")

    return provider


def _crowded() -> Provider:
    @asynccontextmanager
    async def provider(folder: Path) -> AsyncIterator[Place]:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        next_free = os.dup(0)
        os.close(next_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (next_free, hard))
        try:
            yield Place("ws://127.0.0.1:9/v1/realtime")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    return provider


def _answers(answer: bytes | None, scheme: str = "ws", stays: bool = False) -> Provider:
    @asynccontextmanager
    async def provider(folder: Path) -> AsyncIterator[Place]:
        async with answering(answer, stays) as url:
            yield Place(url.replace("ws://", f"{scheme}://"), waits_for="session" if stays else "")

    return provider


def _broker(answer: bytes | None) -> Provider:
    """A broker that answers so; None: nobody listens there."""

    @asynccontextmanager
    async def provider(folder: Path) -> AsyncIterator[Place]:
        async with answering(answer) as url:
            address = url.replace("ws://", "http://").removesuffix("/v1/realtime")
            yield Place("ws://127.0.0.1:9/v1/realtime", settings={"broker": address if answer else _free_address()})

    return provider


def _free_address() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def _proxy(answer: bytes) -> Provider:
    @asynccontextmanager
    async def provider(folder: Path) -> AsyncIterator[Place]:
        async with answering(answer) as url:
            yield Place("wss://provider.test/v1/realtime", {"https_proxy": f"http://{url.split('/')[2]}"})

    return provider


def _tls(answer: bytes, host: str = "127.0.0.1", trusted: bool = True, scheme: str = "wss") -> Provider:
    @asynccontextmanager
    async def provider(folder: Path) -> AsyncIterator[Place]:
        certificate = make_certificate(folder, "127.0.0.1")
        environment = {"SSL_CERT_FILE": str(certificate)} if trusted else {}
        async with answering(answer, tls=server_context(certificate), host=host) as url:
            yield Place(url.replace("wss://", f"{scheme}://"), environment)

    return provider


Script = Callable[[Peer], Awaitable[None]]


def _talks(script: Script, waits_for: Waited = "", **settings: Any) -> Provider:
    @asynccontextmanager
    async def provider(folder: Path) -> AsyncIterator[Place]:
        async with scripted_server(script) as server:
            yield Place(server.url, settings=settings, waits_for=waits_for)

    return provider


def _says(message: str | bytes) -> Provider:
    """Begin with this instead of session.created."""

    async def script(peer: Peer) -> None:
        await peer.connection.send(message)
        await peer.listen()

    return _talks(script)


def _closes(code: int, reason: str = "", ready: bool = False) -> Provider:
    async def script(peer: Peer) -> None:
        if ready:
            await _asked(peer)
        await peer.connection.close(code, reason)

    return _talks(script)


async def _asked(peer: Peer) -> None:
    """Open the session, and hear a question to its end."""
    await peer.accept()
    await peer.say("input_audio_buffer.speech_started", audio_start_ms=0, item_id="question")
    await peer.say("input_audio_buffer.speech_stopped", audio_end_ms=900, item_id="question")
    await peer.say("input_audio_buffer.committed", item_id="question", previous_item_id=None)


def _then(*messages: str | tuple[str, dict[str, Any]], waits_for: Waited = "", **settings: Any) -> Provider:
    """Hear a question, then say this: events, or text as it is."""

    async def script(peer: Peer) -> None:
        await _asked(peer)
        for message in messages:
            if isinstance(message, str):
                await peer.connection.send(message)
            else:
                await peer.say(message[0], **message[1])
        await peer.listen()

    return _talks(script, waits_for, **settings)


async def _cut(peer: Peer) -> None:
    await _asked(peer)
    peer.reset()


async def _cut_early(peer: Peer) -> None:
    await peer.say("session.created", session={"type": "realtime"})
    peer.reset()


async def _quiet(peer: Peer) -> None:
    await peer.listen()


async def _never_updates(peer: Peer) -> None:
    await peer.say("session.created", session={"type": "realtime"})
    await peer.listen()


async def _beta(peer: Peer) -> None:
    await peer.say("session.created", session={"modalities": ["audio", "text"], "input_audio_format": "pcm16"})
    await peer.listen()


# Longer than a device waits for a sign of life that it asked for, where it is in a hurry.
_DEAD_S = 4.0


async def _dies(peer: Peer) -> None:
    """Hear a question, and then nothing more: as behind a router that has lost its power."""
    await _asked(peer)
    peer.connection.transport.pause_reading()
    await asyncio.sleep(_DEAD_S)
    peer.reset()


async def _hears_for_ever(peer: Peer) -> None:
    await peer.accept()
    await peer.say("input_audio_buffer.speech_started", audio_start_ms=0, item_id="question")
    await peer.listen()


async def _calls_for_ever(peer: Peer) -> None:
    await _asked(peer)
    for number in itertools.count():
        ids = {"response_id": f"r{number}", "item_id": f"i{number}", "output_index": 0, "call_id": f"c{number}"}
        await peer.say("response.created", response={"id": f"r{number}", "status": "in_progress"})
        await peer.say("response.function_call_arguments.done", **ids, name="get_time", arguments="{}")
        await peer.say("response.done", response={"id": f"r{number}", "status": "completed", "output": []})
        await peer.hear_until("response.create")


# -- answers

BEGUN = ("response.created", {"response": {"id": "r", "status": "in_progress"}})
IDS = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
SOUND = ("response.output_audio.delta", {**IDS, "delta": base64.b64encode(bytes(4_800)).decode()})
SOUND_ENDS = ("response.output_audio.done", IDS)
GARBLED = ("response.output_audio.delta", {**IDS, "delta": "§§§§"})
WORDS = ("response.output_text.done", {**IDS, "text": "It is five o'clock."})


def _done(status: str, **details: Any) -> tuple[str, dict[str, Any]]:
    body = {
        "id": "r",
        "status": status,
        "output": [],
        "status_details": {"type": status, **details} if details else None,
    }
    return ("response.done", {"response": body})


def _event(**fields: Any) -> str:
    return json.dumps({"type": "error", **fields})


QUOTA = "You exceeded your current quota, please check your plan and billing details."
NO_MODEL = "The model `gpt-banana` does not exist or you do not have access to it."

NETWORK = (
    Trouble("No network, or the provider's name is misspelled", _url("wss://nobody.invalid/v1/realtime")),
    Trouble("Nobody listens at the address", _nobody()),
    Trouble(
        "The network wants a login: every name leads to its page", _answers(page("200 OK", "Welcome to Hotel Wi-Fi"))
    ),
    Trouble(
        "The network wants a login: it redirects to its page",
        _answers(http("302 Found", b"", "text/html", "Location: http://login.hotel.test/?id=1")),
    ),
    Trouble(
        "The network wants a login, and says so (RFC 6585)",
        _answers(page("511 Network Authentication Required", "Log in")),
    ),
    Trouble("The network wants a login, or the server speaks no TLS", _answers(page("200 OK", "Log in"), "wss")),
    Trouble("The certificate is another host's", _tls(b"", host="127.0.0.2")),
    Trouble("The certificate is not trusted on this machine", _tls(b"", trusted=False)),
    Trouble("The proxy wants a name and password", _proxy(http("407 Proxy Authentication Required"))),
    Trouble("The proxy does not reach the provider", _proxy(http("502 Bad Gateway"))),
    Trouble(
        "The proxy in the environment is not a proxy",
        _url("wss://provider.test/v1", https_proxy="nonsense://proxy.test"),
    ),
    Trouble("The device has no file left for a connection", _crowded()),
    Trouble("The server takes the connection and says nothing", _answers(b"", stays=True)),
    Trouble("The server hangs up at once", _answers(None)),
)

ADDRESS = (
    Trouble("`ws://` to a server that is not in your own network", _url("ws://203.0.113.7/v1/realtime")),
    Trouble("`ws://` where TLS is spoken", _tls(b"", scheme="ws")),
    Trouble(
        "`ws://` where TLS is wanted, by a server that says so",
        _answers(http("400 Bad Request", "Client sent an HTTP request to an HTTPS server.", "text/plain")),
    ),
    Trouble(
        "A path that the server does not have",
        _answers(http("404 Not Found", error(None, "Invalid URL (GET /v1/realtim)"))),
    ),
    Trouble("A web server that knows no WebSocket", _answers(http("426 Upgrade Required"))),
    Trouble("Something that is not a web server", _answers(b"SSH-2.0-OpenSSH_9.2p1\r\n")),
    Trouble("A WebSocket server with another protocol", _says("hello, client")),
    Trouble(
        "A server that only speaks the retired beta, and refuses ours",
        _says(_event(error={"code": "unknown_parameter", "message": "Unknown parameter: 'session.type'."})),
    ),
    Trouble("A server that only speaks the retired beta, and ignores ours", _talks(_beta, "session")),
)

ACCOUNT = (
    Trouble(
        "The key is wrong", _answers(http("401 Unauthorized", error("invalid_api_key", "Incorrect API key provided.")))
    ),
    Trouble("The key is refused without a reason", _answers(http("401 Unauthorized"))),
    Trouble("The account has no credit", _answers(http("429 Too Many Requests", error("insufficient_quota", QUOTA)))),
    Trouble("The account is asked to pay", _answers(http("402 Payment Required", {"detail": "Top up your balance."}))),
    Trouble(
        "The country is not served",
        _answers(
            http(
                "403 Forbidden",
                error("unsupported_country_region_territory", "Country, region, or territory not supported"),
            )
        ),
    ),
    Trouble("Forbidden, without a reason", _answers(http("403 Forbidden"))),
    Trouble("Forbidden by a firewall's page", _answers(page("403 Forbidden", "Attention Required! | Example"))),
    Trouble(
        "The model does not exist, or not for this account",
        _answers(http("404 Not Found", error("model_not_found", NO_MODEL))),
    ),
    Trouble("The same, told as a plain string in the socket", _says(_event(error=NO_MODEL))),
    Trouble(
        "A setting is refused before the session",
        _answers(
            http(
                "400 Bad Request",
                error("invalid_value", "Invalid value: 'marvin'. Supported voices are: 'marin' and 'cedar'."),
            )
        ),
    ),
    Trouble(
        "A gateway's own key is wrong",
        _says(_event(error={"type": "server_error", "message": "upstream rejected with HTTP 401"})),
    ),
)

BROKER = (
    Trouble("Nobody listens at the broker's address", _broker(None)),
    Trouble("Something else answers there", _broker(page("200 OK", "Welcome to nginx!"))),
    Trouble("The device was revoked", _broker(http("403 Forbidden", error("revoked", "This device was revoked.")))),
    Trouble(
        "The broker does not know the device, or no longer",
        _broker(http("401 Unauthorized", error("invalid_token", "This broker does not know the token."))),
    ),
    Trouble(
        "The device has had its keys of the day",
        _broker(http("429 Too Many Requests", error("budget_spent", "This device has had its secrets of the day."))),
    ),
    Trouble(
        "The provider refuses the broker's key",
        _broker(http("502 Bad Gateway", error("provider_refused_key", "The provider refuses the broker's key."))),
    ),
    Trouble(
        "The broker does not reach the provider",
        _broker(http("503 Service Unavailable", error("provider_unreachable", "Cannot reach the provider."))),
    ),
)

BUSY = (
    Trouble(
        "Too many requests",
        _answers(http("429 Too Many Requests", error("rate_limit_exceeded", "Rate limit reached for requests."))),
    ),
    Trouble(
        "No free session",
        _says(
            _event(
                error={
                    "type": "invalid_request_error",
                    "code": "session_limit_reached",
                    "message": "Too many sessions.",
                }
            )
        ),
    ),
    Trouble("No free slot, told in the close", _closes(1008, "all slots in use")),
    Trouble(
        "The provider is down: a content network's page",
        _answers(page("502 Bad Gateway", "provider.test | 502: Bad gateway")),
    ),
    Trouble(
        "The provider has an error of its own",
        _answers(http("500 Internal Server Error", error(None, "The server had an error.", "server_error"))),
    ),
    Trouble("Refused in an unknown way", _says(_event(error={"code": 17, "message": {"text": "Not today."}}))),
    Trouble("Closed before the session began, without a reason", _closes(1000)),
    Trouble("The connection is cut before the session began", _talks(_cut_early)),
    Trouble("No session is begun", _talks(_quiet, "session")),
    Trouble("The session's configuration is not acknowledged", _talks(_never_updates, "session")),
)

CONVERSATION = (
    Trouble("The network fails without an error", _talks(_dies, "link")),
    Trouble("A voice is heard without an end (a radio)", _talks(_hears_for_ever, "end of speech")),
    Trouble("The model calls tools without an end", _talks(_calls_for_ever)),
    Trouble("The connection is cut", _talks(_cut)),
    Trouble(
        "The session has lasted as long as it may",
        _closes(1001, "Your session hit the maximum duration of 60 minutes.", True),
    ),
    Trouble("The server closes with an error of its own", _closes(1011, "internal error", True)),
    Trouble("The credit runs out", _then(_event(error={"code": "insufficient_quota", "message": QUOTA}))),
    Trouble(
        "An error follows the question",
        _then(_event(error={"type": "server_error", "message": "The server had an error."})),
    ),
    Trouble(
        "The rate limit is reached by the question",
        _then(_event(error={"code": "rate_limit_exceeded", "message": "Rate limit reached."})),
    ),
    Trouble(
        "The answer fails",
        _then(BEGUN, _done("failed", error={"type": "server_error", "code": None, "message": "The model failed."})),
    ),
    Trouble(
        "An error that nobody knows follows the question, and then nothing",
        _then(_event(error={"type": "odd", "code": None, "message": "Strange."}), waits_for="answer"),
    ),
    Trouble("Nothing follows the question", _then(waits_for="answer")),
    Trouble("An answer begins, and nothing follows", _then(BEGUN, waits_for="answer")),
    Trouble("The end of the answer is never told", _then(BEGUN, SOUND, SOUND_ENDS, waits_for="answer")),
    Trouble("An answer in words, without sound", _then(BEGUN, WORDS, _done("completed"))),
    Trouble("An answer without words and without sound", _then(BEGUN, _done("completed"))),
    Trouble("The answer is withheld by a filter", _then(BEGUN, _done("incomplete", reason="content_filter"))),
    Trouble(
        "The answer is too long for its limit",
        _then(BEGUN, SOUND, SOUND_ENDS, _done("incomplete", reason="max_output_tokens")),
    ),
    Trouble(
        "The answer is too long for its limit, before a word",
        _then(BEGUN, _done("incomplete", reason="max_output_tokens")),
    ),
    Trouble("The answer is broken off for another reason", _then(BEGUN, _done("incomplete", reason="odd"))),
    Trouble("The answer breaks off in its sound, without an end", _then(BEGUN, SOUND, waits_for="answer")),
    Trouble(
        "The rest of the answer is withheld by a filter",
        _then(BEGUN, SOUND, SOUND_ENDS, _done("incomplete", reason="content_filter")),
    ),
    Trouble("The answer's sound cannot be decoded", _then(BEGUN, GARBLED, _done("completed"))),
    Trouble("The server sends what is not JSON", _then("oops")),
    Trouble(
        "The server sends a message that is too large", _then(_event(message="x" * 70_000), max_message_bytes=65_536)
    ),
)

GROUPS = {
    "The network": NETWORK,
    "The address": ADDRESS,
    "The key, the account and the settings": ACCOUNT,
    "The broker, where it keeps the key": BROKER,
    "A provider that cannot talk now": BUSY,
    "In a conversation": CONVERSATION,
}
