"""What may be asked over which socket. Pure.

Who is let to the socket of people may ask for everything. Agents have one of their own: their process speaks to the
network and reads what strangers write, and whoever takes it over shall not be able to do more than the agents that it
serves (docs/trust.md).
"""

from __future__ import annotations

from enum import Enum

from device.control.messages import (
    AnyRequest,
    Ask,
    CallTool,
    CancelTimer,
    GetStatus,
    GetTimers,
    Mute,
    Say,
    SetVolume,
    Stop,
)


class Right(Enum):
    """Who asks."""

    PERSON = "person"
    AGENT = "agent"


TOOLS_FOR_AGENTS = frozenset({"set_timer"})
"""Of the house's own tools. None that reaches a thing in the home."""

_NO_ORDER = "not done: only a person may ask for that, at the device or with its commands; no agent can"
_NO_TOOL = f"not done: agents may call no tool but {', '.join(sorted(TOOLS_FOR_AGENTS))}"
_NOT_URGENT = "not done: the quiet hours hold for agents"
_OWN_VOICE = "not done: what agents say is spoken in the device's own voice"


def refusal(right: Right, request: AnyRequest) -> str:
    """Return why it is not done; "": it may be asked for."""
    if right is Right.PERSON:
        return ""
    # What is not named here is refused, also what is thought of later.
    match request:
        case Say(urgent=True) | Ask(urgent=True):
            return _NOT_URGENT
        case Say(voice="provider"):
            return _OWN_VOICE
        case CallTool():
            return "" if request.name in TOOLS_FOR_AGENTS else _NO_TOOL
        case GetStatus() | Mute() | Stop() | SetVolume() | Say() | Ask() | GetTimers() | CancelTimer():
            return ""
        case _:
            return _NO_ORDER
