"""What stands in a tool's file: strictly understood, and turned into the arguments of a command. No I/O."""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from device.core.events import Way
from device.errors import ConfigError, ToolError
from device.ports.tools import Confirmation, Phrase

LONGEST_TEXT = 200
"""In characters: of a text that a model gives, where the file names no other limit."""

_NAME = r"^[a-z][a-z0-9_]{0,47}$"
Name = Annotated[str, Meta(pattern=_NAME, description="lower-case letters, digits and _, e.g. water_plants")]
Sentence = Annotated[str, Meta(min_length=1, max_length=500)]


class _Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Argument(_Table, frozen=True):
    """One argument of a tool. `default` is used where the model gives none; with `optional` there need not be one."""

    type: Literal["text", "integer", "number", "boolean", "choice"]
    description: Sentence
    choices: tuple[Annotated[str, Meta(min_length=1, max_length=60)], ...] = ()
    minimum: int | float | None = None
    maximum: int | float | None = None
    longest: Annotated[int, Meta(ge=1, le=4_000)] | None = None
    default: str | int | float | bool | None = None
    optional: bool = False


class Definition(_Table, frozen=True):
    """A tool, as its file describes it."""

    name: Name
    description: Annotated[str, Meta(min_length=1, max_length=1_000)]
    command: Annotated[tuple[Annotated[str, Meta(min_length=1)], ...], Meta(min_length=1)]
    """The program and what it is given; {name} stands for an argument, {{ for a brace."""
    arguments: dict[Name, Argument] = {}
    phrases: tuple[Sentence, ...] = ()
    timeout_s: Annotated[float, Meta(ge=0.1, le=300.0)] | None = None
    confirm: Literal["press", "yes"] | None = None
    """How a person must say yes before it runs."""
    means: Sentence | None = None
    """What it does, in words that complete "Press the button to ...": "water the {where}"."""
    user: str | None = None
    """Who runs it, where the daemon itself runs as root."""


