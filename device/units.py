"""Quantities with their unit in the type, and the conversions between them."""

from __future__ import annotations

from typing import NewType

Ms = NewType("Ms", float)
"""A duration, or a point of the monotonic clock, in milliseconds."""

Hz = NewType("Hz", int)
"""A sample rate, in samples a second."""

Samples = NewType("Samples", int)
"""A duration, or a position in a stream, counted in samples of one channel."""

Degrees = NewType("Degrees", float)
"""A direction, 0 up to 360."""

BYTES_PER_SAMPLE = 2
"""All sound in the house is signed 16-bit little-endian."""

CAPTURE_RATE = Hz(16_000)
"""What every listener in the house (wake word, VAD) is fed; openWakeWord and webrtcvad both take it."""


def samples_from_ms(duration: float, rate: Hz) -> Samples:
    """Return the whole samples in `duration` milliseconds, rounded down."""
    return Samples(int(duration * rate // 1000))


def ms_from_samples(count: int, rate: Hz) -> Ms:
    """Return how long `count` samples last."""
    return Ms(count * 1000 / rate)


def ms_from_seconds(seconds: float) -> Ms:
    """Return `seconds` in milliseconds."""
    return Ms(seconds * 1000)
