"""`hearthside replay` as people run it: on recordings as espeak-ng makes them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from device.cli import curves
from device.ports.wake import DetectionRule
from device.units import Samples
from device.wake.evaluation import Errors
from device.wake.openwakeword.models import shipped_words

mpl.use("Agg")
from matplotlib import pyplot as plt

COMMAND = Path(sys.executable).with_name("hearthside")
PNG = b"\x89PNG\r\n\x1a\n"
RATE = 22_050


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder: two recordings with the word (one in stereo), one that sounds like it, one without."""
    folder = tmp_path_factory.mktemp("recordings")
    for name, text, voice in (
        ("hey_jarvis-1", "hey jarvis, turn on the light", "en-us"),
        ("hey_jarvis-2", "hey jarvis", "en-gb+f2"),
        ("confusable", "hey travis, pass me the jar of jam", "en-us"),
        ("news", "good evening, here is the news of the day", "en-us"),
    ):
        subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", folder / f"{name}.wav", text], check=True)
    make_stereo(folder / "hey_jarvis-2.wav")
    return folder


def make_stereo(path: Path) -> None:
    """Put the same on both sides."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.repeat(samples, 2).tobytes())


def replay(*arguments: object, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command, in a folder of its own state; what it prints is read as UTF-8 with the bytes that are none."""
    state = folder / "state"
    config = folder / "config.toml"
    config.write_text(f'[service]\nstate_dir = "{state}"\n')
    return subprocess.run(
        [COMMAND, "replay", "--config", config, *map(str, arguments)],
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=60,
        check=False,
        env={**os.environ, **env},
    )


