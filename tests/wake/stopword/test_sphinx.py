"""The recogniser of stop words, with pocketsphinx itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from device.errors import ConfigError
from device.wake.stopword import sphinx
from device.wake.stopword.sphinx import Sphinx, UnavailableError, open_recogniser
from tests.contracts.test_wakewords import quiet, say

VOICES = ("en-us", "en-gb", "en-us+m3", "en-us+f2")


@pytest.fixture(scope="module")
def recogniser() -> Sphinx:
    """One for "stop" and a phrase."""
    return open_recogniser(("Stop", "be  quiet"))


def heard(recogniser: Sphinx, *sounds: np.ndarray, samples: int = 320) -> list[str]:
    """Return the words that it recognises in these sounds, one after the other."""
    recogniser.begin()
    pcm = np.concatenate(sounds).astype("<i2").tobytes()
    return [word for at in range(0, len(pcm), 2 * samples) if (word := recogniser.hear(pcm[at : at + 2 * samples]))]


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("phrase", ["stop", "be quiet"])
def test_a_word_by_itself_is_recognised_when_a_pause_follows(recogniser: Sphinx, voice: str, phrase: str) -> None:
    """Once."""
    assert heard(recogniser, quiet(0.4), say(phrase, voice, 150) // 4, quiet(0.4)) == [phrase]


@pytest.mark.parametrize(
    "sentence", ["what time is it", "turn on the lamp", "tell me a joke", "thank you", "set the volume to ten percent"]
)
def test_a_sentence_is_no_stop_word(recogniser: Sphinx, sentence: str) -> None:
    """Nor is silence."""
    assert heard(recogniser, quiet(0.4), say(sentence, "en-us", 150) // 4, quiet(0.4)) == []
    assert heard(recogniser, quiet(2.0)) == []


def test_the_length_of_the_pieces_changes_little(recogniser: Sphinx) -> None:
    """The word is recognised in frames of 10 ms and in a second at once."""
    for samples in (160, 640, 16_000):
        assert heard(recogniser, quiet(0.4), say("stop", "en-us", 150) // 4, quiet(1.4), samples=samples) == ["stop"]


def test_a_voice_that_goes_on_is_heard_without_end(recogniser: Sphinx) -> None:
    """And a stop word after it, too."""
    talk = [
        sound for _ in range(5) for sound in (say("tell me a story about the sea", "en-us+f2", 150) // 4, quiet(0.1))
    ]
    assert heard(recogniser, *talk, quiet(0.5), say("stop", "en-us", 150) // 4, quiet(0.5)) == ["stop"]


def test_it_hears_as_well_after_a_rest(recogniser: Sphinx) -> None:
    """And nothing until it is told to begin."""
    recogniser.rest()
    assert recogniser.hear(quiet(0.5).tobytes()) == ""
    assert heard(recogniser, quiet(0.4), say("stop", "en-us", 150) // 4, quiet(0.4)) == ["stop"]


def test_a_word_that_is_in_no_dictionary_is_refused() -> None:
    """By its name."""
    with pytest.raises(ConfigError, match=r'wake\.stop_words: nobody knows how "xyzzy" is said'):
        open_recogniser(("stop", "xyzzy"))


def test_without_the_package_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is said where the house is built."""

    def no_folder() -> Path | None:
        return None

    monkeypatch.setattr(sphinx, "_folder", no_folder)
    with pytest.raises(UnavailableError, match="pocketsphinx is missing; run scripts/install --with stop-words"):
        open_recogniser(("stop",))
