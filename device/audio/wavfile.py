"""Recordings from files, as the microphone would bring them: 16 kHz mono, a second at a time."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from device.audio.resample import StreamResampler
from device.errors import AudioError
from device.units import CAPTURE_RATE, Hz

# What sound cards do; a header with anything else is damaged.
_RATES = range(4000, 384_001)


@contextmanager
def open_wav(path: Path) -> Iterator[Iterator[bytes]]:
    """Open a WAV file (PCM of 8 to 32 bits, any rate, mono or stereo) and yield its sound as s16le.

    Both channels of a stereo file are mixed. Raise AudioError for other files, also while reading.
    """
    try:
        with wave.open(str(path), "rb") as file:
            _check(path, file)
            yield _read(file)
    except (wave.Error, EOFError, OSError) as error:
        raise AudioError(f"{path} cannot be read: {_reason(error)}; {_remedy(path)}") from error


def _read(file: wave.Wave_read) -> Iterator[bytes]:
    resampler = StreamResampler(Hz(file.getframerate()), CAPTURE_RATE)
    while data := file.readframes(file.getframerate()):
        yield resampler.process(_mono(data, file.getsampwidth(), file.getnchannels()))
    yield resampler.flush()


def _mono(data: bytes, width: int, channels: int) -> bytes:
    # A file that was cut off may end within a sample.
    samples = _sixteen_bit(data[: len(data) // (width * channels) * (width * channels)], width)
    if channels == 1:
        return bytes(samples.astype("<i2"))
    return bytes(samples.reshape(-1, channels).mean(axis=1).astype("<i2"))


def _sixteen_bit(data: bytes, width: int) -> npt.NDArray[np.int32]:
    """Return the samples in the range of 16 bit."""
    if width == 1:
        # WAV has no sign at 8 bit.
        return (np.frombuffer(data, "u1").astype(np.int32) - 128) << 8
    if width == 3:
        # The upper two of three bytes are what matters.
        upper = np.frombuffer(data, "u1").reshape(-1, 3)[:, 1:]
        return np.ascontiguousarray(upper).view("<i2").ravel().astype(np.int32)
    samples = np.frombuffer(data, f"<i{width}").astype(np.int32)
    return samples >> 16 if width == 4 else samples


def _check(path: Path, file: wave.Wave_read) -> None:
    channels, rate, width = file.getnchannels(), file.getframerate(), file.getsampwidth()
    if channels > 2 or width > 4 or rate not in _RATES:
        raise AudioError(f"{path} has {channels} channels of {8 * width} bit at {rate} Hz; {_remedy(path)}")


def _reason(error: Exception) -> str:
    match error:
        case OSError(strerror=str(reason)):
            return reason
        case EOFError():
            return "it is cut off"
        case _ if "unknown format" in str(error):
            return "it is a WAV file, but not of plain PCM samples"
        case _:
            return "it is not a WAV file"


def _remedy(path: Path) -> str:
    return f"give a WAV file, mono or stereo, e.g. made by: ffmpeg -i {path.name} -c:a pcm_s16le -ac 1 recording.wav"
