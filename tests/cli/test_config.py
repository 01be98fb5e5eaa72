"""hearthside config: what it prints is what holds, and --check says no more than whether it is right."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from device.boards import finding
from device.boards.signs import Machine
from device.cli import _parser
from device.cli.config import lines
from device.errors import ConfigError
from device.foreign.plugged import Hat
from device.house import configuration, migrations
from device.house.layers import Layer
from device.house.migrations import Move
from device.kit.words import masked

COMMAND = Path(sys.executable).with_name("hearthside")
KEY = "sk-proj-Zx81kQ7yTn0123456789"
LIMIT_S = 30
EX_CONFIG = 78


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `hearthside config`, with a key in the environment."""
    environment = {**os.environ, "OPENAI_API_KEY": KEY}
    return subprocess.run(
        [COMMAND, "config", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration in two files."""
    file = tmp_path / "config.toml"
    file.write_text('[hardware]\nprofile = "codec_zero"\n[audio]\nvolume = 0.3\n[tools.relays.light]\npin = 5\n')
    (tmp_path / "config.d").mkdir()
    (tmp_path / "config.d" / "10-more.toml").write_text("[audio]\ncues = false\n")
    return file


def test_it_prints_what_holds_and_where_it_was_set(file: Path) -> None:
    """Every value, those that are built in without a comment."""
    shown = command("--config", file, "--set", "wake.threshold=0.5").stdout.splitlines()
    assert f"volume = 0.3  # {file}" in shown
    assert f"cues = false  # {file.parent}/config.d/10-more.toml" in shown
    assert 'input = "RPi Codec Zero"  # the board (hardware.profile = "codec_zero")' in shown
    assert "threshold = 0.5  # --set" in shown
    assert "frame_ms = 20" in shown
    assert "# barge_in is not set" in shown


def test_what_it_prints_is_a_configuration_that_means_the_same(file: Path, tmp_path: Path) -> None:
    """As a file of its own."""
    copy = tmp_path / "elsewhere" / "config.toml"
    copy.parent.mkdir()
    copy.write_text(command("--config", file).stdout)
    assert configuration.load(copy) == configuration.load(file)


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@given(TEXT, TEXT.filter(bool), st.floats(0, 1), st.lists(TEXT, min_size=1, max_size=3))
def test_any_text_and_number_comes_back_as_it_was(text: str, name: str, number: float, words: list[str]) -> None:
    """Quotes, line ends, names that need quotes."""
    # What looks like a key ("KEY=0") is not shown, so it cannot come back: that has a test of its own, below.
    assume(all(masked(drawn) == drawn for drawn in (text, name, *words)))
    table = {
        "audio": {"mixer": text, "volume": number},
        "wake": {"words": words, "thresholds": {name: number}},
        "tools": {"relays": {name: {"pin": 5}}},
    }
    effective = configuration.effective([Layer(f"a {text} place", table)])
    assert configuration.parse(tomllib.loads("\n".join(lines(effective)))) == effective.config


def test_a_key_is_not_shown_wherever_it_was_put(file: Path) -> None:
    """Neither as a value, nor in an address, nor as a name; the one in the environment does not come into it."""
    wrong = (
        f"conversation.openai.voice={KEY}",
        f"conversation.openai.url=wss://me:{KEY}@host/x?api-key={KEY}",
        f"conversation.instructions=Say {KEY} to nobody",
        f"tools.relays.{KEY}.pin=6",
    )
    result = command("--config", file, *(part for override in wrong for part in ("--set", override)))
    assert result.returncode == 0
    assert 'url = "wss://********@host/x?api-key=********"' in result.stdout
    assert KEY not in result.stdout + result.stderr
    assert KEY[8:] not in result.stdout + result.stderr


def test_check_only_says_whether_it_is_right(file: Path) -> None:
    """With the files that were looked at."""
    result = command("--check", "--config", file)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"the configuration is right: {file}, {file.parent}/config.d/10-more.toml\n"


@pytest.mark.parametrize("check", [["--check"], []])
def test_what_is_wrong_is_said_with_the_exit_code_of_a_configuration(file: Path, check: list[str]) -> None:
    """In the words of every other command."""
    more = file.parent / "config.d" / "20-wrong.toml"
    more.write_text("[tools.relays.light]\npin = 27\n")
    result = command(*check, "--config", file)
    assert (result.returncode, result.stdout) == (EX_CONFIG, "")
    assert result.stderr.startswith(f"hearthside: {more}: tools.relays.light.pin = 27: this board uses GPIO 27")
    assert result.stderr.count("\n") == 1


MOVES = (Move(("audio", "loudness"), ("audio", "volume")),)
"""Made up: no key was renamed so far."""


def migrate(file: Path) -> int:
    """Run `hearthside config --migrate` in this process."""
    options = _parser().parse_args(["config", "--migrate", "--config", str(file)])
    code: int = options.command(options)
    return code


def test_migrate_renames_old_keys_in_every_file_and_says_which(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the rights that the file had; a second time there is nothing to do."""
    monkeypatch.setattr(migrations, "MOVES", MOVES)
    more = file.parent / "config.d" / "10-more.toml"
    more.write_text("[audio]\nloudness = 0.2  # low\n")
    more.chmod(0o640)
    before = file.read_text()
    assert migrate(file) == 0
    assert capsys.readouterr().out == f"{more}: audio.loudness is called audio.volume now\n"
    assert more.read_text() == "[audio]\nvolume = 0.2  # low\n"
    assert stat.S_IMODE(more.stat().st_mode) == 0o640
    assert file.read_text() == before
    assert migrate(file) == 0
    assert capsys.readouterr().out == ""
    assert [path.name for path in more.parent.iterdir()] == ["10-more.toml"]


def test_migrate_writes_through_a_link(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration that lies elsewhere, in a repository perhaps."""
    monkeypatch.setattr(migrations, "MOVES", MOVES)
    real = file.parent / "elsewhere.toml"
    real.write_text("[audio]\nloudness = 0.2\n")
    file.unlink()
    file.symlink_to(real)
    assert migrate(file) == 0
    assert file.is_symlink()
    assert real.read_text() == "[audio]\nvolume = 0.2\n"


def test_migrate_names_the_file_that_only_a_person_can_change(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves it as it is."""
    monkeypatch.setattr(migrations, "MOVES", MOVES)
    file.write_text("audio = { loudness = 0.2 }\n")
    with pytest.raises(ConfigError, match=f"^{file}: audio.loudness is called audio.volume now.*by hand$"):
        migrate(file)
    assert file.read_text() == "audio = { loudness = 0.2 }\n"


def test_of_auto_it_says_what_was_found_and_by_what(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the profile; the board's settings are told to be the board's. It reads the same again."""
    monkeypatch.setattr(finding, "look", lambda: Machine(hat=Hat("Pi-CodecZero")))
    effective = configuration.effective([])
    shown = list(lines(effective))
    assert 'profile = "auto"  # codec_zero (Raspberry Pi Codec Zero), found by the HAT "Pi-CodecZero"' in shown
    assert 'mixer = "Lineout"  # the board (codec_zero, found by the HAT "Pi-CodecZero")' in shown
    assert configuration.parse(tomllib.loads("\n".join(shown))) == effective.config


def test_where_nothing_was_found_it_says_that() -> None:
    """Behind where "auto" was set."""
    shown = "\n".join(lines(configuration.effective([Layer("here", {"hardware": {"profile": "auto"}})])))
    assert 'profile = "auto"  # here; no board that is known is plugged in; what is set holds\n' in shown + "\n"
