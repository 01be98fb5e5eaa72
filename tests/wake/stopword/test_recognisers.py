"""Who recognises which stop words."""

from __future__ import annotations

import numpy as np
import pytest

from device.errors import ConfigError
from device.wake.stopword import recognisers, sphinx
from device.wake.stopword.judged import JudgedWord
from device.wake.stopword.listener import Recogniser
from device.wake.stopword.recognisers import open_recogniser, unrecognised
from device.wake.stopword.sphinx import Sphinx, UnavailableError
from tests.contracts.test_wakewords import quiet, say


def heard(recogniser: Recogniser, text: str) -> list[str]:
    """Return what it recognises when somebody says that by itself."""
    recogniser.begin()
    pcm = np.concatenate([quiet(0.4), say(text, "en-us", 150) // 4, quiet(0.4)]).astype("<i2").tobytes()
    return [word for at in range(0, len(pcm), 640) if (word := recogniser.hear(pcm[at : at + 640]))]


def test_the_network_knows_the_usual_word_and_pocketsphinx_all_others() -> None:
    """Only what is wanted is loaded."""
    assert isinstance(open_recogniser(["Stop"]), JudgedWord)
    assert isinstance(open_recogniser(["be quiet"]), Sphinx)


def test_several_words_are_each_recognised() -> None:
    """Also after a rest."""
    both = open_recogniser(["stop", "be  quiet"])
    assert heard(both, "stop") == ["stop"]
    both.rest()
    assert heard(both, "be quiet") == ["be quiet"]
    assert heard(both, "what time is it") == []


def test_without_the_models_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is said where the house is built."""

    def none(stem: str) -> None:
        raise ConfigError(f"it lacks {stem}")

    monkeypatch.setattr(recognisers, "feature_model", none)
    with pytest.raises(UnavailableError, match="it lacks embedding_model"):
        open_recogniser(["stop"])


def test_only_other_words_need_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which comes when it is asked for."""
    assert unrecognised(["stop", "be quiet"]) == ()
    monkeypatch.setattr(sphinx, "is_installed", lambda: False)
    assert unrecognised([" STOP", "Be quiet", "enough"]) == ("Be quiet", "enough")
    assert isinstance(open_recogniser(["stop"]), JudgedWord)


def test_a_word_that_is_in_no_dictionary_is_refused() -> None:
    """By its name."""
    with pytest.raises(ConfigError, match="xyzzy"):
        open_recogniser(["stop", "xyzzy"])
