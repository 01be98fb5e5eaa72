"""Recordings of every kind become what the microphone would have brought."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from device.audio.wavfile import open_wav
from device.errors import AudioError

RATE = 16_000
TONE = np.sin(2 * np.pi * 440 * np.arange(RATE * 2) / RATE) * 0.5


def write(path: Path, samples: np.ndarray, rate: int = RATE, width: int = 2, channels: int = 1) -> Path:
    """Write samples of -1 to 1 (interleaved) as PCM."""
    full = 1 << (8 * width - 1)
    whole = np.round(samples * (full - 1)).astype(np.int64)
    data = (whole + 128).astype("u1").tobytes() if width == 1 else b""
    if width > 1:
        data = whole.astype("<i8").view("u1").reshape(-1, 8)[:, :width].tobytes()
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(data)
    return path


def read(path: Path) -> np.ndarray:
    """Return what comes out, -1 to 1."""
    with open_wav(path) as sound:
        return np.frombuffer(b"".join(sound), "<i2") / 32768


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_every_width_is_the_same_sound(tmp_path: Path, width: int) -> None:
    """Within what 8 bit can tell."""
    assert read(write(tmp_path / "x.wav", TONE, width=width)) == pytest.approx(TONE, abs=0.01)


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_every_rate_becomes_16_khz(tmp_path: Path, rate: int) -> None:
    """The tone keeps its pitch, its level and its length."""
    tone = np.sin(2 * np.pi * 440 * np.arange(rate * 2) / rate) * 0.5
    got = read(write(tmp_path / "x.wav", tone, rate))
    assert abs(len(got) - 2 * RATE) <= 1
    assert got[RATE // 2 : RATE] == pytest.approx(TONE[RATE // 2 : RATE], abs=0.01)


def test_stereo_is_mixed(tmp_path: Path) -> None:
    """A voice on one side keeps half its level."""
    stereo = np.column_stack([TONE, np.zeros_like(TONE)]).ravel()
    assert read(write(tmp_path / "x.wav", stereo, channels=2)) == pytest.approx(TONE / 2, abs=0.01)


def test_a_recording_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """As an interrupted arecord leaves it."""
    path = write(tmp_path / "x.wav", TONE)
    path.write_bytes(path.read_bytes()[: 44 + RATE + 1])
    assert len(read(path)) == RATE // 2


def test_what_cannot_be_read_is_named_with_a_remedy(tmp_path: Path) -> None:
    """No such file, no WAV, float samples, too many channels, an empty file."""
    text = tmp_path / "song.mp3"
    text.write_bytes(b"ID3 and so on, long enough for a header of a file")
    floats = write(tmp_path / "float.wav", TONE)
    floats.write_bytes(floats.read_bytes()[:20] + b"\3\0" + floats.read_bytes()[22:])
    many = write(tmp_path / "many.wav", np.zeros(6 * 100), channels=6)
    empty = tmp_path / "empty.wav"
    empty.touch()
    for path, reason in (
        (tmp_path / "nothing.wav", "No such file"),
        (text, "not a WAV file"),
        (floats, "not of plain PCM samples"),
        (many, "6 channels"),
        (empty, "cut off"),
    ):
        with pytest.raises(AudioError, match=reason) as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert "ffmpeg" in str(caught.value)
