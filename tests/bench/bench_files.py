"""Measures the costs of a word and of the embedding by the kind of their file: computed in numpy, or by a library.

Run as a program; prints a Markdown table. Each row is a new process with an engine for one word. CPU is that of the
whole engine for a step of 80 ms; memory (PSS, MB of 10^6 bytes) is the difference to the process that computes
everything in numpy.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import common

WORD = "hey_jarvis"
PAGE = common.ROOT / "docs/wake-words.md"
STEPS = 500
STEP_BYTES = 2560


def numpy() -> str:
    """Both `.onnx` files as they ship: computed in numpy."""
    return WORD


def lite_word() -> str:
    """The word as `.tflite` file: TensorFlow Lite."""
    from device.wake.openwakeword.models import shipped_words

    return str(shipped_words()[WORD].with_suffix(".tflite"))


def onnx_word() -> str:
    """The word as an `.onnx` file that is not computed in numpy: onnxruntime."""
    from device.wake.networks.dense import NotDenseError
    from device.wake.openwakeword import engine

    engine.DenseNetwork = _refusing(NotDenseError)  # type: ignore[misc,assignment]
    return WORD


def lite_embedding() -> str:
    """The embedding as `.tflite` file: TensorFlow Lite."""
    from device.wake.openwakeword import featuremodels, models

    def find(stem: str) -> Path:
        path = models.feature_model(stem)
        return path.with_suffix(".tflite") if stem == "embedding_model" else path

    featuremodels.feature_model = find
    return WORD


def onnx_embedding() -> str:
    """The embedding as an `.onnx` file that cannot run as a stream: onnxruntime."""
    from device.wake.networks.convolutions import NotStreamableError
    from device.wake.openwakeword import featuremodels

    featuremodels.StreamingEmbedding = _refusing(NotStreamableError)  # type: ignore[misc,assignment]
    return WORD


def _refusing(kind: type[Exception]) -> Callable[[object], None]:
    def refuse(_: object) -> None:
        raise kind("as this benchmark wants it")

    return refuse


WAYS = {way.__name__: way for way in (numpy, lite_word, onnx_word, lite_embedding, onnx_embedding)}


def show(way: Callable[[], str]) -> None:
    """Run the engine in this process; print milliseconds of CPU for a step, and MB."""
    word = way()
    from numpy import random

    from device.service import heap
    from device.wake.openwakeword.engine import OpenWakeWord

    pcm = (random.default_rng(1).standard_normal(STEPS * STEP_BYTES // 2) * 1000).astype("<i2").tobytes()
    engine = OpenWakeWord([word])
    engine.process(pcm[: 20 * STEP_BYTES])
    gc.collect()
    heap.give_back()
    rollup = Path("/proc/self/smaps_rollup").read_text(encoding="ascii")
    begin = time.process_time()
    for at in range(0, len(pcm), STEP_BYTES):
        engine.process(pcm[at : at + STEP_BYTES])
    print((time.process_time() - begin) / STEPS * 1000)
    print(int(re.findall(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[0]) * 1024 / 1e6)


def measure(way: str) -> tuple[float, float]:
    """Return what `show` prints in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(common.ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__)), "--way", way]
    shown = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    cpu_ms, memory_mb = map(float, shown.stdout.split()[-2:])
    return cpu_ms, memory_mb


def report(rounds: int) -> str:
    """Measure every way in turn; return the table."""
    found = {way: [measure(way)] for way in WAYS}
    for _ in range(rounds - 1):
        for way, values in found.items():
            values.append(measure(way))
    medians = {way: tuple(map(statistics.median, zip(*values, strict=True))) for way, values in found.items()}
    least = medians["numpy"][1]
    rows = [
        ((WAYS[way].__doc__ or "").rstrip("."), f"{cpu_ms:.2f}", f"{memory_mb - least:+.1f}")
        for way, (cpu_ms, memory_mb) in medians.items()
    ]
    return common.table(("", "CPU for 80 ms of sound, ms", "memory, MB"), rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into docs/wake-words.md")
    parser.add_argument("--way", choices=WAYS, help="measure one, in this process")
    options = parser.parse_args()
    if options.way:
        show(WAYS[options.way])
    else:
        common.publish("bench_files", report(options.rounds), options.write, PAGE)


if __name__ == "__main__":
    main()
