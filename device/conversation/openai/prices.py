"""What a response costs: its tokens by kind, and dollars for the models whose prices are known."""

from __future__ import annotations

from dataclasses import dataclass

from device.conversation.openai.messages.server_events import TokenDetails, Usage, read
from device.ports import provider

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """In US dollars for a million tokens."""

    text_in: float
    text_cached: float
    text_out: float
    audio_in: float
    audio_cached: float
    audio_out: float


_FIRST = Price(text_in=4, text_cached=0.4, text_out=16, audio_in=32, audio_cached=0.4, audio_out=64)
_SECOND = Price(text_in=4, text_cached=0.4, text_out=24, audio_in=32, audio_cached=0.4, audio_out=64)
_MINI = Price(text_in=0.6, text_cached=0.06, text_out=2.4, audio_in=10, audio_cached=0.3, audio_out=20)

# OpenAI's own, as listed in November 2026 (openai.com/api/pricing); another server's model of another name has none.
PRICES = {
    "gpt-realtime": _FIRST,
    "gpt-realtime-1.5": _FIRST,
    "gpt-realtime-2": _SECOND,
    "gpt-realtime-2.1": _SECOND,
    "gpt-realtime-mini": _MINI,
    "gpt-realtime-2.1-mini": _MINI,
}


def priced(usage: Usage, model: str) -> provider.Usage:
    """Return what a response of a model cost."""
    into, out = usage.input_token_details or TokenDetails(), usage.output_token_details or TokenDetails()
    text_cached, audio_cached = _cached(into)
    text_in, audio_in = max(0, _or_0(into.text_tokens) - text_cached), max(0, _or_0(into.audio_tokens) - audio_cached)
    text_out, audio_out = _or_0(out.text_tokens), _or_0(out.audio_tokens)
    tokens = {
        "input_text": text_in,
        "input_audio": audio_in,
        "input_cached": text_cached + audio_cached,
        "output_text": text_out,
        "output_audio": audio_out,
    }
    if (price := PRICES.get(model)) is None:
        return provider.Usage(tokens, None)
    usd = (
        text_in * price.text_in
        + text_cached * price.text_cached
        + text_out * price.text_out
        + audio_in * price.audio_in
        + audio_cached * price.audio_cached
        + audio_out * price.audio_out
    ) / _MILLION
    return provider.Usage(tokens, usd)


def _cached(into: TokenDetails) -> tuple[int, int]:
    """Return how many tokens of text and of audio were cached. Where it is not said which, those of text are first:
    they save less, and what is told is rather too much than too little."""
    details = read(into.cached_tokens_details, TokenDetails)
    if details is not None:
        return _or_0(details.text_tokens), _or_0(details.audio_tokens)
    cached = min(_or_0(into.cached_tokens), _or_0(into.text_tokens) + _or_0(into.audio_tokens))
    text = min(cached, _or_0(into.text_tokens))
    return text, cached - text


def _or_0(count: int | None) -> int:
    return max(0, count or 0)
