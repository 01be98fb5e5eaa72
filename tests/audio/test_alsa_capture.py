"""From a card's blocks to frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.capture import FrameBatcher, FrameCutter
from device.units import Hz

FRAME_BYTES = 640


@given(st.lists(st.integers(0, 1000), max_size=20))
def test_frames_are_the_sound_cut_anew(counts: list[int]) -> None:
    """Nothing is lost or turned round, whatever the blocks."""
    cutter = FrameCutter(Hz(16_000), 1, 0, 20)
    sound = np.arange(sum(counts), dtype="<i2").tobytes()
    frames, position = [], 0
    for count in counts:
        frames += cutter.cut(sound[position : position + count * 2])
        position += count * 2
    assert {len(frame) for frame in frames} <= {FRAME_BYTES}
    assert b"".join(frames) == sound[: len(sound) // FRAME_BYTES * FRAME_BYTES]


@pytest.mark.parametrize("channel", range(6))
def test_one_channel_is_picked(channel: int) -> None:
    """The others are not mixed in: they hold the echo."""
    cutter = FrameCutter(Hz(16_000), 6, channel, 10)
    block = np.tile(np.arange(6, dtype="<i2"), 160).tobytes()
    (frame,) = cutter.cut(block)
    assert set(np.frombuffer(frame, dtype="<i2")) == {channel}


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_another_rate_is_resampled(rate: int) -> None:
    """A second is 50 frames, less what the resampler holds back."""
    cutter = FrameCutter(Hz(rate), 2, 1, 20)
    tone = (np.sin(np.arange(rate) * 2 * np.pi * 440 / rate) * 10_000).astype("<i2")
    block = np.stack([np.zeros_like(tone), tone], axis=1).tobytes()
    frames = cutter.cut(block)
    assert 48 <= len(frames) <= 50
    spectrum = np.abs(np.fft.rfft(np.frombuffer(b"".join(frames[5:45]), dtype="<i2")))
    assert np.argmax(spectrum) * 16_000 / (40 * 320) == pytest.approx(440, abs=2)


@given(st.lists(st.tuples(st.integers(0, 700), st.booleans()), max_size=40))
def test_a_batch_ends_where_the_count_of_frames_is_a_multiple_of_its_size(blocks: list[tuple[int, bool]]) -> None:
    """Nothing is lost or turned round, and nobody waits longer than to the next multiple."""
    batcher = FrameBatcher(FrameCutter(Hz(16_000), 1, 0, 10), 8)
    given_out, taken_in = 0, 0
    for count, hurried in blocks:
        frames = batcher.collect(np.arange(taken_in, taken_in + count).astype("<i2").tobytes(), hurried)
        taken_in += count
        wanted = np.arange(given_out * 160, (given_out + len(frames)) * 160).astype("<i2").tobytes()
        assert b"".join(frame for frame, _ in frames) == wanted
        given_out += len(frames)
        due = taken_in // 160 if hurried else taken_in // 160 // 8 * 8
        assert given_out >= due


def test_every_frame_says_when_it_was_captured() -> None:
    """Counted back from the end of the block that completed it."""
    batcher = FrameBatcher(FrameCutter(Hz(16_000), 1, 0, 10), 1)
    assert batcher.collect(bytes(2 * 240), True, end=5.0) == [(bytes(320), pytest.approx(4.985))]
    moments = [moment for _, moment in batcher.collect(bytes(2 * 240), True, end=5.015)]
    assert moments == [pytest.approx(4.995), pytest.approx(5.005)]
