"""Where a wake word ended, once an engine has detected it.

A score crosses its threshold anywhere from 8 ms before to 480 ms after the word's end (5th to 95th percentile,
"hey_jarvis" at 0.5), so the crossing alone says little. Two steps say more:

1. A linear model per word on the newest 8 embeddings gives the time since the end; its weights (wordend.toml) were
   fitted by tests/bench/fit_word_end.py on espeak-ng and flite voices, whose word ends are known exactly.
2. A word that ends in a sibilant ("jarvis") is moved to the end of the hiss nearest by, if there is one.

A margin is taken off the result, because what is lost of a command is worse than what is kept of the wake word.
Measured on 600 utterances a word of voices left out of the fit (half of them in noise of 10 to 20 dB SNR, two thirds
with a command right behind), threshold 0.5: within 200 ms before the true end / late / median of detection after it:
hey_jarvis 97.8 % / 0.5 % / 173 ms, alexa 94.5 % / 4.5 % / 78 ms, hey_rhasspy 96.6 % / 0.5 % / 111 ms. Synthetic voices
only; between synthesisers (fitted on espeak-ng, judged on flite) the spread of step 1 grows from 45 to 75 ms.
"""

from __future__ import annotations

import base64
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from device.units import CAPTURE_RATE, Samples, samples_from_ms
from device.wake.networks.network import FloatArray
from device.wake.openwakeword.models import bare_name

Sound = npt.NDArray[np.int16]

ROWS = 8
"""How many embeddings the linear model sees: 8 x 80 ms, plus the 0.7 s that the first of them looks back."""
MARGIN = samples_from_ms(90, CAPTURE_RATE)
"""Taken off every estimate: with a spread of 40 ms it puts 97 % of them before the true end."""
UNKNOWN_WORD = samples_from_ms(300, CAPTURE_RATE)
"""How far before the crossing a word without a fitted model is taken to have ended: the late edge of the known ones."""

_FRAME = 160
_REACH = samples_from_ms(160, CAPTURE_RATE)
# A longer hiss runs on into the next word ("jarvis stop"): the word's own share is about this much.
_LONGEST_HISS = samples_from_ms(100, CAPTURE_RATE)
_SHORTEST_HISS_FRAMES = 3


@dataclass(frozen=True, slots=True)
class WordEnd:
    """How to find the end of one word. `weights` is empty for a word that was not fitted."""

    weights: FloatArray
    bias: float = 0.0
    sibilant: bool = False

    def samples_ago(self, embeddings: FloatArray, sound: Sound) -> Samples:
        """Return how long ago the word ended, margin included; negative while it still sounds.

        `embeddings`: at least ROWS x 96, `sound`: the newest half second or more, both up to now.
        """
        if not self.weights.size:
            return UNKNOWN_WORD
        ago = self._regress(embeddings)
        if self.sibilant:
            ago = _move_to_hiss(ago, sound)
        return Samples(ago + MARGIN)

    def _regress(self, embeddings: FloatArray) -> int:
        since_ms = self.bias + float(self.weights @ embeddings[-ROWS:].ravel())
        return round(since_ms * CAPTURE_RATE / 1000)


def word_end(word: str) -> WordEnd:
    """Return the estimator for `word`, with or without its version."""
    entry = _fitted().get(bare_name(word))
    if entry is None:
        return WordEnd(np.empty(0, np.float32))
    weights = np.frombuffer(base64.b64decode(entry["weights"]), "<f2").astype(np.float32)
    return WordEnd(weights, entry["bias"], entry["sibilant"])


@cache
def _fitted() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files(__package__).joinpath("wordend.toml").read_text(encoding="utf-8"))


def _move_to_hiss(ago: int, sound: Sound) -> int:
    """Return when the hiss nearest to `ago` ended, or `ago` when none is near."""
    ends = [len(sound) - end for end in _hiss_ends(sound)]
    # A hiss that touches the newest frame may still go on.
    near = [end for end in ends if abs(end - ago) < _REACH and end > _FRAME]
    return min(near, key=lambda end: abs(end - ago), default=ago)


def _hiss_ends(sound: Sound) -> list[int]:
    """Return where each stretch of hiss ends, in samples from the start of `sound`."""
    hissing = _is_hiss(sound)
    edges = np.flatnonzero(np.diff(hissing.astype(np.int8), prepend=0, append=0))
    skipped = len(sound) % _FRAME
    return [
        skipped + min(int(stop) * _FRAME, int(start) * _FRAME + _LONGEST_HISS)
        for start, stop in zip(edges[::2], edges[1::2], strict=True)
        if stop - start >= _SHORTEST_HISS_FRAMES
    ]


def _is_hiss(sound: Sound) -> npt.NDArray[np.bool_]:
    """Say for every 10 ms whether it is a sibilant: loud in the second difference, which rises 12 dB an octave."""
    samples = sound.astype(np.float32)
    high = _power(np.diff(samples, 2, prepend=[0.0, 0.0]))
    if not high.size:
        return np.zeros(0, np.bool_)
    quiet = np.percentile(high, 15) + 200.0
    hissing: npt.NDArray[np.bool_] = (
        (high > 1.2 * (_power(samples) + 100.0)) & (high > 5.0 * quiet) & (high > 0.06 * high.max())
    )
    # A single frame's gap does not end a hiss.
    bridged = hissing[:-2] & ~hissing[1:-1] & hissing[2:]
    hissing[1:-1] |= bridged
    return hissing


def _power(samples: FloatArray) -> FloatArray:
    whole = len(samples) // _FRAME
    frames = samples[len(samples) - whole * _FRAME :].reshape(whole, _FRAME)
    power: FloatArray = (frames * frames).mean(axis=1)
    return power
