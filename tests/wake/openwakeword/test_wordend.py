"""Estimating where a word ended, without a model."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.wake.openwakeword.wordend import MARGIN, ROWS, UNKNOWN_WORD, WordEnd, _quantile, word_end

EMBEDDINGS = np.zeros((ROWS, 96), np.float32)
ZEROS = np.zeros(ROWS * 96, np.float32)
MS = 16


def _hiss(chance: np.random.Generator, ms: int) -> np.ndarray:
    """Return noise above 4 kHz."""
    spectrum = np.fft.rfft(chance.standard_normal(ms * MS))
    spectrum[: len(spectrum) // 2] = 0
    return np.fft.irfft(spectrum, ms * MS) * 3000


def _hum(ms: int) -> np.ndarray:
    return np.sin(np.arange(ms * MS) / 16_000 * 2 * np.pi * 150) * 3000


def _sound(*parts: np.ndarray) -> np.ndarray:
    return np.concatenate(parts).astype(np.int16)


def test_an_unknown_word_ended_a_fixed_time_ago() -> None:
    """Nothing was fitted for it."""
    assert word_end("computer").samples_ago(EMBEDDINGS, _sound(_hum(800))) == UNKNOWN_WORD


def test_the_version_in_a_word_does_not_matter() -> None:
    """A path's file name carries it."""
    assert word_end("hey_jarvis_v0.1").bias == word_end("hey_jarvis").bias


def test_without_hiss_the_estimate_is_the_linear_model_s() -> None:
    """Plus the margin."""
    end = WordEnd(ZEROS, bias=200.0, sibilant=True)
    assert end.samples_ago(EMBEDDINGS, _sound(_hum(800))) == 200 * MS + MARGIN


def test_a_hiss_nearby_moves_the_end_to_where_it_stops() -> None:
    """To the frame of 10 ms."""
    end = WordEnd(ZEROS, bias=200.0, sibilant=True)
    sound = _sound(_hum(500), _hiss(np.random.default_rng(1), 80), _hum(250))
    assert abs(end.samples_ago(EMBEDDINGS, sound) - MARGIN - 250 * MS) <= 10 * MS


def test_a_hiss_far_away_does_not() -> None:
    """It belongs to another sound."""
    end = WordEnd(ZEROS, bias=200.0, sibilant=True)
    sound = _sound(_hum(100), _hiss(np.random.default_rng(1), 80), _hum(600))
    assert end.samples_ago(EMBEDDINGS, sound) == 200 * MS + MARGIN


def test_a_hiss_that_runs_on_into_the_next_word_is_shared() -> None:
    """ "jarvis stop": the first 100 ms are the wake word's."""
    end = WordEnd(ZEROS, bias=250.0, sibilant=True)
    sound = _sound(_hum(400), _hiss(np.random.default_rng(1), 200), _hum(200))
    assert abs(end.samples_ago(EMBEDDINGS, sound) - MARGIN - 300 * MS) <= 20 * MS


def test_any_sound_is_taken() -> None:
    """Nothing, less than a frame, digital silence, full scale."""
    end = WordEnd(ZEROS, bias=100.0, sibilant=True)
    for sound in (np.zeros(0), np.zeros(100), np.zeros(170), np.zeros(8000), np.full(8000, -32768), np.zeros(8001)):
        assert end.samples_ago(EMBEDDINGS, sound.astype(np.int16)) == 100 * MS + MARGIN


def test_the_first_estimate_imports_nothing() -> None:
    """It is made when the person has just said the wake word: `numpy.quantile` took 8 ms there, once, and 2 MB."""
    code = """
import sys
import numpy as np
from device.wake.openwakeword.wordend import ROWS, WordEnd
end = WordEnd(np.zeros(ROWS * 96, np.float32), bias=200.0, sibilant=True)
before = set(sys.modules)
end.samples_ago(np.zeros((ROWS, 96), np.float32), np.ones(12_800, np.int16))
print(*sorted(set(sys.modules) - before))
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == []


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e9, width=32), min_size=1, max_size=60), st.floats(0, 1))
def test_a_quantile_is_that_of_numpy(values: list[float], share: float) -> None:
    """Between two values, in proportion."""
    given_values = np.array(values, np.float32)
    expected = float(np.quantile(given_values.astype(np.float64), share))
    assert _quantile(given_values, share) == pytest.approx(expected, rel=1e-6, abs=1e-6)
