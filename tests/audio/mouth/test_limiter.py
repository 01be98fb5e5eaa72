"""No sample above the peak, and nothing else changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.audio.mouth.limiter import FULL_SCALE, RELEASE_MS, Limiter
from device.units import Hz
from tests.audio.mouth.test_player import House, house

__all__ = ["house"]

RATE = Hz(24_000)
BLOCK = 240


def tone(level: float, count: int = BLOCK, hz: float = 220.0) -> bytes:
    """A tone with a peak of `level` of full scale."""
    return (np.sin(np.arange(count) * 2 * np.pi * hz / RATE) * level * FULL_SCALE).astype("<i2").tobytes()


def samples(pcm: bytes) -> np.ndarray:  # type: ignore[type-arg]
    """As numbers that hold -32768's absolute value."""
    return np.frombuffer(pcm, "<i2").astype(np.int32)


LOUD_AND_QUIET = st.lists(
    st.lists(st.integers(-32_768, 32_767), min_size=1, max_size=300)
    | st.lists(st.integers(-300, 300), min_size=1, max_size=300),
    min_size=1,
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(LOUD_AND_QUIET, st.floats(0.1, 1.0))
def test_no_sample_passes_the_peak_and_none_changes_its_sign_or_grows(blocks: list[list[int]], peak: float) -> None:
    """Whatever comes, in blocks of whatever length."""
    limiter = Limiter(peak)
    for block in blocks:
        pcm = np.array(block, "<i2").tobytes()
        out, before = samples(limiter.apply(pcm, RATE)), samples(pcm)
        assert len(out) == len(before)
        assert np.abs(out).max() <= round(peak * FULL_SCALE)
        assert (np.abs(out) <= np.abs(before)).all()
        assert (out * before >= 0).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-29_490, 29_490), min_size=1, max_size=500))
def test_what_stays_below_the_peak_is_the_same_to_the_bit(block: list[int]) -> None:
    """The very same bytes."""
    pcm = np.array(block, "<i2").tobytes()
    assert Limiter(0.9).apply(pcm, RATE) is pcm


def test_a_loud_moment_is_turned_down_before_its_peak_without_a_step() -> None:
    """The block is the look-ahead: its first sample is as loud as the last of the block before."""
    limiter = Limiter(0.5)
    limiter.apply(tone(0.49), RATE)
    block = np.concatenate([np.full(200, 8_000), np.full(40, 32_000)]).astype("<i2").tobytes()
    out = samples(limiter.apply(block, RATE))
    assert out[0] == 8_000
    assert np.abs(np.diff(out[:200])).max() < 50, "a step"
    assert out[200] == pytest.approx(0.5 * FULL_SCALE, abs=2)


def test_the_volume_is_given_back_slowly_and_wholly() -> None:
    """No pumping; and in the end the same bytes again."""
    limiter = Limiter(0.5)
    limiter.apply(tone(1.0), RATE)
    quiet = tone(0.3)
    first = limiter.apply(quiet, RATE)
    assert samples(first).max() < samples(quiet).max() * 0.6
    for _ in range(RELEASE_MS // 10):
        last = limiter.apply(quiet, RATE)
    assert last is quiet


def test_a_steady_loud_sound_is_not_distorted() -> None:
    """It is quieter, and has the same form: no harmonics as of a clipped one."""
    limiter = Limiter(0.5)
    rate, hz = 24_000, 200.0
    whole = tone(1.0, rate, hz)
    out = b"".join(limiter.apply(whole[at : at + 480], RATE) for at in range(0, len(whole), 480))
    spectrum = np.abs(np.fft.rfft(samples(out)[rate // 2 :] * np.hanning(rate // 2)))
    peak = int(hz / 2)
    harmonics = spectrum[[3 * peak, 5 * peak, 7 * peak]].max()
    assert 20 * np.log10(harmonics / spectrum[peak]) < -70


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-65_536, 65_534), min_size=1, max_size=300), st.floats(0.1, 1.0))
def test_a_sum_of_sounds_is_limited_as_a_whole(total: list[int], peak: float) -> None:
    """It needs more bits than a sample has, and is not clipped before."""
    limiter = Limiter(peak)
    out = samples(limiter.apply_to_sum(np.array(total, np.int32), RATE))
    assert np.abs(out).max() <= round(peak * FULL_SCALE)
    assert (out * np.array(total, np.int64) >= 0).all()


async def test_an_answer_and_a_ring_at_full_volume_do_not_clip(house: House) -> None:
    """On the way to the card: no sample above the peak, though their sum is above full scale."""
    house.player.play_answer(1, "item", tone(1.0, 4 * RATE))
    house.player.ring(ducked=False)
    await house.pass_time(3_500)
    heard = np.abs(samples(house.speaker.heard))
    assert heard.max() == FULL_SCALE
    flat = np.lib.stride_tricks.sliding_window_view(heard, 4).min(axis=1) == FULL_SCALE
    assert not flat.any(), "a clipped wave is flat at its crests"


def test_silence_passes() -> None:
    """Before and after something loud; and no sound at all."""
    limiter = Limiter(0.5)
    assert limiter.apply(bytes(480), RATE) == bytes(480)
    limiter.apply(tone(1.0), RATE)
    assert limiter.apply(bytes(480), RATE) == bytes(480)
    assert limiter.apply(b"", RATE) == b""
