"""A TCP server that answers a handshake with bytes of a test's choice: refusals of every kind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


def http(status: str, body: bytes | str | Any = b"", kind: str = "application/json", *more: str) -> bytes:
    """Return an HTTP answer, e.g. of "404 Not Found"; a body that is no text is sent as JSON."""
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(raw)}", *more]
    return "\r\n".join([*lines, "", ""]).encode() + raw


def page(status: str, title: str, *more: str) -> bytes:
    """Return an HTTP answer for a person with a browser."""
    html = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1>" + "<p>x</p>" * 200
    return http(status, html, "text/html", *more)


def error(code: str | int | None, message: Any, kind: str | None = "invalid_request_error") -> dict[str, Any]:
    """Return an error as the API tells of it."""
    return {"error": {"type": kind, "code": code, "message": message, "param": None}}


@asynccontextmanager
async def answering(
    answer: bytes | None, stays: bool = False, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[str]:
    """Answer every connection's first words so, and close; with None, close without reading. With `stays`, stay."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            if answer is not None:
                await reader.read(65_536)
                writer.write(answer)
                await writer.drain()
            if stays:
                await reader.read()
            writer.close()

    listener = await asyncio.start_server(serve, host, 0, ssl=tls)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        yield f"{'wss' if tls else 'ws'}://{host}:{port}/v1/realtime"
