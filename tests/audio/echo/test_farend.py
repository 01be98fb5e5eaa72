"""The far end: sound with the time at which it is played."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.echo.farend import CueSpan, FarEnd, SampleClock
from device.units import CAPTURE_RATE, Hz

RATE = Hz(24_000)
BLOCK = 120  # 5 ms
jitters = st.lists(st.floats(-0.0019, 0.0019), min_size=2, max_size=200)


def ramp(start: int, count: int = BLOCK) -> bytes:
    """Return samples that encode their position; never silent."""
    return (np.arange(start, start + count) % 30_000 + 1).astype("<i2").tobytes()


def samples(pcm: bytes) -> list[int]:
    """Return PCM as integers."""
    return np.frombuffer(pcm, "<i2").tolist()


@given(jitters)
def test_jitter_of_the_moments_never_tears_the_stream(jitter: list[float]) -> None:
    """The blocks follow each other without gaps."""
    clock = SampleClock(RATE)
    places = [clock.place(7.0 + n * 0.005 + off, BLOCK) for n, off in enumerate(jitter)]
    assert set(np.diff(places)) <= {BLOCK}


@given(st.floats(0.005, 0.035))
def test_a_gap_is_noticed_within_a_few_blocks(gap_s: float) -> None:
    """After a card ran dry, positions follow its times, within a millisecond."""
    clock = SampleClock(RATE)
    for n in range(50):
        clock.place(n * 0.005, BLOCK)
    for n in range(50, 70):
        at = clock.place(n * 0.005 + gap_s, BLOCK)
    assert at / RATE == pytest.approx(69 * 0.005 + gap_s, abs=0.001)


def test_a_long_gap_is_noticed_at_once() -> None:
    """The stream began anew."""
    clock = SampleClock(RATE)
    clock.place(1.0, BLOCK)
    assert clock.place(2.0, BLOCK) == 2 * RATE


@given(jitters)
def test_a_clock_that_never_slipped_says_so(jitter: list[float]) -> None:
    """Jitter is no slip."""
    clock = SampleClock(RATE)
    for n, off in enumerate(jitter):
        clock.place(7.0 + n * 0.005 + off, BLOCK)
    assert clock.slips == 0


def test_slips_are_counted_beyond_a_change_of_rate() -> None:
    """Comparing the count with an earlier one shows each slip."""
    far_end = FarEnd(RATE)
    for moment in (1.0, 2.0):
        far_end.write(ramp(0), RATE, moment)
    far_end.write(ramp(0), Hz(48_000), 3.0)
    assert far_end.slips == 1
    far_end.write(ramp(0), Hz(48_000), 4.0)
    assert far_end.slips == 2


def test_a_restarted_clock_goes_by_the_next_moment() -> None:
    """Even if that is near the expected one."""
    clock = SampleClock(RATE)
    clock.place(1.0, BLOCK)
    clock.restart()
    assert clock.place(1.01, BLOCK) == round(1.01 * RATE)


def test_what_was_written_is_read_at_its_moment() -> None:
    """Across blocks, with silence before the first and after the last."""
    far_end = FarEnd(RATE)
    for n in range(4):
        far_end.write(ramp(n * BLOCK), RATE, 100 + n * 0.005)
    read = samples(far_end.read(100 - 0.005, 6 * BLOCK))
    assert read[:BLOCK] == [0] * BLOCK
    assert read[BLOCK : 5 * BLOCK] == list(range(1, 4 * BLOCK + 1))
    assert read[5 * BLOCK :] == [0] * BLOCK


def test_between_two_sounds_there_is_silence() -> None:
    """Also where the ring had older sound."""
    far_end = FarEnd(RATE)
    for moment in (0.0, 1.0, 6.5):
        far_end.write(ramp(0), RATE, moment)
    assert not any(samples(far_end.read(3.0, RATE)))
    assert any(samples(far_end.read(6.5, BLOCK)))


def test_sound_from_long_ago_is_forgotten() -> None:
    """The ring does not return it in the place of newer sound."""
    far_end = FarEnd(RATE)
    far_end.write(ramp(0), RATE, 1.0)
    far_end.write(ramp(0), RATE, 30.0)
    assert not any(samples(far_end.read(1.0, BLOCK)))


def test_what_the_card_dropped_was_never_played() -> None:
    """Sound ends at that moment."""
    far_end = FarEnd(RATE)
    for n in range(10):
        far_end.write(ramp(n * BLOCK), RATE, 5 + n * 0.005)
    far_end.drop(5.02)
    assert all(samples(far_end.read(5.0, 4 * BLOCK)))
    assert not any(samples(far_end.read(5.02, 6 * BLOCK)))
    assert far_end.is_silent(5.03)


def test_after_the_card_ran_dry_sound_lies_where_it_is_said_to() -> None:
    """At once; and it is counted as a slip."""
    far_end = FarEnd(RATE)
    for n in range(10):
        far_end.write(ramp(n * BLOCK), RATE, 5 + n * 0.005)
    before = far_end.slips
    far_end.drop(5.05)
    far_end.write(ramp(0), RATE, 5.062)
    assert far_end.slips == before + 1
    assert not any(samples(far_end.read(5.05, round(0.012 * RATE))))
    assert samples(far_end.read(5.062, BLOCK)) == list(range(1, BLOCK + 1))


def test_it_is_silent_after_the_last_sound() -> None:
    """Blocks of silence do not count as sound."""
    far_end = FarEnd(RATE)
    assert far_end.is_silent(0.0)
    far_end.write(ramp(0), RATE, 1.0)
    far_end.write(bytes(2 * BLOCK), RATE, 1.005)
    assert not far_end.is_silent(1.0)
    assert far_end.is_silent(1.006)


def test_another_rate_begins_a_new_stream() -> None:
    """A card that came back at 48 kHz."""
    far_end = FarEnd(RATE)
    far_end.write(ramp(0), RATE, 1.0)
    far_end.write(ramp(0, 240), Hz(48_000), 1.1)
    assert far_end.rate == 48_000
    assert samples(far_end.read(1.1, 240)) == list(range(1, 241))
    assert not any(samples(far_end.read(1.0, 240)))


def test_what_is_not_known_yet_is_missing_only_while_it_sounds() -> None:
    """After the last sound nothing is missing."""
    far_end = FarEnd(RATE)
    far_end.write(ramp(0), RATE, 1.0)
    assert far_end.missing(1.015) == pytest.approx(0.01)
    far_end.write(bytes(2 * BLOCK), RATE, 1.005)
    assert far_end.missing(1.03) == 0


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
def test_it_can_be_read_as_a_microphone_would_capture_it(rate: int) -> None:
    """Block by block at the capture rate, without jumps: a tone stays a tone (everything else is 30 dB below it)."""
    far_end = FarEnd(Hz(rate))
    tone = 10_000 * np.sin(2 * np.pi * 1_000 * np.arange(rate) / rate)
    for at in range(0, rate, rate // 50):
        far_end.write(tone[at : at + rate // 50].astype("<i2").tobytes(), Hz(rate), 7.0 + at / rate)
    read = np.concatenate([far_end.read_captured(7.1 + n / 100) for n in range(80)])
    wanted = 10_000 / 32_768 * np.sin(2 * np.pi * 1_000 * (0.1 + np.arange(len(read)) / CAPTURE_RATE))
    assert 20 * math.log10(float(np.std(read - wanted) / np.std(wanted))) < -30


def test_it_knows_when_cues_sound() -> None:
    """Block by block; silence at their ends, and other sound, does not count."""
    far_end = FarEnd(RATE)
    far_end.write(ramp(0), RATE, 1.0)
    assert far_end.cues() == ()
    far_end.write(bytes(2 * BLOCK), RATE, 1.005, is_cue=True)
    for n in range(2, 10):
        far_end.write(ramp(0), RATE, 1 + n * 0.005, is_cue=True)
    assert far_end.cues() == (CueSpan(1.01, pytest.approx(1.05)),)
    far_end.write(ramp(0), RATE, 1.1, is_cue=True)
    assert far_end.cues() == (CueSpan(1.01, pytest.approx(1.105)),)
    far_end.write(ramp(0), RATE, 2.0, is_cue=True)
    assert [cue.since for cue in far_end.cues()] == [1.01, 2.0]


def test_a_cue_that_the_card_dropped_ends_there() -> None:
    """Or it never sounded."""
    far_end = FarEnd(RATE)
    for moment in (1.0, 1.005, 2.0):
        far_end.write(ramp(0), RATE, moment, is_cue=True)
    far_end.drop(1.003)
    assert far_end.cues() == (CueSpan(1.0, 1.003),)


def test_cues_of_long_ago_are_forgotten() -> None:
    """When the next cue is noted."""
    far_end = FarEnd(RATE)
    for moment in (1.0, 30.0):
        far_end.write(ramp(0), RATE, moment, is_cue=True)
    assert [cue.since for cue in far_end.cues()] == [30.0]
