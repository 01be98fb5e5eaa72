"""JSON as some servers write it, with half of an emoji, NaN, or numbers of any length."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

# The longest text that is mended: that reads it twice more, while the event loop waits.
_MOST_CHARACTERS = 1_000_000


def decode(text: str | bytes) -> Any:
    """Return JSON as plain values, mended where that is possible. Raise ValueError or RecursionError."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        return msgspec.json.decode(mended(text))


def mended(text: str | bytes) -> bytes:
    """Return JSON that is strict: lone surrogates as "?", NaN and infinities as null. Raise ValueError, RecursionError.

    RFC 8259 lets a lone surrogate be written (`\\ud83d`), but no UTF-8 can hold it; Python's own encoder writes NaN.
    """
    if len(text) > _MOST_CHARACTERS:
        raise ValueError("too long to be mended")
    value = json.loads(text, parse_constant=lambda _: None, parse_int=_number, parse_float=_finite)
    return json.dumps(value, ensure_ascii=False).encode(errors="replace")


def _number(digits: str) -> int | float | None:
    """Return a whole number; a long one as a float; null for one that is too large for a float."""
    return int(digits) if len(digits) < 19 else _finite(digits)


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None
