"""onnxruntime: runs the wake-word models that we cannot compute ourselves; the only file that imports it, when used.

Measured on x86-64 with onnxruntime 1.31 (idle process, two shared cores): importing it costs 72 ms and 19 MB of RSS,
nearly all of it the shared library itself (there is no lighter submodule: `onnxruntime/__init__.py` always runs), the
embedding model 13 MB (7 of them code of the library that is used for the first time), a word 2 MB. Without memory arena
and pattern planner sessions take 1 MB less at the same speed. A lower graph optimisation level saves 1 to 2 MB and
costs 15 % of the CPU. Binding inputs and outputs to fixed buffers saves 5 % and all allocation in Python.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from device.errors import ConfigError

if TYPE_CHECKING:
    import onnxruntime

FloatArray = npt.NDArray[np.float32]
Shape = tuple[int | None, ...]
"""A tensor's dimensions; None where the model leaves one open."""

# 3 = errors: the runtime warns about harmless things (unused initialisers) on stderr otherwise.
_LOG_ERRORS_ONLY = 3
_CPU = ("CPUExecutionProvider",)


class Network:
    """One .onnx model with one float32 input and one float32 output."""

    def __init__(self, path: Path) -> None:
        """Load `path`. Raise ConfigError when it is not such a model."""
        self.path = path
        self._session = _load(path)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if [node.type for node in (*inputs, *outputs)] != ["tensor(float)"] * 2:
            raise ConfigError(f"{path} is not a wake-word model: it must have one float32 input and one float32 output")
        self._input_name: str = inputs[0].name
        self.output_name: str = outputs[0].name
        self.input_shape = _shape(inputs[0].shape)
        self.output_shape = _shape(outputs[0].shape)

    def bind(self, source: FloatArray, target: FloatArray) -> Callable[[], None]:
        """Return a function that computes `target` from what `source` holds at that moment.

        Both are C-contiguous, shaped as the model has it, and must keep their place in memory (no resize). Runs once
        to try. Raise ConfigError when the model does not take these shapes.
        """
        binding = self._session.io_binding()
        binding.bind_input(self._input_name, "cpu", 0, np.float32, source.shape, source.ctypes.data)
        binding.bind_output(self.output_name, "cpu", 0, np.float32, target.shape, target.ctypes.data)

        def run(kept: tuple[FloatArray, ...] = (source, target)) -> None:
            # The default keeps the arrays alive: the binding knows their addresses only.
            self._session.run_with_iobinding(binding)

        _try(run, self.path)
        return run


def shape_text(shape: Shape) -> str:
    """Return a shape as a person writes it."""
    return " x ".join("?" if size is None else str(size) for size in shape) or "a single number"


def shape_size(shape: Shape) -> int:
    """Return how many numbers are in a tensor of this shape; of what is left open, one."""
    return math.prod(1 if size is None else size for size in shape)


def _try(run: Callable[[], None], path: Path) -> None:
    try:
        run()
    except Exception as error:  # onnxruntime's errors have no other common base
        raise ConfigError(f"{path} is not usable as a wake-word model: {_reason(error)}") from error


def _load(path: Path) -> onnxruntime.InferenceSession:
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError(f"{path} needs onnxruntime ({error}); run scripts/setup again") from error
    try:
        return onnxruntime.InferenceSession(str(path), _options(onnxruntime.SessionOptions()), providers=_CPU)
    except Exception as error:  # onnxruntime's errors have no other common base
        raise ConfigError(f"{path} is not a readable ONNX model: {_reason(error)}; fetch the file again") from error


def _options(options: onnxruntime.SessionOptions) -> onnxruntime.SessionOptions:
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # A default session spins while it waits and burns whole cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = _LOG_ERRORS_ONLY
    return options


def _shape(dimensions: list[int | str | None]) -> Shape:
    return tuple(size if isinstance(size, int) else None for size in dimensions)


def _reason(error: Exception) -> str:
    """Return the runtime's message without its "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : " and on one line."""
    return " ".join(str(error).split(" : ")[-1].split())[:300]
