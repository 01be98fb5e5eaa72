"""From a card's blocks to frames, and from one stream of a card to another."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.cards.capture import Intake, JoinedStream, Pace, Piece, pace_of
from device.audio.resample import StreamResampler
from device.core.status import Phase
from device.units import Hz

FRAME = 320
RATE = 16_000
NOISE = np.random.default_rng(1).integers(-300, 300, 8 * RATE).astype("<i2")


def piece(first: int, last: int, sound: np.ndarray = NOISE, error_s: float = 0.0) -> Piece:
    """Return a span of a sound that began at moment 100."""
    return Piece(sound[first:last].tobytes(), 100 + first / RATE + error_s)


@pytest.mark.parametrize(
    ("phase", "at_rest", "expected", "punctual", "pace"),
    [
        (Phase.IDLE, True, False, False, Pace.CALM),
        (Phase.IDLE, True, True, True, Pace.CALM),
        (Phase.IDLE, False, False, False, Pace.RELAXED),
        (Phase.IDLE, False, False, True, Pace.LEISURELY),
        (Phase.IDLE, False, True, False, Pace.STEADY),
        (Phase.IDLE, False, True, True, Pace.STEADY),
        (Phase.WAKING, True, False, True, Pace.HURRIED),
        (Phase.SPEAKING, False, False, False, Pace.HURRIED),
    ],
)
def test_the_less_is_going_on_the_longer_sound_may_wait(
    phase: Phase, at_rest: bool, expected: bool, punctual: bool, pace: Pace
) -> None:
    """In a conversation somebody always waits for it."""
    assert pace_of(phase, at_rest, expected, punctual) is pace


@pytest.mark.parametrize("channel", range(6))
def test_one_channel_is_picked(channel: int) -> None:
    """The others are not mixed in: they hold the echo."""
    taken = Intake(Hz(RATE), 6, channel, 20).feed(np.tile(np.arange(6, dtype="<i2"), 320).tobytes(), 5.0, Pace.HURRIED)
    assert taken is not None
    assert set(np.frombuffer(taken.pcm, dtype="<i2")) == {channel}


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_another_rate_is_resampled(rate: int) -> None:
    """A second stays one."""
    tone = (np.sin(np.arange(rate) * 2 * np.pi * 440 / rate) * 10_000).astype("<i2")
    block = np.stack([np.zeros_like(tone), tone], axis=1).tobytes()
    taken = Intake(Hz(rate), 2, 1, 20).feed(block, 5.0, Pace.HURRIED)
    assert taken is not None
    assert len(taken.pcm) // 2 == RATE
    spectrum = np.abs(np.fft.rfft(np.frombuffer(taken.pcm, dtype="<i2")[1000:15_000]))
    assert np.argmax(spectrum) * RATE / 14_000 == pytest.approx(440, abs=2)


@pytest.mark.parametrize("frame_ms", [10, 20])
@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_block_as_long_as_a_frame_brings_one_at_once(rate: int, frame_ms: int) -> None:
    """At any rate: no frame waits for the next block because the resampler holds back a little of this one."""
    intake, joined = Intake(Hz(rate), 1, 0, frame_ms), JoinedStream(frame_ms)
    count = rate * frame_ms // 1000
    for number in range(1, 50):
        taken = intake.feed(NOISE[:count].tobytes(), 5.0 + number * frame_ms / 1000, Pace.HURRIED)
        assert taken is not None
        frame = joined.feed(taken)
        assert frame is not None
        assert len(frame.pcm) == frame_ms * RATE // 1000 * 2


@pytest.mark.parametrize("count", [20, 240, 960])
def test_the_silence_for_the_resampler_is_before_the_sound(count: int) -> None:
    """And only there: what follows is the sound as the resampler alone gives it, in blocks however short."""
    intake, resampler = Intake(Hz(48_000), 1, 0, 20), StreamResampler(Hz(48_000), Hz(RATE))
    blocks = [NOISE[first : first + count].tobytes() for first in range(0, 24_000, count)]
    pieces = [intake.feed(block, 5.0, Pace.HURRIED) for block in blocks]
    sound = b"".join(piece.pcm for piece in pieces if piece is not None)
    alone = b"".join(map(resampler.process, blocks))
    assert len(sound) > 2 * (24_000 // 3 - FRAME)
    lead = sound.index(alone[:200])
    assert 0 < lead < 2 * 2 * RATE // 1000
    assert sound == bytes(lead) + alone[: len(sound) - lead]


@given(st.lists(st.integers(40, 160), min_size=20, max_size=200), st.integers(0, 10_000))
def test_a_frame_in_a_hurry_waits_for_no_more_than_the_block_in_which_it_ends(blocks: list[int], position: int) -> None:
    """Also when another stream went before, which ended in the middle of a frame."""
    intake, joined = Intake(Hz(RATE), 1, 0, 20), JoinedStream(20)
    joined.feed(piece(0, position))
    intake.align(position)
    heard, came = position // FRAME * FRAME, position
    for count in blocks:
        came += count
        if (taken := intake.feed(NOISE[came - count : came].tobytes(), 100 + came / RATE, Pace.HURRIED)) is not None:
            frame = joined.feed(taken)
            assert frame is not None
            heard += len(frame.pcm) // 2
        assert heard == came // FRAME * FRAME


@given(st.lists(st.tuples(st.integers(0, 1400), st.sampled_from(Pace)), max_size=40), st.integers(0, 10_000))
def test_a_batch_ends_where_it_passes_a_multiple_of_the_pace_or_of_a_frame(
    blocks: list[tuple[int, Pace]], position: int
) -> None:
    """Nothing is lost or turned round, and nobody waits longer than to the next multiple."""
    intake = Intake(Hz(RATE), 1, 0, 20)
    intake.align(position)
    given_out, taken_in = 0, 0
    for count, pace in blocks:
        block = NOISE[taken_in : taken_in + count].tobytes()
        taken_in += count
        if taken := intake.feed(block, 100 + taken_in / RATE, pace):
            assert taken.pcm == NOISE[given_out:taken_in].tobytes()
            assert taken.moment == pytest.approx(100 + given_out / RATE)
            given_out = taken_in
        batch = max(pace, 20) * RATE // 1000
        assert (position + given_out) // batch == (position + taken_in) // batch or given_out == taken_in


@given(st.lists(st.integers(1, 1000), max_size=20))
def test_frames_are_the_sound_cut_anew(counts: list[int]) -> None:
    """Nothing is lost or turned round, whatever the pieces, and every frame says when it was captured."""
    joined, ends = JoinedStream(20), np.cumsum([0, *counts])
    frames = [joined.feed(piece(first, last)) for first, last in pairwise(ends)]
    whole = [frame for frame in frames if frame is not None]
    assert b"".join(frame.pcm for frame in whole) == NOISE[: ends[-1] // FRAME * FRAME].tobytes()
    assert not any(len(frame.pcm) % (2 * FRAME) for frame in whole)
    done = 0
    for frame in whole:
        assert frame.moment == pytest.approx(100 + done / RATE)
        done += len(frame.pcm) // 2
    assert joined.position == ends[-1]


def run(
    joined: JoinedStream, sound: np.ndarray, old_block: int, new_block: int, begins: int, error_s: float
) -> tuple[bytes, int]:
    """Let a stream with one length of blocks follow another; return what came out, and where they were joined."""
    out, old, new, joint = b"", 0, begins, 0
    while max(old, new) < len(sound) - max(old_block, new_block):
        if not joint and old + old_block <= new + new_block:
            frame = joined.feed(piece(old, old + old_block, sound))
            old += old_block
        else:
            frame = _take_next(joined, piece(new, new + new_block, sound, error_s), bool(joint))
            new += new_block
        out += frame.pcm if frame else b""
        if not joint and (rest := joined.join()) is not None:
            joint = joined.position
            frame = joined.feed(rest)
            out += frame.pcm if frame else b""
    return out, joint


def _take_next(joined: JoinedStream, piece: Piece, is_joined: bool) -> Piece | None:
    if is_joined:
        return joined.feed(piece)
    joined.prepare(piece)
    return None


@pytest.mark.parametrize(("old_block", "new_block"), [(320, 3840), (3840, 320), (320, 320), (1280, 3840)])
@pytest.mark.parametrize("error_s", [0.0, 0.03, -0.03])
@pytest.mark.parametrize("begins", [4_000, 9_137])
def test_two_streams_of_a_microphone_are_joined_to_the_sample(
    old_block: int, new_block: int, error_s: float, begins: int
) -> None:
    """Though the card knows the moments of the second only to some 10 ms."""
    out, joint = run(JoinedStream(20), NOISE, old_block, new_block, begins, error_s)
    assert joint
    assert len(out) > 2 * 5 * RATE
    assert out == NOISE.tobytes()[: len(out)]


def test_in_silence_the_moments_say_where_they_are_joined() -> None:
    """Nothing is to be found in zeros."""
    joined = JoinedStream(20)
    out, joint = run(joined, np.zeros(4 * RATE, "<i2"), 320, 3840, 5_000, 0.0)
    assert joint
    # Whole blocks of the second stream, which began at 5000, and whole frames.
    assert joined.position == 5_000 + (joined.position - 5_000) // 3840 * 3840
    assert len(out) == joined.position // FRAME * FRAME * 2


def test_the_sound_goes_on_when_there_is_no_second_stream_after_all() -> None:
    """What was withheld for it is not lost."""
    joined, out = JoinedStream(20), b""
    for first in range(0, 2 * RATE, FRAME):
        if first == RATE // 2:
            joined.prepare(piece(0, RATE // 2))
        frame = joined.feed(piece(first, first + FRAME))
        out += frame.pcm if frame else b""
    assert len(out) == RATE
    frame = joined.abandon()
    assert frame is not None
    assert out + frame.pcm == NOISE[: 2 * RATE].tobytes()
    assert joined.feed(piece(2 * RATE, 2 * RATE + FRAME)) is not None
    assert joined.abandon() is None
