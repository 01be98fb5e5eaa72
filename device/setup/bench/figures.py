"""What is measured, as plain numbers: of parts of the work one at a time, and of all of it at its real pace."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """Which machine was measured, as text."""

    model: str
    processor: str
    memory: str
    system: str
    python: str
    packages: str


@dataclass(frozen=True, slots=True)
class PartSpeed:
    """How long one part of the work takes."""

    part: str
    each_ms: float
    """How often there is a piece of this work: once in so many milliseconds."""
    usual_ms: float
    """What it takes: the median."""
    slow_ms: float
    """What the slowest of a hundred takes."""
    remedy: str = ""
    """What to do where that is too long."""

    @property
    def share(self) -> float:
        """Of one core; above 1 it falls behind."""
        return self.usual_ms / self.each_ms


@dataclass(frozen=True, slots=True)
class Missing:
    """A part that cannot be measured here."""

    part: str
    why: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How the machine keeps up with all of the work at its real pace."""

    scene: str
    core_share: float
    """CPU time of the whole process, of one core."""
    usual_late_ms: float
    """How late the event loop does what is due, or the echo canceller is with its sound: the median."""
    slow_late_ms: float
    """The 99th percentile."""
    longest_late_ms: float
    unheard_s: float
    """Sound that nobody listened to, because the machine was too slow."""


@dataclass(frozen=True, slots=True)
class Yardsticks:
    """Simple work, to compare machines with each other."""

    python_ms: float
    """A loop of Python's that adds up a hundred thousand numbers."""
    products_gflops: float
    """Products of two matrices of 256 x 256 (float32), in 10^9 floating-point operations a second."""
    small_products_gflops: float
    """The same of matrices as the wake word's networks have them: 160 x 217 by 217 x 24."""
    transforms_us: float
    """Fourier transforms (rfft) of 16 x 320 numbers."""
    elementwise_us: float
    """Products, number by number, of 40 x 161 complex numbers (complex64)."""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
