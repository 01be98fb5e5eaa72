"""Tools on MCP servers that the provider calls by itself: what it tells of them, and what it waits for.

It lists a server's tools when a session begins, and calls them within a response. Where a call needs a person's yes,
its response ends with the request for it, and the provider goes on when that is answered: with the call, and with a
response. Whether that response comes by itself is not documented: it is asked for where the provider stays silent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from device.conversation.openai.messages import server_events as server
from device.conversation.openai.protocol.facts import Fact, Ignored
from device.conversation.openai.protocol.responses import Responses
from device.conversation.openai.settings import RemoteServer
from device.core import events as ev
from device.core.events import Way
from device.kit.outsiders import spoken

NOBODY_ASKED = "Not done: the answer was interrupted before a person could be asked."
"""For the model, where the request belongs to an answer that nobody waits for."""

_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Ends:
    """What the reader is connected to."""

    tell: Callable[[Fact], None]
    complain: Callable[[str, str], None]
    """About what, and what is wrong: told once a session for each."""
    answer: Callable[[str, bool, str], None]
    """Answer a request: its id, whether it may be done, and why not."""


@dataclass(slots=True)
class RemoteReader:
    """Reads what the provider tells of them, by whichever events; each request for a yes is passed on once."""

    servers: Mapping[str, RemoteServer]
    responses: Responses
    ends: Ends
    _labels: dict[str, str] = field(default_factory=dict)
    """The servers of items."""

    def item(self, item: server.Item | None, response_id: str | None, turn: int) -> None:
        """Read an item of the conversation or of a response."""
        if item is None or not item.type.startswith("mcp_"):
            return
        if item.server_label:
            self._labels[item.id] = item.server_label
        if item.type == "mcp_approval_request" and item.id:
            self._request(item, response_id, turn)
        elif item.type == "mcp_call":
            self._expect(response_id)

    def listed(self, event: server.RemoteListed) -> None:
        """The provider knows a server's tools now."""
        self.ends.tell(Ignored(f"the provider has listed the tools of {self._server_of(event.item_id)}"))

    def not_listed(self, event: server.RemoteNotListed) -> None:
        """The conversation goes on without them."""
        where = self._server_of(event.item_id)
        self.ends.complain(
            f"list {where}",
            f"the provider could not list the tools of {where}, and answers without them; look at its url and token",
        )

    def runs(self, event: server.RemoteRuns) -> None:
        """A call is under way: nothing else comes meanwhile."""
        self.responses.remote.runs(event.item_id)
        self._expect(None)

    def ended(self, event: server.RemoteEnded) -> None:
        """A call is done; the model knows its result."""
        self.responses.remote.ended(event.item_id)
        self._expect(None)

    def failed(self, event: server.RemoteFailed) -> None:
        """A call failed; the model knows why."""
        where = self._server_of(event.item_id)
        self.ends.complain(f"call {where}", f"a call of the provider's to {where} failed; the model has been told")
        self.responses.remote.ended(event.item_id)
        self._expect(None)

    def _expect(self, response_id: str | None) -> None:
        response = self.responses.find(response_id)
        if response is not None and not response.dropped and self.responses.is_running(response):
            self.ends.tell(ev.CallBegun(response.turn))

    def _request(self, item: server.Item, response_id: str | None, turn: int) -> None:
        if not self.responses.remote.asks(item.id):
            return
        response = self.responses.find(response_id)
        if response is not None and response.dropped:
            self.ends.answer(item.id, False, NOBODY_ASKED)
            return
        label = item.server_label or ""
        way = Way(self.servers[label].confirm) if label in self.servers else Way.PRESS
        self.ends.tell(ev.ApprovalRequested(response.turn if response else turn, item.id, way, what(label, item.name)))

    def _server_of(self, item_id: str) -> str:
        label = self._labels.get(item_id, "")
        return f'the MCP server "{label}"' if label in self.servers else "an MCP server"


def what(label: str, name: str | None) -> str:
    """Return what a person is asked to let happen. Both names are from outside, and are spoken: plain words only."""
    server, tool = (spoken(one[:_LONGEST_NAME]).lower() for one in (label, name or ""))
    return f"let {server or 'a server'} do {tool or 'a tool'}"
