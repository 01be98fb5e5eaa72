"""From answers to the text of a configuration: only what differs from the defaults, with what it means. Pure."""

from __future__ import annotations

import copy
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from device.errors import ConfigError
from device.house import configuration
from device.house.configuration import Config, Effective
from device.house.layers import Layer
from device.house.meanings import meaning
from device.kit.tomltext import tables, toml_key, toml_value
from device.secrets import Secret
from device.settings import Key
from device.setup.wizard.facts import Facts
from device.setup.wizard.questions import Interview, Question, questions

_WIDTH = 78
HEAD = """# Written by `hearthside setup`; change what you like. It says only what
# differs from the defaults: `hearthside config` prints every setting. The key
# of your account does not belong here."""

Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be written: the file's table, and the keys to be stored, by their names."""

    table: Table
    keys: Mapping[str, Secret]


def drafted(interview: Interview, place: str) -> Table:
    """Return the file's table with the answers in it, and without those that say what holds anyway.

    Raise ConfigError, which names `place`, when the answers do not go together, or do not hold.
    """
    facts = interview.facts
    table: Table = copy.deepcopy(dict(facts.own))
    answered = [one for one in questions(facts) if one.name in interview.answers]
    for question in answered:
        _set(table, question.key, _value(question, interview.answers[question.name]))
    _refuse_overruled(configuration.effective([Layer(place, table), *facts.above]), answered, table)
    for question in answered:
        _leave_out(table, question.key, facts, place)
    return table


def settled(table: Mapping[str, Any], facts: Facts, place: str) -> Config:
    """Return the settings that hold with a file's table. Raise ConfigError."""
    return configuration.effective([Layer(place, table), *facts.above]).config


def _refuse_overruled(effective: Effective, answered: Iterable[Question], table: Table) -> None:
    """Refuse an answer that would be written for nothing, since another file lies over this one."""
    for question in answered:
        wanted = _in(table, question.key)
        if _at(effective.config, question.key) != (tuple(wanted) if question.is_list else wanted):
            name = ".".join(question.key)
            raise ConfigError(f"{effective.place(name)}: {name} is set there, which holds over this; change it there")


def text(table: Mapping[str, Any]) -> str:
    """Return it as a file, for people."""
    return "\n".join(_lines(table)) + "\n"


def _lines(table: Mapping[str, Any]) -> Iterator[str]:
    yield HEAD
    for path, values in tables(table):
        if path:
            yield f"\n[{toml_key(path)}]"
        for name, value in values.items():
            yield from textwrap.wrap(meaning((*path, name)), _WIDTH, initial_indent="# ", subsequent_indent="# ")
            yield f"{toml_key([name])} = {toml_value(value)}"


def _value(question: Question, answer: str) -> Any:
    return [part.strip() for part in answer.split(",")] if question.is_list else answer


def _leave_out(table: Table, key: Key, facts: Facts, place: str) -> None:
    """Remove a key that says no more than what holds without it."""
    without = copy.deepcopy(table)
    _remove(without, key)
    try:
        holds = _at(settled(without, facts, place), key)
    except ConfigError:
        # Without it nothing goes together: it is needed.
        return
    if holds == _at(settled(table, facts, place), key):
        _remove(table, key)


def _at(config: Any, key: Key) -> Any:
    for name in key:
        config = getattr(config, name)
    return config


def _in(table: Any, key: Key) -> Any:
    for name in key:
        table = table[name]
    return table


def _set(table: Table, key: Key, value: Any) -> None:
    for name in key[:-1]:
        table = table.setdefault(name, {})
    table[key[-1]] = value


def _remove(table: Table, key: Key) -> None:
    """Remove it, and the tables that hold nothing else."""
    inner = table.get(key[0])
    if len(key) > 1 and isinstance(inner, dict):
        _remove(inner, key[1:])
    if len(key) == 1 or inner == {}:
        table.pop(key[0], None)
