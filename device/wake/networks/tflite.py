"""Runs .tflite models with TensorFlow Lite; the only file that calls its C library.

The library (2.17, x86-64 and aarch64) is the one in the package pymicro-wakeword, because tflite-runtime has no wheel
for Python 3.12 and later. The package itself is not imported here. The library does not check pointers, so each pointer
is checked here before it is passed on. A model is read into memory: overwriting a file while it is memory-mapped would
crash the process. Of damaged files (300 truncated, 420 with changed bytes) each was refused or computed; none crashed
the process.

Measured on x86-64 (tests/bench/bench_files.py): the library takes 3 MB and computes a word in 13 us, like numpy; the
embedding of a whole window takes 2 ms, three times as long as with onnxruntime.
"""

from __future__ import annotations

import ctypes
import re
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from device.errors import ConfigError
from device.wake.networks.network import FloatArray, Shape, shape_text

PACKAGE = "pymicro_wakeword"

_Pointer, _Int, _Size, _Text = ctypes.c_void_p, ctypes.c_int32, ctypes.c_size_t, ctypes.c_char_p
_IntRef = ctypes.POINTER(_Int)
# The error reporter: user data, a printf format, and a va_list (on x86-64 and aarch64 passed as a pointer).
_Report = ctypes.CFUNCTYPE(None, _Pointer, _Text, _Pointer)
_LONGEST_REPORT = 1000
_KEPT_REPORTS = 4

# Result and parameter types, from tensorflow/lite/core/c/c_api.h and c_api_opaque.h. A status of 0 means success.
_FUNCTIONS = {
    "ModelCreateWithErrorReporter": (_Pointer, (_Text, _Size, _Report, _Pointer)),
    "ModelDelete": (None, (_Pointer,)),
    "InterpreterOptionsCreate": (_Pointer, ()),
    "InterpreterOptionsSetNumThreads": (None, (_Pointer, _Int)),
    "InterpreterOptionsSetErrorReporter": (None, (_Pointer, _Report, _Pointer)),
    "InterpreterOptionsDelete": (None, (_Pointer,)),
    "InterpreterCreate": (_Pointer, (_Pointer, _Pointer)),
    "InterpreterDelete": (None, (_Pointer,)),
    "InterpreterGetInputTensorCount": (_Int, (_Pointer,)),
    "InterpreterGetOutputTensorCount": (_Int, (_Pointer,)),
    "InterpreterGetInputTensor": (_Pointer, (_Pointer, _Int)),
    "InterpreterGetOutputTensor": (_Pointer, (_Pointer, _Int)),
    "InterpreterResizeInputTensor": (_Int, (_Pointer, _Int, _IntRef, _Int)),
    "InterpreterAllocateTensors": (_Int, (_Pointer,)),
    "InterpreterInvoke": (_Int, (_Pointer,)),
    "TensorName": (_Text, (_Pointer,)),
    "TensorType": (_Int, (_Pointer,)),
    "TensorNumDims": (_Int, (_Pointer,)),
    "TensorDim": (_Int, (_Pointer, _Int)),
    "OpaqueTensorGetNumDimsSignature": (_Int, (_Pointer, _IntRef)),
    "OpaqueTensorGetDimSignature": (_Int, (_Pointer, _Int, _IntRef)),
    "TensorCopyFromBuffer": (_Int, (_Pointer, _Pointer, _Size)),
    "TensorCopyToBuffer": (_Int, (_Pointer, _Pointer, _Size)),
    "TypeGetName": (_Text, (_Int,)),
}

# What the library reports for an operation that it lacks: TensorFlow's, a custom one, or a newer version of its own.
_LACKING = re.compile(r"(?:Select TensorFlow op|custom op).* \((\w+)\) failed|opcode '(\w+)' version")

# For failures without a report: only copying numbers to or from a tensor is one of these.
_UNREPORTED = "the size of its input or output differs from what it declares"

_FLOAT = "FLOAT32"
# By the width of a word model's input: 96 for embeddings of openWakeWord, 40 for features of microWakeWord.
_ENGINES = {96: "openwakeword", 40: "microwakeword"}


class LibraryMissingError(Exception):
    """TensorFlow Lite, or the package that it comes in, is missing; the message says which."""


class UnusableModelError(Exception):
    """TensorFlow Lite cannot run the model; the message says why."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of a model. `kind` is TensorFlow Lite's name for its type of numbers."""

    name: str
    kind: str
    shape: Shape

    def __str__(self) -> str:
        """Return shape and kind for messages."""
        return f"{shape_text(self.shape)} {self.kind}"


