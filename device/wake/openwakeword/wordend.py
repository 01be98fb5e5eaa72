"""Estimates where a detected wake word ended.

A score crosses its threshold between 8 ms before and 480 ms after the word's end (5th to 95th percentile, "hey_jarvis"
at 0.5), so the crossing alone is not exact enough. The end is estimated in two steps:

1. A linear model of the newest 8 embeddings, one for each word, gives the time since the end. Its weights
   (wordend.toml) were fitted by tests/bench/fit_word_end.py on espeak-ng and flite voices, whose word ends are known
   exactly.
2. For a word that ends in a sibilant ("jarvis") the estimate is moved to the end of the nearest hiss, if there is one.

Then a margin is subtracted, because losing the beginning of a command is worse than keeping the end of the wake word.

Measured at a threshold of 0.5 on 600 utterances of each word, by voices that were left out of the fit; half of them in
noise (SNR 10 to 20 dB), two thirds with a command right behind the word:

              at most 200 ms early   late     detection after the true end (median)
hey_jarvis    97.8 %                 0.5 %    173 ms
alexa         94.5 %                 4.5 %    78 ms
hey_rhasspy   96.6 %                 0.5 %    111 ms

All voices are synthetic. Fitted on espeak-ng and judged on flite, the spread of step 1 grows from 45 to 75 ms.
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
from device.wake.names import bare_name
from device.wake.networks.network import FloatArray

Sound = npt.NDArray[np.int16]

ROWS = 8
"""Embeddings in the linear model's input: 8 x 80 ms, plus the 0.7 s that the first of them reaches back."""
MARGIN = samples_from_ms(90, CAPTURE_RATE)
"""Subtracted from every estimate: with a spread of 40 ms, 97 % of them are then before the true end."""
UNKNOWN_WORD = samples_from_ms(300, CAPTURE_RATE)
"""For a word without a fitted model: the assumed time from its end to the crossing, a late one of the fitted words."""

_FRAME = 160
_REACH = samples_from_ms(160, CAPTURE_RATE)
# A longer hiss continues in the next word ("jarvis stop"): about this much of it belongs to the wake word.
_LONGEST_HISS = samples_from_ms(100, CAPTURE_RATE)
_SHORTEST_HISS_FRAMES = 3


@dataclass(frozen=True, slots=True)
class WordEnd:
    """Estimates the end of one word. `weights` is empty for a word without a fitted model."""

    weights: FloatArray
    bias: float = 0.0
    sibilant: bool = False

    def samples_ago(self, embeddings: FloatArray, sound: Sound) -> Samples:
        """Return how long ago the word ended, margin included; negative while it still goes on.

        `embeddings`: at least ROWS x 96; `sound`: at least half a second. Both end now.
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
    """Return the estimator for `word`, which may have a version in its name."""
    entry = _fitted().get(bare_name(word))
    if entry is None:
        return WordEnd(np.empty(0, np.float32))
    weights = np.frombuffer(base64.b64decode(entry["weights"]), "<f2").astype(np.float32)
    return WordEnd(weights, entry["bias"], entry["sibilant"])


@cache
def _fitted() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files(__package__).joinpath("wordend.toml").read_text(encoding="utf-8"))


def _move_to_hiss(ago: int, sound: Sound) -> int:
    """Return how long ago the hiss nearest to `ago` ended, or `ago` when none is near."""
    ends = [len(sound) - end for end in _hiss_ends(sound)]
    # A hiss in the newest frame may not have ended yet.
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
    """Tell for every 10 ms whether it is a sibilant: loud after differencing twice, which gains 12 dB an octave."""
    samples = sound.astype(np.float32)
    high = _power(np.diff(samples, 2, prepend=[0.0, 0.0]))
    if not high.size:
        return np.zeros(0, np.bool_)
    quiet = _quantile(high, 0.15) + 200.0
    hissing: npt.NDArray[np.bool_] = (
        (high > 1.2 * (_power(samples) + 100.0)) & (high > 5.0 * quiet) & (high > 0.06 * high.max())
    )
    # A gap of one frame does not end a hiss.
    bridged = hissing[:-2] & ~hissing[1:-1] & hissing[2:]
    hissing[1:-1] |= bridged
    return hissing


def _quantile(values: FloatArray, share: float) -> float:
    """Return what `numpy.quantile` does, without what that imports at its first call, which is at the first wake word.

    numpy.ma: 8 ms on a desktop, and 2 MB.
    """
    return float(np.interp(share * (len(values) - 1), np.arange(len(values)), np.sort(values)))


def _power(samples: FloatArray) -> FloatArray:
    whole = len(samples) // _FRAME
    frames = samples[len(samples) - whole * _FRAME :].reshape(whole, _FRAME)
    power: FloatArray = (frames * frames).mean(axis=1)
    return power
