"""Measures what the limiter costs in the sound card's thread.

`python tests/bench/bench_limiter.py` prints a Markdown table: microseconds for a block of 5 and 10 ms at 24 and 48 kHz,
for sound that stays below the peak, sound that is turned down the whole time, and, to compare, the software gain. Each
figure is the minimum of seven runs of a thousand.
"""

from __future__ import annotations

import argparse
import sys
import timeit
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from device.audio.mouth.gain import Gain
from device.audio.mouth.limiter import FULL_SCALE, Limiter
from device.units import Hz

BLOCKS = ((5, Hz(24_000)), (10, Hz(24_000)), (5, Hz(48_000)), (10, Hz(48_000)))
RUNS, TIMES = 7, 1_000


def noise(peak: float, duration_ms: int, rate: Hz) -> bytes:
    """Return noise with this peak."""
    count = rate * duration_ms // 1000
    return (np.random.default_rng(1).uniform(-peak, peak, count) * FULL_SCALE).astype("<i2").tobytes()


def cost_us(work: Callable[[], object]) -> float:
    """Return the microseconds of one call."""
    return min(timeit.repeat(work, number=TIMES, repeat=RUNS)) / TIMES * 1e6


def turned_down(limiter: Limiter, loud: bytes, rate: Hz) -> None:
    """Have a block turned down, from full volume."""
    limiter._factor = 1.0
    limiter.apply(loud, rate)


def works(duration_ms: int, rate: Hz) -> tuple[Callable[[], object], ...]:
    """Return what is measured, in the order of the columns."""
    quiet, loud = noise(0.5, duration_ms, rate), noise(1.0, duration_ms, rate)
    limiter, busy, gain = Limiter(0.9), Limiter(0.9), Gain(0.5)
    busy.apply(loud, rate)
    return (
        lambda: limiter.apply(quiet, rate),
        lambda: turned_down(busy, loud, rate),
        lambda: busy.apply(loud, rate),
        lambda: gain.apply(quiet, rate),
    )


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print("| a block of | below the peak | above it | given back | software gain |")
    print("| --- | --- | --- | --- | --- |")
    for duration_ms, rate in BLOCKS:
        costs = " | ".join(f"{cost_us(work):.1f} us" for work in works(duration_ms, rate))
        print(f"| {duration_ms} ms at {rate} Hz | {costs} |")


if __name__ == "__main__":
    main()
