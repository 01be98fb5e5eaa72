"""Refusals of every kind, over real sockets: what the person is told is true, and the log has the server's words."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import websockets.exceptions

from device.conversation.openai import link, refusal
from device.conversation.openai.refusal import HandshakeRecord
from device.conversation.openai.settings import OpenAI
from device.core.actions import TurnEnd
from device.core.events import Failure, SessionReady
from device.kit import dial
from device.sim.realtime.tls import make_certificate, server_context
from tests.conversation.refusing_server import answering, error, http, page
from tests.conversation.scripted_server import Peer, scripted_server
from tests.conversation.test_session import KEY, PROXIES, House

LONG = 30.0
"""More patience than a test has: what is told is told at once, and not when the time is over."""


@dataclass(frozen=True)
class Case:
    """An answer to the handshake, and what must come of it."""

    answer: bytes
    failure: Failure
    words: tuple[str, ...]


QUOTA = "You exceeded your current quota, please check your plan and billing details."
RATE = "Rate limit reached for requests. Visit https://example.org/account/billing to add a payment method."
COUNTRY = "Country, region, or territory not supported"
NO_MODEL = "The model `gpt-banana` does not exist or you do not have access to it."
WRONG_KEY = f"Incorrect API key provided: {KEY[:9]}*******{KEY[-4:]}. You can find your API key at https://example.org."
CDN = page("502 Bad Gateway", "example.org | 502: Bad gateway")

HTTP = {
    "no credit": Case(
        http("429 Too Many Requests", error("insufficient_quota", QUOTA, "insufficient_quota")),
        Failure.QUOTA,
        ("429", "insufficient_quota", "exceeded your current quota", "add credit"),
    ),
    "rate limit": Case(
        http("429 Too Many Requests", error("rate_limit_exceeded", RATE, "requests")),
        Failure.BUSY,
        ("429", "Rate limit reached", "try again later"),
    ),
    "rate limit in words": Case(http("429 Too Many Requests", {"detail": RATE}), Failure.BUSY, ("Rate limit",)),
    "country": Case(
        http("403 Forbidden", error("unsupported_country_region_territory", COUNTRY, "request_forbidden")),
        Failure.REFUSED_REGION,
        ("403", COUNTRY),
    ),
    "firewall's page": Case(
        page("403 Forbidden", "Attention Required! | Example"), Failure.REFUSED, ("403", "Attention Required!")
    ),
    "forbidden without a word": Case(http("403 Forbidden"), Failure.REFUSED, ("403", "Forbidden", "check the key")),
    "gateway": Case(
        http("403 Forbidden", {"message": "Forbidden", "connectionId": "x="}), Failure.REFUSED, ("403", "Forbidden")
    ),
    "model, not for this account": Case(
        http("403 Forbidden", error(None, "Project `p` does not have access to model `gpt-banana`")),
        Failure.UNKNOWN_MODEL,
        ("gpt-banana", "conversation.openai.model"),
    ),
    "wrong key": Case(
        http("401 Unauthorized", error("invalid_api_key", WRONG_KEY)), Failure.REFUSED_KEY, ("401", "Incorrect API key")
    ),
    "no key": Case(
        http("401 Unauthorized", error(None, "You didn't provide an API key.")),
        Failure.REFUSED_KEY,
        ("didn't provide",),
    ),
    "key without words": Case(http("401 Unauthorized"), Failure.REFUSED_KEY, ("401", "check the key")),
    "key, told by Azure": Case(
        http("401 Unauthorized", {"statusCode": 401, "message": "Access token is missing."}),
        Failure.REFUSED_KEY,
        ("Access token is missing",),
    ),
    "address not allowed": Case(
        http("401 Unauthorized", error("ip_not_authorized", "Your IP is not allowed.")),
        Failure.REFUSED,
        ("ip_not_authorized", "Your IP is not allowed."),
    ),
    "payment": Case(http("402 Payment Required", {"detail": "Top up."}), Failure.QUOTA, ("402", "Top up.")),
    "unknown model": Case(
        http("404 Not Found", error("model_not_found", NO_MODEL)), Failure.UNKNOWN_MODEL, ("404", NO_MODEL)
    ),
    "unknown deployment": Case(
        http("404 Not Found", {"error": {"code": "DeploymentNotFound", "message": "No such deployment."}}),
        Failure.UNKNOWN_MODEL,
        ("DeploymentNotFound",),
    ),
    "wrong path": Case(
        http("404 Not Found", error(None, "Invalid URL (GET /v1/realtim)")),
        Failure.WRONG_ADDRESS,
        ("404", "Invalid URL (GET /v1/realtim)", "conversation.openai.url"),
    ),
    "wrong path, a page": Case(page("404 Not Found", "Oops &amp; sorry"), Failure.WRONG_ADDRESS, ("Oops & sorry",)),
    "no such route": Case(http("404 Not Found", {"detail": "Not Found"}), Failure.WRONG_ADDRESS, ("404",)),
    "no WebSocket there": Case(http("426 Upgrade Required"), Failure.WRONG_ADDRESS, ("426",)),
    "bad request": Case(
        http("400 Bad Request", error("invalid_value", "Bad voice.")), Failure.REFUSED_CONFIG, ("400", "Bad voice.")
    ),
    "what FastAPI wants": Case(
        http("422 Unprocessable Entity", {"detail": [{"loc": ["query", "model"], "msg": "Field required"}]}),
        Failure.REFUSED_CONFIG,
        ("query.model: Field required",),
    ),
    "key, told by Google": Case(
        http(
            "400 Bad Request", [{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}]
        ),
        Failure.REFUSED_KEY,
        ("API key not valid.",),
    ),
    "beta header wanted": Case(
        http("400 Bad Request", error("missing_beta_header", "You must provide 'OpenAI-Beta: realtime=v1'.")),
        Failure.WRONG_ADDRESS,
        ("retired beta", "/openai/v1/realtime"),
    ),
    "TLS wanted, told in words": Case(
        http("400 Bad Request", "Client sent an HTTP request to an HTTPS server.\n", "text/plain"),
        Failure.WRONG_ADDRESS,
        ("HTTPS server",),
    ),
    "server error": Case(http("500 Internal Server Error", error(None, "Oh.", "server_error")), Failure.BUSY, ("Oh.",)),
    "CDN": Case(CDN, Failure.BUSY, ("502: Bad gateway",)),
    "gateway's upstream": Case(
        http("502 Bad Gateway", {"error": "upstream rejected with HTTP 401"}),
        Failure.REFUSED_KEY,
        ("upstream rejected with HTTP 401",),
    ),
    "login by redirect": Case(
        http("302 Found", b"", "text/html", "Location: http://portal.test/login?token=abcdef"),
        Failure.WEB_PAGE,
        ("302", "http://portal.test/login", "log in with a browser"),
    ),
    "login by a page": Case(page("200 OK", "Welcome to Hotel Wi-Fi"), Failure.WEB_PAGE, ("Welcome to Hotel Wi-Fi",)),
    "login as RFC 6585 has it": Case(
        page("511 Network Authentication Required", "Log in"), Failure.WEB_PAGE, ("511", "log in with a browser")
    ),
    "no page": Case(http("200 OK", {"hello": "world"}), Failure.WRONG_ADDRESS, ("200",)),
    "transparent proxy": Case(http("407 Proxy Authentication Required"), Failure.PROXY, ("407",)),
    "HTTP/1.0": Case(b"HTTP/1.0 503 Busy\r\n\r\nAll lines are busy.", Failure.BUSY, ("503", "All lines are busy.")),
    "chunked": Case(
        b"HTTP/1.1 429 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nquota\r\n0\r\n\r\n", Failure.BUSY, ("quota",)
    ),
    "cut in the middle": Case(
        b'HTTP/1.1 404 No\r\nContent-Length: 999\r\n\r\n{"error": "half of', Failure.WRONG_ADDRESS, ("half of",)
    ),
    "a page inside of JSON": Case(
        http("502 Bad Gateway", {"error": {"message": "<html><head><title>Down</title></head><p>x</p></html>"}}),
        Failure.BUSY,
        ("502 (Down)",),
    ),
    "no text": Case(
        http("503 Unavailable", b"\x1f\x8b\x08" + bytes(range(128, 256)) * 4, "text/html", "Content-Encoding: gzip"),
        Failure.BUSY,
        ("503 (Unavailable)",),
    ),
    "the beta is refused": Case(
        http("400 Bad Request", error("beta_api_shape_disabled", "The Realtime Beta API is no longer supported.")),
        Failure.WRONG_ADDRESS,
        ("no longer supported", "check conversation.openai.url"),
    ),
    "not HTTP": Case(b"SSH-2.0-OpenSSH_9.2p1\r\n", Failure.WRONG_ADDRESS, ("not HTTP", "SSH-2.0")),
    "TLS": Case(b"\x15\x03\x01\x00\x02\x02\x46", Failure.WRONG_ADDRESS, ("wss://",)),
    "handshake that is wrong": Case(
        b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", Failure.WRONG_ADDRESS, ("wrongly",)
    ),
    "nothing": Case(b"", Failure.SILENT, ("without an answer", "wss://")),
}


def check(message: str, words: tuple[str, ...]) -> None:
    """A line for the log: the server's words, what to do, no key, no markup, no token."""
    for part in words:
        assert part in message
    assert len(message) < 500
    assert message.isprintable()
    assert not any(part in message for part in (KEY, KEY[:9], "<p>", "token=abcdef"))


