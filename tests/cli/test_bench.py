"""`hearthside bench` as people and programs run it: on a machine without a sound card, and for a moment only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

COMMAND = Path(sys.executable).with_name("hearthside")
NO_CARD = ("--set", "audio.input=Banana", "--set", "audio.output=Banana")


def bench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it with a configuration of its own."""
    config = folder / "config.toml"
    config.touch()
    return subprocess.run(
        [COMMAND, "bench", "--config", config, *NO_CARD, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )


def test_tables_for_a_report(tmp_path: Path) -> None:
    """Without a sound card. What is being measured is told beside them, for whoever waits."""
    shown = bench(tmp_path, "--seconds", "0.1")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("| this machine")
    assert "| voice detector" in shown.stdout
    assert "measuring: voice detector" in shown.stderr
    assert "measuring" not in shown.stdout


def test_programs_get_json(tmp_path: Path) -> None:
    """With the words that are configured."""
    shown = bench(tmp_path, "--seconds", "0.1", "--json", "--set", 'wake.words=["alexa"]')
    assert shown.returncode == 0, shown.stderr
    table = json.loads(shown.stdout)
    assert "(alexa)" in table["parts"][0]["part"]
    assert len(table["rehearsals"]) == 2


def test_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    """And so is one without end."""
    assert {bench(tmp_path, "--seconds", wrong).returncode for wrong in ("0", "nan", "soon")} == {2}


def test_a_word_that_is_not_there_is_a_wrong_configuration(tmp_path: Path) -> None:
    """As for every command."""
    shown = bench(tmp_path, "--set", 'wake.words=["no_such_word"]')
    assert shown.returncode == os.EX_CONFIG
    assert "no_such_word" in shown.stderr
