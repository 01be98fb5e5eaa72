"""MCP servers that the simulated provider calls: in the order of the API, and only what was allowed."""

from __future__ import annotations

from typing import Any

from device.sim.realtime import Reply, Script, SimulatedRealtime, tone
from device.sim.realtime.script import RemoteCall
from tests.sim.realtime.realtime_client import Client, dialled, talking

LOOK = RemoteCall("calendar", "look", '{"day": "today"}', "Nothing today.")


def server_tool(**changes: Any) -> dict[str, Any]:
    """Return an MCP server as a session carries it."""
    return {"type": "mcp", "server_label": "calendar", "server_url": "https://calendar.example", **changes}


async def told_of(client: Client, **changes: Any) -> None:
    """Name the server in the session."""
    session = {"type": "realtime", "tools": [server_tool(**changes)], "audio": {"input": {"turn_detection": None}}}
    await client.send("session.update", session=session)
    await client.until("session.updated")


async def answered(client: Client, text: str = "hello") -> dict[str, Any]:
    """Ask for a response to a written sentence; return it when it is done."""
    content = [{"type": "input_text", "text": text}]
    await client.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    await client.send("response.create")
    response: dict[str, Any] = (await client.until("response.done"))["response"]
    return response


async def asked(client: Client) -> str:
    """Have the model want the call; return the id of its request for approval."""
    (item,) = (await answered(client))["output"]
    assert (item["type"], item["name"], item["arguments"]) == ("mcp_approval_request", LOOK.name, LOOK.arguments)
    return str(item["id"])


def approval(request: str, approve: bool) -> dict[str, Any]:
    """Return the answer to a request."""
    return {"type": "mcp_approval_response", "id": "a1", "approval_request_id": request, "approve": approve}


async def test_tools_are_listed_once(server: SimulatedRealtime) -> None:
    """When the session first names the server."""
    async with dialled(server) as client:
        for _ in range(2):
            await told_of(client)
        await client.send("input_audio_buffer.clear")
        await client.until("input_audio_buffer.cleared")
    assert client.types().count("mcp_list_tools.in_progress") == client.types().count("mcp_list_tools.completed") == 1


async def test_what_needs_no_approval_is_called_within_the_response(server: SimulatedRealtime) -> None:
    """And spoken of in it."""
    server.script = Script(answer=lambda text: Reply(remote=(LOOK,)))
    async with dialled(server) as client:
        await told_of(client, require_approval={"never": {"tool_names": ["look"]}})
        call, message = (await answered(client))["output"]
    assert (call["type"], call["output"], call["approval_request_id"]) == ("mcp_call", LOOK.output, None)
    assert message["content"][0]["transcript"] == LOOK.output
    remote = [kind for kind in client.types() if kind.startswith("response.mcp_call")]
    assert remote == [
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.mcp_call.in_progress",
        "response.mcp_call.completed",
    ]


async def test_what_needs_approval_waits_for_it_and_goes_on_by_itself(server: SimulatedRealtime) -> None:
    """Or is not done; an answer to nothing, and a second one, are refused."""
    server.script = Script(answer=lambda text: Reply(remote=(LOOK,)))
    for approve in (True, False):
        async with dialled(server) as client:
            await told_of(client)
            request = await asked(client)
            await client.send("conversation.item.create", item=approval("mcpr_other", approve=True))
            assert (await client.until("error"))["error"]["param"] == "item.approval_request_id"
            await client.send("conversation.item.create", item=approval(request, approve))
            output = (await client.until("response.done"))["response"]["output"]
            assert [item["type"] for item in output] == (["mcp_call", "message"] if approve else ["message"])
            await client.send("conversation.item.create", item={**approval(request, approve), "id": "a2"})
            await client.until("error")


async def test_a_call_that_fails_says_so(server: SimulatedRealtime) -> None:
    """In an event and in its item."""
    server.script = Script(answer=lambda text: Reply(remote=(RemoteCall("calendar", "look", output="No", fails=True),)))
    async with dialled(server) as client:
        await told_of(client, require_approval="never")
        call, _ = (await answered(client))["output"]
    assert call["error"]["type"] == "tool_execution_error"
    assert "response.mcp_call.failed" in client.types()


async def test_a_server_that_cannot_be_listed_is_told(server: SimulatedRealtime) -> None:
    """The session goes on."""
    server.script = Script(unlisted=("calendar",), answer=lambda text: Reply("Hello.", audio=tone(100)))
    async with talking(server) as client:
        await told_of(client)
        await answered(client)
    assert "mcp_list_tools.failed" in client.types()
