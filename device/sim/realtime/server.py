"""The simulated server: HTTP and WebSocket on one port, with API keys, client secrets and models."""

from __future__ import annotations

import secrets
import ssl
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from device.ports.tools import ToolSpec
from device.sim.person.recogniser import Recogniser
from device.sim.realtime import schema
from device.sim.realtime.brain import Voices
from device.sim.realtime.items import new_id
from device.sim.realtime.journal import Dialled, Journal
from device.sim.realtime.script import Script
from device.sim.realtime.session import Hearing, Session
from device.sim.realtime.settings import Settings
from device.sim.realtime.validation import RefusedError, check_session, convert
from device.sim.realtime.wire import FaultBook, Wire

MODELS = (
    "gpt-realtime",
    "gpt-realtime-2025-08-28",
    "gpt-realtime-1.5",
    "gpt-realtime-2",
    "gpt-realtime-2.1",
    "gpt-realtime-2.1-mini",
    "gpt-realtime-mini",
    "gpt-realtime-mini-2025-12-15",
)
DEFAULT_KEY = "sk-sim-key"
_PATHS = ("/v1/realtime", "/openai/v1/realtime")  # OpenAI's, and Azure's
_MOST_MESSAGE_BYTES = 64 * 1024 * 1024  # the server must receive an append of 15 MiB to refuse it by an event
_SECRET_HEADERS = ("authorization", "api-key", "cookie", "sec-websocket-protocol")
_KEY_PROTOCOL = "openai-insecure-api-key."
_FATAL_CLOSE = 4000
_SECRET_LASTS_S = 600
_BETA_MESSAGE = "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API."


