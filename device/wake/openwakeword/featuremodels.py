"""Loads the two feature models of the openwakeword wheel: mel spectrum and embedding.

Both are computed in numpy, as a stream, which is a fifth of the work. Models that cannot be computed so (of another
version of the wheel) are run by onnxruntime or TensorFlow Lite.
"""

from __future__ import annotations

import logging
from pathlib import Path

from device.errors import ConfigError
from device.kit.protobuf import MalformedError
from device.wake.networks import loader, onnxfile
from device.wake.networks.convolutions import NotStreamableError
from device.wake.networks.network import FloatArray
from device.wake.networks.onnxfile import Graph
from device.wake.openwakeword.embedding import Embedding, StreamingEmbedding, WindowedEmbedding
from device.wake.openwakeword.mel import Mel, ModelMel, fourier_mel
from device.wake.openwakeword.models import feature_model

_log = logging.getLogger(__name__)

_CANNOT_STREAM = (NotStreamableError, MalformedError)


def load_feature_models(sound: FloatArray) -> tuple[Mel, Embedding]:
    """Load what computes features of `sound` (see features.py; at a fixed address): in numpy when that is possible.

    It takes 5 ms, so nothing is cached on disk. Raise ConfigError when the models are missing or broken.
    """
    slow: list[str] = []
    parts = _open_mel(sound, slow), _open_embedding(slow)
    if slow:
        _log.warning("the wake words cost up to eight times the CPU: %s", "; ".join(slow))
    return parts


def _open_mel(sound: FloatArray, slow: list[str]) -> Mel:
    path = feature_model("melspectrogram")
    try:
        return fourier_mel(_read(path), sound)
    except _CANNOT_STREAM as error:
        slow.append(f"{path} is not computed in numpy: {error}")
    return ModelMel(sound, loader.load(path))


def _open_embedding(slow: list[str]) -> Embedding:
    path = feature_model("embedding_model")
    try:
        return StreamingEmbedding(_read(path))
    except _CANNOT_STREAM as error:
        slow.append(f"{path} cannot run as a stream: {error}")
    return WindowedEmbedding(loader.load(path))


def _read(path: Path) -> Graph:
    if path.suffix != ".onnx":
        raise NotStreamableError("it is a TensorFlow Lite model")
    try:
        return onnxfile.read_model(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); run scripts/setup again") from error
