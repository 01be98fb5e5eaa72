"""Answers in a file, for scripts: TOML, by the names of the questions, and where the key is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from device.errors import ConfigError
from device.house.configuration import Config
from device.kit.words import tells_a_key
from device.secrets import Secret
from device.setup.wizard import keys
from device.setup.wizard.draft import Outcome, drafted, settled
from device.setup.wizard.facts import Facts
from device.setup.wizard.questions import AnswerError, Interview

KEY_FILE = "key_file"
"""The key itself does not belong into a file that is passed around."""


def answered(facts: Facts, place: str, table: Mapping[str, Any]) -> tuple[Outcome, str]:
    """Return what such a file asks for, and what is to be said of the key. Raise ConfigError."""
    answers = {name: _text(name, value) for name, value in table.items() if name != KEY_FILE}
    wanted = drafted(Interview(facts).take_all(answers), place)
    if KEY_FILE not in table:
        return Outcome(wanted, {}), ""
    found, doubt = _key(settled(wanted, facts, place), Path(_text(KEY_FILE, table[KEY_FILE])).expanduser())
    return Outcome(wanted, found), doubt


def _key(settings: Config, path: Path) -> tuple[dict[str, Secret], str]:
    names = keys.names(settings)
    if not names:
        raise AnswerError(f"{KEY_FILE}: who answers needs no key; leave it out")
    if tells_a_key(path.name):
        raise AnswerError(f"{KEY_FILE}: this looks like the key itself; put it into a file, and name that")
    key = keys.read(names[0], path)
    trial = keys.tried(settings, key)
    if problem := keys.refusal(trial):
        raise ConfigError(f"{KEY_FILE}: {problem}")
    return {names[0]: key}, keys.reservation(trial)


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    raise AnswerError(f'{name}: an answer is text in quotes, such as {name} = "..."')
