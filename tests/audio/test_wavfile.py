"""Recordings of every kind become what the microphone would have brought."""

from __future__ import annotations

import contextlib
import os
import struct
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


def container(data: bytes, size: int, form: bytes, name: bytes = b"RIFF", before: bytes = b"") -> bytes:
    """Return a WAV file that says what it likes of its sound's size."""
    chunks = before + b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size) + data
    return name + struct.pack("<I", min(len(chunks) + 4, 0xFFFFFFFF)) + b"WAVE" + chunks


PCM = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
GUID = bytes.fromhex("0100000000001000800000aa00389b71")
SOUND = (TONE * 32767).astype("<i2").tobytes()


@pytest.mark.parametrize(("bits", "room"), [(16, 2), (24, 3), (24, 4), (32, 4)])
def test_the_extensible_format_is_read(tmp_path: Path, bits: int, room: int) -> None:
    """As ffmpeg writes 24 and 32 bit, and recorders of several channels everything."""
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 1, RATE, room * RATE, room, 8 * room, 22, bits, 4) + GUID
    samples = np.round(TONE * ((1 << (8 * room - 1)) - 1)).astype("<i8").view("u1").reshape(-1, 8)[:, :room].tobytes()
    path = tmp_path / "x.wav"
    path.write_bytes(container(samples, len(samples), form))
    assert read(path) == pytest.approx(TONE, abs=0.001)


def test_an_extensible_format_of_other_samples_is_refused(tmp_path: Path) -> None:
    """Floats, for one."""
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 1, RATE, 4 * RATE, 4, 32, 22, 32, 4) + b"\3" + GUID[1:]
    path = tmp_path / "x.wav"
    path.write_bytes(container(SOUND, len(SOUND), form))
    with pytest.raises(AudioError, match="not of plain PCM"):
        read(path)


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_a_recording_of_unknown_length_is_read_to_its_end(tmp_path: Path, size: int) -> None:
    """Written into a pipe, its header was never put right."""
    path = tmp_path / "x.wav"
    path.write_bytes(container(SOUND, size, PCM))
    assert read(path) == pytest.approx(TONE, abs=0.001)


def test_a_recording_larger_than_a_header_can_say_is_read(tmp_path: Path) -> None:
    """RF64 has its length in a chunk of its own."""
    sizes = b"ds64" + struct.pack("<IQQQI", 28, 0, len(SOUND), 0, 0)
    path = tmp_path / "x.wav"
    path.write_bytes(container(SOUND + b"LIST\4\0\0\0abcd", 0xFFFFFFFF, PCM, b"RF64", sizes))
    assert read(path) == pytest.approx(TONE, abs=0.001)


@pytest.mark.parametrize("rest", [b"", b"LIST\4\0\0\0abcd"])
def test_a_recording_of_nothing_is_nothing(tmp_path: Path, rest: bytes) -> None:
    """And not what stands behind it."""
    path = tmp_path / "x.wav"
    path.write_bytes(container(rest, 0, PCM))
    assert len(read(path)) == 0


def test_a_pipe_is_as_good_as_a_file(tmp_path: Path) -> None:
    """`replay <(ffmpeg ...)`."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    junk = b"JUNK\3\0\0\0abc\0"
    with ThreadPoolExecutor(1) as other:
        writing = other.submit(path.write_bytes, container(SOUND, 0xFFFFFFFF, PCM, before=junk))
        assert read(path) == pytest.approx(TONE, abs=0.001)
        writing.result()


TOKENS = [b"RIFF\0\0\0\0WAVE", b"fmt ", PCM, b"\x10\0\0\0", b"data", b"\0" * 4, b"\xff" * 4, b"ds64"]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=80) | st.lists(st.sampled_from(TOKENS)).map(b"".join))
def test_whatever_the_bytes_it_is_sound_or_a_complaint(tmp_path: Path, data: bytes) -> None:
    """No other error comes out."""
    path = tmp_path / "x.wav"
    path.write_bytes(data)
    with contextlib.suppress(AudioError):
        read(path)


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
