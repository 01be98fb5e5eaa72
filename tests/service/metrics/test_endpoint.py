"""What can be fetched, by whom, and what comes of nonsense."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from device.service.metrics import endpoint
from device.service.metrics.endpoint import LONGEST_HEAD, MOST_AT_ONCE, MetricsEndpoint
from device.service.settings import Metrics
from tests.ports import free_port
from tests.waiting import until

PAGE = b"hearthside_turns_total 1.0\n"
Fetch = Callable[[bytes], "asyncio.Future[bytes]"]


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    """Serve a page; yield the port."""
    port = free_port()
    server = MetricsEndpoint(Metrics(port=port), lambda: PAGE, "text/plain; version=0.0.4")
    await server.start()
    try:
        yield port
    finally:
        server.close()


async def fetch(port: int, request: bytes) -> bytes:
    """Send this; return all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.read(), 20)
    except ConnectionResetError:
        return b""
    finally:
        writer.transport.abort()


async def test_the_page_is_fetched_as_prometheus_and_curl_do() -> None:
    """A whole answer, and the end of the connection."""
    async with serving() as port:
        for target in (b"/metrics", b"/metrics?name[]=x"):
            head, _, body = (await fetch(port, b"GET %b HTTP/1.1\r\nHost: me\r\n\r\n" % target)).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"Content-Length: %d" % len(PAGE) in head
            assert body == PAGE
        answer = await fetch(port, b"HEAD /metrics HTTP/1.0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET / HTTP/1.1", 404),
        (b"GET /metrics/../secrets HTTP/1.1", 404),
        (b"POST /metrics HTTP/1.1", 405),
        (b"GET /metrics", 400),
        (b"GET /metrics SPDY/9", 400),
        (b"\x16\x03\x01\x02\x00", 400),
        (b"", 400),
    ],
)
async def test_all_else_is_refused(request_line: bytes, status: int) -> None:
    """In the words of HTTP."""
    async with serving() as port:
        answer = await fetch(port, request_line + b"\r\nHost: me\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert PAGE not in answer


async def test_nonsense_is_answered_with_a_refusal_or_nothing() -> None:
    """Three hundred kinds of it; and the page is there afterwards."""
    chance = random.Random(9)
    async with serving() as port:
        for _ in range(300):
            nonsense = bytearray(b"GET /metrics HTTP/1.1\r\nHost: me\r\n\r\n")
            for _ in range(chance.randrange(1, 8)):
                nonsense[chance.randrange(12)] = chance.randrange(256)
            answer = await fetch(port, bytes(nonsense))
            assert answer[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 400", b"HTTP/1.1 404", b"HTTP/1.1 405")
        assert (await fetch(port, b"GET " + b"x" * LONGEST_HEAD * 2 + b"\r\n\r\n"))[:12] in (b"HTTP/1.1 431", b"")
        assert PAGE in await fetch(port, b"GET /metrics HTTP/1.1\r\n\r\n")


async def test_who_says_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """And who comes when too many do so is turned away, until they are gone."""
    monkeypatch.setattr(endpoint, "LIMIT_S", 3.0)
    async with serving() as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST_AT_ONCE)]
        await until_turned_away(port)
        for reader, writer in silent:
            assert await asyncio.wait_for(reader.read(), 20) == b""
            writer.close()
        await until_served(port)


async def until_turned_away(port: int) -> None:
    """Wait until there is no room."""
    async with asyncio.timeout(20):
        while await fetch(port, b"GET /metrics HTTP/1.1\r\n\r\n"):
            await asyncio.sleep(0.01)


async def until_served(port: int) -> None:
    """Wait until there is."""
    async with asyncio.timeout(20):
        while not await fetch(port, b"GET /metrics HTTP/1.1\r\n\r\n"):
            await asyncio.sleep(0.01)


async def test_a_port_that_is_taken_is_told_of_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    """The voice does not depend on its figures."""
    async with serving() as port:
        second = MetricsEndpoint(Metrics(port=port), lambda: PAGE, "text/plain")
        await second.start()
        second.close()
        assert f"no metrics: 127.0.0.1 port {port} cannot be served (service.metrics.port): " in caplog.text


async def test_the_network_reaches_nothing() -> None:
    """Only the loopback address listens."""
    async with serving() as port:
        listening = await asyncio.to_thread(_listening_addresses, port)
        assert listening == {"0100007F"}
    await until(lambda: not _listening_addresses(port), "a closed port")


def _listening_addresses(port: int) -> set[str]:
    addresses = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as lines:  # noqa: PTH123
            rows = [line.split() for line in list(lines)[1:]]
        addresses |= {row[1].split(":")[0] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"}
    return addresses
