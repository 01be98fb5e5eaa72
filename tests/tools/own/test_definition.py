"""What stands in a tool's file, and the command that becomes of it."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.core.events import Way
from device.errors import ConfigError, ToolError
from device.ports.tools import Confirmation, Tool
from device.tools.own import definition as of
from device.tools.registry import decode_arguments

WATER = """
name = "water_plants"
description = "Water the plants."
command = ["/usr/local/bin/water", "--for={seconds}", "{where}", "--note", "{note}", "{{kept}}"]
phrases = ["water the plants", "water the {where}"]

[arguments.seconds]
type = "integer"
description = "for how long"
minimum = 1
maximum = 60
default = 10

[arguments.where]
type = "choice"
choices = ["balcony", "Garden"]
description = "which ones"
default = "balcony"

[arguments.note]
type = "text"
description = "what to write into the log"
optional = true
"""


def line(text: str, given_json: str) -> list[str]:
    """Return the command that a model's arguments lead to."""
    found = of.parse(text)
    tool: Tool[Any] = Tool(found.name, found.description, of.arguments_type(found), run=never)
    arguments = decode_arguments(tool, given_json)
    return of.command_line(found, msgspec.structs.asdict(arguments))


async def never(arguments: Any) -> str:
    """Is not run."""
    raise AssertionError


def test_values_stand_in_their_places_and_what_has_none_is_left_out() -> None:
    """Defaults where the model gives nothing."""
    whole = '{"seconds": 5, "where": "Garden", "note": "dry; rm -rf /"}'
    assert line(WATER, whole) == [
        "/usr/local/bin/water",
        "--for=5",
        "Garden",
        "--note",
        "dry; rm -rf /",
        "{kept}",
    ]
    assert line(WATER, "{}") == ["/usr/local/bin/water", "--for=10", "balcony", "--note", "{kept}"]


@pytest.mark.parametrize("given_json", ['{"seconds": 61}', '{"where": "roof"}', '{"note": 3}', '{"else": 1}'])
def test_what_the_file_does_not_allow_is_refused(given_json: str) -> None:
    """Before anything runs."""
    with pytest.raises(ToolError):
        line(WATER, given_json)


@given(st.text(max_size=of.LONGEST_TEXT))
def test_no_text_becomes_more_than_one_argument_or_an_option(text: str) -> None:
    """Whatever a model, or somebody who speaks through it, says."""
    found = of.parse(WATER)
    try:
        command = of.command_line(found, {"seconds": 1, "where": "balcony", "note": text})
    except ToolError:
        assert text.startswith("-") or "\0" in text
    else:
        assert command[4] == text
        assert len(command) == 6
        assert not command[4].startswith("-")


def test_a_person_is_asked_about_what_it_means() -> None:
    """With the values that the model gave; a tool that needs nobody asks nobody."""
    found = of.parse(WATER.replace("phrases =", 'confirm = "press"\nmeans = "water the {where}"\nphrases ='))
    assert of.confirmation(found, {"where": "Garden"}) == Confirmation(Way.PRESS, "water the Garden")
    assert of.confirmation(of.parse(WATER), {"where": "Garden"}) is None


def test_phrases_have_the_spoken_forms_of_their_choices() -> None:
    """For the recogniser without a network."""
    found = of.phrases(of.parse(WATER))
    assert [phrase.text for phrase in found] == ["water the plants", "water the {where}"]
    assert found[1].slots == {"where": {"balcony": "balcony", "garden": "Garden"}}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('name = "water_plants"', 'name = "Water plants"', "name"),
        ('description = "Water the plants."', "", "description"),
        ('"/usr/local/bin/water"', '"water"', "whole path"),
        ('"/usr/local/bin/water"', '"{where}"', "must not depend"),
        ("{seconds}", "{second}", "no [arguments.second]"),
        ("{seconds}", "{seconds!r}", "braces"),
        ("{{kept}}", "{kept", "braces"),
        ('"--for={seconds}", ', "", "arguments.seconds: the command does not use it"),
        ("default = 10", "default = 100", "arguments.seconds.default"),
        ("default = 10", 'default = 10\nchoices = ["a"]', "arguments.seconds: choices"),
        ("default = 10", "default = 10\nlongest = 3", "longest"),
        ("optional = true", 'optional = true\ndefault = "x"', "either default or optional"),
        ("optional = true", "optional = true\nminimum = 1", "minimum"),
        ('"water the plants"', '"water 3 plants"', "as it is spoken"),
        ('"water the plants"', '"note {note}"', "only arguments of type"),
        ('default = "balcony"', "", "leaves {where} open"),
        ('type = "integer"', 'type = "int"', "arguments"),
        ("[arguments.seconds]", "[argument.seconds]", "argument"),
        ("name =", "name", "not TOML"),
        ("phrases =", 'confirm = "press"\nphrases =', "confirm"),
        ("phrases =", 'confirm = "press"\nmeans = "do {note}"\nphrases =', "means: it must not hold {note}"),
        ("phrases =", 'confirm = "press"\nmeans = "do {it}"\nphrases =', "means"),
        ("optional = true", "optional = true\ntimeout = 3", "timeout"),
    ],
)
def test_each_mistake_is_named(before: str, after: str, said: str) -> None:
    """With the key, and what to do."""
    assert before in WATER
    with pytest.raises(ConfigError, match=said.replace("[", r"\[").replace("{", r"\{")):
        of.parse(WATER.replace(before, after, 1))


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    """A file is a definition or a ConfigError."""
    for whole in (text, WATER + text, text + WATER):
        with contextlib.suppress(ConfigError):
            of.parse(whole)
