"""JSON as some servers write it: half of an emoji that was cut in two, NaN, numbers without an end."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

# What is mended: it is read twice more, which a longer message would make the event loop wait for.
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
    """Return a whole number, of a long one what a float holds of it, and null for one that is longer still."""
    return int(digits) if len(digits) < 19 else _finite(digits)


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None
