"""What every network offers, whatever computes it, and the types that all of them use."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Shape = tuple[int | None, ...]
"""A tensor's dimensions; None where the model leaves one open."""


class Network(Protocol):
    """A model with one float32 input and one float32 output."""

    path: Path
    input_shape: Shape
    output_shape: Shape
    output_name: str

    def bind(self, source: FloatArray, target: FloatArray) -> Callable[[], None]:
        """Return a function that computes `target` from what `source` holds when it is called.

        Both are C-contiguous, have the shapes of the model's input and output, and must stay at one address (no
        resize). The function is called once to try it. Raise ConfigError when the model does not take these shapes.
        """


def shape_text(shape: Shape) -> str:
    """Return a shape as a person writes it."""
    return " x ".join("?" if size is None else str(size) for size in shape) or "a single number"


def shape_size(shape: Shape) -> int:
    """Return the number of elements in a tensor of this shape; an open dimension counts as one."""
    return math.prod(1 if size is None else size for size in shape)
