"""Our own cues are not sent: the decisions of the mask, and simulated rooms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.cues import cue_pcm
from device.audio.echo import cuemask
from device.audio.echo.canceller import NullCanceller
from device.audio.echo.cuemask import EARLY_S, LONGEST_DELAY_S, LONGEST_FADE_S, CueEcho, CueMask
from device.audio.echo.farend import CueSpan, FarEnd
from device.core.actions import Cue
from device.sim.room.acoustics import Room, Sound, pcm_from_samples
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE
from tests.audio.echo.cue_stage import CueHeard, hear_cue, heard_span, make_canceller, notes_dbfs
from tests.audio.echo.echo_stage import ASKING, PLAYED_RATE, RATE, answers, room, spoken

SINCE, UNTIL = 50.0, 50.15
BLOCK = 160
ROOM_DBFS = -70.0
# A note with a whole number of periods in the block.
LOUD = pcm_from_samples(np.asarray(0.1 * np.sin(2 * np.pi * 6 * np.arange(BLOCK) / BLOCK), np.float32))
QUIET = b"\x01\x00" * BLOCK
NOISE = pcm_from_samples(np.asarray(np.random.default_rng(4).normal(0.0, 0.01, 4 * RATE), np.float32))
levels = st.floats(-90.0, 0.0)


def moments(first: float = SINCE - EARLY_S) -> list[float]:
    """Return every 10 ms from just before the cue until its echo is over in any room."""
    return [first + n / 100 for n in range(round((UNTIL + LONGEST_DELAY_S + LONGEST_FADE_S - first) * 100) + 2)]


@given(st.lists(levels, min_size=80, max_size=80))
def test_whatever_is_heard_a_cue_is_hidden_to_its_end_and_not_for_ever(heard: list[float]) -> None:
    """A person who goes on talking is heard again as soon as the echo is over in any room."""
    cue_echo, before = CueEcho(SINCE, ROOM_DBFS), True
    for moment, level in zip(moments(), heard, strict=False):
        hidden = cue_echo.may_be_heard(moment, UNTIL, level)
        assert hidden or moment >= UNTIL
        assert not hidden or moment < UNTIL + LONGEST_DELAY_S + LONGEST_FADE_S
        assert before or not hidden, "an echo that is gone does not come back"
        before = hidden


@given(
    loudest=st.floats(-60.0, -10.0),
    delay_ms=st.integers(1, 150),
    fall_db=st.floats(1.2, 6.0),
    wobble=st.lists(st.floats(-3.0, 3.0), min_size=80, max_size=80),
)
def test_an_echo_is_hidden_while_it_can_be_told_from_the_room(
    loudest: float, delay_ms: int, fall_db: float, wobble: list[float]
) -> None:
    """Delays up to 150 ms, reverberation (given in dB per 10 ms) of up to 0.5 s; the room's own level varies."""
    cue_echo = CueEcho(SINCE, ROOM_DBFS)
    for moment, off in zip(moments(), wobble, strict=False):
        echo = echo_dbfs(moment - delay_ms / 1000, loudest, fall_db)
        hidden = cue_echo.may_be_heard(moment, UNTIL, max(echo, ROOM_DBFS + off))
        told = echo > ROOM_DBFS + cuemask.ABOVE_ROOM_DB and echo > loudest - cuemask.FALLEN_DB
        over = moment >= UNTIL + delay_ms / 1000 + LONGEST_FADE_S
        assert hidden or over or not told


def echo_dbfs(seconds: float, loudest: float, fall_db: float) -> float:
    """The level of an echo of a cue that is loud from SINCE to UNTIL."""
    if seconds < SINCE:
        return -200.0
    return loudest - max(0.0, seconds - UNTIL) * 100 * fall_db


def test_where_no_echo_is_heard_a_person_need_not_wait() -> None:
    """With headphones or a very low volume: it is over when the echo would have begun."""
    cue_echo = CueEcho(SINCE, ROOM_DBFS)
    hidden = [moment for moment in moments() if cue_echo.may_be_heard(moment, UNTIL, ROOM_DBFS)]
    assert max(hidden) < SINCE + LONGEST_DELAY_S


