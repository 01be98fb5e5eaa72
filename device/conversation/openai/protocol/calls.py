"""The tool calls of responses, by whichever events a server sends them: each is passed on once, or answered here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from device.conversation.openai.messages import server_events as server
from device.conversation.openai.protocol.responses import Responses
from device.core.events import CallBegun, ToolCalled

CALL_CUT_OFF = "Not done: the answer was interrupted before this was complete."
"""For the model, in answer to a call whose name or arguments never arrived in full."""


class CallReader:
    """Puts calls together from up to four events, the last of which may be the end of their response."""

    def __init__(
        self, responses: Responses, tell: Callable[[ToolCalled | CallBegun], None], answer: Callable[[str, str], None]
    ) -> None:
        """`answer` (call id, text) is for calls that nobody can run."""
        self._responses = responses
        self._tell = tell
        self._answer = answer
        self._names: dict[str, str] = {}
        """The names of tools by item: older servers leave the name out of the event that brings the arguments."""
        self._begun: dict[str, str] = {}
        """The response of each call that is not complete, by call id."""

    def item_added(self, event: server.OutputItemAdded) -> None:
        """Note that a call begins."""
        if event.item.name:
            self._names[event.item.id] = event.item.name
        if event.item.type == "function_call" and event.item.call_id:
            self._begin(event.item.call_id, event.response_id)

    def arguments_done(self, event: server.ArgumentsDone, turn: int) -> None:
        """Handle a complete call; `turn` is for one whose response is not known."""
        name = event.name or self._names.get(event.item_id or "")
        if name:
            self._call(event.call_id, event.response_id, (name, _text(event.arguments) or ""), turn)
        else:
            self._begin(event.call_id, event.response_id)

    def item_done(self, item: server.Item | None, response_id: str | None, turn: int) -> None:
        """Handle a complete call, or one that was cut off."""
        if item is None or item.type != "function_call" or not item.call_id:
            return
        arguments = _text(item.arguments)
        if item.status == "incomplete" or not item.name or arguments is None:
            self._refuse(item.call_id, response_id)
        else:
            self._call(item.call_id, response_id, (item.name, arguments), turn)

    def response_done(self, response_id: str) -> None:
        """Answer calls that began and were never completed: the history must not keep a call without an answer."""
        for call_id in [call for call, response in self._begun.items() if response == response_id]:
            self._refuse(call_id, response_id)

    def _begin(self, call_id: str, response_id: str | None) -> None:
        response = self._responses.find(response_id)
        if response is None or call_id in self._begun or self._responses.knows(call_id):
            return
        self._begun[call_id] = response.id
        if not response.dropped:
            self._tell(CallBegun(response.turn))

    def _call(self, call_id: str, response_id: str | None, what: tuple[str, str], turn: int) -> None:
        """Tell of a call, once. One of an interrupted answer carries its old turn, so the core does not run it."""
        response = self._responses.find(response_id)
        if response and response.void:
            self._refuse(call_id, response.id)
            return
        self._begun.pop(call_id, None)
        if self._responses.call(call_id, response.id if response else response_id or ""):
            self._tell(ToolCalled(response.turn if response else turn, call_id, *what))

    def _refuse(self, call_id: str, response_id: str | None) -> None:
        """Answer a call ourselves: nobody can run it."""
        self._begun.pop(call_id, None)
        if self._responses.call(call_id, response_id or ""):
            self._answer(call_id, CALL_CUT_OFF)


def _text(arguments: Any) -> str | None:
    """Return arguments as JSON text: some servers send the object itself."""
    if isinstance(arguments, dict):
        return msgspec.json.encode(arguments).decode()
    return arguments if isinstance(arguments, str) else None
