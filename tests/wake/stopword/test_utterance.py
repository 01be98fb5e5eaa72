"""Utterances and the pauses around them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from device.wake.stopword.utterance import LEAD, LONGEST, PAUSE, STEP, Utterance, Utterances, utterance

LOUD, SOFT = 70.0, 30.0


def levels(*steps: tuple[float, int]) -> list[float]:
    """Return so many steps at each level."""
    return [level for level, count in steps for _ in range(count)]


def test_a_word_between_pauses_is_an_utterance() -> None:
    """Its soft consonants belong to it as long as something loud follows soon."""
    sound = levels((SOFT, 40), (LOUD, 10), (SOFT, 8), (LOUD - 10, 5), (SOFT, 30))
    assert utterance(sound, 42, 60) == Utterance(40, 62)
    assert utterance(sound, 36, 45) == Utterance(40, 62)


def test_a_word_after_which_no_pause_has_come_yet_goes_on() -> None:
    """Nobody knows what it will be."""
    sound = levels((SOFT, 40), (LOUD, 20), (SOFT, PAUSE - 1))
    assert utterance(sound, 42, 50) is None
    assert utterance([*sound, SOFT, SOFT], 42, 50) == Utterance(40, 59)


def test_other_words_without_a_pause_belong_to_it() -> None:
    """So that a sentence is not taken for a word."""
    sound = levels((SOFT, 20), (LOUD, 60), (SOFT, 5), (LOUD, 30), (SOFT, 30))
    whole = utterance(sound, 50, 60)
    assert whole is not None
    assert whole.steps == 95


def test_a_place_outside_of_the_sound_is_none() -> None:
    """As the recogniser gives them at times: an end before the beginning."""
    sound = levels((SOFT, 40), (LOUD, 20), (SOFT, 40))
    assert [utterance(sound, *place) for place in ((25, 2), (90, 120), (-1, 5))] == [None] * 3


@given(st.lists(st.floats(0, 96), min_size=1, max_size=150), st.integers(0, 149), st.integers(0, 149))
def test_an_utterance_begins_and_ends_loud_around_its_loudest_step(sound: list[float], first: int, last: int) -> None:
    """And what is within it has no pause, while both of its sides are pauses."""
    whole = utterance(sound, first, last)
    if whole is None:
        return
    most = max(sound[first : last + 1])
    assert 0 <= whole.first <= whole.last < len(sound)
    assert whole.first <= last
    assert whole.last >= first
    for edge in (whole.first, whole.last):
        assert sound[edge] >= most - 25
    after = sound[whole.last + 1 : whole.last + 1 + PAUSE]
    assert len(after) == PAUSE
    assert all(level <= most - 25 for level in after)


def sound(*pieces: tuple[float, int]) -> bytes:
    """Return so many steps of noise, each piece at its level (a standard deviation)."""
    chance = np.random.default_rng(1)
    return (
        np.concatenate([chance.standard_normal(count * STEP) * level for level, count in pieces])
        .astype("<i2")
        .tobytes()
    )


def cuts(pcm: bytes, samples: int = 320) -> list[bytes]:
    """Return what is cut out of a stream that comes in pieces of so many samples."""
    utterances = Utterances()
    return [cut for at in range(0, len(pcm), 2 * samples) for cut in utterances.hear(pcm[at : at + 2 * samples])]


WORD = (3000.0, 45)


def test_each_word_is_cut_out_once_with_what_is_soft_before_it() -> None:
    """And with the pause behind it."""
    pcm = sound((10, 50), WORD, (10, 40), WORD, (10, 40))
    found = cuts(pcm)
    assert [len(cut) // 2 // STEP for cut in found] == [LEAD + 45 + PAUSE - 1] * 2
    assert pcm.index(found[0]) == (50 - LEAD) * STEP * 2


def test_what_is_longer_than_a_word_is_not_cut_out() -> None:
    """A sentence; nor is the end of a voice that was there from the beginning, nor silence."""
    assert cuts(sound((10, 50), (3000, LONGEST + 5), (10, 60))) == []
    assert cuts(sound((3000, 30), (10, 60))) == []
    assert cuts(sound((10, 500))) == []


@given(st.integers(1, 20_000))
def test_it_does_not_matter_in_which_pieces_sound_comes(samples: int) -> None:
    """But in whole frames it is cut out at the first moment that tells."""
    pcm = sound((10, 50), WORD, (10, 300), WORD, (10, 200), WORD, (10, 30))
    assert len(cuts(pcm, samples)) == 3


def test_an_hour_of_quiet_is_not_kept() -> None:
    """Only what a word needs."""
    utterances = Utterances()
    for _ in range(60):
        assert not list(utterances.hear(sound((10, 100))))
    assert len(utterances._stretch.levels) < 4 * LONGEST
    assert len(list(utterances.hear(sound(WORD, (10, 40))))) == 1
