"""The phrases of the tools as a JSGF grammar for a speech recogniser, and from text back to tool and arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from device.errors import ConfigError
from device.ports.tools import Phrase, ToolSpec

_SLOT = re.compile(r"\{([^{}]*)\}")
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_DIGIT = "0123456789"
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Understood:
    """A sentence that was understood; `tool` is None when it calls no tool."""

    text: str
    tool: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """Sound or text that matches no phrase; `text` is the best guess, possibly empty."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class _Form:
    """A phrase as a pattern: its group `s3` holds what was said for `slots[3]`."""

    pattern: re.Pattern[str]
    tool: str | None
    slots: tuple[tuple[str, Mapping[str, Any]], ...]
    fixed: Mapping[str, Any]

    def read(self, text: str) -> Understood | None:
        if (match := self.pattern.fullmatch(text)) is None:
            return None
        said = {name: values[match[f"s{i}"]] for i, (name, values) in enumerate(self.slots)}
        return Understood(text, self.tool, {**self.fixed, **said})


class Phrasebook:
    """Every sentence that the simulation understands: the tools' phrases, and sentences that call no tool (`talk`)."""

    def __init__(self, tools: Iterable[ToolSpec], talk: Iterable[str] = ()) -> None:
        """Raise ConfigError for a phrase that cannot be spoken."""
        phrases = [(tool.name, phrase) for tool in tools for phrase in tool.phrases]
        phrases_of_talk = [(None, Phrase(text)) for text in talk]
        self._forms: list[_Form] = []
        self._rules: list[str] = []
        for tool, phrase in [*phrases, *phrases_of_talk]:
            self._add(tool, phrase)

    def read(self, text: str) -> Understood | NotUnderstood:
        """Return what `text` asks for; case and punctuation are ignored."""
        spoken = normalise(text)
        for form in self._forms:
            if understood := form.read(spoken):
                return understood
        return NotUnderstood(spoken)

    def grammar(self, before: str = "") -> str:
        """Return the phrases in JSGF; `before` is a JSGF expansion that may precede each of them."""
        alternatives = " | ".join(self._rules) or "<VOID>"
        lead = f"[ {before} ] " if before else ""
        return f"#JSGF V1.0;\ngrammar phrases;\npublic <top> = {lead}( {alternatives} );\n"

    def words(self) -> set[str]:
        """Return every word of every phrase."""
        return {word for rule in self._rules for word in re.findall(r"[^\s()|]+", rule)}

    def _add(self, tool: str | None, phrase: Phrase) -> None:
        slots: list[tuple[str, Mapping[str, Any]]] = []
        pattern, rule = "", ""
        for literal, slot in _pieces(phrase.text):
            words = _speakable(literal)
            pattern, rule = _join(pattern, re.escape(words)), _join(rule, words)
            if slot is not None:
                forms = _spoken_forms(phrase, slot)
                pattern = _join(pattern, f"(?P<s{len(slots)}>{'|'.join(map(re.escape, forms))})")
                rule = _join(rule, f"( {' | '.join(forms)} )")
                slots.append((slot, forms))
        self._forms.append(_Form(re.compile(pattern), tool, tuple(slots), phrase.arguments))
        self._rules.append(rule)


def normalise(text: str) -> str:
    """Return `text` in lower case, its words with single spaces between, without punctuation or digits."""
    return " ".join(_WORD.findall(text.lower()))


def _pieces(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield the text before each slot with the slot's name, then the text after the last slot with None."""
    parts = _SLOT.split(text)
    yield from zip(parts[:-1:2], parts[1::2], strict=True)
    yield parts[-1], None


def _spoken_forms(phrase: Phrase, slot: str) -> dict[str, Any]:
    forms = {_speakable(said): value for said, value in phrase.slots.get(slot, {}).items()}
    if not forms:
        raise ConfigError(f'the phrase "{phrase.text}" says nothing of how {{{slot}}} is spoken; give its slot forms')
    return forms


def _speakable(text: str) -> str:
    """Return the words of `text`, with each digit as a word (a relay may be called "lamp_2")."""
    return normalise("".join(f" {_DIGITS[int(c)]} " if c in _DIGIT else c for c in text))


def _join(left: str, right: str) -> str:
    return f"{left} {right}" if left and right else left or right