class SimulatedRealtime:
    """Use `async with SimulatedRealtime(tools=...) as server:`, then connect to `server.url` with `server.key`.

    `server.script` may be replaced at any time.
    """

    def __init__(
        self,
        tools: Iterable[ToolSpec] = (),
        *,
        key: str = DEFAULT_KEY,
        script: Script | None = None,
        understanding: Hearing | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        models: Iterable[str] = MODELS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Recognise the tools' phrases in a process of its own, or by `understanding`.

        `port` 0 means any free port; with `tls` only TLS is accepted. Raise ConfigError for a phrase that cannot be
        spoken.
        """
        self.key = key
        self.script = script or Script()
        self.journal = Journal()
        self.host, self.port = host, port
        self._models = tuple(models)
        self._tls = tls
        recogniser = Recogniser(tools)
        self._understanding: Hearing = understanding or recogniser
        self._own_recogniser = None if understanding else recogniser
        self._voices = Voices()
        self._faults = FaultBook()
        self._secrets: dict[str, tuple[float, dict[str, Any]]] = {}
        self.asked_for_secrets = 0
        """How many requests for client secrets came."""
        self._wires: set[Wire] = set()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The URL to connect to, without the model."""
        return f"{'wss' if self._tls else 'ws'}://{self.host}:{self.port}{_PATHS[0]}"

    @property
    def http_url(self) -> str:
        """The base URL of HTTP requests."""
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}/v1"

    def learn(self, tools: Iterable[ToolSpec]) -> None:
        """Replace the tools' phrases by those of `tools`. Raise ConfigError."""
        self._understanding.learn(tools)

    async def __aenter__(self) -> SimulatedRealtime:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the server. Raise OSError when the port is in use, ConfigError for a word without a pronunciation."""
        if self._own_recogniser is not None:
            await self._own_recogniser.start()
        app = web.Application()
        for path in _PATHS:
            app.router.add_get(path, self._connect)
            app.router.add_post(f"{path}/client_secrets", self._client_secret)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Cut all connections and stop the server."""
        self.drop_connections()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._own_recogniser is not None:
            await self._own_recogniser.aclose()

    def drop_connections(self) -> None:
        """Cut all connections, as when the network fails."""
        for wire in list(self._wires):
            wire.abort()

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        if (refused := self._refused(request)) is not None:
            return refused
        socket = web.WebSocketResponse(max_msg_size=_MOST_MESSAGE_BYTES, compress=False, protocols=("realtime",))
        await socket.prepare(request)
        wire = self._wire(request, socket)
        if (fatal := self._fatal(request)) is not None:
            await wire.emit("error", error=fatal.body())
            await wire.close(_FATAL_CLOSE, f"{fatal.kind}.{fatal.code}")
            return socket
        self._wires.add(wire)
        try:
            session = Session(wire, self._settings(request), self._understanding, self._voices)
            await self._converse(socket, wire, session)
        finally:
            self._wires.discard(wire)
        return socket

    async def _converse(self, socket: web.WebSocketResponse, wire: Wire, session: Session) -> None:
        try:
            await session.begin()
            async for message in socket:
                if wire.gone:  # what was read ahead before the cut
                    break
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    await session.handle(message.data if message.type is WSMsgType.TEXT else b"")
        finally:
            await session.end()

    def _wire(self, request: web.Request, socket: web.WebSocketResponse) -> Wire:
        name = f"connection-{len(self.journal.connections) + 1}"
        headers = {key.lower(): value for key, value in request.headers.items()}
        public = {key: value for key, value in headers.items() if key not in _SECRET_HEADERS}
        self.journal.connections.append(Dialled(time.monotonic(), name, dict(request.query), public))
        return Wire(socket, request.transport, name, self.journal, lambda: self.script, self._faults)

    def _refused(self, request: web.Request) -> web.Response | None:
        """Return the HTTP response to a request that is refused; None when it gets a WebSocket."""
        if (refusal := self.script.refuse) is not None:
            retry = {} if refusal.retry_after_s is None else {"Retry-After": str(refusal.retry_after_s)}
            return _http_error(refusal.status, RefusedError(refusal.code, refusal.message), retry)
        if (refused := self._unauthorised(request)) is not None:
            return refused
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return _http_error(400, RefusedError("invalid_event", "This endpoint speaks WebSocket."))
        return None

    def _unauthorised(self, request: web.Request, takes_secrets: bool = True) -> web.Response | None:
        key = _key(request)
        if not key:
            message = "Missing bearer authentication in header"
            return _http_error(401, RefusedError("missing_authentication", message))
        if secrets.compare_digest(key.encode(), self.key.encode()) or (takes_secrets and self._secret(key) is not None):
            return None
        message = "Incorrect API key provided. You can find your API key at your account's page."
        return _http_error(401, RefusedError("invalid_api_key", message))

    def _secret(self, value: str) -> dict[str, Any] | None:
        expires_at, session = self._secrets.get(value, (0.0, {}))
        return session if time.time() < expires_at else None

    def _fatal(self, request: web.Request) -> RefusedError | None:
        """Return the error of a connection that is accepted only to send that error."""
        if "realtime=v1" in request.headers.get("OpenAI-Beta", ""):
            return RefusedError("beta_api_shape_disabled", _BETA_MESSAGE)
        if request.query.get("intent") == "transcription":
            return None
        model = self._model(request)
        if not model:
            return RefusedError("missing_required_parameter", "Missing required parameter: 'model'.", "model")
        if model != ((self._secret(_key(request)) or {}).get("model") or model):
            return RefusedError("invalid_value", "This client secret is for another model.", "model")
        if model not in self._models:
            message = f"The model '{model}' does not exist or you do not have access to it."
            return RefusedError("model_not_found", message, "model")
        return None

    def _model(self, request: web.Request) -> str:
        preset = self._secret(_key(request)) or {}
        return request.query.get("model") or str(preset.get("model", ""))

    def _settings(self, request: web.Request) -> Settings:
        preset = self._secret(_key(request))
        transcription = request.query.get("intent") == "transcription"
        settings = Settings(self._model(request), transcription=transcription)
        if not preset or preset["type"] != settings.type:
            return settings
        change = {**preset, "model": settings["model"]} if not transcription else preset
        return settings.updated(convert(change, schema.Session), assistant_spoke=False)  # type: ignore[arg-type]

    async def _client_secret(self, request: web.Request) -> web.Response:
        self.asked_for_secrets += 1
        if (scripted := self.script.refuse_secret) is not None:
            return _http_error(scripted.status, RefusedError(scripted.code, scripted.message))
        # A client secret makes no others.
        if (refused := self._unauthorised(request, takes_secrets=False)) is not None:
            return refused
        try:
            wanted = convert(msgspec.json.decode(await request.read() or b"{}"), schema.SecretRequest)
            preset = wanted.session or schema.RealtimeSession()
            check_session(preset)
            session = self._described(preset)
        except (msgspec.DecodeError, RecursionError):
            return _http_error(400, RefusedError("invalid_event", "The body is not valid JSON."))
        except RefusedError as refusal:
            return _http_error(400, refusal)
        seconds = (wanted.expires_after and wanted.expires_after.seconds) or _SECRET_LASTS_S
        value, expires_at = f"ek_{secrets.token_hex(16)}", int(time.time()) + seconds
        self._secrets[value] = (expires_at, msgspec.to_builtins(preset))
        return web.json_response({"value": value, "expires_at": expires_at, "session": session})

    def _described(self, wanted: schema.Session) -> dict[str, Any]:
        transcription = isinstance(wanted, schema.TranscriptionSession)
        model = "" if isinstance(wanted, schema.TranscriptionSession) else wanted.model or self._models[0]
        if not transcription and model not in self._models:
            raise RefusedError("model_not_found", f"The model '{model}' does not exist.", "session.model")
        settings = Settings(str(model), transcription=transcription).updated(wanted, assistant_spoke=False)
        kind = "realtime.transcription_session" if transcription else "realtime.session"
        return {"id": new_id("sess"), "object": kind, "expires_at": 0, **settings.as_dict()}


def _key(request: web.Request) -> str:
    """Return the API key, from any of the places where a client may put it."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return bearer.strip()
    if azure := request.headers.get("api-key"):
        return azure
    offered = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    return next((name.removeprefix(_KEY_PROTOCOL) for name in offered if name.startswith(_KEY_PROTOCOL)), "")


def _http_error(status: int, refusal: RefusedError, headers: dict[str, str] | None = None) -> web.Response:
    body = {key: value for key, value in refusal.body().items() if key != "event_id"}
    return web.json_response({"error": body}, status=status, headers=headers)
