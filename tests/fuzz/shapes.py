"""What a provider sends when all is well: turns of valid events, in the order of the API, with every type it has."""

from __future__ import annotations

import base64
import itertools
import json
import random
from typing import Any

Event = dict[str, Any]

INSTRUCTIONS = "Be brief."

CODES = (
    *("conversation_already_has_active_response", "response_cancel_not_active", "input_audio_buffer_commit_empty"),
    *("unknown_parameter", "invalid_value", "server_error", "rate_limit_exceeded", "never_heard_of"),
)
FATAL = ("invalid_api_key", "insufficient_quota", "model_not_found", "session_expired")
ARGUMENTS = (
    *('{"name": "light", "on": true}', '{"name": "light", "on": false}', '{"percent": 40}', '{"change": "up"}', "{}"),
    *("", "null", "[1]", '{"on":tru', '{"name": "garage", "on": true}', '{"percent": 1e999}', '{"x": "\\ud800"}'),
)
TOOLS = ("set_switch", "set_volume", "get_time", "open_the_garage", "", "\ud800")


class Provider:
    """One session's events; ids are never used twice."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._numbers = itertools.count()

    def opening(self) -> list[Event]:
        """Return what begins a session."""
        session = {
            "type": "realtime",
            "object": "realtime.session",
            "id": self._new("sess"),
            "model": "gpt-realtime-2.1",
            "instructions": INSTRUCTIONS,
            "expires_at": 2_000_000_000,
            "output_modalities": ["audio"],
            "audio": {"input": {"turn_detection": {"type": "server_vad"}}, "output": {"voice": "marin"}},
        }
        before = {**session, "instructions": "You are helpful."}
        return [self._event("session.created", session=before), self._event("session.updated", session=session)]

    def turn(self) -> list[Event]:
        """Return a person's words and what is answered, with a few events beside."""
        events = [*self._words(), *self._answer()]
        for _ in range(self._rng.randrange(2)):
            events.insert(self._rng.randrange(len(events) + 1), self._aside())
        return events

    def _new(self, kind: str) -> str:
        return f"{kind}_{next(self._numbers)}"

    def _event(self, kind: str, **fields: Any) -> Event:
        return {"type": kind, "event_id": self._new("event"), **fields}

    def _words(self) -> list[Event]:
        item = self._new("item")
        message = {"id": item, "type": "message", "role": "user", "status": "completed"}
        message["content"] = [{"type": "input_audio", "transcript": None}]  # type: ignore[assignment]
        heard = f"conversation.item.{self._rng.choice(('added', 'created'))}"
        return [
            self._event("input_audio_buffer.speech_started", audio_start_ms=320, item_id=item),
            self._event("input_audio_buffer.speech_stopped", audio_end_ms=1920, item_id=item),
            self._event("input_audio_buffer.committed", item_id=item, previous_item_id=None),
            self._event(heard, item=message, previous_item_id=None),
            self._event("conversation.item.done", item=message, previous_item_id=None),
            self._event(
                "conversation.item.input_audio_transcription.completed",
                item_id=item,
                content_index=0,
                transcript="hello",
                usage={"type": "duration", "seconds": 2},
            ),
        ]

    def _answer(self) -> list[Event]:
        response = self._new("resp")
        head = {"id": response, "object": "realtime.response", "status": "in_progress", "output": []}
        parts: list[Event] = []
        output = []
        for index in range(self._rng.randrange(4)):
            make = self._rng.choice((self._spoken, self._call, self._written))
            events, item = make(response, index)
            parts += events
            output.append(item)
        return [self._event("response.created", response=head), *parts, self._done(response, output)]

    def _done(self, response: str, output: list[Event]) -> Event:
        status = self._rng.choice(("completed", "completed", "completed", "cancelled", "failed", "incomplete"))
        details = {
            "cancelled": {"type": "cancelled", "reason": "turn_detected"},
            "failed": {
                "type": "failed",
                "error": {"type": "server_error", "code": "rate_limit_exceeded", "message": "No."},
            },
            "incomplete": {"type": "incomplete", "reason": self._rng.choice(("content_filter", "max_output_tokens"))},
        }.get(status)
        tokens = {"text_tokens": 20, "audio_tokens": 40, "cached_tokens": 0, "image_tokens": 0}
        usage = {"total_tokens": 87, "input_tokens": 60, "output_tokens": 27, "input_token_details": tokens}
        body = {"id": response, "object": "realtime.response", "status": status, "status_details": details}
        return self._event(
            "response.done", response={**body, "output": output, "usage": usage, "conversation_id": "conv"}
        )

    def _spoken(self, response: str, index: int) -> tuple[list[Event], Event]:
        item = self._new("item")
        ids = {"response_id": response, "item_id": item, "output_index": index, "content_index": 0}
        message = {"id": item, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        done = {**message, "status": "completed", "content": [{"type": "output_audio", "transcript": "It is five."}]}
        sound = base64.b64encode(bytes(self._rng.randrange(1, 2_000))).decode()
        old = "" if self._rng.random() < 0.2 else "output_"
        events = [
            self._event("response.output_item.added", response_id=response, output_index=index, item=message),
            self._event("response.content_part.added", **ids, part={"type": "audio", "transcript": ""}),
            *(self._event(f"response.{old}audio.delta", **ids, delta=sound) for _ in range(self._rng.randrange(4))),
            self._event(f"response.{old}audio_transcript.delta", **ids, delta="It is"),
            self._event(f"response.{old}audio.done", **ids),
            self._event(f"response.{old}audio_transcript.done", **ids, transcript="It is five."),
            self._event("response.content_part.done", **ids, part={"type": "audio", "transcript": "It is five."}),
            self._event("response.output_item.done", response_id=response, output_index=index, item=done),
        ]
        return events, done

    def _written(self, response: str, index: int) -> tuple[list[Event], Event]:
        item = self._new("item")
        ids = {"response_id": response, "item_id": item, "output_index": index, "content_index": 0}
        done = {"id": item, "type": "message", "role": "assistant", "status": "completed"}
        content = [{"type": "output_text", "text": "It is five."}]
        events = [
            self._event("response.output_text.delta", **ids, delta="It is five."),
            self._event("response.output_text.done", **ids, text="It is five."),
        ]
        return events, {**done, "content": content}

    def _call(self, response: str, index: int) -> tuple[list[Event], Event]:
        item, call = self._new("item"), self._new("call")
        name, arguments = self._rng.choice(TOOLS), self._rng.choice(ARGUMENTS)
        ids = {"response_id": response, "item_id": item, "output_index": index, "call_id": call}
        added = {
            "id": item,
            "type": "function_call",
            "call_id": call,
            "name": name,
            "arguments": "",
            "status": "in_progress",
        }
        done = {**added, "arguments": arguments, "status": "completed"}
        events = [
            self._event("response.output_item.added", response_id=response, output_index=index, item=added),
            self._event("response.function_call_arguments.delta", **ids, delta=arguments[:3]),
            self._event("response.function_call_arguments.done", **ids, name=name, arguments=arguments),
            self._event("response.output_item.done", response_id=response, output_index=index, item=done),
        ]
        return events, done

    def _code(self) -> str:
        """Return a code, seldom one that ends the session."""
        return self._rng.choice(FATAL if self._rng.random() < 0.03 else CODES)

    def _aside(self) -> Event:
        item, response = self._new("item"), self._new("resp")
        error = {"type": "invalid_request_error", "code": self._code(), "message": "No.", "param": None}
        limits = [{"name": "tokens", "limit": 1, "remaining": 0, "reset_seconds": 1.5}]
        asides: tuple[tuple[str, Event], ...] = (
            ("error", {"error": {**error, "event_id": self._rng.choice((None, "response_1", "configuration"))}}),
            ("rate_limits.updated", {"rate_limits": limits}),
            ("conversation.created", {"conversation": {"id": "conv", "object": "realtime.conversation"}}),
            ("conversation.item.truncated", {"item_id": item, "content_index": 0, "audio_end_ms": 5}),
            ("conversation.item.deleted", {"item_id": item}),
            ("conversation.item.retrieved", {"item": {"id": item, "type": "message"}}),
            ("conversation.item.input_audio_transcription.delta", {"item_id": item, "delta": "he"}),
            ("conversation.item.input_audio_transcription.failed", {"item_id": item, "error": error}),
            ("input_audio_buffer.cleared", {}),
            ("input_audio_buffer.timeout_triggered", {"audio_start_ms": 1, "audio_end_ms": 2, "item_id": item}),
            ("output_audio_buffer.started", {"response_id": response}),
            ("output_audio_buffer.cleared", {"response_id": response}),
            ("mcp_list_tools.failed", {"item_id": item}),
            ("response.mcp_call.completed", {"item_id": item, "output_index": 0}),
            ("session.updated", {"session": {"type": "realtime", "instructions": INSTRUCTIONS}}),
        )
        kind, fields = self._rng.choice(asides)
        return self._event(kind, **fields)


def call_of(event: Event) -> str:
    """Return the id of the call that a valid event makes, "" when it makes none."""
    return str(event["call_id"]) if event["type"] == "response.function_call_arguments.done" else ""


def as_text(event: Any) -> str:
    """Return an event as it goes over the wire."""
    return json.dumps(event)