@pytest.mark.parametrize("name", HTTP)
async def test_a_refused_handshake_is_told_truly(name: str) -> None:
    """By what its body says, whatever the status; and the network is never blamed once connected."""
    case = HTTP[name]
    async with answering(case.answer) as url:
        failed = await House(url, connect_timeout_s=LONG).failure()
    assert (failed.failure, failed.message) == (case.failure, failed.message)
    check(failed.message, case.words)
    assert "check the network" not in failed.message


ENDLESS = b"HTTP/1.1 503 Busy\r\nContent-Type: text/html\r\n\r\n<html><title>Down</title>"
HUGE = b"HTTP/1.1 503 Busy\r\nContent-Length: 9000000\r\n\r\n<html><title>Down</title>" + b"x" * 2_000_000


@pytest.mark.parametrize("answer", [ENDLESS, HUGE], ids=["without an end", "too long"])
async def test_a_refusal_that_does_not_end_is_cut_short(answer: bytes) -> None:
    """Bounded in time and in size; its first words are told all the same."""
    async with answering(answer, stays=True) as url:
        failed = await House(url, connect_timeout_s=LONG).failure()
    assert failed.failure is Failure.BUSY
    check(failed.message, ("503", "Down"))


@pytest.mark.parametrize("answer", [b"", b"HT", b"HTTP/1.1 "])
async def test_a_server_that_takes_the_connection_and_says_nothing_is_silent(answer: bytes) -> None:
    """It was reached, so the network is not to blame."""
    async with answering(answer, stays=True) as url:
        failed = await House(url, connect_timeout_s=3).failure()
    assert failed.failure is Failure.SILENT
    assert "within 3 s" in failed.message


