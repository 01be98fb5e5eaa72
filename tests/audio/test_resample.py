"""The streaming resampler."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.resample import StreamResampler
from device.units import Hz

PAIRS = [(16_000, 24_000), (48_000, 16_000), (44_100, 16_000), (24_000, 48_000), (24_000, 44_100)]


def tone(rate: int, hertz: float = 440.0, seconds: float = 1.0) -> bytes:
    """Return a sine wave, s16le mono."""
    moments = np.arange(int(rate * seconds)) / rate
    return bytes((10_000 * np.sin(2 * np.pi * hertz * moments)).astype(np.int16).tobytes())


def resample(resampler: StreamResampler, pcm: bytes, size: int) -> bytes:
    """Feed `pcm` in chunks of `size` bytes and flush."""
    chunks = [resampler.process(pcm[i : i + size]) for i in range(0, len(pcm), size)]
    return b"".join(chunks) + resampler.flush()


@given(st.lists(st.integers(0, 700), max_size=20))
def test_equal_rates_pass_untouched(sizes: list[int]) -> None:
    """16 to 16 kHz is the identity, chunk by chunk, with nothing held back."""
    resampler = StreamResampler(Hz(16_000), Hz(16_000))
    chunks = [bytes(2 * size) for size in sizes]
    assert [resampler.process(chunk) for chunk in chunks] == chunks
    assert resampler.flush() == b""


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_flushed_stream_is_complete(source: int, target: int) -> None:
    """One second in is one second out, and it is the same tone."""
    out = resample(StreamResampler(Hz(source), Hz(target)), tone(source), size=source // 50)
    assert len(out) // 2 == pytest.approx(target, abs=1)
    heard, wanted = np.frombuffer(out, dtype=np.int16), np.frombuffer(tone(target), dtype=np.int16)
    middle = slice(target // 10, -target // 10)
    assert np.abs(heard[middle].astype(int) - wanted[middle]).max() < 60


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_no_more_than_2_ms_are_held_back(source: int, target: int) -> None:
    """What has not come out of a running stream is bounded: it is delay that a person hears."""
    resampler = StreamResampler(Hz(source), Hz(target))
    pcm, frame, out = tone(source), source // 100 * 2, 0
    for start in range(0, len(pcm), frame):
        out += len(resampler.process(pcm[start : start + frame])) // 2
        assert min(start + frame, len(pcm)) / 2 / source - out / target <= 0.002


@pytest.mark.parametrize(("source", "target"), [(48_000, 16_000), (44_100, 16_000)])
def test_what_the_lower_rate_cannot_carry_is_not_folded_back(source: int, target: int) -> None:
    """A tone of 9 kHz leaves at most 70 dB less of itself in a stream of 16 kHz."""
    out = resample(StreamResampler(Hz(source), Hz(target)), tone(source, hertz=9_100), size=source // 50)
    middle = np.frombuffer(out, dtype=np.int16)[target // 10 : -target // 10]
    assert np.abs(middle).max() <= 3


@pytest.mark.parametrize("hertz", [100, 1_000, 4_000, 7_000])
def test_speech_keeps_its_level(hertz: float) -> None:
    """Up to 7 kHz nothing is taken away on the way to a server of 24 kHz."""
    out = resample(StreamResampler(Hz(16_000), Hz(24_000)), tone(16_000, hertz), size=640)
    middle = np.frombuffer(out, dtype=np.int16)[2_400:-2_400].astype(float)
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(10_000, rel=0.01)


@given(st.integers(1, 3000))
def test_the_size_of_chunks_does_not_change_the_sound(size: int) -> None:
    """The same stream comes out whatever pieces it was fed in."""
    pcm = tone(16_000, seconds=0.2)
    whole = resample(StreamResampler(Hz(16_000), Hz(24_000)), pcm, len(pcm))
    assert resample(StreamResampler(Hz(16_000), Hz(24_000)), pcm, 2 * size) == whole


def test_a_flushed_resampler_starts_afresh() -> None:
    """The stream after a flush is as if it were the first."""
    resampler = StreamResampler(Hz(16_000), Hz(24_000))
    first = resample(resampler, tone(16_000, seconds=0.3), 640)
    assert resample(resampler, tone(16_000, seconds=0.3), 640) == first


def test_reset_forgets_what_is_held_back() -> None:
    """Nothing of the sound before a reset comes out after it."""
    resampler = StreamResampler(Hz(16_000), Hz(24_000))
    resampler.process(tone(16_000, seconds=0.3))
    resampler.reset()
    silence = resample(resampler, bytes(16_000), 640)
    assert not any(silence)


def test_an_empty_chunk_is_nothing() -> None:
    """Feeding nothing gives nothing."""
    assert StreamResampler(Hz(16_000), Hz(24_000)).process(b"") == b""


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_digital_silence_stays_digital_silence(source: int, target: int) -> None:
    """No dither is added: all zeros is how a microphone array's mute key shows."""
    assert not any(resample(StreamResampler(Hz(source), Hz(target)), bytes(source), 640))


def test_a_full_scale_square_wave_is_clipped_and_not_wrapped() -> None:
    """The filter's overshoot stays at full scale instead of changing sign."""
    square = np.repeat(np.tile(np.array([32_767, -32_768], dtype=np.int16), 20), 200)
    out = resample(StreamResampler(Hz(16_000), Hz(48_000)), square.tobytes(), 640)
    halves = np.frombuffer(out, dtype=np.int16)[: 40 * 600].reshape(40, 600)[:, 6:-6]
    assert (halves[::2] > 20_000).all()
    assert (halves[1::2] < -20_000).all()
