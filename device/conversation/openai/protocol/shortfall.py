"""What is missing from a response that did not fail: its sound, or its end."""

from __future__ import annotations

from device.conversation.openai.messages.server_events import Item, ResponseInfo
from device.conversation.openai.protocol.responses import Response
from device.conversation.openai.protocol.words import of_items
from device.core.events import Shortfall

NO_END = "no response.done came"
"""Stands as the reason when the server never reported the end of a response."""

_BY_REASON = {"content_filter": Shortfall.FILTERED, "max_output_tokens": Shortfall.TOO_LONG}


def text_of(response: Response, items: list[Item]) -> str:
    """Return the words of a response without sound, to be read aloud: those written, else those it should have spoken.

    What stands in the finished `items` counts; what came before is for servers that send these empty.
    """
    written, spoken = of_items(items)
    return written or response.written.text or spoken or response.spoken.text


def of_response(response: Response, info: ResponseInfo, reason: str, text: str) -> Shortfall | None:
    """Say what the person must be told is missing; None: nothing, or only the sound of words that can be read."""
    if reason == NO_END:
        return Shortfall.NO_END if response.cut else None
    if info.status == "incomplete":
        return _BY_REASON.get(reason, Shortfall.INCOMPLETE)
    return Shortfall.GARBLED if response.garbled and not response.sounded and not text else None


def why_silent(response: Response, text: str) -> str:
    """Return, for the log, why there is no sound; empty when there is."""
    if response.sounded or response.dropped:
        return ""
    how = "sound that cannot be decoded" if response.garbled else "no sound"
    return f"{how}, but words" if text else f"{how} and no words"
