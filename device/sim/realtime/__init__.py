"""A simulated OpenAI Realtime server: strict, scriptable, with answers that depend on what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device.sim.realtime.journal import Entry, Journal
from device.sim.realtime.script import (
    REPLY_RATE,
    AfterEvent,
    AfterReplyAudio,
    Call,
    Close,
    Drop,
    Fault,
    Refusal,
    Reply,
    Script,
    Send,
    Stall,
    error_event,
    oversized,
    tone,
)

if TYPE_CHECKING:
    from device.sim.realtime.server import DEFAULT_KEY, MODELS, SimulatedRealtime

__all__ = [
    "DEFAULT_KEY",
    "MODELS",
    "REPLY_RATE",
    "AfterEvent",
    "AfterReplyAudio",
    "Call",
    "Close",
    "Drop",
    "Entry",
    "Fault",
    "Journal",
    "Refusal",
    "Reply",
    "Script",
    "Send",
    "SimulatedRealtime",
    "Stall",
    "error_event",
    "oversized",
    "tone",
]


def __getattr__(name: str) -> object:
    """Import the server only on access, so that `python -m device.sim.realtime` can name a missing package."""
    if name in ("DEFAULT_KEY", "MODELS", "SimulatedRealtime"):
        from device.sim.realtime import server

        return getattr(server, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
