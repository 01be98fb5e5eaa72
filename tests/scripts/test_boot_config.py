"""What is written into a Pi's boot configuration: as little as it takes, and nothing of somebody's is lost."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.boards import load_profile, profile_names
from tests.scripts.machine import ROOT, load_script

SCRIPT = ROOT / "scripts" / "lib" / "boot-config"
HAT = ROOT / "device" / "boards" / "waveshare_wm8960.toml"
OTHER = ROOT / "device" / "boards" / "aiy_voice_hat_v1.toml"
# As Raspberry Pi OS ships it, shortened.
SHIPPED = """\
# For more options and information see
#dtparam=i2c_arm=on
dtparam=audio=on
camera_auto_detect=1

[cm4]
otg_mode=1

[all]
"""
BLOCK = """
# hearthside: begin, written by scripts/install
[all]
dtparam=i2c_arm=on
dtparam=i2s=on
dtoverlay=wm8960-soundcard
# hearthside: end
"""


boot_config = load_script("lib/boot-config")
LINES = st.sampled_from(["", "[all]", "[pi4]", "dtparam=i2s=on", "dtparam=audio=on", "# a remark", "x=1 "])
WANTED = st.lists(st.sampled_from(["dtparam=i2s=on", "dtparam=i2c_arm=on", "dtoverlay=a"]), max_size=3, unique=True)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The file on the boot partition."""
    path = tmp_path / "config.txt"
    path.write_text(SHIPPED)
    return path


def run(*arguments: str | Path) -> str:
    """Run the script; return what it prints."""
    return subprocess.run([SCRIPT, *arguments], check=True, capture_output=True, text=True).stdout


def test_the_lines_of_a_board_are_added_at_the_end(config: Path) -> None:
    """Where they hold for every Pi; the file as it was is beside it."""
    assert run("--board", HAT, config).split() == ["dtparam=i2c_arm=on", "dtparam=i2s=on", "dtoverlay=wm8960-soundcard"]
    assert config.read_text() == SHIPPED + BLOCK
    assert config.with_name("config.txt.before-hearthside").read_text() == SHIPPED


def test_a_second_time_changes_nothing(config: Path) -> None:
    """The file beside it stays that of before the first time."""
    run("--board", HAT, config)
    assert run("--board", HAT, config) == ""
    assert config.with_name("config.txt.before-hearthside").read_text() == SHIPPED


def test_a_dry_run_only_says_what_is_missing(config: Path) -> None:
    """So that a person can add it."""
    assert run("--board", HAT, "--dry-run", config).split()[-1] == "dtoverlay=wm8960-soundcard"
    assert config.read_text() == SHIPPED
    assert [path.name for path in config.parent.iterdir()] == ["config.txt"]


def test_another_board_takes_its_place(config: Path) -> None:
    """Two overlays for one bus would disable each other."""
    run("--board", HAT, config)
    run("--board", OTHER, config)
    assert "wm8960" not in config.read_text()
    assert config.read_text().count("[all]") == 2
    run("--remove", config)
    assert config.read_text() == SHIPPED


def test_what_a_person_has_written_is_not_written_again(config: Path) -> None:
    """But a line in a section for one model holds for that model only."""
    config.write_text("dtparam=i2s=on\n[pi4]\ndtparam=i2c_arm=on\n")
    assert run("--board", HAT, config).split() == ["dtparam=i2c_arm=on", "dtoverlay=wm8960-soundcard"]


def test_what_was_added_below_ours_stays_valid_for_every_pi(config: Path) -> None:
    """It was written below an [all]."""
    config.write_text("[pi4]\na=1\n" + BLOCK + "b=1\n")
    run("--remove", config)
    assert config.read_text() == "[pi4]\na=1\n[all]\nb=1\n"


@given(st.lists(LINES, min_size=1, max_size=8).map("\n".join), WANTED, WANTED)
def test_whatever_is_written_can_be_taken_out_again(text: str, wanted: list[str], others: list[str]) -> None:
    """And meanwhile each wanted line holds for every Pi."""
    written = boot_config.with_lines(boot_config.with_lines(text, others), wanted)
    assert set(wanted) <= boot_config.for_every_pi(written.split("\n"))
    assert boot_config.with_lines(written, wanted) == written
    assert boot_config.with_lines(written, []) == text


@pytest.mark.parametrize("name", profile_names())
def test_the_lines_are_those_of_the_page(name: str) -> None:
    """hardware.md says what a person would write."""
    page = (ROOT / "hardware.md").read_text("utf-8").split("## What makes a HAT appear")[1].split("\n## ")[0]
    row = next((row for row in page.splitlines() if row.startswith("|") and f"`{name}`" in row.split("|")[1]), "| | |")
    on_page = [
        line for line in re.findall(r"`((?:dt|gpio)[^`]+)`", row.split("|")[2]) if "EEPROM" not in row.split("|")[2]
    ]
    assert list(load_profile(name).boot) == on_page
