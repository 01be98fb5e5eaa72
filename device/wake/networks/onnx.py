"""Runs .onnx models with onnxruntime: those that `dense` and `streaming` cannot compute with numpy.

The only file that imports onnxruntime, and only when a model needs it. Measured on x86-64 with onnxruntime 1.31 (idle
process, two shared cores): importing it costs 72 ms and 19 MB of RSS, nearly all of it the shared library itself (there
is no lighter submodule: `onnxruntime/__init__.py` always runs); the embedding model costs 13 MB (7 of them are library
code that is used for the first time), and each word 2 MB. With the memory arena and the memory pattern planner switched
off, a session takes 1 MB less and is as fast. A lower graph optimisation level would save 1 to 2 MB and cost 15 % more
CPU. Binding input and output to fixed buffers saves 5 % of the CPU and all allocation in Python.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from device.errors import ConfigError
from device.wake.networks.network import FloatArray, Shape

if TYPE_CHECKING:
    import onnxruntime

# 3 = errors only. Otherwise the runtime writes harmless warnings (about unused initialisers) to stderr.
_LOG_ERRORS_ONLY = 3
_CPU = ("CPUExecutionProvider",)
# It is a third of all that is installed, and hardly anybody needs it.
_HOW_TO_INSTALL = "run scripts/install --with onnx (in a clone: scripts/setup --with onnx), or use a .tflite file"


class OnnxNetwork:
    """A `Network` in an .onnx file."""

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
        """See Network."""
        binding = self._session.io_binding()
        binding.bind_input(self._input_name, "cpu", 0, np.float32, source.shape, source.ctypes.data)
        binding.bind_output(self.output_name, "cpu", 0, np.float32, target.shape, target.ctypes.data)

        def run(kept: tuple[FloatArray, ...] = (source, target)) -> None:
            # The default value keeps the arrays alive: the binding only has their addresses.
            self._session.run_with_iobinding(binding)

        _try(run, self.path)
        return run


def _try(run: Callable[[], None], path: Path) -> None:
    try:
        run()
    except Exception as error:  # onnxruntime's errors have no other common base
        raise ConfigError(f"{path} is not usable as a wake-word model: {_reason(error)}") from error


def _load(path: Path) -> onnxruntime.InferenceSession:
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError(f"{path} needs onnxruntime ({error}): {_HOW_TO_INSTALL}") from error
    try:
        return onnxruntime.InferenceSession(str(path), _options(onnxruntime.SessionOptions()), providers=_CPU)
    except Exception as error:  # onnxruntime's errors have no other common base
        raise ConfigError(f"{path} is not a readable ONNX model: {_reason(error)}; fetch the file again") from error


def _options(options: onnxruntime.SessionOptions) -> onnxruntime.SessionOptions:
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # By default the threads of a session spin while they wait, and use whole cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = _LOG_ERRORS_ONLY
    return options


def _shape(dimensions: list[int | str | None]) -> Shape:
    return tuple(size if isinstance(size, int) else None for size in dimensions)


def _reason(error: Exception) -> str:
    """Return the runtime's message on one line, without a prefix such as "[ONNXRuntimeError] : 7 : FAIL : "."""
    return " ".join(str(error).split(" : ")[-1].split())[:300]
