"""`hearthside listen` as people run it: on the virtual card, on a terminal and in a pipe."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.person.voice import Person
from tests.waiting import until

pytestmark = pytest.mark.patient

COMMAND = Path(sys.executable).with_name("hearthside")
LIMIT_S = 30
PATIENCE = 5


class Listening:
    """The running command, and what it has said."""

    def __init__(self, process: asyncio.subprocess.Process, terminal: int | None) -> None:
        self.process = process
        self.said = ""
        self._reading = asyncio.create_task(self._read_pipe() if terminal is None else self._read_terminal(terminal))

    async def says(self, text: str, limit_s: float = LIMIT_S) -> None:
        """Wait until it has said something."""
        await until(lambda: text in self.said or self.process.returncode is not None, text, limit_s)
        assert text in self.said, self.said

    async def end(self, number: signal.Signals) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        code = await asyncio.wait_for(self.process.wait(), LIMIT_S)
        await asyncio.wait_for(self._reading, LIMIT_S)
        return code

    async def _read_pipe(self) -> None:
        assert self.process.stdout is not None
        while data := await self.process.stdout.read(4096):
            self.said += data.decode()

    async def _read_terminal(self, terminal: int) -> None:
        while True:
            try:
                self.said += (await asyncio.to_thread(os.read, terminal, 4096)).decode(errors="replace")
            except OSError:  # what Linux answers when nobody has the other side open any more
                return


@asynccontextmanager
async def listening(
    card: VirtualSoundCard, folder: Path, overrides: Sequence[str] = (), on_terminal: bool = False
) -> AsyncIterator[Listening]:
    """Start the command without a key."""
    env = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"} | card.env()
    config = folder / "config.toml"
    config.write_text("")
    sets = [
        part
        for override in ("audio.input=hearthside_mic", f"service.state_dir={folder}", *overrides)
        for part in ("--set", override)
    ]
    ours, theirs = pty.openpty() if on_terminal else (None, asyncio.subprocess.PIPE)
    process = await asyncio.create_subprocess_exec(
        COMMAND, "listen", "--config", config, *sets, env=env, stdout=theirs, stderr=asyncio.subprocess.PIPE
    )
    if on_terminal:
        os.close(theirs)
    running = Listening(process, ours)
    try:
        await running.says("listening")
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def hear(running: Listening, card: VirtualSoundCard, text: str, expected: str) -> None:
    """Say something until it is understood: on a busy machine the simulated person stutters at times."""
    for _ in range(PATIENCE):
        await Person(card.play_into_room).say(text)
        try:
            await running.says(expected, 2)
        except TimeoutError:
            continue
        return
    raise AssertionError(f"“{expected}” was not said:\n{running.said}")


async def test_it_prints_what_it_hears_and_ends_well(virtual_card: VirtualSoundCard, tmp_path: Path) -> None:
    """Into a pipe: only lines. Ctrl-C is no failure; no key was needed."""
    async with listening(virtual_card, tmp_path) as running:
        await hear(running, virtual_card, "hey jarvis", "heard      hey_jarvis")
        assert await running.end(signal.SIGINT) == 0
        assert "hey_jarvis: heard" in running.said
        assert "\x1b" not in running.said
        assert process_errors(await running.process.stderr.read()) == []  # type: ignore[union-attr]


async def test_on_a_terminal_it_draws_meters(virtual_card: VirtualSoundCard, tmp_path: Path) -> None:
    """And prints near misses, here by asking for more patience than any word has. SIGTERM is no failure."""
    async with listening(virtual_card, tmp_path, ["wake.patience=25"], on_terminal=True) as running:
        await running.says("microphone")
        await running.says("peak")
        await hear(running, virtual_card, "hey jarvis", "near miss  hey_jarvis")
        assert await running.end(signal.SIGTERM) == 0
        assert "hey_jarvis: heard 0 times" in running.said


@pytest.mark.parametrize(("override", "part"), [("wake.words=[hey]", "wake.words"), ("audio.input=Banana", "Banana")])
async def test_what_is_wrong_is_said_in_one_line(
    virtual_card: VirtualSoundCard, tmp_path: Path, override: str, part: str
) -> None:
    """With the exit code of a wrong configuration."""
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        *("listen", "--set", "audio.input=hearthside_mic", "--set", f"service.state_dir={tmp_path}", "--set", override),
        env={**os.environ, **virtual_card.env()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await asyncio.wait_for(process.communicate(), LIMIT_S)
    assert process.returncode == 78
    assert said == b""
    [line] = process_errors(errors)
    assert part in line


def process_errors(errors: bytes) -> list[str]:
    """Return the lines."""
    return errors.decode().splitlines()