async def test_a_name_that_is_not_resolved_in_time_is_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was reached yet."""
    go_on = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: go_on.wait(20))
    failed = await House("wss://slow.invalid/v1", connect_timeout_s=0.5).failure()
    go_on.set()
    assert failed.failure is Failure.UNREACHABLE
    check(failed.message, ("slow.invalid was not resolved within 0.5 s", "check the network"))


async def test_an_address_that_does_not_answer_is_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection at all: 192.0.2.0/24 is kept free for examples (RFC 5737)."""

    async def never(addresses: Any) -> None:
        await asyncio.sleep(LONG)

    monkeypatch.setattr(dial, "connect", never)
    failed = await House("wss://192.0.2.1/v1", connect_timeout_s=0.5).failure()
    assert failed.failure is Failure.UNREACHABLE
    check(failed.message, ("192.0.2.1 did not answer within 0.5 s", "check the network"))


# -- TLS


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A certificate that this device trusts, for 127.0.0.1."""
    made = make_certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    link._load.cache_clear()
    yield made
    link._load.cache_clear()


async def test_a_certificate_of_another_name_may_be_a_networks_login(certificate: Path) -> None:
    """So a network answers that takes every connection for itself."""
    # The whole of 127.0.0.0/8 is this machine; the certificate is for one address of it.
    async with answering(page("200 OK", "Log in"), tls=server_context(certificate), host="127.0.0.2") as url:
        failed = await House(url, connect_timeout_s=LONG).failure()
    assert failed.failure is Failure.INSECURE
    check(failed.message, ("certificate of 127.0.0.2", "log in with a browser", "conversation.openai.url"))


async def test_a_certificate_of_nobody_is_not_trusted(tmp_path: Path) -> None:
    """Self-signed, and unknown to the system."""
    tls = server_context(make_certificate(tmp_path, "127.0.0.1"))
    async with answering(b"", tls=tls) as url:
        failed = await House(url, connect_timeout_s=LONG).failure()
    assert failed.failure is Failure.INSECURE
    check(failed.message, ("certificate of 127.0.0.1", "self", "update-ca-certificates"))


async def test_a_page_behind_a_certificate_that_is_right_is_the_hosts_own(certificate: Path) -> None:
    """No network stands between."""
    async with answering(page("200 OK", "Start"), tls=server_context(certificate)) as url:
        failed = await House(url, connect_timeout_s=LONG).failure()
    assert failed.failure is Failure.WEB_PAGE
    check(failed.message, ("Start", "conversation.openai.url"))
    assert "log in" not in failed.message


@pytest.mark.parametrize("code", [9, 10], ids=["not yet valid", "expired"])
def test_a_certificate_of_another_time_is_told_with_the_clock(code: int) -> None:
    """A Pi has no clock of its own: until it has asked the network, it may be in another year."""
    problem = ssl.SSLCertVerificationError(1, "no")
    problem.verify_code, problem.verify_message = code, "certificate is not yet valid"
    failure, message = refusal.explain(problem, HandshakeRecord(), OpenAI(), websockets.exceptions, str)
    assert failure is Failure.INSECURE
    check(message, ("certificate of api.openai.com", "not yet valid", "clock", "timedatectl"))


@pytest.mark.parametrize("answer", [page("200 OK", "Log in"), b"", None], ids=["a page", "nothing", "a cut"])
async def test_a_plain_answer_where_tls_was_spoken_is_no_secure_connection(answer: bytes | None) -> None:
    """A network that wants a login, or a server without TLS."""
    async with answering(answer) as url:
        failed = await House(url.replace("ws://", "wss://"), connect_timeout_s=LONG).failure()
    assert failed.failure is Failure.INSECURE
    check(failed.message, ("TLS", "ws://", "login"))


async def test_plain_words_to_a_real_tls_server_say_that_tls_is_wanted(certificate: Path) -> None:
    """It answers with an alert, or by hanging up."""
    async with answering(b"", tls=server_context(certificate)) as url:
        failed = await House(url.replace("wss://", "ws://"), connect_timeout_s=LONG).failure()
    assert failed.failure in (Failure.WRONG_ADDRESS, Failure.SILENT)
    check(failed.message, ("wss://",))


# -- proxies


@asynccontextmanager
async def behind(proxy: bytes, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    async with answering(proxy) as url:
        port = url.rpartition(":")[2].partition("/")[0]
        for name in PROXIES:
            monkeypatch.setenv(name, f"http://me:hidden@127.0.0.1:{port}/")
        monkeypatch.delenv("no_proxy", raising=False)
        yield "wss://nobody.invalid/v1/realtime"


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"])
async def test_a_proxy_that_lets_nobody_through_is_told_as_that(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    """With its status, and without its password."""
    async with behind(http(status), monkeypatch) as url:
        failed = await House(url, connect_timeout_s=LONG).failure()
    assert failed.failure is Failure.PROXY
    check(failed.message, (f"HTTP {status[:3]}", "https_proxy"))
    assert "hidden" not in failed.message


# -- inside the socket, before the session is ready


def says(**event: Any) -> str:
    """Return a message."""
    return json.dumps(event)


API = {"type": "invalid_request_error", "param": None}
SAID = {
    "no free session": (
        says(type="error", error={**API, "code": "session_limit_reached"}),
        Failure.BUSY,
        "session_limit",
    ),
    "no free slot": ("All slots in use", Failure.BUSY, "All slots in use"),
    "a plain string": (
        says(type="error", error=NO_MODEL, code="model_not_found"),
        Failure.UNKNOWN_MODEL,
        "gpt-banana",
    ),
    "a plain string alone": (says(type="error", error=NO_MODEL), Failure.UNKNOWN_MODEL, "gpt-banana"),
    "a number": (says(type="error", error={"code": 401, "message": "No."}), Failure.REFUSED_KEY, "401: No"),
    "a large number": (says(type="error", error={"code": 10**30, "message": "No."}), Failure.REFUSED, "No."),
    "a gateway": (
        says(type="error", error={"type": "server_error", "message": "upstream rejected with HTTP 401"}),
        Failure.REFUSED_KEY,
        "upstream rejected",
    ),
    "a message that is an object": (
        says(type="error", error={"message": {"text": "Bad tone.", "n": 3}}),
        Failure.REFUSED,
        "Bad tone.",
    ),
    "a message that is a list": (
        says(type="error", error={"message": ["One.", "Two."]}),
        Failure.REFUSED,
        "One.; Two.",
    ),
    "no error": (says(type="error", error=None), Failure.REFUSED, "without a word"),
    "no error at all": (says(type="error"), Failure.REFUSED, "without a word"),
    "words beside it": (says(type="error", message="Go away."), Failure.REFUSED, "Go away."),
    "FastAPI": (says(detail="Could not validate credentials"), Failure.REFUSED_KEY, "Could not validate"),
    "AWS": (says(message="Internal server error", connectionId="x"), Failure.REFUSED, "Internal server error"),
    "Google": ('[{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}]', Failure.BUSY, "429"),
    "another type": (says(type="session.error", error={"message": "Nobody home."}), Failure.REFUSED, "Nobody home."),
    "a model that cannot be loaded": (
        says(type="error", error={"code": "model_load_error", "message": "failed to load"}),
        Failure.UNKNOWN_MODEL,
        "failed to load",
    ),
    "a page": ("<html><title>Sorry</title>", Failure.WRONG_ADDRESS, "Sorry"),
    "not JSON": ("ERR 17", Failure.WRONG_ADDRESS, "ERR 17"),
    "JSON in a binary message": (says(type="error", error="All slots in use").encode(), Failure.BUSY, "All slots"),
    "the beta": (
        says(type="error", error={**API, "code": "unknown_parameter", "message": "Unknown parameter: 'session.type'."}),
        Failure.WRONG_ADDRESS,
        "/openai/v1/realtime",
    ),
}


@pytest.mark.parametrize("created", [False, True], ids=["first", "after session.created"])
@pytest.mark.parametrize("name", SAID)
async def test_an_error_of_any_shape_ends_the_opening_at_once(name: str, created: bool) -> None:
    """With the server's own words, before session.created and after."""
    message, failure, words = SAID[name]

    async def script(peer: Peer) -> None:
        if created:
            await peer.say("session.created", session={"type": "realtime"})
            await peer.hear()
        await peer.connection.send(message)
        await peer.listen()

    async with scripted_server(script) as server:
        failed = await House(server.url, connect_timeout_s=LONG).failure()
    assert failed.failure is failure
    check(failed.message, (words.removesuffix("."),))


