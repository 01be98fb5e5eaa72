"""Why a server is away, in words for people."""

from __future__ import annotations

import httpx2
import pytest
from mcp.shared.exceptions import MCPError

from device.tools.mcp.child.explaining import explained
from device.tools.mcp.child.transports import UnreachableError
from device.tools.mcp.wire import Endpoint

PROGRAM, ADDRESS = (
    Endpoint(name="notes", command=("/x",)),
    Endpoint(name="nas", url="http://nas/mcp", token="secret-abc"),
)
GROUP = ExceptionGroup("unhandled", [ExceptionGroup("inner", [UnreachableError("there is nothing called nas")])])


@pytest.mark.parametrize(
    ("error", "endpoint", "status", "why", "what_to_do"),
    [
        (GROUP, ADDRESS, 0, "there is nothing called nas", "look at its url"),
        (httpx2.ConnectError("to 10.0.0.9"), ADDRESS, 0, "it cannot be reached (ConnectError)", "look at its url"),
        (MCPError(-32603, "no luck"), PROGRAM, 0, "it does not answer as it should: no luck", "look at its command"),
        (ValueError("secret-abc"), ADDRESS, 0, "it does not answer as it should (ValueError)", "look at its url"),
        (MCPError(-32603, "x"), ADDRESS, 401, "it refuses the token (HTTP 401)", "the secret mcp_nas_token"),
        (MCPError(-32603, "x"), ADDRESS, 404, "there is no MCP server at its url (HTTP 404)", "set up there"),
        (MCPError(-32603, "x"), ADDRESS, 500, "it answers HTTP 500", "tried again by itself"),
    ],
)
def test_each_reason_is_one_sentence_with_what_to_do(
    error: Exception, endpoint: Endpoint, status: int, why: str, what_to_do: str
) -> None:
    """Of errors that are not our own or the server's, only the class: their texts may quote anything."""
    said, advice = explained(error, endpoint, status)
    assert said == why
    assert what_to_do in advice
