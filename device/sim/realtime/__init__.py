"""A simulated OpenAI Realtime server: strict, scriptable, and its answers are really computed from what was said."""

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
