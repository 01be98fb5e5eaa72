"""Decodes the sound of an answer: base64 as the API sends it, and as some servers write it."""

from __future__ import annotations

import binascii

from device.units import Hz

RATE = Hz(24_000)
"""Of all sound, in both directions."""

# RFC 4648, section 5: "-" and "_" are what "+" and "/" are in a URL. Lines (RFC 2045, MIME) are joined.
_AS_STANDARD = str.maketrans({"-": "+", "_": "/", "\r": None, "\n": None, " ": None, "\t": None})


def decode(delta: object) -> bytes | None:
    """Return the bytes of a `delta`, None when it is no base64 of any kind.

    The ordinary form costs one pass; in lines, without padding or URL-safe is understood, too.
    """
    if not isinstance(delta, str):
        return None
    pcm = _decode_strictly(delta)
    return _decode_leniently(delta) if pcm is None else pcm


def _decode_leniently(text: str) -> bytes | None:
    bare = text.translate(_AS_STANDARD).rstrip("=")
    return _decode_strictly(bare + "=" * (-len(bare) % 4))


def _decode_strictly(text: str) -> bytes | None:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:  # binascii.Error is one; so is what is raised for characters beyond ASCII
        return None
