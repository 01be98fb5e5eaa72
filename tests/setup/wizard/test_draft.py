"""What is written: only what differs from the defaults, with its meaning; and what stood there stays."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.errors import ConfigError
from device.house import configuration
from device.house.layers import Layer
from device.kit.tomltext import tables, toml_key, toml_value
from device.setup.wizard.draft import drafted, text
from device.setup.wizard.facts import Board
from device.setup.wizard.questions import Interview
from tests.setup.wizard.test_questions import facts

VIRTUAL = Board("virtual", "Simulation")
PLACE = "/etc/hearthside/config.toml"


def draft(own: dict[str, Any] | None = None, **answers: str) -> dict[str, Any]:
    """Return the table that is written after these answers."""
    return drafted(Interview(facts(own)).take_all(answers), PLACE)


def test_only_what_differs_is_written() -> None:
    """What is built in is left out."""
    assert draft() == {}
    assert draft(wake_word="alexa") == {"wake": {"words": ["alexa"]}}
    assert draft(microphone="Device", openai_address="ws://192.168.1.2/v1") == {
        "audio": {"input": "Device"},
        "conversation": {"openai": {"url": "ws://192.168.1.2/v1"}},
    }


def test_what_the_board_says_is_not_written() -> None:
    """It would hold for another board as well, some day; and the board's channel would no longer be heard."""
    assert draft(board="respeaker_2mic_v1") == {"hardware": {"profile": "respeaker_2mic_v1"}}
    assert draft(board="respeaker_2mic_v1", microphone="Device") == {
        "hardware": {"profile": "respeaker_2mic_v1"},
        "audio": {"input": "Device"},
    }


def test_a_board_that_is_named_is_written_also_if_it_is_what_would_be_found() -> None:
    """It holds whatever is plugged in; only "find out" goes without saying."""
    plain = {"microphone": "default", "loudspeaker": "default"}
    assert draft(board="generic", **plain) == {"hardware": {"profile": "generic"}}
    assert draft({"hardware": {"profile": "generic"}}, board="auto", **plain) == {}


def test_what_stood_there_stays() -> None:
    """Settings that are not asked about, as they are; the table is not changed under anybody's hands."""
    own = {"tools": {"relays": {"light": {"pin": 17}}}, "wake": {"words": ["alexa"], "threshold": 0.6}}
    assert draft(own) == own
    assert draft(own, wake_word="hey_jarvis") == {"tools": own["tools"], "wake": {"threshold": 0.6}}
    assert own["wake"] == {"words": ["alexa"], "threshold": 0.6}


def test_several_words_are_a_list() -> None:
    """With commas between them."""
    assert draft(wake_word="alexa, hey_jarvis") == {"wake": {"words": ["alexa", "hey_jarvis"]}}


@pytest.mark.parametrize(
    ("own", "answers", "part"),
    [
        ({"hardware": {"led": {"pin": 4}}}, {"board": "respeaker_2mic_v1"}, "this board uses GPIO 4"),
        ({}, {"openai_address": "https://example.com"}, "must begin with wss://"),
        ({}, {"openai_address": "ws://8.8.8.8/"}, "without encryption"),
    ],
)
def test_answers_that_do_not_go_together_are_refused(own: dict[str, Any], answers: dict[str, str], part: str) -> None:
    """In the words of every other command, with the file."""
    with pytest.raises(ConfigError, match=part) as caught:
        draft(own, **answers)
    assert str(caught.value).startswith(PLACE)


def test_what_lies_over_the_file_holds() -> None:
    """What it says is not said again; an answer against it would change nothing, and is refused with the place."""
    above = (Layer("config.d/20-board.toml", {"hardware": {"profile": "virtual"}}),)
    holds = configuration.parse({"hardware": {"profile": "virtual"}})
    found = replace(facts(), above=above, holds=holds, likely_board="virtual", boards=(*facts().boards, VIRTUAL))
    assert drafted(Interview(found).take_all({"wake_word": "alexa"}), PLACE) == {"wake": {"words": ["alexa"]}}
    with pytest.raises(ConfigError, match=r"config.d/20-board.toml: hardware.profile is set there"):
        drafted(Interview(found).take_all({"board": "generic"}), PLACE)


def test_the_file_says_what_each_key_means() -> None:
    """Above it, and is right."""
    table = draft({"tools": {"relays": {"light": {"pin": 17}}}}, wake_word="alexa")
    written = text(table)
    assert tomllib.loads(written) == table
    assert written.startswith("# Written by `hearthside setup`")
    lines = written.splitlines()
    assert lines[lines.index('words = ["alexa"]') - 1].startswith("# ")
    assert lines[lines.index("pin = 17") - 1].startswith("# ")
    assert max(map(len, lines)) <= 80


def test_a_file_of_defaults_is_only_its_head() -> None:
    """And can be read."""
    assert configuration.parse(tomllib.loads(text({}))) == configuration.parse({})


SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=20),
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3))
TABLES = st.recursive(
    st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), VALUES, max_size=4),
    lambda inner: st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=8), st.one_of(VALUES, inner), max_size=3
    ),
    max_leaves=6,
)


@given(TABLES)
def test_every_table_reads_the_same_again(table: dict[str, Any]) -> None:
    """Whatever its keys and texts are."""
    lines = []
    for path, values in tables(table):
        lines += [f"[{toml_key(path)}]"] if path else []
        lines += [f"{toml_key([name])} = {toml_value(value)}" for name, value in values.items()]
    assert tomllib.loads("\n".join(lines)) == table
