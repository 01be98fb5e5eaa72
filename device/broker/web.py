"""The broker's door: HTTP in, the desk's answers out. One of the two files that import aiohttp; it is the server.

Every request has a small body, a short time and two possible addresses. A connection serves for a moment: a device
calls a few times an hour, so one that stays is somebody who keeps others out.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web

from device.broker.desk import Desk
from device.broker.requests import MOST_BYTES, RefusedError
from device.broker.store import StoreError
from device.errors import where

log = logging.getLogger(__name__)

_MOST_CONNECTIONS = 256
_BACKLOG = 128

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long others may take, in seconds."""

    tls: float = 10.0
    body: float = 10.0
    connection: float = 30.0
    """From its beginning to its end."""


class Door:
    """Listens while it is open. Use `async with`; `port` is then where."""

    def __init__(
        self, desk: Desk, host: str, port: int, tls: ssl.SSLContext | None, patience: Patience = Patience()
    ) -> None:
        self._desk = desk
        self._patience = patience
        self._host, self.port = host, port
        self._tls = tls
        app = web.Application(client_max_size=MOST_BYTES, middlewares=[_guarded])
        answers = {"/enrol": self._enrol, "/check": self._check, "/v1/realtime/client_secrets": self._secret}
        for path, answer in answers.items():
            app.router.add_post(path, answer, expect_handler=_expected)
            app.router.add_route("*", path, _wrong_method, expect_handler=_expected)
        app.router.add_route("*", "/{path:.*}", _nowhere, expect_handler=_expected)
        app.on_response_prepare.append(_say_little)
        # Its own lines quote requests, and a request has a token in it.
        quiet = logging.getLogger(f"{__name__}.aiohttp")
        quiet.disabled = True
        self._runner = web.AppRunner(app, access_log=None, logger=quiet, keepalive_timeout=0, shutdown_timeout=0.5)
        self._seen: dict[Any, float] = {}

    async def __aenter__(self) -> Self:
        """Raise OSError."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        limit = None if self._tls is None else self._patience.tls
        assert self._runner.server is not None
        self._server = await loop.create_server(
            self._runner.server,
            self._host,
            self.port,
            ssl=self._tls,
            ssl_handshake_timeout=limit,
            backlog=_BACKLOG,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._watch = asyncio.create_task(self._end_what_stays(), name="broker connections")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watch.cancel()
        self._server.close()
        await self._runner.cleanup()

    # -- requests

    async def _enrol(self, request: web.Request) -> web.Response:
        return web.json_response(await self._desk.enrol(await self._body(request), _address(request)), status=201)

    async def _check(self, request: web.Request) -> web.Response:
        return web.json_response(await self._desk.check(_token(request), _address(request)))

    async def _secret(self, request: web.Request) -> web.Response:
        answer = await self._desk.secret(_token(request), lambda: self._body(request), _address(request))
        return web.json_response(answer)

    async def _body(self, request: web.Request) -> bytes:
        """Return the body, when it comes in time and is short. Raise RefusedError or HTTPException."""
        limit_s = self._patience.body
        try:
            async with asyncio.timeout(limit_s):
                return await request.read()
        except TimeoutError:
            raise RefusedError(408, "too_slow", f"the body did not come within {limit_s:g} s") from None
        except (web.RequestPayloadError, ValueError, OSError):
            raise RefusedError(400, "invalid_body", "the body is not what its headers say") from None

    # -- connections

    async def _end_what_stays(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._patience.connection / 10)
            assert self._runner.server is not None
            now, open_now = loop.time(), self._runner.server.connections
            self._seen = {one: self._seen.get(one, now) for one in open_now}
            oldest = sorted(self._seen, key=self._seen.__getitem__)
            crowd = oldest[: max(0, len(oldest) - _MOST_CONNECTIONS)]
            for one in {*crowd, *(one for one in oldest if now - self._seen[one] > self._patience.connection)}:
                one.force_close()


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what is refused, and what fails, without a word of what was asked."""
    try:
        return await handler(request)
    except RefusedError as refusal:
        return _refused(refusal)
    except web.HTTPException as error:
        if error.status >= 500:
            raise
        return _refused(RefusedError(error.status, "invalid_request", error.reason))
    except StoreError as error:
        log.error("%s", error)
        return _refused(RefusedError(503, "broker_trouble", "the broker cannot write down what it does; see its log"))
    except Exception as error:  # noqa: BLE001 - the boundary: the library would log the request with it
        log.error("a request failed: %s", where(error))
        return _refused(RefusedError(500, "broker_failed", "the broker failed; see its log"))


async def _expected(request: web.Request) -> web.Response:
    """Refuse every Expect, of which no device sends one: the library's own answer breaks where it is not ASCII."""
    return _refused(RefusedError(417, "expectation_failed", "send the request without Expect"))


async def _wrong_method(request: web.Request) -> web.Response:
    raise RefusedError(405, "wrong_method", "this takes POST")


async def _nowhere(request: web.Request) -> web.Response:
    raise RefusedError(404, "not_found", "there is nothing here; is this the address of the broker?")


def _refused(refusal: RefusedError) -> web.Response:
    headers = {"Retry-After": str(int(refusal.retry_after_s) + 1)} if refusal.retry_after_s else {}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.status == 405:
        headers["Allow"] = "POST"
    return web.json_response(refusal.body, status=refusal.status, headers=headers)


async def _say_little(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "hearthside"
    response.headers["Cache-Control"] = "no-store"
    response.force_close()


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _address(request: web.Request) -> str:
    return request.remote or ""
