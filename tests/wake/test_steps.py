"""The wake word's steps: they end with the pieces of the stream, and nothing is scored twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device.wake.steps import STEP_BYTES, Steps

STEP = STEP_BYTES // 2


def test_steps_that_end_within_pieces_begin_anew_with_one() -> None:
    """What there is of a step then is dropped, once; from then on each piece completes what it brings."""
    steps = Steps()
    steps.cut(bytes(2 * 300))
    for _ in range(20):
        assert not steps.are_aligned
        assert len(steps.cut(bytes(STEP_BYTES))) == STEP_BYTES
        assert steps.begun_samples == 300
    steps.align()
    assert steps.are_aligned
    assert steps.cut(b"\1" * 3 * STEP_BYTES) == b"\1" * 3 * STEP_BYTES
    assert steps.are_aligned


def test_no_sound_is_dropped_before_pieces_have_been_whole_steps_for_a_while() -> None:
    """1.6 s: after a change of streams the first word may be a wake word."""
    steps = Steps()
    steps.cut(bytes(2 * 300))
    for _ in range(19):
        steps.cut(bytes(STEP_BYTES))
        steps.align()
        assert steps.begun_samples == 300
    steps.cut(bytes(2 * STEP))
    steps.align()
    assert steps.begun_samples == 0


def test_a_piece_of_another_length_makes_it_wait_again() -> None:
    """The stream changes, or somebody is in a hurry."""
    steps = Steps()
    steps.cut(bytes(40 * STEP_BYTES))
    assert steps.are_aligned
    steps.cut(bytes(2 * 320))
    steps.cut(bytes(19 * STEP_BYTES))
    steps.align()
    assert steps.begun_samples == 320
    steps.reset()
    assert steps.begun_samples == 0
    assert not steps.are_aligned


@given(st.lists(st.tuples(st.sampled_from((160, 320, 1280, 2560, 3840, 4480)), st.booleans()), max_size=60))
def test_every_step_is_a_span_of_the_stream_in_order_and_no_two_overlap(pieces: list[tuple[int, bool]]) -> None:
    """Less than a step is left out between two."""
    steps, position, scored_until = Steps(), 0, 0
    for samples, may_align in pieces:
        numbers = range(position, position + samples)
        sound = b"".join((number % 65_521).to_bytes(2, "little") for number in numbers)
        position += samples
        found = steps.cut(sound)
        assert len(found) % STEP_BYTES == 0
        if found:
            begin = position - steps.begun_samples - len(found) // 2
            assert 0 <= begin - scored_until < STEP
            assert int.from_bytes(found[:2], "little") == begin % 65_521
            assert int.from_bytes(found[-2:], "little") == (position - steps.begun_samples - 1) % 65_521
            scored_until = position - steps.begun_samples
        if may_align:
            steps.align()
