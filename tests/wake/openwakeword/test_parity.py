"""Our scores beside those of openwakeword's own Model on the same sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from device.wake.openwakeword.engine import OpenWakeWord
from device.wake.openwakeword.features import Features

WORDS = ("hey_jarvis", "alexa", "hey_mycroft", "hey_rhasspy", "weather", "timer")
CHUNK = 1280
# The longest window (timer: 34 embeddings) holds nothing of the start any more.
SETTLED = 34
Scores = list[Mapping[str, float]]


def _reference(sound: np.ndarray, words: Sequence[str] = WORDS, same_start: bool = False) -> Scores:
    # Late: it takes a second to load, and not every process that collects this runs it.
    from openwakeword.model import Model

    model = Model(wakeword_models=list(words), inference_framework="onnx")
    if same_start:
        buffer = model.preprocessor.feature_buffer
        buffer[:] = Features(1).embeddings[0]
    return [model.predict(chunk) for chunk in sound.reshape(-1, CHUNK)]


def _ours(sound: np.ndarray, samples_at_once: int = CHUNK, words: Sequence[str] = WORDS) -> Scores:
    """Return the scores after every 80 ms, whatever the length of the pieces."""
    engine, scores, pcm = OpenWakeWord(words), [], sound.tobytes()
    chunks = 0
    for at in range(0, len(pcm), samples_at_once * 2):
        engine.process(pcm[at : at + samples_at_once * 2])
        fed = min(len(pcm), at + samples_at_once * 2) // (CHUNK * 2)
        assert fed - chunks <= 1
        if fed > chunks:
            scores.append(engine.scores)
        chunks = fed
    return scores


def _largest_difference(ours: Scores, reference: Scores) -> dict[str, float]:
    assert len(ours) == len(reference)
    return {
        word: max(abs(mine[word] - theirs[word]) for mine, theirs in zip(ours, reference, strict=True))
        for word in ours[0]
    }


@pytest.fixture(scope="module")
def ours(minute: np.ndarray) -> Scores:
    """Return our scores of the minute."""
    return _ours(minute)


@pytest.fixture(scope="module")
def five_minutes(minute: np.ndarray) -> np.ndarray:
    """Return the minute as it is, faint, in noise, over a humming chord that comes and goes, and too loud."""
    at = np.arange(len(minute)) / 16_000
    noise = np.random.default_rng(6).standard_normal(len(minute)) * 300
    chord = sum(np.sin(2 * np.pi * hertz * at) for hertz in (110, 277.2, 659.3, 1318.5)) * np.sin(at) * 800
    sound = np.concatenate([minute, minute * 0.03, minute + noise, minute + chord, minute * 3.0])
    return sound.clip(-32768, 32767).astype("<i2")


@pytest.mark.long
def test_scores_equal_those_of_openwakeword_once_its_random_start_is_over(five_minutes: np.ndarray) -> None:
    """Every word and every class, over more than five minutes; the words really were heard."""
    assert len(five_minutes) >= 300 * 16_000
    ours, reference = _ours(five_minutes), _reference(five_minutes)
    differences = _largest_difference(ours[SETTLED:], reference[SETTLED:])
    assert max(differences.values()) <= 1e-4, differences
    heard = {word for word in ours[0] if max(scores[word] for scores in ours) > 0.5}
    assert {"hey_jarvis", "alexa", "hey_rhasspy", "10_minute_timer"} <= heard


@pytest.mark.parametrize("word", WORDS)
def test_scores_equal_those_of_openwakeword_from_the_first_when_both_start_alike(word: str, minute: np.ndarray) -> None:
    """With its random noise replaced by our silence nothing differs, the five zeroed scores included.

    One word at a time: with several, openwakeword zeroes fewer scores of all words but the last.
    """
    sound = minute[: 50 * CHUNK]
    differences = _largest_difference(_ours(sound, words=[word]), _reference(sound, [word], same_start=True))
    assert max(differences.values()) <= 1e-5, differences


@pytest.mark.parametrize("samples", [160, 320, 487, 1279, 1])
def test_the_length_of_the_pieces_changes_no_score(samples: int, minute: np.ndarray, ours: Scores) -> None:
    """10 ms, 20 ms, odd lengths and single samples."""
    chunks = 8 if samples == 1 else 120
    assert _ours(minute[: chunks * CHUNK], samples) == ours[:chunks]


@pytest.mark.parametrize("steps", [2, 4, 7])
def test_steps_that_come_together_have_the_scores_of_openwakeword(steps: int, minute: np.ndarray, ours: Scores) -> None:
    """They are computed together. Seen are the newest scores of each piece."""
    engine, pcm = OpenWakeWord(WORDS), minute.tobytes()
    for count in range(steps, 20 * 12, steps):
        engine.process(pcm[(count - steps) * CHUNK * 2 : count * CHUNK * 2])
        assert engine.scores == pytest.approx(ours[count - 1], abs=1e-5)
