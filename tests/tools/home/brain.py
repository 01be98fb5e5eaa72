"""A model as simple as can be: from a written request to one call of a tool, by nothing but what a session was told.

It knows English as any model does (verbs, numbers, what a lamp is as opposed to a blind), and of the home what stands
in the descriptions of the tools. It takes the person's own words for the thing, the room and the value out of the
request, and resolves nothing: that is the device's part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

Call = tuple[str, dict[str, Any]]
"""The name of a tool, and its arguments."""

_POLITE = re.compile(r"^(?:(?:can|could|would|will) you (?:please )?|please |hey |i want you to )|\bplease$")
_QUESTION = re.compile(r"^(?:is|are|was|what|what's|whats|which|how|who|when|where|did|does|has|have|any)\b")
_VERBS: Sequence[tuple[str, str]] = (
    (r"^(?:turn|switch|put) (?:on|up) (.+)$", "on"),
    (r"^(?:turn|switch|put) (?:off?|out) (.+)$", "off"),
    (r"^(?:turn|switch|put) (.+) on$", "on"),
    (r"^(?:turn|switch|put) (.+) off$", "off"),
    (r"^put (.+) out$", "open"),
    (r"^(?:turn|switch|put|set|make|change|dim|light up|bring) (.+?)(?: up| down| at| on| to| in)*$", "set"),
    (r"^(?:warm|heat|light)(?: up)? (the .+)$", "on"),
    (r"^(?:open|raise) (.+)$", "open"),
    (r"^(?:close|shut|draw|lower) (.+)$", "close"),
    (r"^unlock (.+)$", "unlock"),
    (r"^lock (?:up )?(.+)$", "lock"),
    (r"^start (.+)$", "start"),
    (r"^stop (.+)$", "stop"),
    (r"^(?:run|activate|play|ring|press) (.+)$", "run"),
    (r"^(.*\b(?:blinds?|shutters?|awning|curtains?)) up$", "open"),
    (r"^(.*\b(?:blinds?|shutters?|awning|curtains?)) down$", "close"),
    (r"^(.+) on$", "on"),
    (r"^(.+) off$", "off"),
    (r"^(.+?)(?: up| down| at| on| to)*$", ""),
)
_LIGHTS = re.compile(r"\b(?:lights?|lamps?)\b")
_KINDS = (
    ("volume", re.compile(r"\b(?:volume|tv|telly|television|radio|stereo|speakers?|music)\b")),
    ("temperature", re.compile(r"\b(?:degrees|heating|thermostat|radiator|temperature)\b")),
    ("speed", re.compile(r"\b(?:fan|hood|extractor|ventilator)\b")),
    ("position", re.compile(r"\b(?:blinds?|shutters?|curtains?|skylight|window|awning|valve|door)\b|^open|^close")),
)
"""What a number is about, where the request says it by naming the thing; else it is a light's brightness."""
_ROOM = r"(?:living|dining|utility|bath|bed)? ?room|bedroom|bathroom|kitchen|lounge|study|office|hall|hallway"
_A_ROOM = re.compile(rf"^(?:\w+'?s )?(?:{_ROOM}|nursery|garage|garden|terrace|patio|cellar|attic|\w+ floor)$")
_FLOORS = re.compile(r"\b(upstairs|downstairs|outside)$")
_MEASURED = (
    (re.compile(r"^how (?:warm|cold|hot) is it\b"), "temperature"),
    (re.compile(r"^how humid is it\b"), "humidity"),
    (re.compile(r"^what(?:'s| is) playing\b"), "music"),
)
_ASKED = re.compile(
    r"^(?:is|are|was) (?:there (?:any|a) )?(?:.+ in )?(.+?)(?: still)?(?: (?:on|off|open|closed|locked|running|home))?$"
    r"|^(?:what(?:'s| is)) (.+)$"
    r"|^(?:which|what) (.+?) (?:are|is) .+$"
    r"|^(?:did|does|has) (.+) \w+$"
    r"|^any (.+)$"
    r"|^how much (.+?) (?:are|is|do|does) .+$"
    r"|^how \w+ (?:is|are) (?:.+ in )?(.+)$"
)


