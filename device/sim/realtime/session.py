"""The session of one client: it handles events, detects speech, and starts responses."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Iterable
from typing import Any, Protocol

import msgspec

from device.ports.tools import ToolSpec
from device.sim.person.phrases import NotUnderstood, Understood
from device.sim.realtime import client_events as client
from device.sim.realtime import codec, remote
from device.sim.realtime.brain import Voices
from device.sim.realtime.items import Item, Items, new_id
from device.sim.realtime.listening import InputBuffer, Paused, Started, Stopped, VadSettings
from device.sim.realtime.responding import Context, Response
from device.sim.realtime.settings import Settings, rate_of
from device.sim.realtime.validation import RefusedError, audio_bytes, check_item, decode
from device.sim.realtime.wire import Wire
from device.units import CAPTURE_RATE, Hz

_SHORTEST_COMMIT_MS = 100
# How long semantic VAD waits at most (by eagerness) for the rest of a sentence, and at least when it seems complete.
_MOST_WAIT_MS = {"low": 8000, "medium": 4000, "auto": 4000, "high": 2000}
_LEAST_WAIT_MS = {"low": 600, "medium": 300, "auto": 300, "high": 200}


class Hearing(Protocol):
    """A speech recogniser: Understanding or Recogniser."""

    async def recognise(self, pcm: bytes) -> Understood | NotUnderstood:
        """Return what was said in `pcm` (s16le mono at 16 kHz)."""

    def read(self, text: str) -> Understood | NotUnderstood:
        """Return what a written sentence asks for."""

    def learn(self, tools: Iterable[ToolSpec]) -> None:
        """Replace the tools' phrases by those of `tools`."""


