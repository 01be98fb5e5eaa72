"""Which words get a second opinion, where it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.errors import ConfigError
from device.wake.agreement.opinion import SecondOpinion
from device.wake.agreement.words import notes, seconded
from device.wake.engines import load_engine
from device.wake.networks import tflite
from device.wake.openwakeword.engine import OpenWakeWord
from device.wake.settings import Wake


def not_installed() -> Path:
    """Stand in for the library's path."""
    raise tflite.LibraryMissingError("it is not installed")


def test_by_itself_only_words_with_which_nothing_is_lost_need_it() -> None:
    """However they are written."""
    assert seconded(Wake()) == ()
    assert seconded(Wake(words=("hey_jarvis", "Alexa"))) == ("alexa",)
    assert seconded(Wake(words=("alexa",), second_opinion=())) == ()
    assert seconded(Wake(engine="microwakeword", words=("alexa",))) == ()


def test_a_person_switches_it_on_for_others() -> None:
    """Whose names are those of the detections."""
    wake = Wake(words=("hey jarvis", "alexa"), second_opinion=("hey jarvis",))
    assert seconded(wake) == ("hey_jarvis",)


def test_a_word_of_one_s_own_is_left_alone_until_it_is_named(tmp_path: Path) -> None:
    """Though its file be called like one that ships: it may be another word."""
    assert seconded(Wake(words=(str(tmp_path / "alexa.onnx"),))) == ()


def test_a_word_that_only_one_engine_knows_is_refused() -> None:
    """With those that both know."""
    wake = Wake(words=("hey_rhasspy",), second_opinion=("hey_rhasspy",))
    with pytest.raises(ConfigError, match='does not know "hey_rhasspy", only alexa, hey_jarvis'):
        load_engine(wake)


def test_without_the_second_engine_every_detection_counts_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever has not installed it is not kept from listening."""
    monkeypatch.setattr(tflite, "library_path", not_installed)
    assert isinstance(load_engine(Wake(words=("alexa",))), OpenWakeWord)
    [line] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert line == "no second opinion on alexa, every detection counts: pymicro-wakeword: it is not installed"


def test_nothing_of_it_is_there_where_nobody_asks_for_it() -> None:
    """The usual word runs alone."""
    assert isinstance(load_engine(Wake()), OpenWakeWord)
    assert isinstance(load_engine(Wake(words=("alexa",))), SecondOpinion)


def test_a_person_is_told_what_it_does_for_the_chosen_words() -> None:
    """That it is on, or what it would bring and cost; of a word that one engine knows, nothing."""
    on, off = notes(Wake(words=("alexa", "hey_jarvis", "hey_rhasspy")))
    assert on.startswith("“alexa” counts only when a second engine hears it")
    assert 'wake.second_opinion = ["hey_jarvis"]' in off
