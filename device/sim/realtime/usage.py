"""Counts tokens by the rules of OpenAI's page on Realtime costs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from device.sim.realtime.items import Item

_USER_MS_PER_TOKEN = 100
ASSISTANT_MS_PER_TOKEN = 50
_CHARACTERS_PER_TOKEN = 4
_TOKEN_LIMIT = 40_000  # per minute, of a small account


def text_tokens(text: str) -> int:
    """Return the approximate number of tokens of `text`."""
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def usage(history: Iterable[Item], instructions: str, billed: set[str], output: Iterable[Item]) -> dict[str, Any]:
    """Return a response's `usage`: the whole history is billed again, as cached where it was billed before."""
    text_in, audio_in, text_cached, audio_cached = text_tokens(instructions), 0, 0, 0
    if billed:
        text_cached += text_in
    for item in history:
        text, audio = _tokens(item)
        text_in, audio_in = text_in + text, audio_in + audio
        if item.id in billed:
            text_cached, audio_cached = text_cached + text, audio_cached + audio
    made = [_tokens(item) for item in output]
    text_out, audio_out = sum(text for text, _ in made), sum(audio for _, audio in made)
    cached = {"text_tokens": text_cached, "audio_tokens": audio_cached, "image_tokens": 0}
    details = {"text_tokens": text_in, "audio_tokens": audio_in, "image_tokens": 0}
    return {
        "total_tokens": text_in + audio_in + text_out + audio_out,
        "input_tokens": text_in + audio_in,
        "output_tokens": text_out + audio_out,
        "input_token_details": {
            **details,
            "cached_tokens": text_cached + audio_cached,
            "cached_tokens_details": cached,
        },
        "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
    }


def rate_limits(spent: int) -> list[dict[str, Any]]:
    """Return the content of `rate_limits.updated` after `spent` tokens."""
    tokens = {"name": "tokens", "limit": _TOKEN_LIMIT, "remaining": max(0, _TOKEN_LIMIT - spent), "reset_seconds": 1.5}
    return [{"name": "requests", "limit": 1000, "remaining": 999, "reset_seconds": 0.06}, tokens]


def _tokens(item: Item) -> tuple[int, int]:
    per_token = _USER_MS_PER_TOKEN if item.role == "user" else ASSISTANT_MS_PER_TOKEN
    words = [str(item.data.get(key) or "") for key in ("arguments", "output")]
    for part in item.data.get("content", []):
        words.append(str(part.get("text") or ""))
        if item.role == "assistant":
            words.append(str(part.get("transcript") or ""))
    return sum(map(text_tokens, words)), -(-item.audio_ms // per_token)
