"""From the words for a thing to the thing: misheard words, plurals and rooms are understood.

No I/O. A phrase is compared word by word with what each thing is called: its names, its room and floor, and the words
for its kind ("lamp" for a light).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise

from device.ports.home import Place, Thing

KINDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "light": (("light", "lamp", "bulb"),),
    "switch": (("switch", "plug", "outlet", "socket"),),
    "fan": (("fan", "ventilator"),),
    "cover": (("cover", "blind", "shutter", "shade"), ("curtain", "drape"), ("awning", "sunshade")),
    "climate": (("climate", "thermostat", "heating", "heater", "radiator"), ("aircon",)),
    "lock": (("lock", "door"),),
    "media_player": (("player", "speaker", "radio", "music"), ("television", "tv", "telly")),
    "vacuum": (("vacuum", "robot"),),
    "scene": (("scene", "mood"),),
    "script": (("script", "routine"),),
    "sensor": (("sensor",),),
    "binary_sensor": (("sensor",),),
    "valve": (("valve", "tap"),),
}
"""What people call things of a domain, besides their names. Words of one group are used for each other; something that
has one of them in its name is not called by those of another group: curtains are no blinds."""
_GROUPS = {domain: tuple(map(frozenset, groups)) for domain, groups in KINDS.items()}
_OF_ANY_KIND = frozenset(word for groups in KINDS.values() for group in groups for word in group)

_EVERYWHERE = frozenset({"everywhere", "house", "home", "all", "every", "everything"})
_HAVE_A_TEMPERATURE = ("climate", "water_heater")
_BETWEEN = frozenset(
    {"above", "over", "under", "below", "behind", "beside", "near", "by", "next", "to", "from", "with"}
)
"""Words that tell where something is, and tell it from nothing else unless it is called so."""
_MASS = "heating"
"""Means all of it there is in a place, as a plural does."""
_OF_ALL_OF_A_KIND = frozenset({_MASS, *(groups[0][0] for groups in KINDS.values())})
"""What all things of a domain may be called: the first word of each."""
_LITTLE = frozenset(
    {"the", "a", "an", "my", "our", "in", "on", "of", "at", "please", "all", "every", "both", "everywhere"}
)
_ALIKE = 0.78
"""How alike two words are (difflib's ratio) of which one may be the other, misheard: "kitchin", "seiling" are above it;
"lamp" and "land" are not."""
_SHORTEST_MISHEARD = 4
_SPELLINGS = tuple(
    (re.compile(letters), sound)
    for letters, sound in (
        ("gh(?=t|$)", ""),
        ("^k(?=n)|^w(?=r)", ""),
        ("ph", "f"),
        ("c(?=[eiy])|z", "s"),
        ("ck|[cq]", "k"),
        ("x", "ks"),
        (r"(.)\1", r"\1"),
        ("(?<=[^aeiou])e$", ""),
    )
)
"""Letters that sound like others."""


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


@lru_cache(maxsize=4096)
def _words_of(name: str) -> tuple[str, ...]:
    """Return the words of a thing's name: those of 2,000 things are split once, and not at every question."""
    return tuple(words(name))


def resolve(phrase: str, things: Iterable[Thing], place: str = "", here: str = "") -> One | Several | Nothing:
    """Return what is meant by a phrase.

    `place` is the room or floor that was said apart from it, `here` the one in which the device stands: it decides
    where nothing else does.
    """
    together = is_plural(phrase)
    wanted, everything = _narrowed(words(phrase), list(things), place)
    scored = _scored(wanted, everything)
    if not scored:
        return Nothing(_nearest(wanted, everything))
    found = _best_together(scored) if together else _best(scored)
    placed = bool(place) or bool({"all", "every", "everywhere"} & set(_split(phrase))) or _names_a_place(wanted, found)
    if len(found) > 1 and here and not placed:
        found = [thing for thing in found if _is_in(thing, here)] or found
        placed = all(_is_in(thing, here) for thing in found)
    found = _called_so(wanted, found)
    if len(found) == 1 or (together and (placed or len({thing.place for thing in found}) == 1)):
        return One(tuple(found))
    return Several(tuple(found))


def _narrowed(wanted: list[str], things: list[Thing], place: str) -> tuple[list[str], list[Thing]]:
    """Return what is wanted, and among which things.

    What was taken for a room may be a part of a name: the sensor "Outside".
    """
    if not place or _EVERYWHERE & set(_split(place)):
        return wanted, things
    there = [thing for thing in things if _is_in(thing, place)]
    return (wanted, there) if there else ([*words(place), *wanted], things)


def is_plural(phrase: str) -> bool:
    """Say whether several things are meant: "all lights", "the kitchen lights"."""
    split = _split(phrase)
    kinds = {f"{word}s" for word in _OF_ANY_KIND}
    return bool({"all", "every", "both"} & set(split)) or (bool(split) and split[-1] in kinds | {_MASS})


def telling_words(thing: Thing) -> list[str]:
    """Return a thing's name without its room, as it is written; [] where that would only say of which kind it is."""
    own = [word for word in thing.name.split() if set(words(word)) - _place_words(thing.place)]
    return own if set(words(" ".join(own))) - _around(thing) else []


def find_place(said: str, places: Sequence[Place]) -> list[Place]:
    """Return the rooms that are meant by a name of a room or a floor."""
    return [place for place in places if _is_named(place, said)]


Scored = list[tuple[tuple[int, int, int], Thing]]


def _scored(wanted: list[str], things: Iterable[Thing]) -> Scored:
    return [(score, thing) for thing in things if wanted and (score := _score(wanted, thing)) is not None]


def _best(scored: Scored) -> list[Thing]:
    best = max(score for score, _ in scored)
    return [thing for score, thing in scored if score == best]


def _best_together(scored: Scored) -> list[Thing]:
    """Return all that several words may mean together: of the kind of the best one, all that fit as well."""
    best, first = max(scored, key=lambda entry: entry[0])
    return [thing for score, thing in scored if thing.domain == first.domain and score[1] == best[1]]


def _called_so(wanted: list[str], found: list[Thing]) -> list[Thing]:
    """Return those that have the very word for their kind in their names, where some have, or another word for it.

    So a shutter is the shutter, and a skylight is not; but every light is "the light", whatever it is called, and every
    radiator the heating.
    """
    kinds = {word for word in wanted if word in _OF_ANY_KIND} - _OF_ALL_OF_A_KIND
    groups = {word for kind in kinds for word in _alike(kind)}
    for called in (kinds, groups):
        if named := [thing for thing in found if called & _own_words(thing)]:
            return named
    return found


def _score(wanted: list[str], thing: Thing) -> tuple[int, int, int] | None:
    """Say how well a thing fits: a name that is exactly that, then words of the name, then as few others as can be.

    Words for its kind or its room fit, and tell it from nothing else there; a phrase that holds only such words means
    it as much as one word of a name does. None: a word of the phrase belongs to nothing of it.
    """
    around = _around(thing)
    # A room's name within a thing's own says no more than that the thing is there; a floor's ("floor lamp") may.
    scores = [_score_of_name(wanted, _words_of(name), around, _room_words(thing.place)) for name in thing.names]
    return max((score for score in scores if score is not None), default=None)


def _score_of_name(
    wanted: list[str], own: tuple[str, ...], around: frozenset[str], room: frozenset[str]
) -> tuple[int, int, int] | None:
    if not all(_may_belong(word, own, around) for word in wanted):
        return None
    wanted = _as_written(wanted, own)
    telling = [word for word in wanted if word not in around and (word not in _BETWEEN or word in own)]
    exact = [word for word in telling if word in own]
    misheard = [word for word in telling if word not in own]
    elsewhere = [word for word in misheard if not any(_sounds_like(word, other) for other in set(own) - room)]
    if not all(any(_sounds_like(word, other) for other in around) for word in elsewhere):
        return None
    is_called_so = int(list(own) == wanted)
    if not telling:
        return (is_called_so, 1, 0) if set(wanted) & around else None
    return (is_called_so, len(exact) - len(elsewhere), -len(set(own) - set(wanted)))


def _may_belong(word: str, own: tuple[str, ...], around: frozenset[str]) -> bool:
    """Say at once that a word belongs to nothing of a thing: of 2,000 most are told apart by this."""
    if word in own or word in around or word in _BETWEEN:
        return True
    return any(word in other or other in word or _sounds_like(word, other) for other in own) or any(
        _sounds_like(word, other) for other in around
    )


def _as_written(wanted: list[str], own: tuple[str, ...]) -> list[str]:
    """Return the words of a phrase, joined and parted as they are in a name: "screen bar", "nightlight"."""
    parted: list[str] = []
    pairs = {first + second: [first, second] for first, second in pairwise(own)}
    for word in wanted:
        parted += pairs.get(word, [word])
    joined: list[str] = []
    for word in parted:
        if joined and joined[-1] + word in own:
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _around(thing: Thing) -> frozenset[str]:
    """Return the words that may be said of a thing besides its name."""
    return _around_of(_kinds(thing), str(thing.attributes.get("device_class", "")), thing.domain, thing.place)


@lru_cache(maxsize=1024)
def _around_of(kinds: frozenset[str], device_class: str, domain: str, place: Place | None) -> frozenset[str]:
    measured = words(device_class.replace("_", " "))
    if domain in _HAVE_A_TEMPERATURE:
        measured.append("temperature")
    return kinds.union(measured, _place_words(place))


def _own_words(thing: Thing) -> set[str]:
    return {word for name in thing.names for word in _words_of(name)}


def _alike(kind: str) -> tuple[str, ...]:
    """Return the words that are used for each other with this one, where they tell it from others of its domain."""
    return next((group for groups in KINDS.values() for group in groups if kind in group and len(groups) > 1), ())


def _kinds(thing: Thing) -> frozenset[str]:
    groups = _GROUPS.get(thing.domain) or (frozenset((thing.domain,)),)
    if len(groups) == 1:
        return groups[0]
    own = _own_words(thing)
    return frozenset().union(*([group for group in groups if own & group] or groups))


@lru_cache(maxsize=256)
def _place_words(place: Place | None) -> frozenset[str]:
    return frozenset(word for name in _place_names(place) for word in words(name))


@lru_cache(maxsize=256)
def _room_words(place: Place | None) -> frozenset[str]:
    return frozenset(word for name in (place.names if place else ()) for word in words(name))


def _place_names(place: Place | None) -> tuple[str, ...]:
    return () if place is None else (*place.names, *place.floor)


def _names_a_place(wanted: list[str], found: list[Thing]) -> bool:
    """Say whether the phrase itself names the room: "kitchen lights"."""
    rooms = {word for thing in found for word in _place_words(thing.place)}
    return any(word in rooms or any(_sounds_like(word, room) for room in rooms) for word in wanted)


def _is_in(thing: Thing, said: str) -> bool:
    return thing.place is not None and _is_named(thing.place, said)


def _is_named(place: Place, said: str) -> bool:
    wanted = words(said)
    return any(_same(wanted, words(name)) for name in _place_names(place)) or said == place.id


def _same(one: list[str], other: list[str]) -> bool:
    return len(one) == len(other) and all(a == b or _sounds_like(a, b) for a, b in zip(one, other, strict=True))


@lru_cache(maxsize=4096)
def _sounds_like(one: str, other: str) -> bool:
    if min(len(one), len(other)) < _SHORTEST_MISHEARD or abs(len(one) - len(other)) > 2:
        return False
    if _sound(one)[:1] != _sound(other)[:1]:
        # "stairs" are not "upstairs", nor is the "mower" the "power".
        return False
    ratio = SequenceMatcher(None, one, other).ratio()
    return ratio >= _ALIKE or _sound(one) == _sound(other) or _root(one) == _root(other)


def _root(word: str) -> str:
    """Return what "charging" and "charger" have in common."""
    return re.sub(r"(?<=\w{4})(?:ing|er|ed)$", "", word)


@lru_cache(maxsize=1024)
def _sound(word: str) -> str:
    """Return how an English word roughly sounds: "nite" as "night", "ceiling" as "seiling"."""
    for letters, sound in _SPELLINGS:
        word = letters.sub(sound, word)
    return word


def _nearest(wanted: list[str], things: Iterable[Thing]) -> tuple[Thing, ...]:
    """Return up to three things that have most of the words; one of a name counts for two that many things have."""
    scored = []
    for thing in things:
        own, around = _own_words(thing), _around(thing)
        fits = sum(
            2 * _is_among(word, own - around - _OF_ANY_KIND) or int(_is_among(word, own | around)) for word in wanted
        )
        if fits:
            scored.append((-fits, len(thing.name), thing.name, thing))
    return tuple(entry[3] for entry in sorted(scored, key=lambda entry: entry[:3])[:3])


def _is_among(word: str, others: Set[str]) -> bool:
    return word in others or any(_sounds_like(word, other) for other in others)


def _split(text: str) -> list[str]:
    plain = re.sub(r"['\u2019]s\b", "", unicodedata.normalize("NFKD", text.casefold()))
    return re.findall(r"[^\W_]+", "".join(letter for letter in plain if not unicodedata.combining(letter)))


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
