"""Tokens: 256 random bits behind a mark that says what they are for. Only their hashes are kept."""

from __future__ import annotations

import hashlib
import re
import secrets

DEVICE, ENROLMENT = "hsd_", "hse_"
_FORM = re.compile(r"hs[de]_[0-9a-f]{64}")
# A token has an underscore and a hexadecimal row that is longer, so that it is never taken for a name and kept.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def make_token(mark: str) -> str:
    """Return a new token."""
    return mark + secrets.token_hex(32)


def is_token(text: str, mark: str) -> bool:
    """Tell whether a text has the form of a token of this kind."""
    return text.startswith(mark) and _FORM.fullmatch(text) is not None


def hash_of(token: str) -> bytes:
    """Return what is kept of a token. Nobody guesses 256 bits, so the hash need not be slow."""
    return hashlib.sha256(token.encode()).digest()


def is_name(text: str) -> bool:
    """Tell whether a device may be called so: as host names are, in small letters."""
    return _NAME.fullmatch(text) is not None
