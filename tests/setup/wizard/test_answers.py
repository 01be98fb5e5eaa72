"""Answers in a file: what is wrong with them is said in words, and a key is never shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from device import cli

KEY = "sk-proj-planted-7461686c"


def test_answers_that_are_not_there_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And not taken for the configuration."""
    wanted = ["setup", "--config", str(tmp_path / "config.toml"), "--answers", str(tmp_path / "nowhere")]
    assert cli.main(wanted) == os.EX_CONFIG
    assert f"--answers: there is no file {tmp_path}/nowhere; name another file" in capsys.readouterr().err


def test_a_key_in_the_place_of_its_file_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever has mistaken the one for the other shows what is on the screen to others."""
    (tmp_path / "answers").write_text(f'key_file = "{KEY}"\n', encoding="utf-8")
    wanted = ["setup", "--config", str(tmp_path / "config.toml"), "--answers", str(tmp_path / "answers")]
    assert cli.main(wanted) == os.EX_CONFIG
    complaint = capsys.readouterr().err
    assert "this looks like the key itself" in complaint
    assert KEY not in complaint
    assert not (tmp_path / "config.toml").exists()
