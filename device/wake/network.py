"""onnxruntime, the library that runs the wake-word models: the only file that imports it.

Measured on x86-64 with onnxruntime 1.31 (idle process, two shared cores): importing it costs 72 ms and 19 MB of RSS,
nearly all of it the shared library itself (there is no lighter submodule: `onnxruntime/__init__.py` always runs). The
streaming embedding costs 12 ms and 13 MB (7 of them code of the library that is used for the first time), a word 2 MB
and 3 ms. Without memory arena and pattern planner sessions take 1 MB less at the same speed. A lower graph optimisation
level saves 1 to 2 MB and costs 15 % of the CPU, and a graph kept in its optimised form saves 1.5 MB and fits one kind
of CPU only: neither is done. Binding inputs and outputs to fixed buffers saves 5 % and all allocation in Python.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from device.errors import ConfigError

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
        self._session = _load(path, path)
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
        run = _bound(self._session, {self._input_name: source}, {self.output_name: target})
        _try(run, self.path)
        return run


class StreamingNetwork:
    """A model whose further inputs and outputs are the state that it hands from each run to the next."""

    def __init__(self, model: bytes | Path, source: Path) -> None:
        """Load `model`, made of the file `source`. Raise ConfigError."""
        self._source = source
        self._session = _load(model, source)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        self._inputs, self._outputs = ([node.name for node in side] for side in (inputs, outputs))
        # Two sets of buffers that take turns, so that no run reads what it writes.
        self._states = [[np.zeros(node.shape, np.float32) for node in inputs[1:]] for _ in range(2)]
        self._turn = 0

    def bind(self, source: FloatArray, target: FloatArray) -> Callable[[], None]:
        """Return a function that computes `target` from `source` and the state. As `Network.bind`."""
        even, odd = (
            _bound(
                self._session,
                dict(zip(self._inputs, [source, *before], strict=True)),
                dict(zip(self._outputs, [target, *after], strict=True)),
            )
            for before, after in (self._states, self._states[::-1])
        )

        def run() -> None:
            self._turn ^= 1
            odd() if self._turn else even()

        _try(run, self._source)
        return run

    def keep(self) -> list[FloatArray]:
        """Return a copy of the state."""
        return [state.copy() for state in self._newest]

    def restore(self, kept: list[FloatArray]) -> None:
        """Go on from a state that `keep` returned."""
        for state, value in zip(self._newest, kept, strict=True):
            state[:] = value

    @property
    def _newest(self) -> list[FloatArray]:
        return self._states[self._turn ^ 1]


def _bound(
    session: onnxruntime.InferenceSession, inputs: dict[str, FloatArray], outputs: dict[str, FloatArray]
) -> Callable[[], None]:
    binding = session.io_binding()
    for name, array in inputs.items():
        binding.bind_input(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
    for name, array in outputs.items():
        binding.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)

    def run(kept: tuple[dict[str, FloatArray], ...] = (inputs, outputs)) -> None:
        # The default keeps the arrays alive: the binding knows their addresses only.
        session.run_with_iobinding(binding)

    return run


def _try(run: Callable[[], None], path: Path) -> None:
    try:
        run()
    except Exception as error:  # onnxruntime's errors have no other common base
        raise ConfigError(f"{path} is not usable as a wake-word model: {_reason(error)}") from error


def _load(model: bytes | Path, path: Path) -> onnxruntime.InferenceSession:
    try:
        source = model if isinstance(model, bytes) else str(model)
        return onnxruntime.InferenceSession(source, _options(), providers=_CPU)
    except Exception as error:  # onnxruntime's errors have no other common base
        raise ConfigError(f"{path} is not a readable ONNX model: {_reason(error)}; fetch the file again") from error


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
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
