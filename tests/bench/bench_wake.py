"""The cost of listening: this engine beside openwakeword's own `Model.predict`, on the same sound in the same run.

`python tests/bench/bench_wake.py [--seconds 60]` prints a table. Each engine runs in a process of its own, so that
memory and start-up are its own; CPU is the whole process's, per second of sound.
"""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

RATE = 16_000
FRAME = 320
CHUNK = 1280
WORDS = ["hey_jarvis"]


def ours() -> Callable[[bytes], object]:
    """Return a function that takes 20 ms frames, as the daemon does."""
    from device.wake.openwakeword import OpenWakeWord

    return OpenWakeWord(WORDS).process


def theirs() -> Callable[[bytes], object]:
    """Return a function that takes 20 ms frames and gives 80 ms to `Model.predict`, as its examples do."""
    from openwakeword.model import Model

    model, pending = Model(wakeword_models=list(WORDS), inference_framework="onnx"), bytearray()

    def process(frame: bytes) -> None:
        pending.extend(frame)
        if len(pending) >= CHUNK * 2:
            model.predict(np.frombuffer(bytes(pending), np.int16))
            pending.clear()

    return process


def measure(engine: Callable[[], Callable[[bytes], object]], sounds: dict[str, bytes]) -> Iterator[str]:
    """Yield the cells of one row."""
    before, start = pss_kb(), time.perf_counter()
    process = engine()
    yield f"{(time.perf_counter() - start) * 1000:8.0f}"
    for sound in sounds.values():
        # Warm up: the first second of a stream fills buffers.
        feed(process, sound[: RATE * 2])
        start = time.process_time()
        feed(process, sound)
        yield f"{(time.process_time() - start) / (len(sound) / 2 / RATE) * 100:8.2f}"
    yield f"{(pss_kb() - before) / 1024:8.0f}"
    yield f"{pss_kb() / 1024:8.0f}"


def feed(process: Callable[[bytes], object], sound: bytes) -> None:
    """Hand the sound over in frames of 20 ms."""
    for at in range(0, len(sound), FRAME * 2):
        process(sound[at : at + FRAME * 2])


def pss_kb() -> int:
    """Return this process's proportional memory in KiB, 0 where the kernel does not tell."""
    with suppress(OSError):
        for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def quiet(seconds: int) -> bytes:
    """Return the noise of a quiet microphone."""
    return (np.random.default_rng(1).standard_normal(seconds * RATE) * 8).astype("<i2").tobytes()


def speech(seconds: int) -> bytes:
    """Return someone speaking without end."""
    import soxr

    text = "Hey Jarvis, turn on the light. What is the weather like? Alexa, set a timer for ten minutes. "
    wav = subprocess.run(["espeak-ng", "--stdout", text], capture_output=True, check=True).stdout
    spoken = soxr.resample(np.frombuffer(wav[44:], "<i2").astype(np.float32), 22_050, RATE).clip(-32768, 32767)
    return np.resize(spoken, seconds * RATE).astype("<i2").tobytes()


def row(name: str, engine: Callable[[], Callable[[bytes], object]], sounds: dict[str, bytes]) -> None:
    """Print one line of the table."""
    print(f"{name:28}", *measure(engine, sounds), flush=True)


def main() -> None:
    """Measure each engine in a fresh process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    seconds = parser.parse_args().seconds
    sounds = {"quiet": quiet(seconds), "speech": speech(seconds)}
    print(f"{'':28}  load ms  % quiet % speech  +PSS MB   PSS MB")
    context = multiprocessing.get_context("spawn")
    for name, engine in (("openwakeword Model.predict", theirs), ("hearthside", ours)) * 2:
        process = context.Process(target=row, args=(name, engine, sounds))
        process.start()
        process.join()


if __name__ == "__main__":
    main()
