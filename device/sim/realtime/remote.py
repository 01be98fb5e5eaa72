"""MCP servers that the simulated provider calls: none of them is there, the script says what their tools return."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from device.sim.realtime.items import Item, Items, new_id
from device.sim.realtime.script import RemoteCall
from device.sim.realtime.settings import Settings
from device.sim.realtime.validation import RefusedError
from device.sim.realtime.wire import Wire

DECLINED = "All right, I leave it."


@dataclass(slots=True)
class Approvals:
    """What the client was asked to allow, and what it has said to that."""

    asked: dict[str, RemoteCall] = field(default_factory=dict)
    decided: list[tuple[str, RemoteCall, bool]] = field(default_factory=list)
    """The request, the call, and whether it may be made; of what no response has dealt with yet."""

    def ask(self, call: RemoteCall) -> dict[str, Any]:
        """Return the item that asks."""
        request = new_id("mcpr")
        self.asked[request] = call
        what = {"name": call.name, "arguments": call.arguments, "server_label": call.server}
        return {"id": request, "type": "mcp_approval_request", **what}

    def decide(self, request: str, approve: bool) -> None:
        """Take an answer. Raise RefusedError for one to nothing that was asked, or a second one."""
        call = self.asked.pop(request, None)
        if call is None:
            message = f"No approval request with id '{request}' is open."
            raise RefusedError("invalid_value", message, "item.approval_request_id")
        self.decided.append((request, call, approve))

    def take(self) -> list[tuple[str, RemoteCall, bool]]:
        """Return what was decided, once."""
        decided, self.decided = self.decided, []
        return decided


def needs_approval(call: RemoteCall, settings: Settings) -> bool:
    """Tell whether the session's settings want a yes for it. Raise ValueError for a server that they do not name."""
    for tool in _servers(settings):
        if tool["server_label"] == call.server:
            wanted = tool.get("require_approval", "always")
            if isinstance(wanted, dict):
                return call.name not in wanted.get("never", {}).get("tool_names", ())
            return bool(wanted == "always")
    raise ValueError(f"the script calls the MCP server {call.server}, of which the session was not told")


async def list_tools(wire: Wire, items: Items, settings: Settings, known: set[str]) -> None:
    """Send the events of servers whose tools are to be listed, once for each."""
    for tool in _servers(settings):
        label = tool["server_label"]
        if label in known:
            continue
        known.add(label)
        item = Item({"id": new_id("mcpl"), "type": "mcp_list_tools", "server_label": label, "tools": []})
        before = items.add(item)
        await wire.emit("conversation.item.added", previous_item_id=before, item=dict(item.data))
        await wire.emit("mcp_list_tools.in_progress", item_id=item.id)
        if label in wire.script.unlisted:
            await wire.emit("mcp_list_tools.failed", item_id=item.id)
        else:
            item.data["tools"] = [{"name": name, "input_schema": {}} for name in tool.get("allowed_tools") or ("look",)]
            await wire.emit("mcp_list_tools.completed", item_id=item.id)
        await wire.emit("conversation.item.done", previous_item_id=before, item=dict(item.data))


def _servers(settings: Settings) -> Iterator[dict[str, Any]]:
    if settings.type == "realtime":
        yield from (tool for tool in settings["tools"] if tool["type"] == "mcp")
