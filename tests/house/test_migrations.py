"""Keys that got other names: read all the same, and renamed in the file with everything around them as it was."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.errors import ConfigError
from device.house import configuration, migrations, sources
from device.house.migrations import Move, moved, rewritten

# No key was renamed so far: these are made up.
PERCENT = Move(("audio", "loudness"), ("audio", "volume"), lambda percent: percent / 100)
LIGHT = Move(("panel", "light"), ("hardware", "led", "pin"))
MOVES = (PERCENT, LIGHT)

FILE = """# Kitchen
[audio]
cues = false
loudness = 30  # not too loud

[panel]
  light = 12

[wake]
words = ["alexa"]
"""
TODAY = """# Kitchen
[audio]
cues = false
volume = 0.3  # not too loud

[panel]

[wake]
words = ["alexa"]

[hardware.led]
  pin = 12
"""


def test_an_old_key_is_read_as_the_new_one() -> None:
    """The table that was given stays as it was."""
    table = {"audio": {"loudness": 30, "cues": False}}
    assert moved(table, MOVES) == ({"audio": {"volume": 0.3, "cues": False}}, [PERCENT])
    assert table == {"audio": {"loudness": 30, "cues": False}}


def test_a_key_may_be_moved_more_than_once() -> None:
    """From release to release, whichever of them the file is from."""
    moves = (Move(("a", "x"), ("a", "y")), Move(("a", "y"), ("b", "z")))
    assert moved({"a": {"x": 1}}, moves) == ({"a": {}, "b": {"z": 1}}, [*moves])
    assert moved({"a": {"y": 1}}, moves) == ({"a": {}, "b": {"z": 1}}, [moves[1]])


def test_an_old_key_beside_its_new_one_stays() -> None:
    """Which of them was meant is not for us to say: it is refused as a key that is not known."""
    table = {"audio": {"loudness": 30, "volume": 0.5}}
    assert moved(table, MOVES) == (table, [])


@pytest.mark.parametrize("table", [{}, {"audio": 1}, {"audio": {"volume": 1.0}}, {"panel": {}}])
def test_what_has_no_old_key_is_left_alone(table: dict[str, object]) -> None:
    """Also when it is wrong: that is for others to say."""
    assert moved(table, MOVES) == (table, [])


def test_a_file_keeps_its_comments_and_its_order() -> None:
    """The line moves as it is, with its indentation."""
    assert rewritten(FILE, MOVES) == (TODAY, [PERCENT, LIGHT])
    assert rewritten(TODAY, MOVES) == (TODAY, [])


def test_a_key_goes_to_the_end_of_a_table_that_is_there() -> None:
    """And not into the next one."""
    text = "[panel]\nlight = 12\n[hardware.led]\n# Red\nactive_high = false\n\n[wake]\nthreshold = 0.5\n"
    wanted = "[panel]\n[hardware.led]\n# Red\nactive_high = false\npin = 12\n\n[wake]\nthreshold = 0.5\n"
    assert rewritten(text, MOVES) == (wanted, [LIGHT])


@pytest.mark.parametrize(
    "text",
    [
        "audio = { loudness = 30 }\n",
        "audio.loudness = 30\n",
        '[audio]\n"loudness" = 30\n',
        '[wake]\nsave_clips = """\n[audio]\nloudness = 1\n"""\n[audio]\nloudness = 30\n',
    ],
)
def test_what_cannot_be_changed_safely_is_left_to_a_person(text: str) -> None:
    """It says which key, and what it is called."""
    with pytest.raises(ConfigError, match=r"audio.loudness is called audio.volume now.*by hand"):
        rewritten(text, MOVES)


LINES = st.sampled_from(
    [
        "[audio]",
        "[panel]  # lights",
        "[hardware.led]",
        "[wake]",
        "loudness = 30",
        "loudness = 7 # x",
        "  light = 12",
        "light = 'a # b'",
        'light = "]"',
        "volume = 0.5",
        "pin = 4",
        "",
        "# loudness = 1",
        "words = [",
        '"x", # [audio]',
        "]",
    ]
)


@given(st.lists(LINES, max_size=12).map("\n".join))
def test_a_file_that_was_changed_means_the_same(text: str) -> None:
    """Whatever stands in it; or else it is left to a person."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    wanted, moves = moved(table, MOVES)
    try:
        changed, done = rewritten(text, MOVES)
    except ConfigError:
        return
    assert tomllib.loads(changed) == wanted
    assert done == moves
    assert all(line in changed for line in text.split("\n") if line.startswith("#"))


def test_a_device_reads_old_files_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it works before anybody has changed them, and after going back and forth."""
    monkeypatch.setattr(migrations, "MOVES", MOVES)
    file = tmp_path / "config.toml"
    file.write_text("[audio]\nloudness = 30\n")
    assert configuration.load(file).audio.volume == 0.3
    assert configuration.load(file, ["audio.loudness=40"]).audio.volume == 0.4
    (told,) = sources.outdated(file)
    assert told.startswith(f"{file}: audio.loudness is called audio.volume now; `hearthside config --migrate`")
