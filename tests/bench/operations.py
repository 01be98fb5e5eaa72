"""Counts the floating-point operations of the parts of the work, in the code that does it: its arrays count along.

An emulated processor computes integers some ten times and floating-point numbers some hundred times slower than the
machine that emulates it, so its times say little about a real one's. What is counted here holds for every machine.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np

from device.audio import frames, resample
from device.audio.echo import canceller, farend, slip
from device.audio.echo import filter as linear_filter
from device.setup.bench.figures import Yardsticks
from device.setup.bench.sounds import ANSWER_RATE, ahead, sounds
from device.units import CAPTURE_RATE, Hz
from device.wake import doze
from device.wake.networks import convolutions, dense, onnxfile, streaming
from device.wake.openwakeword import embedding, engine, features, mel, wordend

COUNTED_MODULES = (
    *(
        frames,
        resample,
        canceller,
        farend,
        linear_filter,
        slip,
        doze,
        convolutions,
        dense,
        onnxfile,
        streaming,
        embedding,
    ),
    *(embedding, engine, features, mel, wordend),
)
CARD_RATE = Hz(48_000)
# A product of complex numbers is four multiplications and two additions.
_COMPLEX_PRODUCT, _COMPLEX_SUM = 6, 2
# A complex transform of n numbers takes 5 n log2 n operations, as FFT benchmarks count them; a real one half of that.
_REAL_TRANSFORM = 2.5


@dataclass
class Count:
    """Operations by kind: they run at different speeds. A logarithm, a division and a comparison count as one each."""

    products: float = 0
    """In products of matrices and vectors, which BLAS or einsum computes."""
    transforms: float = 0
    elementwise: float = 0
    calls: int = 0
    """Of numpy: what each costs, however small its arrays are, is the most of it on a slow processor."""

    def per_second(self, each_ms: float) -> Count:
        """Return what this count amounts to in a second when it comes every `each_ms`."""
        times = 1000 / each_ms
        return Count(
            self.products * times, self.transforms * times, self.elementwise * times, round(self.calls * times)
        )


@dataclass(frozen=True)
class Work:
    """What a part does every `each_ms`."""

    part: str
    each_ms: float
    count: Count = field(default_factory=Count)


class Counted(np.ndarray[Any, Any]):
    """An array that counts what is computed with it, and whose results count along."""

    count: Count | None = None

    def __array_finalize__(self, source: Any) -> None:
        """Let a copy or a view count for the same."""
        self.count = getattr(source, "count", None)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        """Compute, count, and let the result count along."""
        plain = [_plain(one) for one in inputs]
        if out is not None:
            options["out"] = tuple(map(_plain, out))
        result = getattr(ufunc, method)(*plain, **options)
        count = _count_of(*inputs, *(out or ()))
        count.calls += 1
        _note_ufunc(count, ufunc, method, plain, result)
        return out[0] if out is not None else counted(result, count)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        """Do the same for numpy's other functions."""
        found: list[Any] = []
        plain = _plain(arguments, found)
        result = function(*plain, **_plain(options, found))
        count = _count_of(*found)
        count.calls += 1
        _note_function(count, function, plain, result)
        return counted(result, count)

    def dot(self, other: Any, out: Any = None) -> Any:
        """Count it as the product that it is."""
        return np.matmul(self, other, out=out) if out is not None else np.matmul(self, other)


def counted(result: Any, count: Count) -> Any:
    """Return an array as one that counts; anything else as it is."""
    if isinstance(result, (tuple, list)):
        return type(result)(counted(one, count) for one in result)
    if not isinstance(result, np.ndarray) or result.dtype == object:
        return result
    view = result.view(Counted)
    view.count = count
    return view


def _plain(value: Any, found: list[Any] | None = None) -> Any:
    """Return a value with plain arrays in it; those that count are appended to `found`."""
    if isinstance(value, Counted):
        if found is not None:
            found.append(value)
        return value.view(np.ndarray)
    if isinstance(value, (tuple, list)):
        return type(value)(_plain(one, found) for one in value)
    if isinstance(value, dict):
        return {key: _plain(one, found) for key, one in value.items()}
    return value


def _count_of(*values: Any) -> Count:
    return next(value.count for value in values if isinstance(value, Counted) and value.count is not None)


def _note_ufunc(count: Count, ufunc: Any, method: str, inputs: list[Any], result: Any) -> None:
    if ufunc is np.matmul:
        inner = np.shape(inputs[0])[-1]
        count.products += _per_product(result) * inner * max(1, np.size(result))
    elif method == "reduce":
        count.elementwise += _per_sum(inputs[0]) * np.size(inputs[0])
    elif ufunc is np.multiply:
        count.elementwise += (_COMPLEX_PRODUCT if np.iscomplexobj(result) else 1) * np.size(result)
    else:
        count.elementwise += _per_sum(result) * np.size(result)


def _per_product(result: Any) -> int:
    return _COMPLEX_PRODUCT + _COMPLEX_SUM if np.iscomplexobj(result) else 2


def _per_sum(value: Any) -> int:
    return _COMPLEX_SUM if np.iscomplexobj(value) else 1


def _note_function(count: Count, function: Any, arguments: Any, result: Any) -> None:
    if function in (np.fft.rfft, np.fft.irfft):
        real = arguments[0] if function is np.fft.rfft else result
        count.transforms += np.size(real) * _REAL_TRANSFORM * math.log2(np.shape(real)[-1])
    elif function in (np.vdot, np.einsum):
        # Every element of the largest array is multiplied and added once.
        largest = max((one for one in arguments if isinstance(one, np.ndarray)), key=np.size)
        count.products += _per_product(largest) * np.size(largest)


