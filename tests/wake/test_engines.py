"""From the configuration to the engine."""

from __future__ import annotations

import msgspec
import pytest

from device.errors import ConfigError
from device.ports.wake import DetectionRule
from device.wake.engines import load_engine
from device.wake.microwakeword.engine import MicroWakeWord
from device.wake.openwakeword.engine import OpenWakeWord
from device.wake.settings import Wake


def test_openwakeword_is_the_default() -> None:
    """With the words of the configuration."""
    engine = load_engine(Wake(words=("hey_mycroft",)))
    assert isinstance(engine, OpenWakeWord)
    assert engine.words == ("hey_mycroft",)


def test_microwakeword_is_made_by_its_name() -> None:
    """The default words ship with it too."""
    engine = load_engine(Wake(engine="microwakeword"))
    assert isinstance(engine, MicroWakeWord)
    assert engine.words == ("hey_jarvis",)


def test_microwakeword_takes_the_maker_s_threshold_unless_the_person_chose_one() -> None:
    """The built-in 0.5 is openWakeWord's."""
    words = ("alexa", "hey_jarvis")
    makers = load_engine(Wake(engine="microwakeword", words=words, thresholds={"alexa": 0.7})).rules
    assert makers["alexa"].threshold == 0.7
    assert makers["hey_jarvis"].threshold > 0.9
    ours = load_engine(Wake(engine="microwakeword", words=words, threshold=0.6, patience=2)).rules
    assert ours == {"alexa": DetectionRule(0.6, 2), "hey_jarvis": DetectionRule(0.6, 2)}


@pytest.mark.parametrize("engine", ["openwakeword", "microwakeword"])
@pytest.mark.parametrize("key", ["thresholds", "patiences", "refractories_s"])
def test_a_rule_for_a_word_that_is_not_listened_for_is_refused(engine: str, key: str) -> None:
    """A misspelt word would have no effect."""
    wake = Wake(engine=engine, words=("alexa",), **{key: {"alexia": 1}})
    with pytest.raises(ConfigError, match=rf'wake.{key}: "alexia" is not in wake.words \(alexa\)'):
        load_engine(wake)


def test_an_unknown_engine_is_refused() -> None:
    """When the settings were made by a program; in a file the configuration refuses it."""
    wake = msgspec.structs.replace(Wake(), engine="porcupine")
    with pytest.raises(ConfigError, match='there is no "porcupine"; give "openwakeword" or "microwakeword"'):
        load_engine(wake)
