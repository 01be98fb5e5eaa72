"""Which library runs a model that we cannot compute ourselves: its suffix says it, and only that one is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from device.wake.networks.network import FloatArray, Network, Shape


class Runnable(Protocol):
    """A model with one float32 input and one float32 output, whatever computes it."""

    path: Path
    input_shape: Shape
    output_shape: Shape
    output_name: str

    def bind(self, source: FloatArray, target: FloatArray) -> Callable[[], None]:
        """See `network.Network.bind`."""


def load(path: Path) -> Runnable:
    """Load an .onnx or a .tflite file. Raise ConfigError when it is not such a model."""
    if path.suffix == ".tflite":
        from device.wake.networks.tflite import LiteNetwork

        return LiteNetwork(path)
    return Network(path)
