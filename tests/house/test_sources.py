"""Files, the folder beside them, and --set: what is read, what wins, and how what cannot be read is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.errors import ConfigError
from device.house import configuration, sources
from device.house.configuration import SCHEMA
from device.tools.pins.feature import RELAY_TABLE as RELAYS
from tests.house.conftest import add
from tests.house.refusals import complaint

KEY = "sk-proj-Zx81kQ7yTn"


def loading(folder: Path, data: bytes, *overrides: str) -> str:
    """Return the message with which a file is refused, "" when it is taken."""
    file = folder / "config.toml"
    file.write_bytes(data)
    return complaint(lambda: configuration.load(file, overrides))


@pytest.mark.parametrize("text", [f"OPENAI_API_KEY={KEY}", f"[conversation.openai]\napi_key = {KEY}"])
def test_a_key_without_quotes_is_told_where_it_belongs(tmp_path: Path, text: str) -> None:
    """Though the file is not even TOML."""
    said = loading(tmp_path, text.encode())
    assert "environment variable OPENAI_API_KEY" in said
    assert KEY not in said


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


def test_a_default_file_that_may_not_be_read_is_not_taken_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wrote it believes that it holds."""
    hidden = Path(f"/{'x' * 300}/config.toml")
    monkeypatch.setattr(sources, "DEFAULT_PATH", hidden)
    with pytest.raises(ConfigError, match="cannot read the configuration"):
        configuration.load(None)
    monkeypatch.setattr(sources, "DEFAULT_PATH", Path("/nowhere/config.toml"))
    assert configuration.load(None) == SCHEMA()


def test_files_in_the_folder_lie_over_the_file_in_the_order_of_their_names(file: Path) -> None:
    """For each key by itself; --set is over all of them."""
    add(file, "20-b.toml", "[audio]\nvolume = 0.3\n")
    first = add(file, "10-a.toml", "[audio]\nvolume = 0.2\nframe_ms = 10\n[tools.relays.fan]\npin = 6\n")
    effective = configuration.read(file, ["audio.frame_ms=20"])
    audio = effective.config.audio
    assert (audio.volume, audio.cues, audio.frame_ms) == (0.3, False, 20)
    assert effective.place("audio.cues") == str(file)
    assert effective.place("audio.volume").endswith("20-b.toml")
    assert effective.place("audio.frame_ms") == "--set"
    assert effective.place("tools.relays.fan.pin") == str(first)
    assert effective.place("wake.words") == ""


def test_what_is_no_file_of_ours_is_left_alone(file: Path) -> None:
    """Copies that editors and packagers keep, and notes."""
    for name in ("notes.txt", "10-a.toml~", ".10-a.toml.swp", ".#10-a.toml", "10-a.toml.dpkg-old"):
        add(file, name, "this is not TOML")
    assert configuration.load(file).audio.volume == 0.1


def test_the_folder_counts_without_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none is named and the usual one is not there."""
    add(file, "10-a.toml", "[audio]\nvolume = 0.2\n")
    file.unlink()
    monkeypatch.setattr(sources, "DEFAULT_PATH", file)
    assert configuration.load(None).audio.volume == 0.2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[audio]\nvolume = 9", "audio.volume = 9 is not possible"),
        ("[audio]\nvolum = 1", 'there is no key "volum" in [audio]'),
        ("[audio\n", "it is not valid TOML"),
        ("[audio]\nvad = 'gpio'", 'audio.vad = "gpio" needs audio.vad_pin'),
        ("[hardware]\nprofile = 'codec'", 'hardware.profile: there is no profile "codec"'),
        ("[tools.relays.light]\nsafe = 3", "tools.relays.light.safe = 3"),
        ("[tools.relays.fan]\nsafe = true", "[tools.relays.fan] lacks pin"),
        ("[tools]\nrelays = 3", "tools.relays = 3 is not possible"),
    ],
)
def test_a_complaint_names_the_file_that_it_is_about(file: Path, text: str, said: str) -> None:
    """Not the first one, which may be right."""
    add(file, "10-a.toml", "[audio]\ncues = true\n")
    wrong = add(file, "20-b.toml", text)
    with pytest.raises(ConfigError) as caught:
        configuration.load(file, ["conversation.follow_up_s=0"])
    assert str(caught.value).startswith(f"{wrong}: {said}")


def test_a_folder_that_cannot_be_read_is_not_taken_for_none(file: Path) -> None:
    """Nor a file that is a folder."""
    (file.parent / "config.d" / "10-a.toml").mkdir()
    with pytest.raises(ConfigError, match=r"cannot read the configuration .*10-a\.toml: Is a directory"):
        configuration.load(file)
    (file.parent / "config.d" / "10-a.toml").rmdir()
    (file.parent / "config.d").rmdir()
    (file.parent / "config.d").write_text("")
    with pytest.raises(ConfigError, match=r"cannot read the folder of configurations .*config\.d"):
        configuration.load(file)
