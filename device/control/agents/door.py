"""The door to the MCP server: small requests over HTTP, which come in time, from those who may call. Knows nothing of
MCP: whatever ASGI application is behind it sees only what was let in.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from device.control.agents.admission import Admission, Refusal
from device.core.ration import Ration, Verdict
from device.units import Ms, ms_from_seconds

log = logging.getLogger(__name__)

LONGEST_BODY = 65_536
"""Bytes; the longest call that does anything has a hundredth of it."""
REQUESTS_PER_MINUTE = 300
"""Of all who may call: a call takes one, and the handshake of the old protocol two or three."""
BODY_S = 10.0
"""How long the body of a request may take to come."""

_MINUTE = Ms(60_000)
_TOO_MUCH = Refusal(413, f"a request may have {LONGEST_BODY} bytes")
_TOO_SLOW = Refusal(408, f"the request did not come within {BODY_S:g} s")
_TOO_MANY = Refusal(429, f"more than {REQUESTS_PER_MINUTE} requests in a minute")

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class _RefusedError(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


class Door:
    """An ASGI application in front of another."""

    def __init__(self, app: App, admission: Admission) -> None:
        self._app = app
        self._admission = admission
        self._served = Ration(REQUESTS_PER_MINUTE, _MINUTE)
        self._logged = Ration(1, _MINUTE)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._let_in(scope)
            body = await _body(receive)
        except _RefusedError as error:
            self._log(error.refusal, scope)
            await _refuse(error.refusal, send)
        else:
            await self._app(scope, _again(body, receive), _closing(send))

    def _let_in(self, scope: Message) -> None:
        """Only those who may call use up the ration: nobody else can take it from them. Raise _RefusedError."""
        if refusal := self._admission.refusal(scope["headers"]):
            raise _RefusedError(refusal)
        now = ms_from_seconds(time.monotonic())
        self._served.pop_due(now)
        if self._served.take("request", "", now) is Verdict.COUNTED:
            raise _RefusedError(_TOO_MANY)

    def _log(self, refusal: Refusal, scope: Message) -> None:
        """Once a minute for each kind; never what came."""
        now = ms_from_seconds(time.monotonic())
        self._logged.pop_due(now)
        if self._logged.take(refusal.status, "", now) is not Verdict.COUNTED:
            address = (scope.get("client") or ("somebody",))[0]
            log.warning("refused a request from %s: %s (others in this minute are not told)", address, refusal.text)


async def _body(receive: Receive) -> bytes:
    """Return the body, when it comes in time and is short. Raise _RefusedError."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > LONGEST_BODY:
                    raise _RefusedError(_TOO_MUCH)
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        raise _RefusedError(_TOO_SLOW) from None


def _again(body: bytes, receive: Receive) -> Receive:
    """Return how the application gets the body that was read, and then the end of the connection."""
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return unread.pop() if unread else await receive()

    return next_message


def _closing(send: Send) -> Send:
    """One request a connection: who holds one open and says nothing keeps others out."""

    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        await send(message)

    return closing


async def _refuse(refusal: Refusal, send: Send) -> None:
    body = json.dumps({"error": refusal.text}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    if refusal.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if refusal.status == 429:
        headers.append((b"retry-after", b"60"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
