"""Errors in the shapes in which servers really send them, read as one.

The API's is `{"type": "error", "error": {"type", "code", "message", "event_id"}}`. Met besides: the error as a plain
string, numbers as codes, a message that is an object or a list, no `error` at all, and what gateways in front of a
server send: `{"detail": ...}` (FastAPI), `{"message": ...}` (AWS), `{"statusCode": ...}` (Azure), a list (Google).
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from device.conversation.openai.messages import lenientjson

# How many entries of a list are looked at, and how many levels.
_FIRST = 5
_DEEPEST = 4

# How many characters of a page or a text are looked at.
_MOST_TEXT = 4_096

_INNER = ("error", "errors", "error_event", "fault")
_WORDS = ("message", "msg", "detail", "details", "error_description", "description", "reason", "title", "text")
_CODES = ("code", "status_code", "statusCode", "status")
_TYPES = ("type", "error_type", "__type")
_NO_NAMES = frozenset({"", "error", "none", "null"})

# Types of events that are not the API's, such as "session.error" and "connection_refused".
_SOUNDS_WRONG = re.compile(r"error|fail|refused|denied", re.IGNORECASE)

_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
_NO_WORDS = re.compile(r"<(script|style|head)\b.*?(</\1>|$)|<!--.*?-->|<[^>]*>", re.IGNORECASE | re.DOTALL)
_PAGE = re.compile(r"\s*<(!doctype|html|head|body|\?xml)\b", re.IGNORECASE)


class ServerError(Struct, frozen=True, kw_only=True):
    """Why something failed; `event_id` is that of our event."""

    type: str | None = None
    code: str | None = None
    message: str | None = None
    event_id: str | None = None


def error_event(event: Any) -> ServerError:
    """Return the error of an event of the type `error`, in whatever shape it is."""
    return error_in(event) or ServerError()


def error_in(value: Any, depth: int = 0) -> ServerError | None:
    """Return the error that a JSON value tells of, None when it tells of none."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, str):
        return ServerError(message=words) if (words := words_of(value)) else None
    if isinstance(value, list):
        return next((found for item in value[:_FIRST] if (found := error_in(item, depth + 1))), None)
    return _error_in_object(value, depth) if isinstance(value, dict) else None


def _error_in_object(value: dict[str, Any], depth: int) -> ServerError | None:
    inner = next((found for key in _INNER if (found := error_in(value.get(key), depth + 1))), ServerError())
    # Outside of the error stands the id of the server's event, inside that of ours.
    event_id = value.get("event_id") if depth else None
    error = ServerError(
        type=inner.type or _first_name(value, _TYPES),
        code=inner.code or _first_name(value, _CODES),
        message=inner.message or next((text for key in _WORDS if (text := words_of(value.get(key)))), None),
        event_id=inner.event_id or (event_id if isinstance(event_id, str) else None),
    )
    return None if error == ServerError() else error


def _first_name(value: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((name for key in keys if (name := _name(value.get(key)))), None)


def _name(value: Any) -> str | None:
    """Return a code as text: a short string, or a number as it may stand for an HTTP status."""
    if isinstance(value, str):
        return None if value.strip().lower() in _NO_NAMES else value.strip()[:100]
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1_000_000:
        return str(int(value))
    return None


def words_of(value: Any, depth: int = 0) -> str:
    """Return what a message says, be it text, a list or an object; "" when it says nothing."""
    if isinstance(value, str):
        return page_words(value[:_MOST_TEXT]) if is_page(value) else value.strip()
    if depth > _DEEPEST:
        return ""
    if isinstance(value, list):
        return "; ".join(text for item in value[:_FIRST] if (text := words_of(item, depth + 1)))
    return _words_of_object(value, depth) if isinstance(value, dict) else ""


def _words_of_object(value: dict[str, Any], depth: int) -> str:
    text = next((text for key in (*_WORDS, *_INNER) if (text := words_of(value.get(key), depth + 1))), "")
    # FastAPI: {"loc": ["query", "model"], "msg": "Field required"}.
    place = value.get("loc")
    if text and isinstance(place, list):
        return f"{'.'.join(part for part in place[:_FIRST] if isinstance(part, str))}: {text}"
    return text


def error_told(text: str | bytes) -> ServerError | None:
    """Return the error that is described by a message which is not a known event; None when it describes none."""
    try:
        value = lenientjson.decode(text)
    except (ValueError, RecursionError):
        return None
    kind = value.get("type") if isinstance(value, dict) else None
    if isinstance(kind, str) and "error" not in value and not _SOUNDS_WRONG.search(kind):
        return None
    found = error_in(value)
    says_something = found is not None and (found.message or (found.code or "").isdigit())
    return found if says_something else None


# -- bodies


def error_in_body(body: bytes) -> ServerError | None:
    """Return the error in the body of an HTTP response: JSON, a page (its title, else its first words) or text."""
    try:
        value = lenientjson.decode(body)
    except (ValueError, RecursionError):
        return error_in(words_in(body))
    return error_in(value)


def words_in(text: str | bytes) -> str:
    """Return the first words of a page or of plain text; "" when it is not text, as with a compressed page."""
    start = text[:_MOST_TEXT]
    words = start.decode(errors="replace") if isinstance(start, bytes) else start
    return "" if words.count("\ufffd") * 10 > len(words) else words_of(words)


def is_page(text: str) -> bool:
    """Tell whether a text is HTML or XML."""
    return _PAGE.match(text) is not None


def page_words(page: str) -> str:
    """Return a page's title or, without one, its first words."""
    # Late: its table of entities takes 450 kB, and hardly any server answers with a page.
    import html

    titled = _TITLE.search(page)
    title = titled[1].strip() if titled else ""
    return html.unescape(title or " ".join(_NO_WORDS.sub(" ", page).split()))
