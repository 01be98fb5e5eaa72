"""Counts the floating-point operations of the parts of the work, and estimates what they take of a small Pi's core.

Run as a program; prints Markdown tables. It needs no sound card. The same estimate is made for the machine at hand,
beside what is measured on it: so far is the estimate to be trusted.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
# As in the device: see device/service/heap.py. It must be said before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import common
import operations
from operations import Work, core_share

from device.audio.echo.apm import AudioProcessing
from device.house import configuration
from device.setup.bench.figures import PartSpeed, Yardsticks
from device.setup.bench.parts import BLOCK_MS, Part, measure, parts, yardsticks
from device.setup.bench.sounds import ANSWER_RATE, sounds
from device.wake.openwakeword.engine import OpenWakeWord

# Estimates; docs/figures.md says what they rest on.
ZERO_2_W = Yardsticks(
    python_ms=21.0, products_gflops=3.0, small_products_gflops=2.0, transforms_us=400.0, elementwise_us=50.0
)
PI_5 = Yardsticks(
    python_ms=4.0, products_gflops=25.0, small_products_gflops=15.0, transforms_us=40.0, elementwise_us=5.0
)

WEBRTC = "of that WebRTC's module, which is not counted"
# Which parts of the count one part that is measured consists of.
MEASURED = {
    "wake word (": ("wake word: mel spectrum", "wake word: embedding", "wake word: the word's model"),
    "wake word, in a quiet room": ("wake word: in a quiet room",),
    "echo canceller, while": ("echo canceller: its filter", "echo canceller: far end, levels, mixing"),
    WEBRTC: (),
    "resampler, to the provider": ("resampler, 16 to 24 kHz",),
    "resampler, to the loudspeaker": ("resampler, 24 to 48 kHz",),
}


def measured_here(seconds: float) -> list[PartSpeed]:
    """Measure the parts on this machine."""
    found = parts(configuration.parse({}), OpenWakeWord())
    speeds = [measure(one, seconds) for one in found if isinstance(one, Part)]
    module, blocks = AudioProcessing(), sounds(BLOCK_MS)
    pieces = itertools.cycle(zip(blocks.echoed, blocks.played, strict=True))
    alone = Part(WEBRTC, BLOCK_MS, lambda: module.process(*next(pieces), ANSWER_RATE))
    return [*speeds, measure(alone, seconds)]


def count_table(works: list[Work]) -> str:
    """Return what each part does in a second."""
    rows = []
    for work in works:
        second = work.count.per_second(work.each_ms)
        numbers = (second.products, second.transforms, second.elementwise)
        rows.append((work.part, f"{work.each_ms:g}", f"{second.calls}", *(f"{number / 1e6:.2f}" for number in numbers)))
    head = ("part", "once in, ms", "calls of numpy a second", "products, Mflop/s", "transforms", "number by number")
    return common.table(head, rows)


def share_table(works: list[Work], here: Yardsticks, measured: list[PartSpeed]) -> str:
    """Return what share of a core each part takes: here, measured and estimated, and elsewhere."""
    by_name = {work.part: work for work in works}
    rows = []
    for speed in measured:
        names = next((names for begin, names in MEASURED.items() if speed.part.startswith(begin)), None)
        if names is None:
            continue
        works_of = [by_name[name] for name in names]
        estimates = (sum(core_share(work, there) for work in works_of) for there in (here, ZERO_2_W, PI_5))
        rows.append((speed.part, _percent(speed.share), *(_percent(share) if names else "" for share in estimates)))
    head = ("of a core", "here, measured", "here, by the estimate", "Zero 2 W [estimated]", "Pi 5 [estimated]")
    return common.table(head, rows)


def yardstick_table(here: Yardsticks) -> str:
    """Return what the estimates rest on."""
    lines: list[tuple[str, Callable[[Yardsticks], float]]] = [
        ("Python adds up 100,000 numbers, ms", lambda of: of.python_ms),
        ("products as in the wake word, GFLOP/s", lambda of: of.small_products_gflops),
        ("transforms of 16 x 320, µs", lambda of: of.transforms_us),
        ("40 x 161 complex numbers multiplied one by one, µs", lambda of: of.elementwise_us),
    ]
    rows = [(name, *(f"{of(one):.1f}" for one in (here, ZERO_2_W, PI_5))) for name, of in lines]
    return common.table(("yardsticks", "here, measured", "Zero 2 W [estimated]", "Pi 5 [estimated]"), rows)


def _percent(share: float) -> str:
    return f"{share * 100:.2f} %"


def main() -> None:
    """Count, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one measurement")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/figures.md")
    options = parser.parse_args()
    works, here = operations.everything(), yardsticks(options.seconds)
    tables = [count_table(works), share_table(works, here, measured_here(options.seconds)), yardstick_table(here)]
    common.publish("bench_operations", "\n\n".join(tables), options.write)


if __name__ == "__main__":
    main()
