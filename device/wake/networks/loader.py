"""Loads a model that numpy cannot compute into onnxruntime or TensorFlow Lite; imports only the library it needs."""

from __future__ import annotations

from pathlib import Path

from device.wake.networks.network import Network
from device.wake.networks.onnx import OnnxNetwork


def load(path: Path) -> Network:
    """Load an .onnx or a .tflite file. Raise ConfigError when it is not such a model."""
    if path.suffix == ".tflite":
        from device.wake.networks.tflite import TfliteNetwork

        return TfliteNetwork(path)
    return OnnxNetwork(path)
