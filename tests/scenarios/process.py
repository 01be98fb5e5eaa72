"""`hearthside run` as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.person.voice import Person
from tests.scenarios.house import PATIENCE, WAKE_WORD
from tests.waiting import LIMIT_S, until

COMMAND = Path(sys.executable).with_name("hearthside")


class Daemon:
    """A running `hearthside run`, and what it has logged."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reading = asyncio.create_task(self._read())

    @property
    def log(self) -> str:
        """Standard error so far."""
        return "".join(self.lines)

    async def logged(self, text: str, times: int = 1) -> None:
        """Wait until a text has been logged."""
        await until(lambda: self.log.count(text) >= times or self._reading.done(), f"“{text}” in the log")
        assert self.log.count(text) >= times, f"ended without “{text}”:\n{self.log}"

    async def hear(self, person: Person, words: str) -> None:
        """Let somebody say the wake word and `words`, again when a busy machine made them stutter."""
        before = self.log.count("WakeWordDetected")
        for _ in range(PATIENCE):
            await person.say(words, WAKE_WORD)
            with contextlib.suppress(AssertionError):
                await until(lambda: self.log.count("WakeWordDetected") > before, "a wake word", 1.0)
                return
        raise AssertionError(f"the wake word was not heard:\n{self.log}")

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def ended(self) -> int:
        """Wait for the end; return the exit code."""
        code = await asyncio.wait_for(self.process.wait(), LIMIT_S)
        await self._reading
        return code

    async def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal and wait for the end; return the exit code, and how many seconds that took."""
        asked = time.monotonic()
        self.send(number)
        code = await asyncio.wait_for(self.process.wait(), LIMIT_S)
        took_s = time.monotonic() - asked
        await self._reading
        return code, took_s

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.lines.append(line.decode())


@asynccontextmanager
async def daemon(
    card: VirtualSoundCard,
    key: str | None,
    config: Path,
    overrides: Sequence[str] = (),
    ready: bool = True,
    program: Sequence[str | Path] = (COMMAND,),
    env: Mapping[str, str] | None = None,
) -> AsyncIterator[Daemon]:
    """Start the command with mock pins, and wait until it listens; it is killed at the end when it still runs.

    `program` may stand for the command, and `env` is laid over the environment.
    """
    given = {} if key is None else {"OPENAI_API_KEY": key}
    env = {**os.environ, **card.env(), "GPIOZERO_PIN_FACTORY": "mock", **given, **(env or {})}
    sets = [part for override in overrides for part in ("--set", override)]
    process = await asyncio.create_subprocess_exec(
        *program, "run", "--config", config, *sets, env=env, stderr=asyncio.subprocess.PIPE
    )
    running = Daemon(process)
    try:
        if ready:
            await running.logged("ready")
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await running.ended()