class Brain:
    """What a session told, and what it makes of a request."""

    def __init__(self, tools: Sequence[Mapping[str, Any]]) -> None:
        """Take `session.tools` as it was sent."""
        by_name = {tool["name"]: tool for tool in tools}
        self._colours = sorted(_properties(by_name["home_control"])["colour"]["enum"], key=len, reverse=True)
        overview = re.search("«(.*)»", " ".join(tool["description"] for tool in tools))
        parts = (overview[1] if overview else "").casefold().split("; ")
        self._rooms = {part.partition(": ")[0] for part in parts}

    def call(self, said: str) -> Call:
        """Return the call that a request becomes."""
        words = " ".join(said.casefold().rstrip("?.! ").split())
        while (polite := _POLITE.sub("", words).strip()) != words:
            words = polite
        if _QUESTION.match(words) or said.endswith("?"):
            return "home_find", self._asked(words)
        return "home_control", self._wanted(words)

    def _asked(self, words: str) -> dict[str, Any]:
        rest, room = self._without_room(words)
        for form, what in _MEASURED:
            if form.match(rest):
                return _given(what, room)
        measures = bool(re.match("how (?:warm|cold|hot) ", rest))
        if found := _ASKED.match(rest):
            rest = next(part for part in found.groups() if part) + (" temperature" if measures else "")
        return _given(rest, room)

    def _wanted(self, words: str) -> dict[str, Any]:
        rest, value = self._without_value(words)
        rest, room = self._without_room(rest)
        what, action = next((found[1], action) for form, action in _VERBS if (found := re.match(form, rest)))
        if value:
            # "the radio volume" is a value of the radio.
            action, what = "set", re.sub(rf"(?: |^){next(iter(value))}$", "", what) or what
        return {**_given(what, room), "action": action or ("on" if _LIGHTS.search(what) else "run"), **value}

    def _without_room(self, words: str) -> tuple[str, str]:
        """Return the words without the room that they end with, and that room; "here" needs no saying."""
        words = re.sub(r" in here$", "", words)
        if found := re.search(r" (?:in|of) (?:the )?(?:whole )?house$", words):
            return words[: found.start()], "everywhere"
        if (found := re.match(r"(.+) (?:in|on|at|of) (?:the )?([\w' ]+)$", words)) and self._is_room(found[2]):
            return found[1], found[2]
        if found := _FLOORS.search(words):
            return words[: found.start()].strip(), found[1]
        if found := re.search(rf"\b({_FLOORS.pattern[3:-2]}) (on|off)$", words):
            return f"{words[: found.start()]}{found[2]}", found[1]
        return words, ""

    def _is_room(self, name: str) -> bool:
        return name in self._rooms or _A_ROOM.match(name) is not None

    def _without_value(self, words: str) -> tuple[str, dict[str, Any]]:
        for colour in self._colours:
            if found := re.search(rf"(?: to| in)? {colour}$", words):
                return words[: found.start()], {"colour": colour}
        if found := re.search(r"(?: to| at| on)? (\d+) ?(?:percent|%|degrees)?$", words):
            number = int(found[1])
        elif found := re.search(r" (?:on )?(?:halfway|half)$", words):
            number = 50
        elif found := re.search(r" (?:on )?(?:full|fully)$", words):
            number = 100
        else:
            return words, {}
        about = next((name for name, form in _KINDS if form.search(words)), "brightness")
        return words[: found.start()], {about: number}


def _given(what: str, room: str) -> dict[str, Any]:
    return {"what": what, "room": room} if room else {"what": what}


def _properties(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = tool["parameters"]["properties"]
    return found