class Session:
    """The state of a connection. Call `handle` with each text frame."""

    def __init__(self, wire: Wire, settings: Settings, understanding: Hearing, voices: Voices) -> None:
        self.id = new_id("sess")
        self._wire = wire
        self._settings = settings
        self._understanding = understanding
        self._items = Items()
        self._context = Context(wire, self._items, voices, new_id("conv"))
        self._buffer = InputBuffer(rate_of(settings.input["format"]), _vad(settings))
        self._expires_at = int(time.time() + wire.script.expire_after_s)
        self._coming_item = new_id("item")
        self._active: Response | None = None
        self._responses: set[Response] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle: asyncio.Task[None] | None = None
        self._listed: set[str] = set()
        """The MCP servers whose tools were listed."""

    async def begin(self) -> None:
        """Send `session.created`, and start the timer after which the session expires."""
        await asyncio.sleep(self._wire.script.session_created_delay_s)
        await self._wire.emit("session.created", session=self._described())
        self._spawn(self._expire())

    async def end(self) -> None:
        """Stop everything, because the connection is gone."""
        for task in [*self._tasks, *([self._idle] if self._idle else [])]:
            task.cancel()
        for response in list(self._responses):
            await response.abandon()

    async def handle(self, frame: str | bytes) -> None:
        """Carry out a client event, or send an error."""
        event_id: str | None = None
        try:
            raw, event = self._decode(frame)
            event_id = raw.get("event_id")
            await self._obey(event)
        except RefusedError as refusal:
            await self._wire.emit("error", error={**refusal.body(), "event_id": refusal.event_id or event_id})

    def _decode(self, frame: str | bytes) -> tuple[dict[str, Any], client.AnyClientEvent]:
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            seen = msgspec.json.decode(frame)
            self._wire.journal.note(self._wire.session, "received", seen if isinstance(seen, dict) else {})
        return decode(frame)

    async def _obey(self, event: client.AnyClientEvent) -> None:
        match event:
            case client.AppendAudio():
                await self._append(audio_bytes(event.audio))
            case client.SessionUpdate():
                await self._update(event)
            case client.CommitAudio():
                await self._commit_by_hand()
            case client.ClearAudio():
                self._buffer.pop()
                await self._wire.emit("input_audio_buffer.cleared")
            case client.CreateResponse():
                self._respond(event.response or None)
            case client.CancelResponse():
                await self._cancel(event.response_id or None)
            case client.ClearOutput():
                message = "output_audio_buffer.clear is only for WebRTC and SIP."
                raise RefusedError("invalid_event", message, "type")
            case _:
                await self._change_items(event)

    async def _change_items(self, event: client.AnyClientEvent) -> None:
        match event:
            case client.CreateItem(item=client.McpApprovalResponse() as answer):
                self._context.approvals.decide(answer.approval_request_id, answer.approve)
                await self._add(self._item(answer), event.previous_item_id or None)
                await self._go_on()
            case client.CreateItem():
                check_item(event.item)
                await self._add(self._item(event.item), event.previous_item_id or None)
            case client.RetrieveItem():
                item = self._items.get(event.item_id, "item_retrieve_invalid_item_id")
                await self._wire.emit("conversation.item.retrieved", item=item.with_audio())
            case client.DeleteItem():
                self._items.delete(event.item_id)
                await self._wire.emit("conversation.item.deleted", item_id=event.item_id)
            case client.TruncateItem():
                self._items.truncate(event.item_id, event.content_index, event.audio_end_ms)
                fields = {"content_index": event.content_index, "audio_end_ms": event.audio_end_ms}
                await self._wire.emit("conversation.item.truncated", item_id=event.item_id, **fields)

    # --- configuration ---

    async def _update(self, event: client.SessionUpdate) -> None:
        new = self._settings.updated(event.session, assistant_spoke=self._context.assistant_spoke)
        await asyncio.sleep(self._wire.script.session_updated_delay_s)
        self._settings = new
        self._buffer.configure(rate_of(new.input["format"]), _vad(new))
        await self._wire.emit("session.updated", session=self._described())
        await remote.list_tools(self._wire, self._items, new, self._listed)

    def _described(self) -> dict[str, Any]:
        kind = "realtime.session" if self._settings.type == "realtime" else "realtime.transcription_session"
        return {"id": self.id, "object": kind, "expires_at": self._expires_at, **self._settings.as_dict()}

    async def _expire(self) -> None:
        await asyncio.sleep(self._wire.script.expire_after_s)
        message = "Your session hit the maximum duration of 60 minutes."
        if self._wire.script.expiry == "error":
            error = {"type": "invalid_request_error", "code": "session_expired", "message": message, "param": None}
            await self._wire.emit("error", error={**error, "event_id": None})
        await self._wire.close(1001, message)

    # --- listening ---

    async def _append(self, data: bytes) -> None:
        pcm = codec.decode(data, self._settings.input["format"])
        self._wire.journal.note_audio(self._wire.session, pcm)
        for heard in self._buffer.append(pcm):
            match heard:
                case Started(at_ms):
                    await self._voice_started(at_ms)
                case Paused():
                    if isinstance(await self._recognise(self._buffer.held(), self._buffer.rate), Understood):
                        await self._voice_stopped(self._buffer.stop())
                case Stopped():
                    await self._voice_stopped(heard)

    async def _voice_started(self, at_ms: int) -> None:
        self._stop_idling()
        item = self._coming_item
        await self._wire.emit("input_audio_buffer.speech_started", audio_start_ms=at_ms, item_id=item)
        if self._active and self._settings.turn_detection["interrupt_response"]:
            await self._active.cancel("turn_detected")

    async def _voice_stopped(self, stopped: Stopped) -> None:
        item = self._coming_item
        await self._wire.emit("input_audio_buffer.speech_stopped", audio_end_ms=stopped.at_ms, item_id=item)
        await self._commit(self._buffer.pop(stopped.at_ms))
        if self._settings.turn_detection["create_response"] and self._settings.type == "realtime":
            await self._respond_by_itself()

    async def _commit_by_hand(self) -> None:
        held_ms = self._buffer.held_ms
        if held_ms < _SHORTEST_COMMIT_MS:
            message = (
                "Error committing input audio buffer: buffer too small. "
                f"Expected at least {_SHORTEST_COMMIT_MS}ms of audio, but buffer only has {held_ms:.2f}ms of audio."
            )
            raise RefusedError("input_audio_buffer_commit_empty", message)
        await self._commit(self._buffer.pop())

    async def _commit(self, pcm: bytes) -> None:
        rate = self._buffer.rate
        data = {"id": self._coming_item, "object": "realtime.item", "type": "message", "status": "completed"}
        content = [{"type": "input_audio", "transcript": None}]
        item = Item({**data, "role": "user", "content": content}, bytearray(pcm), rate * 2 / 1000)
        item.understood = asyncio.ensure_future(self._recognise(pcm, rate))
        self._coming_item = new_id("item")
        before = self._items.last_id
        await self._wire.emit("input_audio_buffer.committed", previous_item_id=before, item_id=item.id)
        await self._add(item, None)
        if self._settings.transcription:
            self._spawn(self._transcribe(item, item.understood))

    async def _recognise(self, pcm: bytes, rate: Hz) -> Understood | NotUnderstood:
        heard = await asyncio.to_thread(codec.resample, pcm, rate, CAPTURE_RATE)
        return await self._understanding.recognise(heard)

    async def _transcribe(self, item: Item, understood: asyncio.Future[Understood | NotUnderstood]) -> None:
        text = (await asyncio.shield(understood)).text
        place = {"item_id": item.id, "content_index": 0}
        kind = "conversation.item.input_audio_transcription"
        if text:
            await self._wire.emit(f"{kind}.delta", **place, delta=text)
        item.data["content"] = [{"type": "input_audio", "transcript": text}]
        usage = {"type": "duration", "seconds": item.audio_ms / 1000}
        await self._wire.emit(f"{kind}.completed", **place, transcript=text, usage=usage)

    # --- items ---

    async def _add(self, item: Item, after: str | None) -> None:
        before = self._items.add(item, after)
        for kind in ("added", "done"):
            await self._wire.emit(f"conversation.item.{kind}", previous_item_id=before, item=dict(item.data))

    def _item(self, wanted: client.Item) -> Item:
        data = msgspec.to_builtins(wanted)
        whole = {"id": new_id("item"), "object": "realtime.item", "status": "completed", **data}
        if whole["type"] == "mcp_approval_response":
            whole = {key: value for key, value in whole.items() if key not in ("object", "status")}
        item = Item(whole)
        if item.role == "user":
            self._read(item)
        return item

    def _read(self, item: Item) -> None:
        """Understand a message that the client has created as an item."""
        rate = rate_of(self._settings.input["format"])
        for part in item.data["content"]:
            if part["type"] == "input_audio":
                item.audio += codec.decode(audio_bytes(part.pop("audio")), self._settings.input["format"])
                item.bytes_per_ms = rate * 2 / 1000
                item.understood = asyncio.ensure_future(self._recognise(bytes(item.audio), rate))
            elif part["type"] == "input_text":
                item.understood = asyncio.get_running_loop().create_future()
                item.understood.set_result(self._understanding.read(part["text"]))

    # --- responses ---

    def _respond(self, wanted: client.ResponseParams | None) -> None:
        if self._settings.type == "transcription":
            raise RefusedError("invalid_event", "A transcription session does not respond.", "type")
        params = msgspec.to_builtins(wanted) if wanted else {}
        out_of_band = params.get("conversation") == "none"
        if self._active and not out_of_band:
            message = (
                f"Conversation already has an active response in progress: {self._active.id}. "
                "Wait until the response is finished before creating a new one."
            )
            raise RefusedError("conversation_already_has_active_response", message)
        own = self._own_input(wanted)
        settings = self._settings.for_response(params)
        metadata = params.get("metadata")
        response = Response(self._context, settings, self._response_done, metadata, own, out_of_band=out_of_band)
        self._responses.add(response)
        if not out_of_band:
            self._stop_idling()
            self._active = response
        response.start()

    async def _respond_by_itself(self) -> None:
        """Respond to what was heard; an error has no client event that caused it."""
        try:
            self._respond(None)
        except RefusedError as refusal:
            await self._wire.emit("error", error=refusal.body())

    async def _go_on(self) -> None:
        """Respond to an answer that was asked for; when another response runs, after that."""
        if self._wire.script.goes_on and self._context.approvals.decided and self._active is None:
            await self._respond_by_itself()

    def _own_input(self, wanted: client.ResponseParams | None) -> list[Item] | None:
        if wanted is None or not isinstance(wanted.input, list):
            return None
        items = []
        for index, entry in enumerate(wanted.input):
            if isinstance(entry, client.ItemReference):
                items.append(self._items.get(entry.id, "invalid_value"))
            else:
                check_item(entry, f"response.input[{index}]")
                items.append(self._item(entry))
        return items

    async def _cancel(self, response_id: str | None) -> None:
        for response in list(self._responses):
            if response.id == response_id or (response_id is None and response is self._active):
                await response.cancel("client_cancelled")
                return
        message = "Cancellation failed: no active response found"
        raise RefusedError("response_cancel_not_active", message)

    def _response_done(self, response: Response) -> None:
        self._responses.discard(response)
        if self._active is response:
            self._active = None
            self._start_idling(response.sounding_ms)
            self._spawn(self._go_on_later())

    async def _go_on_later(self) -> None:
        """Let the end of the response be sent first."""
        await asyncio.sleep(0.01)
        await self._go_on()

    # --- a person who says nothing ---

    def _start_idling(self, sounding_ms: float) -> None:
        timeout_ms = self._settings.turn_detection.get("idle_timeout_ms")
        if timeout_ms is not None:
            self._stop_idling()
            self._idle = asyncio.create_task(self._idle_for((sounding_ms + timeout_ms) / 1000))

    def _stop_idling(self) -> None:
        if self._idle is not None and self._idle is not asyncio.current_task():
            self._idle.cancel()
        self._idle = None

    async def _idle_for(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        end_ms = self._buffer.written * 1000 // self._buffer.rate
        start_ms = end_ms - int(self._buffer.held_ms)
        span = {"audio_start_ms": start_ms, "audio_end_ms": end_ms}
        await self._wire.emit("input_audio_buffer.timeout_triggered", **span, item_id=self._coming_item)
        await self._commit(self._buffer.pop())
        with contextlib.suppress(RefusedError):  # another response has begun meanwhile
            self._respond(None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _vad(settings: Settings) -> VadSettings | None:
    wanted = settings.turn_detection
    if not wanted:
        return None
    if wanted["type"] == "semantic_vad":
        eagerness = wanted["eagerness"]
        return VadSettings(silence_ms=_MOST_WAIT_MS[eagerness], pause_ms=_LEAST_WAIT_MS[eagerness])
    return VadSettings(wanted["threshold"], wanted["prefix_padding_ms"], wanted["silence_duration_ms"])
