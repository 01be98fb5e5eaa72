"""What is counted in the code is what the shapes of its arrays tell, and counting changes no result."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

import operations
from operations import Count, counted

from device.audio.echo import filter as echo_filter
from device.audio.resample import _half_length
from device.setup.bench.figures import Yardsticks
from device.units import Hz
from device.wake.networks.convolutions import read_convolutions
from device.wake.networks.onnxfile import read_model
from device.wake.openwakeword.embedding import EMBEDDING_SIZE
from device.wake.openwakeword.engine import OpenWakeWord
from device.wake.openwakeword.mel import BANDS, CHUNK_FRAMES
from device.wake.openwakeword.models import feature_model

SIZES = st.integers(1, 9)


def transform(numbers: int) -> float:
    """Return the operations of a transform of so many real numbers."""
    return 2.5 * numbers * math.log2(numbers)


@settings(deadline=None)
@given(SIZES, SIZES, SIZES)
def test_a_product_takes_two_operations_for_each_pair(rows: int, inner: int, columns: int) -> None:
    """A multiplication and an addition; the result is the usual one."""
    count, left, right = Count(), np.full((rows, inner), 0.5), np.full((inner, columns), 3.0)
    product = counted(left, count) @ right
    assert np.array_equal(product.view(np.ndarray), left @ right)
    assert (count.products, count.elementwise, count.calls) == (2 * rows * inner * columns, 0, 1)


@settings(deadline=None)
@given(st.integers(2, 64), SIZES)
def test_transforms_are_counted_there_and_back(numbers: int, times: int) -> None:
    """As FFT benchmarks do."""
    count, sound = Count(), np.ones((times, numbers))
    np.fft.irfft(np.fft.rfft(counted(sound, count)), numbers)
    assert count.transforms == pytest.approx(2 * times * transform(numbers))


def test_what_follows_counts_along() -> None:
    """Results, views, sums, and arrays that are written to; complex numbers take more."""
    count = Count()
    numbers = counted(np.ones((4, 10), np.complex64), count)
    numbers *= numbers
    assert count.elementwise == 6 * 40
    assert abs(numbers[0].sum()) == 10
    assert count.elementwise == 6 * 40 + 2 * 10
    np.add(numbers.real, 1, out=np.empty((4, 10)))
    assert count.elementwise == 6 * 40 + 2 * 10 + 40


def test_an_embedding_takes_what_its_kernels_tell() -> None:
    """Each number of a layer's output is a product of all that lies under the kernel, and of its bias."""
    layers = read_convolutions(read_model(feature_model("embedding_model").read_bytes()))
    products = 0
    for layer in layers:
        outputs, inputs, height, width = layer.weights.shape
        products += 2 * layer.rows * layer.convolved_bands * outputs * (inputs * height * width + 1)
    assert operations.wake_embedding().count.products == products


def test_a_mel_spectrum_takes_eight_transforms_and_a_product() -> None:
    """Of real and imaginary parts with the filters of all bands."""
    count = operations.wake_mel().count
    assert count.transforms == pytest.approx(CHUNK_FRAMES * transform(512))
    assert count.products == 2 * CHUNK_FRAMES * 2 * 257 * BANDS


def test_a_word_takes_two_operations_for_each_of_its_weights() -> None:
    """Three layers; the first two are normalised, by a product with itself each."""
    hidden = 128
    weights = 16 * EMBEDDING_SIZE * hidden + hidden * hidden + hidden
    assert operations.wake_words().count.products == 2 * weights + 2 * 2 * hidden
    assert operations.wake_words(("hey_jarvis", "alexa")).count.products > 2 * 2 * weights


def test_the_filter_takes_43_transforms_and_37_operations_for_each_coefficient() -> None:
    """Near end, far end and echo, and there and back for 20 partitions; the rest is a few for each frequency."""
    count, bins = operations.echo_filter().count, echo_filter.BLOCK + 1
    assert count.transforms == pytest.approx(43 * transform(2 * echo_filter.BLOCK))
    coefficients = echo_filter.PARTITIONS * bins
    assert 37 * coefficients < count.elementwise < 37 * coefficients + 50 * bins


@pytest.mark.parametrize(("source", "target"), [(16_000, 24_000), (24_000, 48_000)])
def test_a_resampler_takes_two_operations_for_each_tap(source: int, target: int) -> None:
    """Of the taps that lie on the samples of the source."""
    up = target // math.gcd(source, target)
    taps = -(-(2 * _half_length(source, target) + 1) // up)
    assert operations.resampler(Hz(source), Hz(target)).count.products == 2 * taps * target // 50


def test_parts_work_as_before_when_nobody_counts() -> None:
    """Nothing that was made for counting stays behind."""
    operations.everything()
    assert type(OpenWakeWord()._features.embeddings) is np.ndarray
    assert echo_filter.np is np


def test_a_faster_machine_needs_a_smaller_share() -> None:
    """By as much as all of its yardsticks are better."""
    slow = Yardsticks(80.0, 4.0, 2.0, 400.0, 40.0)
    fast = Yardsticks(40.0, 8.0, 4.0, 200.0, 20.0)
    for work in operations.everything():
        assert 0 < operations.core_share(work, fast) == pytest.approx(operations.core_share(work, slow) / 2)
