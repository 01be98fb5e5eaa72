"""What comes through the door, and how long it may take; without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from device.control.agents import door as door_module
from device.control.agents.admission import admission
from device.control.agents.door import LONGEST_BODY, Door
from device.control.agents.settings import McpServer

SCOPE = {"type": "http", "headers": [(b"host", b"localhost")], "client": ("10.0.0.7", 1)}


async def through(*bodies: bytes) -> tuple[int, bytes | None]:
    """Send bodies, the last one with the promise of more; return the status, and what the application got."""
    got: list[bytes] = []
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        assert not message["more_body"]
        got.append(message["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    parts: Iterator[bytes] = iter(bodies)

    async def receive() -> dict[str, Any]:
        body = next(parts, None)
        if body is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": body, "more_body": body != b""}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await Door(app, admission(McpServer(), None, ""))(SCOPE, receive, send)
    assert (b"connection", b"close") in sent[0]["headers"]
    return sent[0]["status"], got[0] if got else None


async def test_a_whole_body_gets_through() -> None:
    """In however many pieces."""
    assert await through(b"ab", b"cd", b"") == (200, b"abcd")
    assert await through(b"x" * LONGEST_BODY, b"") == (200, b"x" * LONGEST_BODY)


async def test_a_long_body_is_not_read_to_its_end() -> None:
    """The application gets none of it."""
    assert await through(b"x" * LONGEST_BODY, b"x") == (413, None)


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who sends a letter a minute would hold a place for ever."""
    monkeypatch.setattr(door_module, "BODY_S", 0.05)
    assert await through(b"ab") == (408, None)
