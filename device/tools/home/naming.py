"""From the words for a thing to the thing: misheard words, plurals and rooms are understood.

No I/O. A phrase is compared word by word with what each thing is called: its names, its room and floor, and the words
for its kind ("lamp" for a light).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from device.ports.home import Place, Thing

KINDS = {
    "light": ("light", "lamp", "bulb"),
    "switch": ("switch", "plug", "outlet", "socket"),
    "fan": ("fan", "ventilator"),
    "cover": ("cover", "blind", "curtain", "shutter", "shade", "awning"),
    "climate": ("climate", "thermostat", "heating", "heater", "radiator", "aircon"),
    "lock": ("lock", "door"),
    "media_player": ("player", "television", "tv", "speaker", "radio", "music"),
    "vacuum": ("vacuum", "robot"),
    "scene": ("scene", "mood"),
    "script": ("script", "routine"),
    "sensor": ("sensor",),
    "binary_sensor": ("sensor",),
    "valve": ("valve", "tap"),
}
"""What people call things of a domain, besides their names."""

_EVERYWHERE = frozenset({"everywhere", "house", "home", "all", "every", "everything"})
_LITTLE = frozenset(
    {"the", "a", "an", "my", "our", "in", "on", "of", "at", "please", "all", "every", "both", "everywhere"}
)
_ALIKE = 0.78
"""How alike two words are (difflib's ratio) of which one may be the other, misheard: "kitchin", "seiling" are above it;
"lamp" and "land" are not."""
_SHORTEST_MISHEARD = 4


@dataclass(frozen=True, slots=True)
class One:
    """What was meant: one thing, or several that were meant together ("the kitchen lights")."""

    things: tuple[Thing, ...]


@dataclass(frozen=True, slots=True)
class Several:
    """It could be any of these: ask which."""

    things: tuple[Thing, ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing is called that; these come closest."""

    near: tuple[Thing, ...]


def words(text: str) -> list[str]:
    """Return the words of a phrase as they are compared: without accents, articles and the s of a plural."""
    return [_stem(word) for word in _split(text) if word not in _LITTLE]


def resolve(phrase: str, things: Iterable[Thing], place: str = "", here: str = "") -> One | Several | Nothing:
    """Return what is meant by a phrase.

    `place` is the room or floor that was said apart from it, `here` the one in which the device stands: it decides
    where nothing else does.
    """
    wanted = words(phrase)
    together = is_plural(phrase)
    everything = list(things)
    if place and not _EVERYWHERE & set(_split(place)):
        everything = [thing for thing in everything if _is_in(thing, place)]
    scored = [(score, thing) for thing in everything if wanted and (score := _score(wanted, thing)) is not None]
    if not scored:
        return Nothing(_nearest(wanted, everything))
    best = max(score for score, _ in scored)
    found = _alike(scored) if together else [thing for score, thing in scored if score == best]
    placed = bool(place) or bool({"all", "every", "everywhere"} & set(_split(phrase))) or _names_a_place(wanted, found)
    return _decided(found, together, placed, here)


def is_plural(phrase: str) -> bool:
    """Say whether several things are meant: "all lights", "the kitchen lights"."""
    split = _split(phrase)
    kinds = {f"{word}s" for names in KINDS.values() for word in names}
    return bool({"all", "every", "both"} & set(split)) or (bool(split) and split[-1] in kinds)


def find_place(said: str, places: Sequence[Place]) -> list[Place]:
    """Return the rooms that are meant by a name of a room or a floor."""
    return [place for place in places if _is_named(place, said)]


def _decided(found: list[Thing], together: bool, placed: bool, here: str) -> One | Several:
    if len(found) > 1 and here and not placed:
        found = [thing for thing in found if _is_in(thing, here)] or found
        placed = all(_is_in(thing, here) for thing in found)
    if len(found) == 1 or (together and (placed or len({thing.place for thing in found}) == 1)):
        return One(tuple(found))
    return Several(tuple(found))


def _alike(scored: list[tuple[tuple[int, int, int], Thing]]) -> list[Thing]:
    """Return all that several words may mean together: of the kind of the best one, all that fit."""
    best = max(scored, key=lambda entry: entry[0])[1]
    return [thing for _, thing in scored if thing.domain == best.domain]


def _score(wanted: list[str], thing: Thing) -> tuple[int, int, int] | None:
    """Say how well a thing fits: a name that is exactly that, then words of the name, then as few others as can be.

    Words for its kind or its room fit, and tell it from nothing else there. None: a word of the phrase belongs to
    nothing of it.
    """
    around = _around(thing)
    scores = [_score_of_name(wanted, words(name), around) for name in thing.names]
    return max((score for score in scores if score is not None), default=None)


def _score_of_name(wanted: list[str], own: list[str], around: set[str]) -> tuple[int, int, int] | None:
    telling = [word for word in wanted if word not in around]
    exact = [word for word in telling if word in own]
    misheard = [word for word in telling if word not in own]
    if not all(any(_sounds_like(word, other) for other in (*own, *around)) for word in misheard):
        return None
    if not telling:
        return (int(own == wanted), 0, 0)
    return (int(own == wanted), len(exact) - len(misheard), -len(set(own) - set(wanted)))


def _around(thing: Thing) -> set[str]:
    """Return the words that may be said of a thing besides its name."""
    kinds = set(KINDS.get(thing.domain, (thing.domain,)))
    measured = words(str(thing.attributes.get("device_class", "")).replace("_", " "))
    return {*kinds, *measured, *(word for name in _place_names(thing.place) for word in words(name))}


def _place_names(place: Place | None) -> tuple[str, ...]:
    return () if place is None else (*place.names, *place.floor)


def _names_a_place(wanted: list[str], found: list[Thing]) -> bool:
    """Say whether the phrase itself names the room: "kitchen lights"."""
    rooms = {word for thing in found for name in _place_names(thing.place) for word in words(name)}
    return any(word in rooms or any(_sounds_like(word, room) for room in rooms) for word in wanted)


def _is_in(thing: Thing, said: str) -> bool:
    return thing.place is not None and _is_named(thing.place, said)


def _is_named(place: Place, said: str) -> bool:
    wanted = words(said)
    return any(_same(wanted, words(name)) for name in _place_names(place)) or said == place.id


def _same(one: list[str], other: list[str]) -> bool:
    return len(one) == len(other) and all(a == b or _sounds_like(a, b) for a, b in zip(one, other, strict=True))


def _sounds_like(one: str, other: str) -> bool:
    if min(len(one), len(other)) < _SHORTEST_MISHEARD or abs(len(one) - len(other)) > 2:
        return False
    return SequenceMatcher(None, one, other).ratio() >= _ALIKE


def _nearest(wanted: list[str], things: Iterable[Thing]) -> tuple[Thing, ...]:
    """Return up to three things that have most of the words."""
    scored = []
    for thing in things:
        own = {*(word for name in thing.names for word in words(name)), *_around(thing)}
        fits = sum(word in own or any(_sounds_like(word, other) for other in own) for word in wanted)
        if fits:
            scored.append((-fits, len(thing.name), thing.name, thing))
    return tuple(entry[3] for entry in sorted(scored, key=lambda entry: entry[:3])[:3])


def _split(text: str) -> list[str]:
    plain = re.sub(r"['\u2019]s\b", "", unicodedata.normalize("NFKD", text.casefold()))
    return re.findall(r"[^\W_]+", "".join(letter for letter in plain if not unicodedata.combining(letter)))


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
