"""Levels and echoes are measured right, in simulated rooms of every kind."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.frames import DIGITAL_SILENCE_DBFS
from device.setup.doctor.acoustics import LEAD_MS, LONGEST_DELAY_MS, find_echo, level_of
from device.setup.doctor.hearing import LIKE
from device.sim.room.acoustics import Echo, Room, pcm_from_samples
from device.units import CAPTURE_RATE, Ms, samples_from_ms

LEAD = samples_from_ms(LEAD_MS, CAPTURE_RATE)
TAIL = samples_from_ms(LONGEST_DELAY_MS + 2 * LEAD_MS, CAPTURE_RATE)


@cache
def voice() -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Return what sounds a little like a voice: gliding harmonics with pauses, 0.8 s."""
    time = np.arange(int(0.8 * CAPTURE_RATE)) / CAPTURE_RATE
    phase = 2 * np.pi * (120 * time + 25 * np.sin(5 * time))
    sound = sum(np.sin(number * phase) / number for number in range(1, 20))
    swell = np.clip(np.sin(2 * np.pi * 3 * time), 0, 1)
    return np.asarray(0.25 * sound * swell, np.float32)


def heard(room: Room) -> tuple[bytes, bytes, bytes]:
    """Return what was said, what the microphone heard of it, and the room before."""
    path = Echo(room)
    before = path.process(np.zeros(CAPTURE_RATE, np.float32))
    said = np.concatenate((np.zeros(LEAD, np.float32), voice(), np.zeros(TAIL, np.float32)))
    return pcm_from_samples(voice()), pcm_from_samples(path.process(said)), pcm_from_samples(before)


@given(
    delay=st.floats(0, 900),
    rt60_s=st.floats(0.15, 0.7),
    echo_db=st.floats(-30, 0),
    noise_dbfs=st.one_of(st.none(), st.floats(-80, -55)),
    seed=st.integers(0, 5),
)
def test_an_echo_is_found_in_any_room(
    delay: float, rt60_s: float, echo_db: float, noise_dbfs: float | None, seed: int
) -> None:
    """With its delay, to within the first reflections, and taken for an echo."""
    found = find_echo(*heard(Room(Ms(delay), rt60_s, echo_db, noise_dbfs=noise_dbfs, seed=seed)))
    assert found.likeness > LIKE
    assert found.delay == pytest.approx(delay, abs=25)


@given(level=st.floats(-70, -15), seed=st.integers(0, 10_000))
def test_noise_is_not_taken_for_an_echo(level: float, seed: int) -> None:
    """However loud it is."""
    count = LEAD + len(voice()) + TAIL
    noise = np.random.default_rng(seed).normal(0, 10 ** (level / 20), count).astype(np.float32)
    found = find_echo(pcm_from_samples(voice()), pcm_from_samples(noise), pcm_from_samples(noise[:CAPTURE_RATE]))
    assert found.likeness < LIKE


def test_silence_and_nothing_have_no_echo() -> None:
    """Nothing is divided by zero."""
    said = pcm_from_samples(voice())
    assert find_echo(said, bytes(2 * (LEAD + len(voice()) + TAIL)), b"").likeness == 0
    assert find_echo(said, b"", b"").likeness == 0
    assert find_echo(bytes(len(said)), said * 3, said).likeness == 0


def test_how_loud_it_was_is_told_against_the_room() -> None:
    """In decibels."""
    quiet, loud = (
        find_echo(*heard(Room(Ms(10), echo_db=level, noise_dbfs=-60.0, distortion=0))) for level in (-20.0, -8.0)
    )
    assert loud.above_room_db - quiet.above_room_db == pytest.approx(12, abs=1)


@given(st.binary(max_size=4_000).map(lambda raw: raw[: len(raw) // 2 * 2]))
def test_any_sound_has_a_level(pcm: bytes) -> None:
    """Shares are shares."""
    level = level_of(pcm)
    assert DIGITAL_SILENCE_DBFS <= level.dbfs <= 0.01
    assert 0 <= level.clipped <= 1
    assert 0 <= level.zeros <= 1


def test_zeros_and_full_scale_are_counted() -> None:
    """Half and half."""
    pcm = np.array([0, 0, 32_767, -32_768], "<i2").tobytes()
    level = level_of(pcm)
    assert (level.clipped, level.zeros) == (0.5, 0.5)
    assert level_of(b"").zeros == 1
