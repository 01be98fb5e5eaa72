"""What is wrong with a configuration is said in words: which key, what it says, and what would be right."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.errors import ConfigError
from device.house import configuration
from device.house.configuration import SCHEMA
from tests.house.refusals import complaint

KEY = "sk-proj-Zx81kQ7yTn"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


SECTIONS = ["audio", "wake", "conversation", "hardware", "tools", "service"]


KEYS = ["input", "words", "thresholds", "openai", "led", "button", "relays", "profile", "url", "pin", "state_dir"]


def refusal(table: dict[str, Any]) -> str:
    """Return the message with which a configuration is refused."""
    with pytest.raises(ConfigError) as caught:
        configuration.parse(table)
    return str(caught.value)


def test_an_empty_file_is_the_default() -> None:
    """Every key has a default."""
    assert configuration.parse({}) == SCHEMA()


def test_the_defaults_can_be_written_down_and_read_again() -> None:
    """They pass their own checks."""
    assert configuration.parse(msgspec.to_builtins(SCHEMA())) == SCHEMA()


@pytest.mark.parametrize(
    ("table", "parts"),
    [
        ({"audoi": {}}, ['"audoi"', 'did you mean "audio"']),
        ({"audio": {"xyz": 1}}, ["[audio]", '"xyz"', "known here", "frame_ms"]),
        ({"follow_up_s": 0}, ['"follow_up_s"', 'did you mean "conversation.follow_up_s"']),
        ({"hardware": {"pin": 4}}, ["[hardware]", '"hardware.led.pin" or "hardware.button.pin"']),
        ({"relays": {"light": {"pin": 4}}}, ['"relays"', 'did you mean "tools.relays"']),
        ({"hardware": {"led": {"pni": 1}}}, ["[hardware.led]", '"pni"', '"pin"']),
        ({"tools": {"relays": {"fan": {"pin": 2, "saf": True}}}}, ["[tools.relays.fan]", '"saf"', '"safe"']),
        ({"audio": 3}, ["audio = 3", "a table: [audio]"]),
        ({"audio": {"frame_ms": 15}}, ["audio.frame_ms = 15", "give 10 or 20"]),
        ({"audio": {"volume": 80}}, ["audio.volume = 80", "from 0 to 1 (0.8 and not 80)"]),
        ({"audio": {"volume": float("nan")}}, ["audio.volume = nan", "from 0 to 1"]),
        ({"audio": {"cues": "yes"}}, ['audio.cues = "yes"', "true or false, without quotes"]),
        ({"audio": {"input": 3}}, ["audio.input = 3", "text in quotes"]),
        ({"audio": {"mixer": "a\0b"}}, ['audio.mixer = "a?b"', "text in quotes"]),
        ({"wake": {"words": ["a\0b"]}}, ["wake.words", "texts in quotes"]),
        ({"conversation": {"openai": {"model": "\udcff"}}}, ["conversation.openai.model", "text in quotes"]),
        ({"wake": {"words": "hey_jarvis"}}, ["wake.words", 'words = ["hey_jarvis"]']),
        ({"wake": {"words": [3]}}, ["wake.words", 'words = ["hey_jarvis"]']),
        ({"wake": {"words": []}}, ["wake.words", "hey_jarvis"]),
        ({"wake": {"thresholds": 0.7}}, ["wake.thresholds = 0.7", "thresholds = { alexa = 0.7 }"]),
        ({"wake": {"thresholds": {"a": 0.1, "b": 1.5}}}, ["wake.thresholds.b = 1.5", "from 0 to 1"]),
        ({"wake": {"thresholds": {"/my/w.onnx": 2}}}, ['wake.thresholds."/my/w.onnx" = 2', "from 0 to 1"]),
        ({"wake": {"patience": 0}}, ["wake.patience = 0", "a whole number from 1 to 25"]),
        ({"wake": {"patiences": {"a": 1, "b": 26}}}, ["wake.patiences.b", "25"]),
        ({"wake": {"clips_max": 0}}, ["wake.clips_max", "1"]),
        ({"tools": {"relays": {"fan": {"pin": 2}, "lamp": {"pin": "x"}}}}, ["tools.relays.lamp.pin", "GPIO number"]),
        ({"tools": {"relays": {"lamp": {}}}}, ["[tools.relays.lamp] lacks pin", "pin = 17"]),
        ({"tools": {"relays": {"lamp": 4}}}, ["tools.relays.lamp = 4", "[tools.relays.lamp] with pin = 17"]),
        ({"tools": {"relays": 4}}, ["tools.relays = 4", "[tools.relays.light] with pin = 17"]),
        ({"hardware": {"led": {"pin": 40}}}, ["hardware.led.pin = 40", "0 to 27 (not the position on the header)"]),
        ({"hardware": {"led": {"pin": 1, "red": 2}}}, ["hardware.led", "not both"]),
        ({"hardware": {"led": {"red": 2}}}, ["hardware.led", "all of red, green and blue"]),
        ({"hardware": {"button": {"hold_s": 2.0, "long_press_s": 2.0}}}, ["long_press_s", "longer"]),
        ({"hardware": {"button": {"pin": 5}}, "tools": {"relays": {"a": {"pin": 5}}}}, ["GPIO 5", "tools.relays.a"]),
        ({"conversation": {"openai": {"url": "api.openai.com"}}}, ["conversation.openai.url", "wss://"]),
        ({"conversation": {"barge_in": "always"}}, ['barge_in = "always"', 'give "voice", "wake_word" or "off"']),
        ({"conversation": {"follow_up_s": "long"}}, ['follow_up_s = "long"', "seconds, from 0 to 3600"]),
        ({"service": {"log_level": "loud"}}, ["service.log_level", "loud", '"debug", "info", "warning" or "error"']),
    ],
)
def test_what_is_wrong_is_named(table: dict[str, Any], parts: list[str]) -> None:
    """The key, the problem, and what would be right."""
    said = refusal(table)
    assert all(part in said for part in parts), said
    assert "\n" not in said


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(SECTIONS) | st.text(max_size=5), VALUES, max_size=3))
def test_any_table_is_taken_or_refused_in_words(table: dict[str, Any]) -> None:
    """No other error comes out."""
    taken_or_refused(table)


@settings(deadline=None)
@given(st.sampled_from(SECTIONS), st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3))
def test_any_value_is_taken_or_refused_in_words(section: str, table: dict[str, Any]) -> None:
    """Also at the keys that there are."""
    taken_or_refused({section: table})


def taken_or_refused(table: dict[str, Any]) -> None:
    """Read a table; only a ConfigError that names the place may come out."""
    said = complaint(lambda: configuration.parse(table, "here"))
    assert not said or said.startswith("here: ")


@pytest.mark.parametrize("name", ["api_key", "OPENAI_API_KEY", "key", "apikey", "token"])
@pytest.mark.parametrize("section", ["conversation.openai", "conversation", "openai", ""])
def test_a_key_in_the_configuration_is_told_where_it_belongs(name: str, section: str) -> None:
    """Other users may read the file; and what it is goes into no message."""
    table: dict[str, Any] = {name: KEY}
    for part in reversed(section.split(".") if section else []):
        table = {part: table}
    said = refusal(table)
    assert all(part in said for part in ("environment variable OPENAI_API_KEY", "LoadCredential=openai_api_key:FILE"))
    assert KEY not in said


@pytest.mark.parametrize("value", [KEY, f"Bearer {KEY}", "0123456789abcdef0123456789abcdef"])
def test_a_key_in_the_wrong_place_is_not_shown(value: str) -> None:
    """Wherever somebody puts it."""
    for said in (
        refusal({"conversation": {"openai": {"auth_header": value}}}),
        refusal({"conversation": {"openai": {"url": value}}}),
        refusal({value: 1}),
    ):
        assert value not in said
