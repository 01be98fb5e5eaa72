"""A protocol and what a server says to it, in the words of the tests; every event sent is checked."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

from device.conversation.openai.messages.client_events import is_harmless
from device.conversation.openai.protocol.facts import Fact
from device.conversation.openai.protocol.protocol import Protocol
from device.conversation.openai.settings import OpenAI
from device.core.actions import TurnEnd
from device.ports.tools import ToolSpec
from tests.conversation.openai_types import check_client_event

INSTRUCTIONS = "Be brief."
SWITCH = ToolSpec("set_switch", "Switch something", {"type": "object", "properties": {"on": {"type": "boolean"}}})


def milliseconds(duration: int) -> bytes:
    """Return this much sound, s16le mono at 24 kHz."""
    return b"\x01\x00" * (24 * duration)


def base64_of(pcm: bytes) -> str:
    """Return sound as it stands in JSON."""
    return base64.b64encode(pcm).decode()


class Talk:
    """The protocol under test, and its server."""

    def __init__(self, settings: OpenAI | None = None, turn_end: TurnEnd = TurnEnd.PROVIDER) -> None:
        self.protocol = Protocol(settings or OpenAI(), INSTRUCTIONS, (SWITCH,))
        self.protocol.begin_turn(1, turn_end)
        self._ids = itertools.count()

    def says(self, kind: str, **fields: Any) -> None:
        """The server says something."""
        self.protocol.receive_text(json.dumps({"type": kind, "event_id": f"event_{next(self._ids)}", **fields}))

    def sent(self) -> list[dict[str, Any]]:
        """Return what was sent since the last call, without the ids of events that are not answered."""
        events = [check_client_event(json.loads(message)) for message in iter(self.protocol.next_message, None)]
        for event in events:
            if is_harmless(event.get("event_id")):
                del event["event_id"]
        return events

    def sent_types(self) -> list[str]:
        """Return the types of what was sent since the last call."""
        return [event["type"] for event in self.sent()]

    def facts(self) -> list[Fact]:
        """Return what was told since the last call."""
        return self.protocol.take_facts()

    def made_ready(self) -> Talk:
        """Go through the opening; forget what was sent and told."""
        self.says("session.created", session={"type": "realtime", "id": "s"})
        self.says("session.updated", session={"type": "realtime", "id": "s", "instructions": INSTRUCTIONS})
        self.sent()
        self.facts()
        return self

    def response(self, name: str) -> None:
        """The server begins a response."""
        self.says("response.created", response={"id": name, "status": "in_progress", "output": []})

    def audio(self, response: str, item: str, duration: int) -> None:
        """The server sends a piece of an answer."""
        sound = base64_of(milliseconds(duration))
        ids = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        self.says("response.output_audio.delta", **ids, delta=sound)

    def audio_done(self, response: str, item: str) -> None:
        """The server has sent all audio of an item."""
        ids = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        self.says("response.output_audio.done", **ids)

    def call(self, response: str, call: str, arguments: str = "{}") -> None:
        """The model calls a tool."""
        ids = {"response_id": response, "item_id": f"item_{call}", "output_index": 0, "call_id": call}
        self.says("response.function_call_arguments.done", **ids, name="set_switch", arguments=arguments)

    def done(self, name: str, status: str = "completed", output: list[Any] | None = None, **more: Any) -> None:
        """The server ends a response."""
        self.says("response.done", response={"id": name, "status": status, "output": output or [], **more})

    def error(self, code: str | None, message: str = "no", **more: Any) -> None:
        """The server reports an error."""
        self.says("error", error={"type": "invalid_request_error", "code": code, "message": message, **more})
