"""The segmenter: voices that start and stop."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.ear.segmenter import Segmenter, SegmenterSettings
from device.core.events import VoiceStarted, VoiceStopped
from device.units import Samples

FRAME = 320
SETTINGS = SegmenterSettings(stop_after=Samples(10 * FRAME), tail=Samples(4 * FRAME))

# Runs of equal frames reach starts and stops, which single random frames hardly ever would.
patterns = st.lists(st.tuples(st.booleans(), st.integers(1, 14)).map(lambda run: [run[0]] * run[1]), max_size=30).map(
    lambda runs: [voiced for run in runs for voiced in run]
)


def segment(frames: str | list[bool], segmenter: Segmenter | None = None) -> list[tuple[int, Any]]:
    """Feed frames ("#" is voiced); return each event with the number of the frame that caused it."""
    segmenter = segmenter or Segmenter(SETTINGS)
    events = []
    for number, frame in enumerate(frames):
        start = Samples(number * FRAME)
        event = segmenter.process(frame in ("#", True), start, Samples(start + FRAME))
        if event is not None:
            events.append((number, event))
    return events


def test_a_voice_starts_with_the_third_voiced_frame_of_four() -> None:
    """The onset is dated back to the first of them."""
    assert segment("..##.#") == [(5, VoiceStarted(Samples(2 * FRAME)))]
    assert segment("..###") == [(4, VoiceStarted(Samples(2 * FRAME)))]


@pytest.mark.parametrize("frames", ["..##....", "#.#..#.#..#", "." * 40])
def test_clicks_and_silence_are_no_voice(frames: str) -> None:
    """Fewer than three voiced frames in four start nothing."""
    assert segment(frames) == []


def test_a_voice_stops_after_enough_frames_without_one() -> None:
    """The end is where the voice ended plus its tail, not where that was noticed."""
    assert segment("###" + "." * 10)[1:] == [(12, VoiceStopped(Samples(7 * FRAME)))]
    assert segment("###" + "." * 9)[1:] == []


def test_a_pause_between_words_does_not_stop_a_voice() -> None:
    """Two voiced frames close together are the voice going on."""
    assert segment("###" + "." * 8 + "##" + "." * 9)[1:] == []


def test_a_single_voiced_frame_does_not_prolong_a_voice() -> None:
    """Hysteresis: a click in the silence does not keep the turn open."""
    assert segment("###.....#....")[1:] == [(12, VoiceStopped(Samples(7 * FRAME)))]


def test_finishing_ends_the_voice_without_tail() -> None:
    """Nothing comes after the end of a stream, and what starts afterwards starts from nothing."""
    segmenter = Segmenter(SETTINGS)
    segment("##.##", segmenter)
    assert segmenter.finish() == VoiceStopped(Samples(5 * FRAME))
    assert segmenter.finish() is None
    assert segment("##", segmenter) == []


@given(patterns)
def test_starts_and_stops_alternate_and_positions_never_go_back(frames: list[bool]) -> None:
    """Start, stop, start, ...: each within what was heard so far and after the one before."""
    events = segment(frames)
    kinds = [type(event) for _, event in events]
    assert kinds == ([VoiceStarted, VoiceStopped] * len(kinds))[: len(kinds)]
    assert all(event.at <= (number + 1) * FRAME for number, event in events)
    assert all(a.at < b.at for (_, a), (_, b) in pairwise(events))


@given(patterns)
def test_no_voice_starts_without_voiced_frames(frames: list[bool]) -> None:
    """A start has three voiced frames among the last four, the first of them at its position."""
    for number, event in segment(frames):
        if isinstance(event, VoiceStarted):
            window = [i for i in range(max(0, number - 3), number + 1) if frames[i]]
            assert len(window) >= 3
            assert event.at in [i * FRAME for i in window]


@given(patterns)
def test_no_voice_outlasts_its_silence(frames: list[bool]) -> None:
    """After `stop_after` without a voiced frame, no voice is going on."""
    segmenter = Segmenter(SETTINGS)
    segment([*frames, *[False] * 10], segmenter)
    assert segmenter.finish() is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"start_voiced": 5},
        {"keep_voiced": 0},
        {"keep_voiced": 4},
        {"tail": 20_000},
        {"stop_after": 0, "tail": 0},
    ],
)
def test_settings_that_contradict_each_other_are_refused(wrong: dict[str, int]) -> None:
    """Such as more voiced frames than the window holds."""
    with pytest.raises(ValueError, match="needs"):
        SegmenterSettings(**wrong)
