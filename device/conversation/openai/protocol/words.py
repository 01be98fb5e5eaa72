"""The words of a response: as they come in pieces, whole, or only with its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from device.conversation.openai.messages.server_events import Item, read

LONGEST = 4_000
"""In characters: some five minutes of speech. Nobody wants to hear more than that from the local voice."""


class _Part(Struct, frozen=True, kw_only=True):
    """A part of a message; the beta's names and the new ones are read alike."""

    text: Any = None
    transcript: Any = None


@dataclass(slots=True)
class Words:
    """Words by the item (and its part) that they belong to, in the order in which these began."""

    _pieces: dict[tuple[str, int], str] = field(default_factory=dict, repr=False)
    _length: int = 0

    def add(self, item: str, part: int, piece: str) -> None:
        """Append a piece."""
        self._put((item, part), self._pieces.get((item, part), "") + piece)

    def set(self, item: str, part: int, whole: str) -> None:
        """Replace what came in pieces by the whole."""
        self._put((item, part), whole)

    def _put(self, place: tuple[str, int], text: str) -> None:
        others = self._length - len(self._pieces.get(place, ""))
        self._pieces[place] = text[: max(0, LONGEST - others)]
        self._length = others + len(self._pieces[place])
        if not self._pieces[place]:
            del self._pieces[place]

    @property
    def text(self) -> str:
        """All of them, fit to be read aloud: one line, at most LONGEST characters."""
        return printable(" ".join(self._pieces.values()))


def of_items(items: list[Item]) -> tuple[str, str]:
    """Return what finished items hold: words that were written, and words that were spoken."""
    parts = [part for item in items for part in _parts(item)]
    return _join([part.text for part in parts]), _join([part.transcript for part in parts])


def _parts(item: Item) -> list[_Part]:
    found = [read(part, _Part) for part in read(item.content, list[Any]) or ()]
    return [part for part in found if part is not None]


def _join(texts: list[Any]) -> str:
    return printable(" ".join(text[:LONGEST] for text in texts[:100] if isinstance(text, str)))


def printable(text: str) -> str:
    """Return the server's words as one line, without what cannot be spoken: control characters, lone surrogates.

    Empty when nothing of it can be spoken ("...", an emoji).
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text[:LONGEST]).split())
    return line if any(map(str.isalnum, line)) else ""