def test_detections_are_printed_with_their_times(recordings: Path, tmp_path: Path) -> None:
    """File by file, and a sum."""
    result = replay(*sorted(recordings.glob("*.wav")), folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    files = result.stdout.split(str(recordings) + "/")[1:]
    assert [file.count("heard      hey_jarvis") for file in files] == [0, 1, 1, 0]
    assert "expected: none" in files[0]
    assert "expected: hey_jarvis" in files[1]
    assert "4 files: detections 2" in result.stdout


def test_a_sweep_prints_both_errors_and_a_picture_shows_them(recordings: Path, tmp_path: Path) -> None:
    """A row for each threshold; the configured one is marked."""
    picture = tmp_path / "errors.png"
    files = sorted(recordings.glob("*.wav"))
    result = replay(*files, "--threshold-sweep", "--plot", picture, folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    table = result.stdout.partition("false accepts an hour\n")[2]
    rows = [line.split() for line in table.splitlines()]
    assert [row[0] for row in rows][0::17] == ["0.10", "0.95"]
    assert [row[0] for row in rows if row[-1] == "configured"] == ["0.50"]
    assert "in 2 recordings" in result.stdout
    assert rows[8][1:4] == ["0", "(0%)", "0.0"]
    assert picture.read_bytes().startswith(PNG)
    assert picture.stat().st_size > 20_000


def test_labels_and_options_say_what_is_expected(recordings: Path, tmp_path: Path) -> None:
    """Instead of the names."""
    labels = tmp_path / "labels.toml"
    labels.write_text('"hey*" = "none"\n"*" = "hey_jarvis"\n')
    files = sorted(recordings.glob("*.wav"))
    by_table = replay(*files, "--threshold-sweep", "--labels", labels, folder=tmp_path).stdout
    assert by_table.count("expected: hey_jarvis") == by_table.count("expected: none") == 2
    assert "(100%)" in by_table
    by_option = replay(*files, "--threshold-sweep", "--expect", "none", folder=tmp_path).stdout
    assert by_option.count("expected: none") == 4
    assert "in 0 recordings" in by_option


def test_what_is_wrong_is_said_in_one_line(recordings: Path, tmp_path: Path) -> None:
    """With exit code 1 for a recording, 78 for a wrong configuration or label."""
    text = tmp_path / "notes.txt"
    text.write_text("not a recording, and long enough to be mistaken for the header of one")
    good = recordings / "news.wav"
    manifest = tmp_path / "computer.json"
    manifest.write_bytes(b'{"wake_word": "\xe4"}')
    micro = ("--set", "wake.engine=microwakeword", "--set", f'wake.words=["{manifest}"]')
    for arguments, code, part in (
        ([text], 1, "notes.txt"),
        ([tmp_path / "nothing.wav"], 1, "No such file"),
        ([good, "--expect", "computer"], 78, "computer"),
        ([good, "--plot", tmp_path / "x.doc"], 78, ".png"),
        ([good, "--set", "wake.words=[hey]"], 78, "wake.words"),
        ([good, "--set", 'wake.words=["~no-such-user/x.onnx"]'], 78, "~no-such-user"),
        ([good, *micro], 78, "computer.json"),
    ):
        result = replay(*arguments, folder=tmp_path)
        assert result.returncode == code, result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert part in result.stderr


def test_one_bad_file_does_not_keep_the_others_from_being_heard(recordings: Path, tmp_path: Path) -> None:
    """It is named, and the exit code tells."""
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    files = [recordings / "hey_jarvis-1.wav", bad, tmp_path / "none.wav", recordings / "news.wav"]
    result = replay(*files, "--threshold-sweep", folder=tmp_path)
    assert result.returncode == 1
    assert [line.split(" cannot be read")[0] for line in result.stderr.splitlines()] == [
        f"hearthside: {file}" for file in files[1:3]
    ]
    assert "in 2 files (2 could not be read): detections 1" in result.stdout
    assert "hey_jarvis: in 1 recordings" in result.stdout


def test_an_hour_from_seconds_is_told_as_that(recordings: Path, tmp_path: Path) -> None:
    """Nobody should choose a threshold by what one detection in five seconds makes."""
    result = replay(*sorted(recordings.glob("*.wav")), "--threshold-sweep", folder=tmp_path)
    assert re.search(r'caution: "an hour" is reckoned from \d s, so each detection counts as \d{3}', result.stdout)
    assert "caution" not in replay(recordings / "hey_jarvis-1.wav", "--threshold-sweep", folder=tmp_path).stdout


@pytest.mark.parametrize("terminal", [{}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}])
def test_a_file_may_have_any_name_and_a_terminal_any_letters(
    recordings: Path, tmp_path: Path, terminal: dict[str, str]
) -> None:
    """Names that are no UTF-8, names that the terminal cannot show; in the picture too."""
    names = [b"hey_jarvis \xe4.wav", "hey_jarvis \u65e5 $x^$.wav".encode()]
    for name in names:
        shutil.copy(recordings / "hey_jarvis-1.wav", os.fsencode(tmp_path) + b"/" + name)
    files = [Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)) for name in names]
    picture = tmp_path / "errors.png"
    result = replay(*files, "--plot", picture, folder=tmp_path, **terminal)
    assert (result.returncode, "Traceback" in result.stderr) == (0, False), result.stderr
    assert result.stdout.count("heard      hey_jarvis") == 2
    assert "\\udce4.wav" in result.stdout
    assert picture.read_bytes().startswith(PNG)


def test_errors_are_drawn_on_the_same_axes_in_every_picture() -> None:
    """From 0 to 100 %, however few were missed."""
    figure, axes = plt.subplots(2)
    rules = {"a": DetectionRule(0.5, 1, Samples(0))}
    points = [Errors(threshold, 0, 10, 3, 0.01) for threshold in (0.1, 0.9)]
    curves._draw_errors(axes[0], axes[1], rules, {"a": points}, {"a": {"color": "red"}})
    assert axes[0].get_ylim() == (0, 100)
    assert axes[1].get_ylim()[0] == 0
    assert axes[1].get_ylabel() == "false accepts an hour (from 0.6 minutes)"
    plt.close(figure)


def test_a_word_of_ones_own_as_tflite_file_is_heard(recordings: Path, tmp_path: Path) -> None:
    """As many are handed on, for other programs that use openWakeWord."""
    word = tmp_path / "computer.tflite"
    word.write_bytes(shipped_words()["hey_jarvis"].with_suffix(".tflite").read_bytes())
    result = replay(*sorted(recordings.glob("*.wav")), "--set", f'wake.words=["{word}"]', folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    files = result.stdout.split(str(recordings) + "/")[1:]
    assert [file.count("heard      computer") for file in files] == [0, 1, 1, 0]


def test_a_reader_that_has_seen_enough_is_no_failure(recordings: Path, tmp_path: Path) -> None:
    """As after `| head -1`."""
    command = f"{COMMAND} replay --set service.state_dir={tmp_path} {recordings}/*.wav | head -1"
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
