"""Computes the mel spectrum of the newest sound, as openwakeword's melspectrogram model does.

The model computes the Fourier transform as two convolutions with 257 x 512 weights. numpy's FFT takes a third of the
time and needs no onnxruntime; the results differ by at most 0.0006 dB.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from device.kit.protobuf import MalformedError
from device.wake.networks.network import FloatArray, Network
from device.wake.networks.onnxfile import Graph

CHUNK_SAMPLES = 1280
"""80 ms at 16 kHz: openWakeWord's step."""
OVERLAP_SAMPLES = 480
"""How far the first frames of a chunk reach back before it."""
BANDS = 32
CHUNK_FRAMES = 8
# The first chunk of a stream has no sound before it: it gives three frames fewer.
FIRST_FRAMES = 5

_HOP, _FRAME = 160, 512
_FLOOR = 1e-10
# The embedding model was trained on dB / 10 + 2 (openWakeWord's transform).
_PER_NEPER = 1 / np.log(10)
_OFFSET = np.float32(2)
# The dynamic range: levels are raised to at least 80 dB below the loudest.
_RANGE = np.float32(8)


class Mel(Protocol):
    """Computes mel frames (32 bands each) of some steps of sound: 480 samples, and 1280 for each step after them."""

    def frames(self, steps: int) -> FloatArray:
        """Return 8 frames for each of the first `steps` steps; valid until the next call."""

    def first_frames(self) -> FloatArray:
        """Return the 5 frames of the first step alone, without the 480 samples before it; valid until the next call."""


class FourierMel:
    """Computes them in numpy, with the window and the mel filters of the model."""

    def __init__(self, sound: FloatArray, window: FloatArray, bands: FloatArray) -> None:
        """`sound`: the samples of all steps at a fixed address; `window`: 512; `bands`: the mel filters, 257 x 32."""
        self._frames = np.lib.stride_tricks.sliding_window_view(sound, _FRAME)[::_HOP]
        self._window = window
        self._windowed = np.zeros(self._frames.shape, np.float32)
        # Before numpy 2 a spectrum always has double precision.
        kind = np.fft.rfft(self._windowed).real.dtype
        # Real and imaginary parts alternate: both add to the same band.
        self._bands = np.repeat(bands, 2, axis=0).astype(kind)

    def frames(self, steps: int) -> FloatArray:
        """See Mel."""
        return self._compute(slice(0, steps * CHUNK_FRAMES), steps)

    def first_frames(self) -> FloatArray:
        """See Mel."""
        return self._compute(slice(CHUNK_FRAMES - FIRST_FRAMES, CHUNK_FRAMES), 1)

    def _compute(self, frames: slice, steps: int) -> FloatArray:
        windowed = np.multiply(self._frames[frames], self._window, out=self._windowed[frames])
        parts = np.fft.rfft(windowed).view(self._bands.dtype)
        np.square(parts, out=parts)
        mel: FloatArray = (parts @ self._bands).astype(np.float32, copy=False)
        np.maximum(mel, _FLOOR, out=mel)
        np.log(mel, out=mel)
        mel *= _PER_NEPER
        mel += _OFFSET
        # As in the model: the loudest frame of a step limits the dynamic range of all of them.
        by_step = mel.reshape(steps, -1)
        np.maximum(by_step, by_step.max(axis=1, keepdims=True) - _RANGE, out=by_step)
        return mel


class ModelMel:
    """Computes them with the model itself."""

    def __init__(self, sound: FloatArray, network: Network) -> None:
        """`sound`: as for FourierMel. Raise ConfigError."""
        self._sound = sound
        self._step: FloatArray = np.zeros(OVERLAP_SAMPLES + CHUNK_SAMPLES, np.float32)
        self._spectrum: FloatArray = np.zeros((1, 1, CHUNK_FRAMES, BANDS), np.float32)
        self._first: FloatArray = np.zeros((1, 1, FIRST_FRAMES, BANDS), np.float32)
        self._run = network.bind(self._step[None], self._spectrum)
        self._run_first = network.bind(self._step[None, OVERLAP_SAMPLES:], self._first)

    def frames(self, steps: int) -> FloatArray:
        """See Mel."""
        return np.concatenate([self._of_step(step) for step in range(steps)])

    def first_frames(self) -> FloatArray:
        """See Mel."""
        self._step[:] = self._sound[: len(self._step)]
        self._run_first()
        return _transformed(self._first)

    def _of_step(self, step: int) -> FloatArray:
        begin = step * CHUNK_SAMPLES
        self._step[:] = self._sound[begin : begin + len(self._step)]
        self._run()
        return _transformed(self._spectrum)


def _transformed(spectrum: FloatArray) -> FloatArray:
    scaled: FloatArray = spectrum[0, 0] / np.float32(10) + _OFFSET
    return scaled


def fourier_mel(model: Graph, sound: FloatArray) -> FourierMel:
    """Read window and mel filters from the melspectrogram model. Raise MalformedError when they are not in it."""
    tensors = model.tensors
    try:
        # The kernels of this convolution are windowed cosines. The first has frequency 0: it is the window itself.
        window, bands = tensors["0.stft.conv_real.weight"][0, 0], tensors["1.melW"]
    except (KeyError, IndexError):
        raise MalformedError("the melspectrogram model is another one") from None
    if (window.shape, bands.shape) != ((_FRAME,), (_FRAME // 2 + 1, BANDS)):
        raise MalformedError("the melspectrogram model has another shape")
    return FourierMel(sound, window.copy(), bands)
