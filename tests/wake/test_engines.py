"""From the configuration to the engine."""

from __future__ import annotations

import msgspec
import pytest

from device.config import Wake
from device.errors import ConfigError
from device.wake.engines import load_engine
from device.wake.microwakeword import MicroWakeWord
from device.wake.openwakeword import OpenWakeWord


def test_openwakeword_is_the_default() -> None:
    """With the words of the configuration."""
    engine = load_engine(Wake(words=("alexa",)))
    assert isinstance(engine, OpenWakeWord)
    assert engine.words == ("alexa",)


def test_microwakeword_is_made_by_its_name() -> None:
    """The default words ship with it too."""
    engine = load_engine(Wake(engine="microwakeword"))
    assert isinstance(engine, MicroWakeWord)
    assert engine.words == ("hey_jarvis",)


def test_microwakeword_takes_the_maker_s_threshold_unless_the_person_chose_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in 0.5 is openWakeWord's."""
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr("device.wake.microwakeword.MicroWakeWord", lambda *settings: asked.append(settings))
    own = {"alexa": 0.9}
    load_engine(Wake(engine="microwakeword", words=("alexa",), thresholds=own))
    load_engine(Wake(engine="microwakeword", words=("alexa",), threshold=0.7, refractory_s=3.0))
    assert asked == [(("alexa",), None, own, 1.5), (("alexa",), 0.7, {}, 3.0)]


def test_an_unknown_engine_is_refused() -> None:
    """When a program made the settings; in a file the configuration itself refuses it."""
    wake = msgspec.structs.replace(Wake(), engine="porcupine")
    with pytest.raises(ConfigError, match='there is no "porcupine"; give "openwakeword" or "microwakeword"'):
        load_engine(wake)