class _Numpy:
    """Stands in the place of numpy, and makes arrays that count."""

    def __init__(self, real: Any, count: Count) -> None:
        self._real, self._count = real, count

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._real, name)
        if isinstance(value, ModuleType):
            return _Numpy(value, self._count)
        if isinstance(value, type) or not callable(value) or isinstance(value, np.ufunc):
            return value
        return lambda *arguments, **options: counted(value(*arguments, **options), self._count)


@contextlib.contextmanager
def counting() -> Iterator[Count]:
    """Let all arrays that the parts make meanwhile count, and those that come of them later on."""
    count = Count()
    numpy = _Numpy(np, count)
    with contextlib.ExitStack() as stack:
        for module in COUNTED_MODULES:
            stack.enter_context(mock.patch.object(module, "np", numpy))
        yield count


def _in_one(count: Count, step: Callable[[], object], times: int = 1) -> Count:
    """Return what a step takes, after the first ones: those differ; the mean of `times`."""
    for _ in range(3):
        step()
    before = Count(count.products, count.transforms, count.elementwise, count.calls)
    for _ in range(times):
        step()
    return Count(
        (count.products - before.products) / times,
        (count.transforms - before.transforms) / times,
        (count.elementwise - before.elementwise) / times,
        round((count.calls - before.calls) / times),
    )


def wake_mel() -> Work:
    """The mel spectrum of the newest 110 ms, every 80 ms."""
    with counting() as count:
        made = features.Features(16)
        return Work("wake word: mel spectrum", 80, _in_one(count, lambda: made._mel.frames(1)))


def wake_embedding() -> Work:
    """The embedding of the newest 8 mel frames."""
    with counting() as count:
        made = features.Features(16)
        return Work("wake word: embedding", 80, _in_one(count, made._embedding.step))


def wake_words(words: tuple[str, ...] = ("hey_jarvis",)) -> Work:
    """The words' own models, below the score from which a verifier runs."""
    with counting() as count:
        made = engine.OpenWakeWord(words)
        return Work("wake word: the word's model", 80, _in_one(count, lambda: [head.run() for head in made._heads]))


def wake_doze() -> Work:
    """Looking whether a quiet room has changed."""
    with counting() as count:
        detector, quiet = doze.ChangeDetector(), sounds(240).quiet
        return Work("wake word: in a quiet room", 240, _in_one(count, lambda: detector.detect(quiet[0])))


def echo_filter() -> Work:
    """The echo canceller's own filter, adapted and with no slip to search for."""
    with counting() as count:
        made = linear_filter.EchoFilter()
        near, far = (counted(np.full(linear_filter.BLOCK, 0.1, np.float32), count) for _ in range(2))
        return Work("echo canceller: its filter", 10, _in_one(count, lambda: made.process(near, far), times=4))


def echo_rest() -> Work:
    """What the echo canceller does around its filter and WebRTC's module: far end, levels, mixing, conversions."""
    whole = _whole_canceller()
    inner = echo_filter().count
    rest = Count(
        whole.products - inner.products,
        whole.transforms - inner.transforms,
        whole.elementwise - inner.elementwise,
        whole.calls - inner.calls,
    )
    return Work("echo canceller: far end, levels, mixing", 10, rest)


class _NoModule:
    """Stands for WebRTC's module, whose work is not numpy's."""

    def process(self, block: bytes, far_end: bytes, far_end_rate: Hz) -> bytes:
        """Return what came."""
        return block


def _whole_canceller() -> Count:
    blocks = sounds(10)
    with counting() as count:
        far_end = farend.FarEnd(ANSWER_RATE)
        made = canceller.WebRtcCanceller(far_end)
        made._module = _NoModule()  # type: ignore[assignment]
        pieces = zip(ahead(blocks.played, 10), blocks.echoed, strict=True)
        moments = iter(np.arange(400) / 100)

        def step() -> None:
            (played, heard), moment = next(pieces), float(next(moments))
            far_end.write(played, ANSWER_RATE, moment + 0.1)
            made.process(heard, moment)

        return _in_one(count, step, times=200)


def resampler(source: Hz, target: Hz) -> Work:
    """20 ms of sound at another rate."""
    with counting() as count:
        made, pcm = resample.StreamResampler(source, target), bytes(source // 50 * 2)
        name = f"resampler, {source // 1000} to {target // 1000} kHz"
        return Work(name, 20, _in_one(count, lambda: made.process(pcm)))


def everything() -> list[Work]:
    """Return the work of all parts that compute with numpy."""
    wake = [wake_doze(), wake_mel(), wake_embedding(), wake_words()]
    return [*wake, echo_filter(), echo_rest(), resampler(CAPTURE_RATE, ANSWER_RATE), resampler(ANSWER_RATE, CARD_RATE)]


# A call of numpy, and the Python around it, take as long as Python takes to add up so many numbers: on x86-64 (CPython
# 3.11, numpy 2.4) 1.5 us, where it is between 75 (embedding) and 95 (echo canceller); more where little is computed.
_NUMBERS_PER_CALL = 90.0
_TRANSFORMED = 16 * 320 * _REAL_TRANSFORM * math.log2(320)
_MULTIPLIED = 40 * 161 * _COMPLEX_PRODUCT


def core_share(work: Work, speed: Yardsticks) -> float:
    """Return what share of a core the work takes on a machine with these yardsticks: an estimate."""
    second = work.count.per_second(work.each_ms)
    seconds = second.products / (speed.small_products_gflops * 1e9)
    seconds += second.transforms * speed.transforms_us / 1e6 / _TRANSFORMED
    seconds += second.elementwise * speed.elementwise_us / 1e6 / _MULTIPLIED
    return seconds + second.calls * _NUMBERS_PER_CALL * speed.python_ms / 1e3 / 100_000
