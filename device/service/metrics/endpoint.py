"""Serves the figures on this device: GET /metrics, and nothing else.

Not aiohttp, which would take 10 MB for one page: what a fetch sends is read up to the end of its head, and answered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from device.service.settings import Metrics

log = logging.getLogger(__name__)

LONGEST_HEAD = 8_192
LIMIT_S = 5.0
"""For a whole fetch."""
MOST_AT_ONCE = 8

Page = Callable[[], bytes]


class MetricsEndpoint:
    """A server on the loopback address. Nobody there can keep the house waiting."""

    def __init__(self, settings: Metrics, page: Page, content_type: str) -> None:
        self._settings = settings
        self._page = page
        self._content_type = content_type
        self._server: asyncio.Server | None = None
        self._busy = 0

    async def start(self) -> None:
        """Begin to serve. A port that is taken is complained of: nothing else depends on it."""
        address, port = self._settings.address, self._settings.port
        try:
            self._server = await asyncio.start_server(self._serve, address, port, limit=LONGEST_HEAD)
        except OSError as error:
            log.warning(
                "no metrics: %s port %s cannot be served (service.metrics.port): %s", address, port, error.strerror
            )
        else:
            log.info("metrics: http://%s:%s/metrics", address if ":" not in address else f"[{address}]", port)

    def close(self) -> None:
        """Serve no more."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._busy += 1
        try:
            if self._busy <= MOST_AT_ONCE:
                async with asyncio.timeout(LIMIT_S):
                    writer.write(self._answer(await _head(reader)))
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            # It has left, or takes too long.
            pass
        finally:
            self._busy -= 1
            writer.transport.abort()

    def _answer(self, head: bytes | None) -> bytes:
        if head is None:
            return _response("431 Request Header Fields Too Large")
        words = head.partition(b"\r\n")[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return _response("400 Bad Request")
        if words[0] not in (b"GET", b"HEAD"):
            return _response("405 Method Not Allowed", allow="Allow: GET, HEAD\r\n")
        if words[1].partition(b"?")[0] != b"/metrics":
            return _response("404 Not Found")
        return _response("200 OK", self._page(), self._content_type, is_head=words[0] == b"HEAD")


async def _head(reader: asyncio.StreamReader) -> bytes | None:
    """Return the head of a fetch; None when it is too long."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return None


def _response(
    status: str, body: bytes = b"", content_type: str = "text/plain", allow: str = "", is_head: bool = False
) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        f"{allow}Connection: close\r\n\r\n"
    )
    return head.encode() + (b"" if is_head else body)