class Model:
    """A .tflite file with one input (`source`) and one output (`target`)."""

    def __init__(self, path: Path) -> None:
        """Read `path`. Raise LibraryMissingError, UnusableModelError or OSError."""
        data, self._lite, self._reports = path.read_bytes(), _tensorflow_lite(), _Reports()
        self._pointer: int | None = self._lite.TfLiteModelCreateWithErrorReporter(
            data, len(data), self._reports.callback, None
        )
        if not self._pointer:
            raise UnusableModelError("it is not a TensorFlow Lite model, or only a part of one")
        _delete_with(self, self._lite.TfLiteModelDelete, self._pointer, data, self._reports)
        # Shapes can be read before memory is allocated (which needs a size for the open dimensions of the mel model).
        interpreter = self.interpreter()
        self.source, self.target = interpreter.describe()

    def interpreter(self) -> Interpreter:
        """Return a new interpreter, which runs in the caller's thread. Raise UnusableModelError."""
        lite, reports = self._lite, self._reports
        options = lite.TfLiteInterpreterOptionsCreate()
        lite.TfLiteInterpreterOptionsSetNumThreads(options, 1)
        lite.TfLiteInterpreterOptionsSetErrorReporter(options, reports.callback, None)
        pointer = lite.TfLiteInterpreterCreate(self._pointer, options)
        lite.TfLiteInterpreterOptionsDelete(options)
        if not pointer:
            raise UnusableModelError(reports.text())
        interpreter = Interpreter(lite, pointer, reports)
        _delete_with(interpreter, lite.TfLiteInterpreterDelete, pointer, self)
        return interpreter

    def engine(self) -> str:
        """Return the engine (a value of wake.engine) whose features the model takes, "" when it is neither."""
        shape = self.source.shape
        return _ENGINES.get(shape[2] or 0, "") if len(shape) == 3 and shape[1] else ""


class Interpreter:
    """Computes a model in memory of its own, which is freed with this object."""

    def __init__(self, lite: ctypes.CDLL, pointer: int, reports: _Reports) -> None:
        """Call `Model.interpreter` instead."""
        self._lite, self._pointer, self._reports = lite, pointer, reports

    def describe(self) -> tuple[Tensor, Tensor]:
        """Return input and output. Raise UnusableModelError unless there is exactly one of each."""
        lite = self._lite
        counts = (
            lite.TfLiteInterpreterGetInputTensorCount(self._pointer),
            lite.TfLiteInterpreterGetOutputTensorCount(self._pointer),
        )
        if counts != (1, 1):
            raise UnusableModelError(f"it has {counts[0]} inputs and {counts[1]} outputs, where one of each is usual")
        source, target = map(self._describe, self._tensors())
        return source, target

    def prepare(self, shape: tuple[int, ...] | None = None) -> None:
        """Allocate memory, for an input of `shape` when it has an open dimension. Raise UnusableModelError."""
        if shape is not None:
            sizes = (_Int * len(shape))(*shape)
            self._check(self._lite.TfLiteInterpreterResizeInputTensor(self._pointer, 0, sizes, len(shape)))
        self._check(self._lite.TfLiteInterpreterAllocateTensors(self._pointer))

    def runner(self, source: FloatArray, target: FloatArray) -> Callable[[], None]:
        """Return a function that computes `target` from `source`. Call `prepare` first.

        The function raises UnusableModelError, also when the arrays have another size than input and output.
        """
        lite, pointer = self._lite, self._pointer
        given, result = self._tensors()
        copy_in, invoke, copy_out = (
            lite.TfLiteTensorCopyFromBuffer,
            lite.TfLiteInterpreterInvoke,
            lite.TfLiteTensorCopyToBuffer,
        )
        source_buffer, target_buffer = (source.ctypes.data, source.nbytes), (target.ctypes.data, target.nbytes)

        def run(alive: tuple[object, ...] = (self, source, target)) -> None:
            # The default value keeps the objects alive: the C functions only have their addresses.
            self._check(copy_in(given, *source_buffer) or invoke(pointer) or copy_out(result, *target_buffer))

        return run

    def _tensors(self) -> tuple[int, int]:
        found = (
            self._lite.TfLiteInterpreterGetInputTensor(self._pointer, 0),
            self._lite.TfLiteInterpreterGetOutputTensor(self._pointer, 0),
        )
        if not all(found):
            raise UnusableModelError("its input or output is missing")
        return found

    def _describe(self, tensor: int) -> Tensor:
        lite = self._lite
        name = (lite.TfLiteTensorName(tensor) or b"").decode(errors="replace")
        return Tensor(name, lite.TfLiteTypeGetName(lite.TfLiteTensorType(tensor)).decode(), self._shape(tensor))

    def _shape(self, tensor: int) -> Shape:
        """Return the dimensions. TfLiteTensorDim gives 1 for an open one; only the signature tells which are open."""
        lite, count, size = self._lite, _Int(), _Int()
        lite.TfLiteOpaqueTensorGetNumDimsSignature(tensor, count)
        dimensions: list[int | None] = [
            lite.TfLiteTensorDim(tensor, axis) for axis in range(lite.TfLiteTensorNumDims(tensor))
        ]
        if count.value != len(dimensions):
            return tuple(dimensions)
        for axis in range(count.value):
            lite.TfLiteOpaqueTensorGetDimSignature(tensor, axis, size)
            dimensions[axis] = size.value if size.value >= 0 else None
        return tuple(dimensions)

    def _check(self, status: int) -> None:
        if status:
            raise UnusableModelError(self._reports.text())