class Mask:
    """A mask with a cue from SINCE to UNTIL; `trusted` are the answers of the canceller, one for each block."""

    def __init__(self, *trusted: bool) -> None:
        self.cues: list[CueSpan] = [CueSpan(SINCE, UNTIL)]
        answers = itertools.chain(trusted, itertools.repeat(trusted[-1]))
        self.mask = CueMask(lambda: self.cues, lambda: next(answers))

    def hides(self, moment: float, left: bytes = LOUD) -> bool:
        """Whether 10 ms are silenced, when `left` is the canceller's output."""
        return not any(self.mask.process(LOUD, left, moment))


def test_nothing_is_hidden_without_a_cue() -> None:
    """The sound passes unchanged."""
    mask = Mask(False)
    mask.cues.clear()
    assert mask.mask.process(LOUD, NOISE[:320], 1.0) == NOISE[:320]


def test_a_canceller_that_trusts_itself_is_relied_on_when_it_has_removed_the_cue() -> None:
    """From the end of the cue on, because it may leave the beginning of a cue after a pause."""
    mask = Mask(True)
    hidden = [mask.hides(moment, left=QUIET) for moment in moments()]
    sounding = [moment < UNTIL for moment in moments()]
    assert hidden == sounding


def test_a_canceller_that_leaves_the_cue_is_not_relied_on() -> None:
    """Even if it trusts itself: somebody may have moved the loudspeaker."""
    mask = Mask(True)
    assert all(mask.hides(SINCE + n / 100) for n in range(20))


def test_it_begins_before_the_cue() -> None:
    """By the largest error of a card's times."""
    mask = Mask(False)
    assert not mask.hides(SINCE - EARLY_S - 0.015)
    assert mask.hides(SINCE - EARLY_S)


def test_a_canceller_that_has_once_distrusted_itself_is_not_relied_on_for_this_cue() -> None:
    """Even if it trusts itself again before the cue is over."""
    mask = Mask(*[True] * 17, False, True)
    hidden = [mask.hides(SINCE + n / 100, left=QUIET) for n in range(20)]
    assert hidden[14:] == [True, False, False, True, True, True]


def test_a_cue_that_follows_a_cue_is_hidden_too() -> None:
    """Such as an announcement after the error cue."""
    mask = Mask(False)
    hidden = [mask.hides(moment) for moment in moments()]
    assert hidden[0]
    assert not hidden[-1]
    mask.cues.append(CueSpan(SINCE + 2, UNTIL + 2))
    assert all(mask.hides(SINCE + 2 + n / 100) for n in range(-3, 15))


@given(st.lists(st.integers(1, 700), min_size=1, max_size=60))
def test_no_sample_is_added_or_lost(sizes: list[int]) -> None:
    """A frame of any length is returned with the same length, each sample unchanged or silent."""
    mask = Mask(False)
    at, moment = 0, SINCE - 0.1
    for size in sizes:
        piece = NOISE[at * 2 : (at + size) * 2]
        out = mask.mask.process(piece, piece, moment + at / RATE)
        heard, got = np.frombuffer(piece, "<i2"), np.frombuffer(out, "<i2")
        assert len(got) == len(heard)
        assert np.all((got == heard) | (got == 0))
        at += size


def test_a_sentence_is_hidden_for_as_long_as_a_room_rings() -> None:
    """Because it may end in a sound without power at the notes' frequencies."""
    cue_echo, until = CueEcho(SINCE, ROOM_DBFS), SINCE + 2.0
    seconds = [SINCE + n / 100 for n in range(300)]
    heard = [-30.0 if moment < until - 0.2 else ROOM_DBFS for moment in seconds]
    hidden = [moment for moment, dbfs in zip(seconds, heard, strict=True) if cue_echo.may_be_heard(moment, until, dbfs)]
    assert max(hidden) == pytest.approx(until + LONGEST_FADE_S, abs=0.02)


def test_how_loud_the_room_was_is_forgotten() -> None:
    """After a mute the room may be another, and no sound from before may be kept."""
    mask = Mask(False)
    for n in range(60):
        mask.mask.process(LOUD, LOUD, SINCE - 1 + n / 100)
    mask.mask.forget()
    assert LOUD[:32] not in mask.mask._room + mask.mask._captured + mask.mask._left
    hidden = [moment for moment in moments() if mask.hides(moment)]
    assert max(hidden) > UNTIL


# -- in rooms

