"""The configuration: what is refused, how it is said, and what wins."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.errors import ConfigError
from device.house import configuration, sources
from device.house.configuration import SCHEMA
from device.service.settings import Service
from device.service.statefolder import state_folder
from device.tools.relays import TABLE as RELAYS

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
SECTIONS = ["audio", "wake", "conversation", "hardware", "tools", "service"]
ROOT = Path(__file__).parent.parent
DRAW = ROOT / "scripts" / "draw_settings.py"
KEY = "sk-proj-Zx81kQ7yTn"
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


def complaint(read: Callable[[], object]) -> str:
    """Return the message of the ConfigError that comes out, "" when none does. It is one line."""
    try:
        read()
    except ConfigError as error:
        return str(error) if "\n" not in str(error) else "it has several lines"
    return ""


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


@pytest.mark.parametrize("text", [f"OPENAI_API_KEY={KEY}", f"[conversation.openai]\napi_key = {KEY}"])
def test_a_key_without_quotes_is_told_where_it_belongs(tmp_path: Path, text: str) -> None:
    """Though the file is not even TOML."""
    said = loading(tmp_path, text.encode())
    assert "environment variable OPENAI_API_KEY" in said
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


# Files


def loading(folder: Path, data: bytes, *overrides: str) -> str:
    """Return the message with which a file is refused, "" when it is taken."""
    file = folder / "config.toml"
    file.write_bytes(data)
    return complaint(lambda: configuration.load(file, overrides))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_may_come_from_another_kind_of_computer(tmp_path: Path, encoding: str) -> None:
    """With a byte order mark, in UTF-16, with line ends of Windows."""
    file = tmp_path / "config.toml"
    file.write_bytes('[conversation]\r\ninstructions = "Sprich wie ein Bär"\r\n'.encode(encoding))
    assert configuration.load(file).conversation.instructions == "Sprich wie ein Bär"


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b'[audio]\ninput = "\xe4"', "line 2 has a byte that does not belong there"),
        (b"\xff\xfe\x00\xd8", "not UTF-16-LE text"),
        (b"\x89PNG\r\n\x1a\n\0", "save it as UTF-8"),
        (b"a\0b", "save it as UTF-8"),
        (b"a = " + b"[" * 3000 + b"]" * 3000, "too deep"),
        (b"a = " + b"{a = " * 3000 + b"1" + b"}" * 3000, "too deep"),
        (b"[audio]\nvolume = " + b"9" * 5000, "not valid TOML"),
        (b"[audio]\nvolume = 0x" + b"f" * 5000, "audio.volume = a very large number is not possible"),
        (b".".join([b"a"] * 3000) + b" = 1", 'no key "a"'),
        (b"[wake.thresholds]\n" + b".".join([b"a"] * 3000) + b" = 1", "wake.thresholds.a = a table is not possible"),
        (b"[conversation.openai]\nvoice = marin", 'text stands in quotes: name = "text"'),
    ],
)
def test_a_hopeless_file_is_named_and_refused_in_one_line(tmp_path: Path, data: bytes, part: str) -> None:
    """Whatever the bytes."""
    said = loading(tmp_path, data)
    assert said.startswith(f"{tmp_path / 'config.toml'}: ")
    assert part in said


def test_the_place_of_a_wrong_value_is_named(tmp_path: Path) -> None:
    """The file, or --set for what was set there."""
    assert loading(tmp_path, b"[audio]\nvolume = 9", "audio.cues=false").startswith(str(tmp_path / "config.toml"))
    assert loading(tmp_path, b"[audio]\ncues = false", "audio.volume=9").startswith("--set: audio.volume = 9 ")
    assert loading(tmp_path, b"", "follow_up_s=0") == (
        '--set: there is no key "follow_up_s"; did you mean "conversation.follow_up_s"?'
    )


TOKENS = """[audio] [wake] [tools.relays.light] [hardware.led] volume words pin = " ' [ ] { } , . # 17 0x 1e9 nan - true
1979-05-27 \\u0000 ä a"""
FRAGMENTS = st.sampled_from([*TOKENS.split(), " ", "\n", "\r", "\0"])


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.lists(FRAGMENTS, max_size=25).map("".join).map(str.encode))
def test_whatever_the_bytes_it_is_a_configuration_or_a_complaint(tmp_path: Path, data: bytes) -> None:
    """That names the file; no other error comes out."""
    said = loading(tmp_path, data)
    assert not said or said.startswith(f"{tmp_path / 'config.toml'}: ")


@settings(deadline=None, max_examples=300)
@given(st.lists(FRAGMENTS | st.text(max_size=4), max_size=12).map("".join))
def test_whatever_is_set_it_is_a_configuration_or_a_complaint(override: str) -> None:
    """That says so; no other error comes out."""
    for text in (override, f"audio.volume={override}", f"wake.words={override}", f"tools.relays.{override}=1"):
        said = complaint(lambda text=text: configuration.load(None, [text]))  # type: ignore[misc]
        assert not said or said.startswith("--set")


def test_a_home_folder_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """~ is put in full, ~nobody cannot be."""
    wrong = configuration.parse({"service": {"state_dir": "~no-such-user/x"}})
    with pytest.raises(ConfigError, match=r'service\.state_dir: there is no home folder for "~no-such-user"'):
        state_folder(wrong.service)


def test_an_override_wins_over_the_file_and_leaves_the_rest(tmp_path: Path) -> None:
    """As TOML where it is, else as a word."""
    file = tmp_path / "config.toml"
    file.write_text('[conversation]\nfollow_up_s = 3\nturn_taking = "local"\n')
    overrides = ["conversation.follow_up_s=0", "audio.input=ReSpeaker", 'wake.words=["alexa"]', "tools.relays.a.pin=4"]
    taken = configuration.load(file, overrides)
    assert taken.conversation.follow_up_s == 0
    assert taken.conversation.turn_taking == "local"
    assert taken.audio.input == "ReSpeaker"
    assert taken.wake.words == ("alexa",)
    assert taken.of(RELAYS)["a"].pin == 4


@pytest.mark.parametrize("override", ["a", "=1", "", "audio=", "audio..input=x", ".=1", "audio.input.x.y=1", "a.b.c=1"])
def test_a_hopeless_override_is_refused_in_words(override: str) -> None:
    """Whatever is typed."""
    with pytest.raises(ConfigError) as caught:
        configuration.load(None, [override])
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
        configuration.load(file)


def test_the_state_folder_is_the_files_then_systemds_then_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this order; systemd may name several."""
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two")
    own = configuration.parse({"service": {"state_dir": "~/mine"}})
    assert state_folder(own.service) == Path("~/mine").expanduser()
    assert state_folder(Service()) == Path("/var/lib/one")
    monkeypatch.delenv("STATE_DIRECTORY")
    assert state_folder(Service()) == Path("~/.local/state/hearthside").expanduser()


# The page of all keys


def test_the_page_of_all_keys_is_up_to_date() -> None:
    """A key that changed without its page fails here."""
    command = [sys.executable, str(DRAW), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_every_key_says_what_it_means() -> None:
    """On the page, which is drawn from what stands below each key in the code."""
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert [row[0] for row in rows if len(row[3].strip(" |")) < 8] == []


def test_a_default_file_that_may_not_be_read_is_not_taken_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wrote it believes that it holds."""
    hidden = Path(f"/{'x' * 300}/config.toml")
    monkeypatch.setattr(sources, "DEFAULT_PATH", hidden)
    with pytest.raises(ConfigError, match="cannot read the configuration"):
        configuration.load(None)
    monkeypatch.setattr(sources, "DEFAULT_PATH", Path("/nowhere/config.toml"))
    assert configuration.load(None) == SCHEMA()
