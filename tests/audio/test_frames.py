"""Formats, frames and the rechunker."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.frames import DIGITAL_SILENCE_DBFS, AudioFormat, AudioFrame, Rechunker, level_dbfs
from device.units import Hz, Samples


def test_a_frame_knows_its_own_length() -> None:
    """320 samples at 16 kHz last 20 ms and end 320 samples after they begin."""
    frame = AudioFrame(bytes(640), Samples(1000))
    assert (frame.samples, frame.ms, frame.end) == (320, 20.0, 1320)


def test_a_stereo_frame_counts_samples_of_each_channel() -> None:
    """Two channels take twice the bytes, not twice the time."""
    stereo = AudioFormat(Hz(48_000), channels=2)
    frame = AudioFrame(bytes(stereo.bytes_in(480)), Samples(0), stereo)
    assert (frame.samples, frame.ms) == (480, 10.0)


@given(st.lists(st.binary(max_size=50)), st.integers(1, 10))
def test_chunks_of_any_size_become_exact_frames(chunks: list[bytes], samples: int) -> None:
    """Every frame is whole, frames join on, and only an incomplete one is missing."""
    rechunker = Rechunker(Samples(samples))
    frames = [frame for chunk in chunks for frame in rechunker.process(chunk)]
    stream, cut = b"".join(chunks), b"".join(frame.pcm for frame in frames)
    assert all(len(frame.pcm) == 2 * samples for frame in frames)
    assert [frame.position for frame in frames] == [i * samples for i in range(len(frames))]
    assert stream.startswith(cut)
    assert len(stream) - len(cut) < 2 * samples


def test_a_restarted_rechunker_drops_the_incomplete_frame() -> None:
    """What is left over from before an interruption does not begin the next frame."""
    rechunker = Rechunker(Samples(2))
    rechunker.process(b"\1\1\1")
    rechunker.restart(Samples(100))
    assert rechunker.process(b"\2\2\2\2") == [AudioFrame(b"\2\2\2\2", Samples(100))]


def test_a_frame_of_nothing_is_refused() -> None:
    """A frame length of 0 would never make progress."""
    with pytest.raises(ValueError, match="at least one sample"):
        Rechunker(Samples(0))


@pytest.mark.parametrize(("amplitude", "dbfs"), [(32_767, 0.0), (3277, -20.0), (33, -60.0)])
def test_the_level_of_a_square_wave_is_its_amplitude(amplitude: int, dbfs: float) -> None:
    """RMS against full scale."""
    pcm = np.tile(np.array([amplitude, -amplitude], dtype=np.int16), 160).tobytes()
    assert level_dbfs(pcm) == pytest.approx(dbfs, abs=0.1)


def test_digital_silence_is_below_every_other_level() -> None:
    """One sample of one step in 58 ms is still told apart from none."""
    faintest = np.zeros(928, dtype=np.int16)
    faintest[0] = 1
    assert level_dbfs(faintest.tobytes()) > DIGITAL_SILENCE_DBFS
    assert level_dbfs(bytes(640)) == level_dbfs(b"") == DIGITAL_SILENCE_DBFS