class TfliteNetwork:
    """A `Network` in a .tflite file."""

    def __init__(self, path: Path) -> None:
        """Load `path`. Raise ConfigError when it is not such a model."""
        self.path = path
        with _refusing(path):
            self._model = Model(path)
        source, target = self._model.source, self._model.target
        if self._model.engine() == "microwakeword":
            raise ConfigError(
                f'{path} is a microWakeWord model; set wake.engine = "microwakeword" and name the .json file beside it'
            )
        if (source.kind, target.kind) != (_FLOAT, _FLOAT):
            raise ConfigError(
                f"{path} is not a wake-word model: it takes {source} and gives {target}, where {_FLOAT} is wanted; "
                "convert it without quantised input and output"
            )
        self.input_shape, self.output_shape, self.output_name = source.shape, target.shape, target.name

    def bind(self, source: FloatArray, target: FloatArray) -> Callable[[], None]:
        """See Network."""
        with _refusing(self.path):
            _demand_fit("takes", self.input_shape, source)
            _demand_fit("gives", self.output_shape, target)
            interpreter = self._model.interpreter()
            interpreter.prepare(source.shape if None in self.input_shape else None)
            run = interpreter.runner(source, target)
            run()
        return run


def library_path() -> Path:
    """Return the path of the C library. Raise LibraryMissingError."""
    library = next((package_folder() / "lib").glob("*tensorflowlite_c.*"), None)
    if library is None:
        raise LibraryMissingError("it lacks TensorFlow Lite for this machine")
    return library


def package_folder() -> Path:
    """Return the folder of the package that contains TensorFlow Lite. Raise LibraryMissingError."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise LibraryMissingError("it is not installed")
    return Path(spec.origin).parent


class _Reports:
    """Collects the library's error messages, which it would print otherwise."""

    def __init__(self) -> None:
        self._newest: deque[str] = deque(maxlen=_KEPT_REPORTS)
        self.callback = _Report(self._add)

    def text(self) -> str:
        """Return the messages since the last call, on one line."""
        messages = " ".join(" ".join(self._newest).split())
        self._newest.clear()
        if lacking := _LACKING.search(messages):
            return f"it has the operation {lacking[1] or lacking[2]}, which this TensorFlow Lite does not know"
        return messages[:300] or _UNREPORTED

    def _add(self, _: int | None, pattern: bytes | None, values: int | None) -> None:
        text = ctypes.create_string_buffer(_LONGEST_REPORT)
        ctypes.CDLL(None).vsnprintf(text, _Size(_LONGEST_REPORT), _Text(pattern), _Pointer(values))
        self._newest.append(text.value.decode(errors="replace"))


def _tensorflow_lite() -> ctypes.CDLL:
    path = library_path()
    try:
        return _opened(path)
    except (OSError, AttributeError) as error:
        raise LibraryMissingError(f"its TensorFlow Lite is not usable here ({error})") from error


@cache
def _opened(path: Path) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    for name, (result, parameters) in _FUNCTIONS.items():
        function = getattr(library, f"TfLite{name}")
        function.restype, function.argtypes = result, parameters
    return library


def _delete_with(owner: object, delete: Callable[[int], None], pointer: int, *kept: object) -> None:
    """Call `delete(pointer)` when `owner` is collected; `kept` (what it was made from) stays alive until then."""
    finalizer = weakref.finalize(owner, _delete, delete, pointer, kept)
    # Not at the end of the process: the wake-word thread may still be computing then.
    finalizer.atexit = False


def _delete(delete: Callable[[int], None], pointer: int, kept: tuple[object, ...]) -> None:
    delete(pointer)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.strerror}); correct the path, or give another file"
        ) from error
    except LibraryMissingError as error:
        raise ConfigError(
            f"{path} needs TensorFlow Lite of the package pymicro-wakeword: {error}; run scripts/setup again"
        ) from error
    except UnusableModelError as error:
        raise ConfigError(f"{path} is not usable as a wake-word model: {error}; give another file") from error


def _demand_fit(verb: str, shape: Shape, array: FloatArray) -> None:
    """Refuse an array of another shape: the library would resize the model without an error, and compute nonsense."""
    fits = len(shape) == array.ndim and all(own in (None, size) for own, size in zip(shape, array.shape, strict=True))
    if not fits or array.dtype != np.float32 or not array.flags.c_contiguous:
        raise UnusableModelError(f"it {verb} {Tensor('', _FLOAT, shape)}, where {shape_text(array.shape)} is wanted")
