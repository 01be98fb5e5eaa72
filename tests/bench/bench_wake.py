"""Measures the costs of our engine and of openwakeword's own `Model.predict`, on the same sound in the same run.

`python tests/bench/bench_wake.py [--seconds 60] [--rounds 5]` prints a Markdown table of medians. Each engine runs in a
process of its own, so that memory and start-up are its own; CPU is the whole process's, per second of sound.
"""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import common
import numpy as np

RATE = 16_000
FRAME = 320
CHUNK = 1280
WORDS = ("hey_jarvis",)


def ours(words: Sequence[str] = WORDS, doze: bool = False) -> Callable[[bytes], object]:
    """Return a function that takes 20 ms frames, as the daemon does."""
    from device.wake.doze import Doze
    from device.wake.openwakeword.engine import OpenWakeWord

    engine = OpenWakeWord(words)
    if not doze:
        return engine.process
    rest, pending = Doze(), bytearray()

    def process(frame: bytes) -> None:
        pending.extend(frame)
        if len(pending) >= CHUNK * 2:
            if heard := rest.feed(bytes(pending)):
                engine.process(heard.pcm)
            pending.clear()

    return process


def theirs() -> Callable[[bytes], object]:
    """Return a function that takes 20 ms frames and passes 80 ms to `Model.predict`, as openwakeword's examples do."""
    from openwakeword.model import Model

    model, pending = Model(wakeword_models=list(WORDS), inference_framework="onnx"), bytearray()

    def process(frame: bytes) -> None:
        pending.extend(frame)
        if len(pending) >= CHUNK * 2:
            model.predict(np.frombuffer(bytes(pending), np.int16))
            pending.clear()

    return process


def measure(engine: Callable[[], Callable[[bytes], object]], sounds: dict[str, bytes], answer: Connection) -> None:
    """Send one row: load time (ms), CPU (% of a core) in each sound, memory that was added (MB)."""
    before, start = pss_kb(), time.perf_counter()
    process = engine()
    row = [(time.perf_counter() - start) * 1000]
    for sound in sounds.values():
        # The first seconds of a stream fill buffers, and a doze begins after four.
        feed(process, sound[: RATE * 2 * 5])
        start = time.process_time()
        feed(process, sound)
        row.append((time.process_time() - start) / (len(sound) / 2 / RATE) * 100)
    answer.send([*row, (pss_kb() - before) / 1024])


def feed(process: Callable[[bytes], object], sound: bytes) -> None:
    """Hand the sound over in frames of 20 ms."""
    for at in range(0, len(sound), FRAME * 2):
        process(sound[at : at + FRAME * 2])


def pss_kb() -> int:
    """Return the PSS of this process in KiB, 0 where the kernel does not report it."""
    with suppress(OSError):
        for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def quiet(seconds: int) -> bytes:
    """Return the noise of a quiet microphone."""
    return (np.random.default_rng(1).standard_normal(seconds * RATE) * 8).astype("<i2").tobytes()


def speech(seconds: int) -> bytes:
    """Return continuous speech."""
    import soxr

    text = "Hey Jarvis, turn on the light. What is the weather like? Alexa, set a timer for ten minutes. "
    wav = subprocess.run(["espeak-ng", "--stdout", text], capture_output=True, check=True).stdout
    spoken = soxr.resample(np.frombuffer(wav[44:], "<i2").astype(np.float32), 22_050, RATE).clip(-32768, 32767)
    return np.resize(spoken, seconds * RATE).astype("<i2").tobytes()


ENGINES: dict[str, Callable[[], Callable[[bytes], object]]] = {
    "openwakeword Model.predict": theirs,
    "hearthside": ours,
    "hearthside, two words": partial(ours, (*WORDS, "alexa")),
    "hearthside, three words": partial(ours, (*WORDS, "alexa", "hey_mycroft")),
    "hearthside, dozing": partial(ours, doze=True),
}


def in_a_process(engine: Callable[[], Callable[[bytes], object]], sounds: dict[str, bytes]) -> list[float]:
    """Measure an engine in a fresh process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=measure, args=(engine, sounds, theirs))
    process.start()
    row: list[float] = ours.recv()
    process.join()
    return row


def main() -> None:
    """Measure the engines in turns; print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the table into docs/figures.md")
    options = parser.parse_args()
    sounds = {"quiet": quiet(options.seconds), "speech": speech(options.seconds)}
    rows: dict[str, list[list[float]]] = {name: [] for name in ENGINES}
    for _ in range(options.rounds):
        for name, engine in ENGINES.items():
            rows[name].append(in_a_process(engine, sounds))
    common.publish("bench_wake", report(rows), options.write)


def report(rows: dict[str, list[list[float]]]) -> str:
    """Return the table of medians."""
    medians = {name: np.median(rows[name], axis=0) for name in ENGINES}
    reference = medians["openwakeword Model.predict"]
    lines = [
        (
            name,
            f"{load:.0f}",
            f"{still:.2f}",
            f"{spoken:.2f}",
            f"{still / reference[1]:.3f}",
            f"{spoken / reference[2]:.3f}",
            f"{memory:.0f}",
        )
        for name, (load, still, spoken, memory) in medians.items()
    ]
    ratio = "of `Model.predict`"
    head = ("", "load, ms", "quiet room, % of a core", "speech, %", f"{ratio}, quiet", f"{ratio}, speech", "memory, MB")
    return common.table(head, lines)


if __name__ == "__main__":
    main()