PLACES = [room(20, -15, 0, 0.2), room(60, -5, 6, 0.3), room(100, 0, 11, 0.4), room(150, -10, 13, 0.5)]
# What exceeds the noise by more is a note; the room's own noise varies by as much.
A_NOTE_DB = 8.0


def a_second(*after_s: float) -> Sound:
    """Silence for a second before a cue, and for some time thereafter."""
    return np.zeros(int((1.0 + sum(after_s)) * RATE), np.float32)


def noise_dbfs(heard: CueHeard) -> float:
    """Return the level of the room's noise at the notes' frequencies, before the cue."""
    return notes_dbfs(heard.captured, slice(heard.at - RATE * 8 // 10, heard.at))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.delay_ms:g} ms")
@pytest.mark.parametrize("kind", ["none", "new"])
def test_nothing_of_the_wake_cue_is_sent(place: Room, kind: str) -> None:
    """Without a canceller, and with one that has not adapted; in the captured sound the cue is loud."""
    far_end = FarEnd(PLAYED_RATE)
    canceller = make_canceller(kind, far_end)
    heard = hear_cue(place, canceller, far_end, before=a_second(), near=a_second(1.5))
    span = heard_span(heard)
    assert notes_dbfs(heard.captured, span) > noise_dbfs(heard) + 2 * A_NOTE_DB
    assert notes_dbfs(heard.sent, span) < noise_dbfs(heard) + A_NOTE_DB


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.delay_ms:g} ms")
def test_a_canceller_that_knows_the_room_needs_help_with_the_beginning_only(place: Room) -> None:
    """After some seconds of an answer nothing of the cue is left, and a person who answers the cue is heard at once."""
    far_end = FarEnd(PLAYED_RATE)
    before = np.concatenate((answers(8, 1), a_second()))
    near = np.zeros(len(before) + RATE * 3 // 2, np.float32)
    heard = hear_cue(place, make_canceller("new", far_end), far_end, before=before, near=near)
    assert heard.hidden_after_ms < 50
    assert notes_dbfs(heard.left, heard_span(heard)) < noise_dbfs(heard) + A_NOTE_DB
    assert notes_dbfs(heard.captured, heard_span(heard)) > noise_dbfs(heard) + 2 * A_NOTE_DB
    assert notes_dbfs(heard.sent, heard_span(heard)) < noise_dbfs(heard) + A_NOTE_DB


@pytest.mark.parametrize("cue", Cue)
@pytest.mark.parametrize("off_s", [-0.035, 0.0, 0.035])
def test_no_cue_leaks_on_a_card_that_tells_wrong_times(cue: Cue, off_s: float) -> None:
    """Everything that the cue adds to the room is silenced, except what is more than 30 dB below its loudest."""
    far_end, place = FarEnd(PLAYED_RATE), room(60, 0, 3, noise_dbfs=-90.0)
    heard = hear_cue(place, NullCanceller(), far_end, before=a_second(), near=a_second(1.5), cue=cue, card_off_s=off_s)
    assert np.abs(heard.sent[heard.at - RATE // 2 :]).max() < np.abs(heard.captured).max() / 30


def test_an_answer_to_the_cue_arrives_whole() -> None:
    """In a living room, 300 ms after the cue's end."""
    far_end, place = FarEnd(PLAYED_RATE), room(60, -5, 2)
    near, words = a_second(2.5), spoken("turn on the light", ASKING)
    at = RATE + len(cue_pcm(Cue.WAKE, CAPTURE_RATE)) // BYTES_PER_SAMPLE + RATE * 3 // 10
    near[at : at + len(words)] = words
    heard = hear_cue(place, NullCanceller(), far_end, before=a_second(), near=near)
    assert heard.hidden_after_ms > 0
    assert np.array_equal(heard.sent[at:], heard.left[at:])


def test_who_talks_over_the_cue_is_soon_heard() -> None:
    """The beginning is lost, but no more than LONGEST_FADE_S after the longest delay."""
    far_end, place = FarEnd(PLAYED_RATE), room(60, -5, 2)
    near, words = a_second(2.5), spoken("once upon a time there was a small house by the sea", ASKING)
    near[RATE : RATE + len(words)] = words[: len(near) - RATE]
    heard = hear_cue(place, NullCanceller(), far_end, before=a_second(), near=near)
    assert heard.hidden_after_ms <= (LONGEST_DELAY_S + LONGEST_FADE_S) * 1000
