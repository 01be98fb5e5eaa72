"""One response of the model: it waits, sends its answer in pieces, calls functions, and can be cancelled."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from device.errors import SpeechError
from device.sim.realtime import codec
from device.sim.realtime.brain import Question, Voices, question, reply
from device.sim.realtime.items import Item, Items, new_id
from device.sim.realtime.remote import DECLINED, Approvals, needs_approval
from device.sim.realtime.script import REPLY_RATE, Call, RemoteCall, Reply
from device.sim.realtime.settings import Settings, rate_of
from device.sim.realtime.usage import ASSISTANT_MS_PER_TOKEN, rate_limits, usage
from device.sim.realtime.wire import Wire


@dataclass(slots=True)
class Context:
    """What a response uses of its session."""

    wire: Wire
    items: Items
    voices: Voices
    conversation_id: str
    billed: set[str] = field(default_factory=set)
    spent_tokens: int = 0
    assistant_spoke: bool = False
    approvals: Approvals = field(default_factory=Approvals)


class Response:
    """Runs in a task of its own; `on_done` is called just before `response.done` is sent."""

    def __init__(
        self,
        context: Context,
        settings: Settings,
        on_done: Callable[[Response], None],
        metadata: Mapping[str, str] | None = None,
        own_input: list[Item] | None = None,
        *,
        out_of_band: bool = False,
    ) -> None:
        self.id = new_id("resp")
        self.out_of_band = out_of_band
        self.sounding_ms = 0.0
        self._context = context
        self._settings = settings
        self._on_done = on_done
        self._metadata = metadata
        self._history = list(context.items) if own_input is None else own_input
        self._output: list[Item] = []
        self._open: Item | None = None
        self._transcript = ""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send the events of the response."""
        self._task = asyncio.create_task(self._run())

    async def cancel(self, reason: str) -> None:
        """Stop, and send the events of a cancelled response. Harmless when it is over."""
        if self._task is None or self._task.done():
            return
        await self.abandon()
        if self._open is not None:
            await self._close_item("incomplete")
        await self._finish("cancelled", {"type": "cancelled", "reason": reason})

    async def abandon(self) -> None:
        """Stop without sending anything, because the connection is gone."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        await self._context.wire.emit("response.created", response=self._object("in_progress"))
        try:
            await self._answer()
        except SpeechError as error:
            await self._fail("server_error", "speech_failed", str(error))

    async def _answer(self) -> None:
        if not self.out_of_band and (decided := self._context.approvals.take()):
            await self._go_on(decided)
            return
        asked = await question(self._history)
        answer = reply(asked, self._settings, self._context.wire.script)
        await asyncio.sleep(self._context.wire.script.response_delay_s + answer.think_s)
        if answer.failure:
            await self._fail(*answer.failure)
            return
        cut = await self._say(answer, asked) if answer.text or answer.audio or answer.parrot else False
        for call in answer.calls:
            await self._call(call)
        for remote in answer.remote:
            await self._call_remote(remote)
        if cut:
            await self._finish("incomplete", {"type": "incomplete", "reason": "max_output_tokens"})
        else:
            await self._finish("completed", None)

    async def _fail(self, kind: str, code: str, message: str) -> None:
        details = {"type": "failed", "error": {"type": kind, "code": code, "message": message}}
        await self._finish("failed", details)

    async def _say(self, answer: Reply, asked: Question) -> bool:
        """Send a message; return whether it was truncated at the token limit."""
        if not self._settings.speaks:
            await self._write(answer.text)
            return False
        rate = rate_of(self._settings.output["format"])
        pcm = await self._sound(answer, asked)
        pcm = await asyncio.to_thread(codec.resample, pcm, REPLY_RATE, rate)
        limit = self._settings.max_output_tokens
        most = len(pcm) if limit is None else limit * ASSISTANT_MS_PER_TOKEN * rate // 1000 * 2
        await self._open_message({"type": "audio", "transcript": ""}, rate)
        await self._stream(pcm[:most], answer.text)
        await self._close_item("incomplete" if most < len(pcm) else "completed")
        return most < len(pcm)

    async def _sound(self, answer: Reply, asked: Question) -> bytes:
        if answer.audio is not None:
            return answer.audio
        if answer.parrot:
            return asked.audio
        output = self._settings.output
        return await self._context.voices.speak(answer.text, output["voice"], output["speed"])

    async def _write(self, text: str) -> None:
        await self._open_message({"type": "text", "text": ""}, REPLY_RATE)
        for word in text.split(" "):
            delta = f" {word}" if self._transcript else word
            self._transcript += delta
            await self._context.wire.emit("response.output_text.delta", **self._place(), delta=delta)
        await self._close_item("completed")

    async def _stream(self, pcm: bytes, text: str) -> None:
        script = self._context.wire.script
        rate = rate_of(self._settings.output["format"])
        step = max(1, script.delta_ms * rate // 1000) * 2
        pieces = [pcm[at : at + step] for at in range(0, len(pcm), step)]
        for index, piece in enumerate(pieces):
            if index:
                await asyncio.sleep(script.delta_interval_s)
            end = len(text) * (index + 1) // len(pieces)
            await self._send_piece(piece, text[len(self._transcript) : end])

    async def _send_piece(self, pcm: bytes, words: str) -> None:
        item = self._current
        if words:
            self._transcript += words
            await self._context.wire.emit("response.output_audio_transcript.delta", **self._place(), delta=words)
        before_ms = self.sounding_ms
        self.sounding_ms += len(pcm) / item.bytes_per_ms
        if not item.truncated:
            item.audio += pcm
        self._context.assistant_spoke = True
        delta = base64.b64encode(codec.encode(pcm, self._settings.output["format"])).decode()
        await self._context.wire.emit("response.output_audio.delta", **self._place(), delta=delta)
        await self._context.wire.reply_audio_sent(before_ms, self.sounding_ms)

    async def _open_message(self, part: dict[str, Any], rate: int) -> None:
        await self._open_item({"type": "message", "role": "assistant", "content": []}, rate)
        await self._context.wire.emit("response.content_part.added", **self._place(), part=part)

    async def _open_item(self, data: dict[str, Any], rate: int = REPLY_RATE) -> None:
        base = {"id": new_id("item"), "object": "realtime.item", "status": "in_progress"}
        # Those of MCP have neither of the two.
        item = Item(data if "server_label" in data else {**base, **data}, bytes_per_ms=rate * 2 / 1000)
        self._open, self._transcript, self.sounding_ms = item, "", 0.0
        self._output.append(item)
        emit = self._context.wire.emit
        place = {"response_id": self.id, "output_index": len(self._output) - 1}
        await emit("response.output_item.added", **place, item=dict(item.data))
        if not self.out_of_band:
            before = self._context.items.add(item)
            await emit("conversation.item.added", previous_item_id=before, item=dict(item.data))

    async def _close_item(self, status: str) -> None:
        item = self._current
        self._open = None
        if "status" in item.data:
            item.data["status"] = status
        if item.role:
            await self._close_content(item)
        emit = self._context.wire.emit
        place = {"response_id": self.id, "output_index": len(self._output) - 1}
        await emit("response.output_item.done", **place, item=dict(item.data))
        if not self.out_of_band:
            await emit("conversation.item.done", item=dict(item.data))

    async def _close_content(self, item: Item) -> None:
        place, text, emit = self._place(item), self._transcript, self._context.wire.emit
        if self._settings.speaks:
            content, part = {"type": "output_audio", "transcript": text}, {"type": "audio", "transcript": text}
            await emit("response.output_audio.done", **place)
            await emit("response.output_audio_transcript.done", **place, transcript=text)
        else:
            content, part = {"type": "output_text", "text": text}, {"type": "text", "text": text}
            await emit("response.output_text.done", **place, text=text)
        if not item.truncated:
            item.data["content"] = [content]
        await emit("response.content_part.done", **place, part=part)

    async def _call(self, call: Call) -> None:
        call_id = new_id("call")
        await self._open_item({"type": "function_call", "call_id": call_id, "name": call.name, "arguments": ""})
        item = self._current
        place = {"response_id": self.id, "item_id": item.id, "output_index": len(self._output) - 1, "call_id": call_id}
        emit = self._context.wire.emit
        await emit("response.function_call_arguments.delta", **place, delta=call.arguments)
        item.data["arguments"] = call.arguments
        done = {**place, "name": call.name, "arguments": call.arguments}
        await emit("response.function_call_arguments.done", **done)
        await self._close_item("completed")

    # -- MCP servers

    async def _call_remote(self, call: RemoteCall) -> None:
        if needs_approval(call, self._settings):
            await self._open_item(self._context.approvals.ask(call))
            await self._close_item("completed")
        else:
            await self._run_remote(call)
            await self._say(Reply(call.output), Question())

    async def _go_on(self, decided: list[tuple[str, RemoteCall, bool]]) -> None:
        """Do what the client has allowed, and say what came of it."""
        for request, call, approve in decided:
            if approve:
                await self._run_remote(call, request)
            await self._say(Reply(call.output if approve else DECLINED), Question())
        await self._finish("completed", None)

    async def _run_remote(self, call: RemoteCall, request: str | None = None) -> None:
        what = {"name": call.name, "arguments": "", "server_label": call.server, "approval_request_id": request}
        await self._open_item({"id": new_id("mcp"), "type": "mcp_call", **what})
        item, emit = self._current, self._context.wire.emit
        call_place = {"item_id": item.id, "output_index": len(self._output) - 1}
        place = {"response_id": self.id, **call_place}
        await emit("response.mcp_call_arguments.delta", **place, delta=call.arguments)
        item.data["arguments"] = call.arguments
        await emit("response.mcp_call_arguments.done", **place, arguments=call.arguments)
        await emit("response.mcp_call.in_progress", **call_place)
        await asyncio.sleep(call.lasts_s)
        if call.fails:
            item.data["error"] = {"type": "tool_execution_error", "message": call.output}
        else:
            item.data["output"] = call.output
        await emit(f"response.mcp_call.{'failed' if call.fails else 'completed'}", **call_place)
        await self._close_item("completed")

    async def _finish(self, status: str, details: dict[str, Any] | None) -> None:
        context = self._context
        spent = usage(self._history, str(self._settings["instructions"]), context.billed, self._output)
        context.billed.update(item.id for item in [*self._history, *self._output])
        context.spent_tokens += spent["total_tokens"]
        self._on_done(self)
        await context.wire.emit("rate_limits.updated", rate_limits=rate_limits(context.spent_tokens))
        await context.wire.emit("response.done", response=self._object(status, details, spent))

    @property
    def _current(self) -> Item:
        if self._open is None:
            raise RuntimeError("between two items there is none to speak of")
        return self._open

    def _place(self, item: Item | None = None) -> dict[str, Any]:
        item = item or self._current
        index = len(self._output) - 1
        return {"response_id": self.id, "item_id": item.id, "output_index": index, "content_index": 0}

    def _object(
        self, status: str, details: dict[str, Any] | None = None, spent: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        output = self._settings.output
        voice = output["voice"]["id"] if isinstance(output["voice"], dict) else output["voice"]
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [dict(item.data) for item in self._output],
            "conversation_id": None if self.out_of_band else self._context.conversation_id,
            "output_modalities": self._settings["output_modalities"],
            "max_output_tokens": self._settings["max_output_tokens"],
            "audio": {"output": {"format": output["format"], "voice": voice}},
            "metadata": self._metadata,
            "usage": spent,
        }
