"""Which timer is meant: "the pasta timer", "the ten minute one", "my alarm for seven". Computes only."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from device.core.events import AlarmKind
from device.kit.outsiders import one_line
from device.tools.timers.entry import Entry
from device.tools.timers.spoken import clock_time, duration, name

LONGEST_LABEL = 300
"""In characters."""
_ARTICLES = frozenset(("the", "my", "a", "an", "that", "this", "one", "called", "named", "to", "for"))
_NUMBERS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
_TENS = {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90}
_KINDS = {kind.value: kind for kind in AlarmKind}
_ALIKE = 0.75
"""difflib's measure: "past" is "pasta" (0.89), "tea" is not "peas" (0.57)."""


def find(wanted: str, entries: Iterable[Entry]) -> list[Entry]:
    """Return those that may be meant, most probable first and only those as probable; all of them for no name.

    By its number in the list, "#3"; by its whole name; by all the words that were said; by a name that sounds alike.
    """
    if number := re.fullmatch(r"\s*#(\d+)\s*", wanted):
        return [entry for entry in entries if entry.id == int(number[1])]
    words, kinds = _words(wanted)
    asked = [entry for entry in entries if not kinds or entry.kind in kinds]
    if not words:
        return asked
    for matches in (_has_name, _has_words, _is_alike):
        if found := [entry for entry in asked if matches(words, entry)]:
            return found
    return []


def plain_label(label: str, kind: AlarmKind) -> str:
    """Return a label as it is kept: without "the", and without the kind at its end ("pasta timer")."""
    words = one_line(label, LONGEST_LABEL).split()
    if kind is AlarmKind.REMINDER:
        return " ".join(words[1:] if words[:1] == ["to"] else words)
    while words and words[0].lower() in ("the", "my", "a", "an"):
        words.pop(0)
    if words and words[-1].lower() == kind.value:
        words.pop()
    return " ".join(words)


def _words(text: str) -> tuple[list[str], set[AlarmKind]]:
    """Return the words that matter, numbers as digits, and the kinds that are named."""
    said = re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.casefold())
    kinds = {_KINDS[word.removesuffix("s")] for word in said if word.removesuffix("s") in _KINDS}
    dropped = _ARTICLES | {form for kind in kinds for form in (kind.value, f"{kind.value}s")}
    return [_plain(word) for word in said if word not in dropped], kinds


def _plain(word: str) -> str:
    """Return a number as digits, and a unit without its plural."""
    if word in _NUMBERS:
        return str(_NUMBERS.index(word))
    if word in _TENS:
        return str(_TENS[word])
    return word.removesuffix("s") if word in ("seconds", "minutes", "hours", "days") else word


def _has_name(words: Sequence[str], entry: Entry) -> bool:
    return list(words) in [_words(said)[0] for said in _names(entry)]


def _has_words(words: Sequence[str], entry: Entry) -> bool:
    known = {word for said in _names(entry) for word in _words(said)[0]}
    return known.issuperset(words)


def _is_alike(words: Sequence[str], entry: Entry) -> bool:
    names = [" ".join(_words(said)[0]) for said in _names(entry)]
    return bool(difflib.get_close_matches(" ".join(words), names, n=1, cutoff=_ALIKE))


def _names(entry: Entry) -> list[str]:
    """Return all that it may be called."""
    names = [entry.label, name(entry)]
    if entry.countdown is not None:
        names.append(duration(entry.countdown.length, exact=True))
    if entry.time_of_day is not None:
        at = entry.time_of_day.time
        names += [clock_time(at), f"{at.hour % 12 or 12} o'clock", f"{at.hour}:{at.minute:02}", str(at.hour % 12 or 12)]
    return [name for name in names if name]
