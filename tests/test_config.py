"""The configuration: what is refused, how it is said, and what wins."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import config
from device.errors import ConfigError

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
        config.parse(table)
    return str(caught.value)


def test_an_empty_file_is_the_default() -> None:
    """Every key has a default."""
    assert config.parse({}) == config.Config()


def test_the_defaults_can_be_written_down_and_read_again() -> None:
    """They pass their own checks."""
    assert config.parse(msgspec.to_builtins(config.Config())) == config.Config()


@pytest.mark.parametrize(
    ("table", "parts"),
    [
        ({"audoi": {}}, ['"audoi"', 'did you mean "audio"']),
        ({"audio": {"xyz": 1}}, ["[audio]", '"xyz"', "known here", "frame_ms"]),
        ({"hardware": {"led": {"pni": 1}}}, ["[hardware.led]", '"pni"', '"pin"']),
        ({"tools": {"relays": {"fan": {"pin": 2, "saf": True}}}}, ["[tools.relays.fan]", '"saf"', '"safe"']),
        ({"audio": 3}, ["audio", "object"]),
        ({"audio": {"frame_ms": 15}}, ["audio.frame_ms", "15"]),
        ({"wake": {"words": "hey_jarvis"}}, ["wake.words", "array"]),
        ({"wake": {"words": []}}, ["wake.words", "hey_jarvis"]),
        ({"wake": {"thresholds": {"a": 0.1, "b": 1.5}}}, ["wake.thresholds.b", "1.0"]),
        ({"wake": {"patience": 0}}, ["wake.patience", "1"]),
        ({"wake": {"patiences": {"a": 1, "b": 26}}}, ["wake.patiences.b", "25"]),
        ({"wake": {"clips_max": 0}}, ["wake.clips_max", "1"]),
        ({"tools": {"relays": {"fan": {"pin": 2}, "lamp": {"pin": "x"}}}}, ["tools.relays.lamp.pin", "int"]),
        ({"tools": {"relays": {"lamp": {}}}}, ["tools.relays.lamp", "pin"]),
        ({"tools": {"relays": {"lamp": 4}}}, ["tools.relays.lamp", "object"]),
        ({"hardware": {"led": {"pin": 1, "red": 2}}}, ["hardware.led", "not both"]),
        ({"hardware": {"led": {"red": 2}}}, ["hardware.led", "all of red, green and blue"]),
        ({"hardware": {"button": {"hold_s": 2.0, "long_press_s": 2.0}}}, ["long_press_s", "longer"]),
        ({"hardware": {"button": {"pin": 5}}, "tools": {"relays": {"a": {"pin": 5}}}}, ["GPIO 5", "tools.relays.a"]),
        ({"conversation": {"openai": {"url": "api.openai.com"}}}, ["conversation.openai.url", "wss://"]),
        ({"conversation": {"barge_in": "always"}}, ["conversation.barge_in", "always"]),
        ({"service": {"log_level": "loud"}}, ["service.log_level", "loud"]),
    ],
)
def test_what_is_wrong_is_named(table: dict[str, Any], parts: list[str]) -> None:
    """The key, the problem, and what would be right."""
    said = refusal(table)
    assert all(part in said for part in parts), said
    assert "\n" not in said


@given(st.dictionaries(st.sampled_from(SECTIONS) | st.text(max_size=5), VALUES, max_size=3))
def test_any_table_is_taken_or_refused_in_words(table: dict[str, Any]) -> None:
    """No other error comes out."""
    taken_or_refused(table)


@given(st.sampled_from(SECTIONS), st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3))
def test_any_value_is_taken_or_refused_in_words(section: str, table: dict[str, Any]) -> None:
    """Also at the keys that there are."""
    taken_or_refused({section: table})


def taken_or_refused(table: dict[str, Any]) -> None:
    """Read a table; only a ConfigError may come out."""
    with contextlib.suppress(ConfigError):
        config.parse(table)


def test_an_override_wins_over_the_file_and_leaves_the_rest(tmp_path: Path) -> None:
    """As TOML where it is, else as a word."""
    file = tmp_path / "config.toml"
    file.write_text('[conversation]\nfollow_up_s = 3\nturn_taking = "local"\n')
    overrides = ["conversation.follow_up_s=0", "audio.input=ReSpeaker", 'wake.words=["alexa"]', "tools.relays.a.pin=4"]
    settings = config.load(file, overrides)
    assert settings.conversation.follow_up_s == 0
    assert settings.conversation.turn_taking == "local"
    assert settings.audio.input == "ReSpeaker"
    assert settings.wake.words == ("alexa",)
    assert settings.tools.relays["a"].pin == 4


@pytest.mark.parametrize("override", ["a", "=1", "", "audio=", "audio..input=x", ".=1", "audio.input.x.y=1", "a.b.c=1"])
def test_a_hopeless_override_is_refused_in_words(override: str) -> None:
    """Whatever is typed."""
    with pytest.raises(ConfigError) as caught:
        config.load(None, [override])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["folder", "not text", "missing"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    """With the reason."""
    file = tmp_path / "config.toml"
    if kind == "folder":
        file.mkdir()
    elif kind == "not text":
        file.write_bytes(b"\xff\xfe[audio]")
    with pytest.raises(ConfigError, match=r"config\.toml"):
        config.load(file)


def test_the_state_folder_is_the_files_then_systemds_then_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this order; systemd may name several."""
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two")
    own = config.parse({"service": {"state_dir": "~/mine"}})
    assert config.state_dir(own) == Path("~/mine").expanduser()
    assert config.state_dir(config.Config()) == Path("/var/lib/one")
    monkeypatch.delenv("STATE_DIRECTORY")
    assert config.state_dir(config.Config()) == Path("~/.local/state/hearthside").expanduser()
