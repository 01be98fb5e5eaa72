"""Detections: when, how often, and where the word ended."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from device.errors import ConfigError
from device.ports.wake import Detection
from device.wake.decision import DetectionRules, rules
from device.wake.openwakeword.engine import OpenWakeWord
from device.wake.settings import Wake

RATE = 16_000
Sound = np.ndarray
Say = Callable[..., Sound]
Silence = Callable[[float], Sound]


def _detect(engine: OpenWakeWord, *sounds: Sound, samples: int = 320) -> list[Detection]:
    pcm = np.concatenate(sounds).astype("<i2").tobytes()
    return [d for at in range(0, len(pcm), samples * 2) for d in engine.process(pcm[at : at + samples * 2])]


def test_the_configuration_makes_an_engine() -> None:
    """Its values fit the constructor as they are."""
    wake = Wake(words=("hey_jarvis", "alexa"), thresholds={"alexa": 0.7})
    engine = OpenWakeWord(wake.words, rules(wake))
    assert engine.words == ("hey_jarvis", "alexa")
    assert engine.scores == {"hey_jarvis": 0.0, "alexa": 0.0}


def test_the_same_word_twice_is_refused() -> None:
    """Two names of one model."""
    with pytest.raises(ConfigError, match='two models are called "alexa"'):
        OpenWakeWord(["alexa", "alexa_v0.1"])


def test_each_word_is_detected_as_itself(say: Say, silence: Silence) -> None:
    """Two words share the features and nothing else."""
    engine = OpenWakeWord(["hey_jarvis", "alexa"])
    heard = _detect(engine, silence(1.5), say("hey jarvis"), silence(1), say("alexa", "en-gb+f2"), silence(1))
    assert [detection.word for detection in heard] == ["hey_jarvis", "alexa"]
    assert all(0.5 <= detection.score <= 1.0 for detection in heard)


def test_other_speech_and_silence_are_not_detected(say: Say, silence: Silence) -> None:
    """Not at the usual threshold."""
    engine = OpenWakeWord(["hey_jarvis", "alexa"])
    speech = [say("turn on the light and tell me what time it is"), silence(1), say("good morning everyone")]
    assert _detect(engine, silence(1.5), *speech, np.zeros(RATE), silence(1)) == []


def test_a_word_of_its_own_threshold_is_judged_by_it(say: Say, silence: Silence) -> None:
    """A threshold that no score reaches keeps the word quiet."""
    engine = OpenWakeWord(["hey_jarvis"], DetectionRules(0.1, {"hey_jarvis": 1.0}))
    assert _detect(engine, silence(1.5), say("hey jarvis"), silence(1)) == []


@pytest.mark.parametrize(("refractory_s", "times"), [(1.0, 2), (1.5, 2), (5.0, 1)])
def test_a_word_is_detected_once_in_its_refractory_period(
    refractory_s: float, times: int, say: Say, silence: Silence
) -> None:
    """Counted in samples: two words 2.3 s apart."""
    engine = OpenWakeWord(["hey_jarvis"], DetectionRules(refractory_s=refractory_s))
    word = say("hey jarvis")
    assert len(_detect(engine, silence(1.5), word, silence(1.6), word, silence(1))) == times


def test_a_reset_forgets_half_a_word_and_positions_go_on(say: Say, silence: Silence) -> None:
    """The second word's position counts what came before the reset, down to the odd sample."""
    engine = OpenWakeWord(["hey_jarvis"])
    word = say("hey jarvis")
    before = np.concatenate([silence(1.5), word[: len(word) // 2], silence(0.1)[:77]])
    assert _detect(engine, before) == []
    engine.reset()
    assert engine.scores == {"hey_jarvis": 0.0}
    assert _detect(engine, word[len(word) // 2 :], silence(1.5)) == []
    lead = len(before) + len(word) - len(word) // 2 + int(1.5 * RATE)
    [detection] = _detect(engine, word, silence(1))
    assert -0.2 <= (detection.end - lead - len(word)) / RATE <= 0.0


def test_a_reset_engine_scores_like_a_new_one(say: Say, silence: Silence) -> None:
    """Nothing of the old stream is left in any buffer."""
    engine, sound = OpenWakeWord(["hey_jarvis"]), np.concatenate([silence(1), say("hey jarvis")])
    _detect(engine, sound[:9999])
    engine.reset()
    _detect(engine, sound)
    new = OpenWakeWord(["hey_jarvis"])
    _detect(new, sound)
    assert engine.scores == new.scores


def test_a_model_of_several_classes_gives_a_word_for_each(say: Say, silence: Silence) -> None:
    """The labels come from the model itself."""
    engine = OpenWakeWord(["timer"])
    assert "10_minute_timer" in engine.words
    heard = _detect(engine, silence(3), say("set a timer for ten minutes", "en-gb+f2"), silence(1.5))
    assert [detection.word for detection in heard] == ["10_minute_timer"]


COMMANDS = ("turn on the light", "what time is it", "open the garage", "is it raining", "all lights off", "volume up")


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8])
def test_the_end_of_the_word_is_found_when_a_command_follows_without_a_pause(
    threshold: float, say: Say, silence: Silence
) -> None:
    """At any alignment, loud or faint: nothing of the command is cut off, at most 200 ms of the word are left."""
    late, early, heard = [], [], 0
    for index, command in enumerate(COMMANDS):
        for voice, speed in (("en-us", 160), ("en-us", 130), ("en-us+m3", 150), ("en-us+f2", 170)):
            engine = OpenWakeWord(["hey_jarvis"], DetectionRules(threshold))
            lead, word = silence(1.5 + 0.0137 * index), say("hey jarvis", voice, speed)
            gain = 1 / (1 + index)
            sounds = (lead, word * gain, say(command, voice, speed) * gain, silence(1))
            for detection in _detect(engine, *sounds)[:1]:
                error = (detection.end - len(lead) - len(word)) / RATE
                heard += 1
                late += [error] if error > 0 else []
                early += [error] if error < -0.2 else []
    assert heard >= 12
    assert late == []
    assert len(early) <= heard // 10


def test_the_end_of_a_word_without_a_fitted_model_is_set_well_before_its_detection(say: Say, silence: Silence) -> None:
    """Keeping some of the word beats losing some of the command."""
    engine = OpenWakeWord(["timer"])
    [detection] = _detect(engine, silence(3), say("set a timer for ten minutes", "en-gb+f2"), silence(1.5))
    total = int(3 * RATE) + len(say("set a timer for ten minutes", "en-gb+f2")) + int(1.5 * RATE)
    assert int(3 * RATE) < detection.end < total - RATE