@pytest.mark.parametrize(
    ("code", "reason", "failure"),
    [
        (1008, "all slots in use", Failure.BUSY),
        (1008, "upstream rejected with HTTP 401", Failure.REFUSED_KEY),
        (1008, "", Failure.REFUSED),
        (1011, "", Failure.BUSY),
        (1013, "", Failure.BUSY),
        (1011, "server rejected WebSocket connection: HTTP 401", Failure.REFUSED_KEY),
        (1000, "", Failure.REFUSED),
        (1000, "insufficient_quota", Failure.QUOTA),
        (4000, "invalid_request_error.session_limit_reached", Failure.BUSY),
        (4000, "invalid_request_error.odd", Failure.REFUSED_CONFIG),
        (4401, "", Failure.REFUSED_KEY),
        (4429, "", Failure.BUSY),
        (3000, "", Failure.REFUSED_KEY),
        (4999, "The model `x` does not exist", Failure.UNKNOWN_MODEL),
    ],
)
async def test_a_close_before_the_session_is_ready_is_told_truly(code: int, reason: str, failure: Failure) -> None:
    """By its words first, then by its code."""

    async def script(peer: Peer) -> None:
        await peer.connection.close(code, reason)

    async with scripted_server(script) as server:
        failed = await House(server.url, connect_timeout_s=LONG).failure()
    assert failed.failure is failure
    check(failed.message, (reason or "no reason given", str(code)))
    assert "check the network" not in failed.message


