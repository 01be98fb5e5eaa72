"""The tool by which the model passes a sentence to Home Assistant's own assistant, where it may."""

from __future__ import annotations

from typing import Annotated, Any, Protocol

from msgspec import Meta, Struct

from device.ports.tools import Tool
from device.tools.home.listing import AS_DATA


class Agent(Protocol):
    """Whoever understands sentences."""

    async def converse(self, text: str) -> str:
        """Pass a sentence on; return the answer. Raise ToolError."""


class Sentence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of home_agent."""

    text: Annotated[str, Meta(max_length=300, description="the person's request, as a sentence")]


def agent_tool(agent: Agent) -> Tool[Any]:
    """Return it."""

    async def converse(arguments: Sentence) -> str:
        return await agent.converse(arguments.text)

    return Tool(
        name="home_agent",
        description=f"Let Home Assistant's own assistant do what home_control cannot. {AS_DATA}",
        arguments=Sentence,
        run=converse,
    )