def parse(text: str) -> Definition:
    """Understand a file. Raise ConfigError with the key, what is wrong and what to do."""
    try:
        table = tomllib.loads(text)
        definition = msgspec.convert(table, Definition)
    except msgspec.ValidationError as error:
        raise ConfigError(_explained(str(error))) from error
    except ValueError as error:
        raise ConfigError(f"not TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError("lists and tables stand too deep in each other") from error
    for complaint in _mistakes(definition):
        raise ConfigError(complaint)
    return definition


def arguments_type(definition: Definition) -> type[Struct]:
    """Make the Struct of what a model may give."""
    fields: list[Any] = [
        (name, _type(argument)) if _is_required(argument) else (name, _type(argument) | None, argument.default)
        for name, argument in definition.arguments.items()
    ]
    return msgspec.defstruct("OwnArguments", fields, frozen=True, kw_only=True, forbid_unknown_fields=True)


def command_line(definition: Definition, given: Mapping[str, Any]) -> list[str]:
    """Return the command with the values in their places; what names an argument that has no value is left out.

    A shell never sees it. Raise ToolError for a text that would be taken for an option, or that cannot be passed.
    """
    return [filled for part in definition.command if (filled := _filled(part, given)) is not None]


def confirmation(definition: Definition, given: Mapping[str, Any]) -> Confirmation | None:
    """Return what a person must say yes to before it runs with these values; None: nothing."""
    if definition.confirm is None:
        return None
    means = definition.means or definition.name.replace("_", " ")
    return Confirmation(
        Way(definition.confirm), means.format_map({name: _written(value) for name, value in given.items()})
    )


def phrases(definition: Definition) -> tuple[Phrase, ...]:
    """Return how people ask for it, each with the spoken forms of its slots."""
    return tuple(
        Phrase(text, {name: _spoken(definition.arguments[name]) for name in _places(text)})
        for text in definition.phrases
    )


def _mistakes(definition: Definition) -> Iterator[str]:
    for name, argument in definition.arguments.items():
        yield from (f"arguments.{name}{wrong}" for wrong in _mistakes_of_argument(argument))
    for part in definition.command:
        yield from _mistakes_of_places("command", part, definition)
    if _places_of(definition.command[0]):
        yield "command: the program itself must not depend on an argument; write its path"
    if not definition.command[0].startswith("/"):
        yield f'command: give the whole path of the program ("{definition.command[0]}" begins with no /)'
    used = {name for part in definition.command for name in _places_of(part)}
    if unused := sorted(set(definition.arguments) - used):
        yield f"arguments.{unused[0]}: the command does not use it; write {{{unused[0]}}} where it belongs"
    if (definition.confirm is None) != (definition.means is None):
        yield 'confirm = "press" (or "yes") and means = "open the gate", which is asked about, belong together'
    yield from _mistakes_of_means(definition)
    for text in definition.phrases:
        yield from _mistakes_of_phrase(text, definition)


def _mistakes_of_argument(argument: Argument) -> Iterator[str]:
    if (argument.type == "choice") != bool(argument.choices):
        yield ': choices = ["...", "..."] belong to type = "choice", and it needs them'
    if argument.type not in ("integer", "number") and (argument.minimum, argument.maximum) != (None, None):
        yield ': minimum and maximum belong to type = "integer" or "number"'
    if argument.type != "text" and argument.longest is not None:
        yield ': longest (in characters) belongs to type = "text"'
    if argument.optional and argument.default is not None:
        yield ": give either default or optional = true"
    if argument.default is not None:
        try:
            msgspec.convert(argument.default, _type(argument))
        except msgspec.ValidationError as error:
            yield f".default: {str(error)[:1].lower()}{str(error)[1:]}"


def _mistakes_of_places(key: str, text: str, definition: Definition) -> Iterator[str]:
    try:
        names = _places(text)
    except ValueError as error:
        yield f'{key}: "{text}": {error}; write {{{{ and }}}} for braces that are meant as such'
        return
    for name in names:
        if name not in definition.arguments:
            yield f'{key}: "{text}" names {{{name}}}, but there is no [arguments.{name}]'


def _mistakes_of_means(definition: Definition) -> Iterator[str]:
    """A text that a model chooses freely would let it word the question."""
    means = definition.means or ""
    yield from _mistakes_of_places("means", means, definition)
    for name in _places_of(means):
        argument = definition.arguments.get(name)
        if argument is not None and (argument.type == "text" or argument.optional):
            yield f"means: it must not hold {{{name}}}: only what always has a value, and is no free text"


def _mistakes_of_phrase(text: str, definition: Definition) -> Iterator[str]:
    mistakes = list(_mistakes_of_places("phrases", text, definition))
    yield from mistakes
    if mistakes:
        return
    if re.sub(r"\{[a-z0-9_]+\}", "", text) != re.sub(r"[^a-z' ]", "", re.sub(r"\{[a-z0-9_]+\}", "", text)):
        yield f'phrases: "{text}": write it as it is spoken, in lower-case words without digits or commas'
    names = _places(text)
    for name in names:
        if definition.arguments[name].type != "choice":
            yield f'phrases: "{text}": only arguments of type "choice" can be spoken in a phrase, not {{{name}}}'
    for name, argument in definition.arguments.items():
        if _is_required(argument) and name not in names:
            yield f'phrases: "{text}" leaves {{{name}}} open; give it a default, or put it into the phrase'


def _is_required(argument: Argument) -> bool:
    return argument.default is None and not argument.optional


def _type(argument: Argument) -> Any:
    told = Meta(description=argument.description)
    if argument.type == "choice":
        return Annotated[Literal.__getitem__(argument.choices), told]
    if argument.type == "text":
        return Annotated[str, told, Meta(max_length=argument.longest or LONGEST_TEXT)]
    if argument.type == "boolean":
        return Annotated[bool, told]
    kind = int if argument.type == "integer" else float
    return Annotated[kind, told, Meta(ge=argument.minimum, le=argument.maximum)]


def _places_of(text: str) -> list[str]:
    try:
        return _places(text)
    except ValueError:
        return []


def _places(text: str) -> list[str]:
    """Return the names in braces. Raise ValueError."""
    names = []
    for _, name, form, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        if form or conversion or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise ValueError("a name in braces has lower-case letters, digits and _ only")
        names.append(name)
    return names


def _filled(part: str, given: Mapping[str, Any]) -> str | None:
    names = _places(part)
    if any(given.get(name) is None for name in names):
        return None
    for name in names:
        _refuse(name, given[name], alone=part == f"{{{name}}}")
    return part.format_map({name: _written(given[name]) for name in names})


def _refuse(name: str, value: object, alone: bool) -> None:
    if not isinstance(value, str):
        return
    if "\0" in value:
        raise ToolError(f"{name}: a character of it cannot be passed to a program")
    if alone and value.startswith("-"):
        raise ToolError(f"{name} begins with a dash, which the program could take for an option; say it otherwise")


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _spoken(argument: Argument) -> dict[str, str]:
    return {" ".join(re.sub(r"[^a-z']+", " ", choice.lower()).split()): choice for choice in argument.choices}


def _explained(problem: str) -> str:
    """Put the key before what msgspec says: "Expected `str`, got `int` - at `$.name`"."""
    said, _, path = problem.partition(" - at `$")
    key = path.strip("`.").replace("[...]", "")
    said = f"{said[:1].lower()}{said[1:]}"
    return f"{key}: {said}" if key else said
