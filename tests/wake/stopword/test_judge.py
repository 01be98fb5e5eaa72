"""The network for "stop", on voices that it was not trained on."""

from __future__ import annotations

import numpy as np
import pytest

from device.wake.stopword.judge import ROWS, Judge
from device.wake.stopword.judged import EAGER_THRESHOLD, THRESHOLD, JudgedWord
from tests.contracts.test_wakewords import quiet, say

VOICES = ("en-us", "en-gb", "en-us+m3", "en-us+f2")


@pytest.fixture(scope="module")
def word() -> JudgedWord:
    """A recogniser of it."""
    return JudgedWord()


def heard(word: JudgedWord, *sounds: np.ndarray, samples: int = 320) -> list[str]:
    """Return what it recognises in these sounds, one after the other."""
    word.begin()
    pcm = np.concatenate(sounds).astype("<i2").tobytes()
    return [found for at in range(0, len(pcm), 2 * samples) if (found := word.hear(pcm[at : at + 2 * samples]))]


@pytest.mark.parametrize("voice", VOICES)
def test_the_word_by_itself_is_recognised_when_a_pause_follows(word: JudgedWord, voice: str) -> None:
    """Once, and as often as it is said."""
    said = (quiet(0.4), say("stop", voice, 150) // 4)
    assert heard(word, *said, quiet(0.4)) == ["stop"]
    assert heard(word, *said, *said, quiet(0.4)) == ["stop"] * 2


@pytest.mark.parametrize(
    "sentence", ["what time is it", "turn on the lamp", "tell me a joke", "hello", "yes", "no", "thank you", "next"]
)
@pytest.mark.parametrize("voice", VOICES)
def test_other_short_sentences_are_not_taken_for_it(word: JudgedWord, voice: str, sentence: str) -> None:
    """Nor is silence."""
    assert heard(word, quiet(0.4), say(sentence, voice, 150) // 4, quiet(0.4)) == []
    assert heard(word, quiet(2.0)) == []


@pytest.mark.parametrize("quieter", [2, 8, 64])
def test_it_does_not_matter_how_loud_it_is(word: JudgedWord, quieter: int) -> None:
    """As long as it is louder than the room."""
    assert heard(word, quiet(0.4), say("stop", "en-us", 150) // quieter, quiet(0.4)) == ["stop"]


def test_it_hears_as_well_after_a_rest(word: JudgedWord) -> None:
    """And nothing until it is told to begin."""
    word.rest()
    said = np.concatenate([quiet(0.4), say("stop", "en-us", 150) // 4, quiet(0.4)])
    assert word.hear(said.tobytes()) == ""
    assert heard(word, said) == ["stop"]


def test_one_that_is_eager_takes_less_for_the_word(word: JudgedWord, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it begins anew."""
    monkeypatch.setattr(Judge, "score", lambda self, pcm: (EAGER_THRESHOLD + THRESHOLD) / 2)
    said = np.concatenate([quiet(0.4), say("stop", "en-us", 150) // 4, quiet(0.4)]).astype("<i2").tobytes()
    word.begin(eager=True)
    assert word.hear(said) == "stop"
    word.begin()
    assert word.hear(said) == ""


def test_an_utterance_is_judged_by_itself() -> None:
    """Whatever was judged before it."""
    judge = Judge()
    said, other = (say(text, "en-us", 150).tobytes() for text in ("stop", "lamp"))
    first = judge.embeddings(said).copy()
    assert first.shape == (ROWS, 96)
    assert judge.score(other) < THRESHOLD
    assert np.array_equal(judge.embeddings(said), first)
