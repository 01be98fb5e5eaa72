"""Recordings from files, as the microphone would bring them: 16 kHz mono, a second at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from device.audio.resample import StreamResampler
from device.audio.riff import RiffError, WavReader
from device.errors import AudioError
from device.units import CAPTURE_RATE, Hz

# What sound cards do; a header with anything else is damaged.
_RATES = range(4000, 384_001)


@contextmanager
def open_wav(path: Path) -> Iterator[Iterator[bytes]]:
    """Open a WAV file (PCM of 8 to 32 bits, any rate, mono or stereo) and yield its sound as s16le.

    One whose length is not known, because it was written into a pipe, is read to its end. Both channels of a stereo
    file are mixed. Raise AudioError for other files, also while reading.
    """
    try:
        with path.open("rb") as file:
            reader = WavReader(file)
            _check(path, reader)
            yield _read(reader)
    except RiffError as error:
        raise AudioError(f"{path} cannot be read: {error}; {_remedy(path)}") from error
    except OSError as error:
        raise AudioError(f"{path} cannot be read: {error.strerror}; {_remedy(path)}") from error


def _read(reader: WavReader) -> Iterator[bytes]:
    form = reader.format
    resampler = StreamResampler(Hz(form.rate), CAPTURE_RATE)
    while data := reader.read(form.rate):
        yield resampler.process(_mono(data, form.width, form.channels))
    yield resampler.flush()


def _mono(data: bytes, width: int, channels: int) -> bytes:
    samples = _sixteen_bit(data, width)
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


def _check(path: Path, reader: WavReader) -> None:
    form = reader.format
    if form.channels not in (1, 2) or form.width not in (1, 2, 3, 4) or form.rate not in _RATES:
        raise AudioError(
            f"{path} has {form.channels} channels of {8 * form.width} bit at {form.rate} Hz; {_remedy(path)}"
        )


def _remedy(path: Path) -> str:
    return f"give a WAV file, mono or stereo, e.g. made by: ffmpeg -i {path.name} -c:a pcm_s16le -ac 1 recording.wav"