@pytest.mark.parametrize("session", [{}, {"session": None}, {"session": "s"}, {"session": []}])
async def test_a_session_that_is_created_without_a_session_is_one(session: dict[str, Any]) -> None:
    """The event alone says that it was created."""

    async def script(peer: Peer) -> None:
        await peer.say("session.created", **session)
        await peer.hear()
        await peer.say("session.updated", **session)
        await peer.listen()

    async with scripted_server(script) as server:
        house = House(server.url, connect_timeout_s=LONG)
        house.conversation.open(1, TurnEnd.PROVIDER)
        await house.event(SessionReady)
        await house.conversation.aclose()


async def test_a_server_of_the_beta_that_does_not_answer_is_told_where_to_go() -> None:
    """It shows its session in the old words, and ignores ours."""

    async def script(peer: Peer) -> None:
        await peer.say("session.created", session={"modalities": ["text", "audio"], "input_audio_format": "pcm16"})
        await peer.listen()

    async with scripted_server(script) as server:
        failed = await House(server.url, connect_timeout_s=3).failure()
    assert failed.failure is Failure.WRONG_ADDRESS
    check(failed.message, ("retired beta", "/openai/v1/realtime"))


async def test_a_server_that_begins_no_session_is_silent() -> None:
    """Accepted and forgotten; a model that is being loaded, perhaps."""

    async def script(peer: Peer) -> None:
        await peer.listen()

    async with scripted_server(script) as server:
        failed = await House(server.url, connect_timeout_s=3).failure()
    assert failed.failure is Failure.SILENT
    check(failed.message, ("began no session", "connect_timeout_s"))
