"""What the benchmarks share: processes and their costs, sound in recordings, and Markdown tables.

The figures depend on the machine and its load: compare rows of one run, not figures of two runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from device.sim.devices.soundcard import MICROPHONE, SPEAKER, Recording, VirtualSoundCard
from device.sim.realtime import DEFAULT_KEY
from device.units import Hz

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "docs" / "figures.md"

Samples16 = npt.NDArray[np.int16]


class Program:
    """A process that says on stderr when it listens; a context manager that ends it."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], listening: str) -> None:
        self._begun = time.monotonic()
        self._process = subprocess.Popen(
            command, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self._listening = listening
        self._said: deque[str] = deque(maxlen=20)
        self.start_s = 0.0
        """From its start to listening."""

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def said(self) -> list[str]:
        """Its last lines on stderr."""
        return list(self._said)

    def __enter__(self) -> Program:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if self._listening in line:
                self.start_s = time.monotonic() - self._begun
                # The pipe must be read: the program would block when it is full.
                threading.Thread(target=self._said.extend, args=(self._process.stderr,), daemon=True).start()
                return self
            self._said.append(line)
        raise RuntimeError(f"it did not listen: {''.join(self._said)}")

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is not None:
            print("it said last:\n", *self._said, file=sys.stderr)
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        self._process.kill()
        self._process.wait()

    def cpu_s(self) -> float:
        """Return the CPU time of its threads, those that have ended included, in user and system mode."""
        # Linux's clock of another process (CPUCLOCK_SCHED): to the nanosecond, where /proc counts ticks.
        return time.clock_gettime(~self.pid << 3 | 2)

    def memory_mb(self, kind: str) -> float:
        """Return its memory in MB of 10^6 bytes; "Rss" counts shared pages whole, "Pss" in proportion."""
        return self._looked_up("smaps_rollup", kind)

    def memory_peak_mb(self) -> float:
        """Return the most that it ever had in memory (Rss)."""
        return self._looked_up("status", "VmHWM")

    def _looked_up(self, file: str, kind: str) -> float:
        text = Path(f"/proc/{self.pid}/{file}").read_text()
        found = re.search(rf"^{kind}:\s+(\d+) kB", text, re.MULTILINE)
        assert found is not None, "every Linux since 4.14 has it"
        return int(found[1]) * 1024 / 1e6


async def cpu_percent(program: Program, seconds: float) -> float:
    """Return how much of one core it uses in the next `seconds`."""
    begun, before = time.monotonic(), program.cpu_s()
    await asyncio.sleep(seconds)
    return (program.cpu_s() - before) / (time.monotonic() - begun) * 100


def hearthside(
    card: VirtualSoundCard,
    folder: str,
    settings: Sequence[str] = (),
    checkout: Path = ROOT,
    env: Mapping[str, str] | None = None,
    inside: Sequence[str] = (),
) -> Program:
    """Start the real command of a checkout on the virtual card, with default settings except `settings` (KEY=VALUE).

    `env` is laid over its environment; `inside` is the command that it is started by.
    """
    config = Path(folder) / "config.toml"
    config.write_text("")
    audio = (f"audio.input={MICROPHONE}", f"audio.output={SPEAKER}", "hardware.profile=virtual")
    overrides = [word for setting in (*audio, f"service.state_dir={folder}", *settings) for word in ("--set", setting)]
    command = [*inside, str(checkout / ".venv/bin/hearthside"), "run", "--config", str(config), *overrides]
    return Program(command, {**card.env(), "OPENAI_API_KEY": DEFAULT_KEY, **(env or {})}, "ready: listening")


def naive_loop(card: VirtualSoundCard, word: str) -> Program:
    """Start the reference: openwakeword's own Model.predict in a loop on PyAudio."""
    command = [sys.executable, str(Path(__file__).with_name("naive_loop.py")), MICROPHONE, word]
    return Program(command, card.env(), "listening")


def naive_session(card: VirtualSoundCard, url: str) -> Program:
    """Start the reference for a conversation: blocking reads and writes, and a session that is always open."""
    command = [sys.executable, str(Path(__file__).with_name("naive_session.py")), MICROPHONE, SPEAKER, url]
    return Program(command, {**card.env(), "OPENAI_API_KEY": DEFAULT_KEY}, "listening")


class Span(NamedTuple):
    """A stretch of sound in a recording: when it began and ended (s, `time.monotonic`), and for how many seconds it was
    heard and was silent in between.

    Their sum is less than the time that passed where the card stood still: then nothing is recorded.
    """

    began: float
    ended: float
    heard: float
    holes: float


def loud_span(recording: Recording, since: float, until: float, threshold: float) -> Span:
    """Return the stretch of sound between two moments. Raise LookupError when there is none."""
    samples = np.frombuffer(recording.pcm, "<i2")
    first, last = max(0, recording.position(since)), max(0, recording.position(until))
    loud = np.flatnonzero(np.abs(samples[first:last].astype(np.int32)) > threshold) + first
    if not len(loud):
        raise LookupError("nothing was heard")
    steps = np.diff(loud)
    holes = int(steps[steps > recording.rate // 500].sum())
    begin, end = int(loud[0]), int(loud[-1]) + 1
    heard_s, holes_s = (end - begin - holes) / recording.rate, holes / recording.rate
    return Span(recording.moment(begin), recording.moment(end), heard_s, holes_s)


def resampled(pcm: bytes, source: Hz, target: Hz) -> npt.NDArray[np.float64]:
    """Return s16le sound at another rate by linear interpolation: enough to compare envelopes and find delays."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    count = len(samples) * target // source
    return np.interp(np.arange(count) * source / target, np.arange(len(samples)), samples)


def best_lag(whole: npt.NDArray[np.float64], part: npt.NDArray[np.float64]) -> int:
    """Return where in `whole` the sound `part` is found; negative when it begins before."""
    size = 1 << (len(whole) + len(part)).bit_length()
    product = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size)), size)
    lag = int(np.argmax(product))
    return lag if lag < len(whole) else lag - size


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Return the median, the minimum and the maximum."""
    if not values:
        return "none"
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f} .. {max(values):.{digits}f})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def publish(name: str, text: str, write: bool, page: Path = FIGURES) -> None:
    """Print a table; with `write` put it in its place on a page, docs/figures.md, too."""
    print(f"\n{text}")
    if write:
        old = page.read_text(encoding="utf-8")
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = old.partition(begin)
        after = rest.partition(end)[2]
        page.write_text(f"{before}{begin}\n{text}\n\n{end}{after}", encoding="utf-8")
