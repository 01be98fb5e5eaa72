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
    """Computes mel frames (32 bands each) of the newest 110 ms of sound."""

    def newest(self, frames: int) -> FloatArray:
        """Return the newest 8 frames, or 5 at the beginning of a stream; valid until the next call."""


class FourierMel:
    """Computes them in numpy, with the window and the mel filters of the model."""

    def __init__(self, sound: FloatArray, window: FloatArray, bands: FloatArray) -> None:
        """`sound`: 1760 samples at a fixed address; `window`: 512; `bands`: the mel filters, 257 x 32."""
        self._frames = np.lib.stride_tricks.sliding_window_view(sound, _FRAME)[::_HOP]
        self._window = window
        self._windowed = np.zeros(self._frames.shape, np.float32)
        # Before numpy 2 a spectrum always has double precision.
        kind = np.fft.rfft(self._windowed).real.dtype
        # Real and imaginary parts alternate: both add to the same band.
        self._bands = np.repeat(bands, 2, axis=0).astype(kind)

    def newest(self, frames: int) -> FloatArray:
        """See Mel."""
        windowed = np.multiply(self._frames[-frames:], self._window, out=self._windowed[-frames:])
        parts = np.fft.rfft(windowed).view(self._bands.dtype)
        np.square(parts, out=parts)
        mel: FloatArray = (parts @ self._bands).astype(np.float32, copy=False)
        np.maximum(mel, _FLOOR, out=mel)
        np.log(mel, out=mel)
        mel *= _PER_NEPER
        mel += _OFFSET
        # As in the model: the loudest of these frames limits the dynamic range of all.
        np.maximum(mel, mel.max() - _RANGE, out=mel)
        return mel


class ModelMel:
    """Computes them with the model itself."""

    def __init__(self, sound: FloatArray, network: Network) -> None:
        """`sound`: as for FourierMel. Raise ConfigError."""
        self._spectra = {frames: np.zeros((1, 1, frames, BANDS), np.float32) for frames in (CHUNK_FRAMES, FIRST_FRAMES)}
        sources = {CHUNK_FRAMES: sound[None], FIRST_FRAMES: sound[None, OVERLAP_SAMPLES:]}
        self._run = {frames: network.bind(sources[frames], spectrum) for frames, spectrum in self._spectra.items()}

    def newest(self, frames: int) -> FloatArray:
        """See Mel."""
        self._run[frames]()
        scaled: FloatArray = self._spectra[frames][0, 0] / np.float32(10) + _OFFSET
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
