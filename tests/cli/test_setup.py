"""`hearthside setup` as people and scripts run it: with a file of answers, and at a real terminal."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
import termios
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.person.voice import Person
from device.sim.realtime import SimulatedRealtime
from tests.waiting import until

COMMAND = Path(sys.executable).with_name("hearthside")
KEY = "sk-proj-planted-7461686c"
INTERRUPTED, EX_CONFIG = 130, 78


class NoHearing:
    """Stands for the recogniser: nothing is said here."""

    def learn(self, tools: Any) -> None:
        """Learn nothing."""


def setup(folder: Path, answers: str) -> subprocess.CompletedProcess[str]:
    """Run it with a file of answers."""
    (folder / "answers.toml").write_text(answers)
    return subprocess.run(
        [COMMAND, "setup", "--config", folder / "config.toml", "--answers", folder / "answers.toml"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_script_gets_what_it_asks_for(tmp_path: Path) -> None:
    """Only what differs; the old file is kept beside it. A second time nothing is written."""
    (tmp_path / "config.toml").write_text("[tools.relays.light]\npin = 17\n")
    for _ in range(2):
        result = setup(tmp_path, 'wake_word = ["alexa", "hey_jarvis"]\nboard = "virtual"\n')
        assert (result.returncode, result.stderr) == (0, "")
    written = tomllib.loads((tmp_path / "config.toml").read_text())
    assert written == {
        "tools": {"relays": {"light": {"pin": 17}}},
        "hardware": {"profile": "virtual"},
        "wake": {"words": ["alexa", "hey_jarvis"]},
    }
    [backup] = tmp_path.glob("config.toml.*")
    assert "pin = 17" in backup.read_text()
    check = [COMMAND, "config", "--check", "--config", tmp_path / "config.toml"]
    assert subprocess.run(check, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("answers", "part"),
    [
        ('wake_wort = "alexa"', 'did you mean "wake_word"?'),
        ('board = "banana"', "board: there is no"),
        ("board = 3", 'board = "..."'),
        ("board", "it is not valid TOML"),
        ('openai_address = "https://x"', "must begin with wss://"),
        ('key_file = "nowhere"', "key_file: nowhere cannot be read"),
    ],
)
def test_wrong_answers_change_nothing(tmp_path: Path, answers: str, part: str) -> None:
    """One line, and the exit code of a wrong configuration."""
    (tmp_path / "config.toml").write_text("# mine\n")
    result = setup(tmp_path, answers)
    assert (result.returncode, result.stdout) == (EX_CONFIG, "")
    assert result.stderr.count("\n") == 1
    assert part in result.stderr
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["answers.toml", "config.toml"]
    assert (tmp_path / "config.toml").read_text() == "# mine\n"


async def test_a_key_that_the_provider_refuses_is_not_stored(tmp_path: Path) -> None:
    """Nor is anything written; and it is not shown."""
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o600)
    async with SimulatedRealtime(understanding=NoHearing()) as server:  # type: ignore[arg-type]
        answers = f'openai_address = "{server.url}"\nkey_file = {json.dumps(str(tmp_path / "key"))}\n'
        result = await asyncio.to_thread(setup, tmp_path, answers)
    assert result.returncode == EX_CONFIG
    assert "key_file: it is refused: HTTP 401" in result.stderr
    assert KEY[8:] not in result.stdout + result.stderr
    assert not (tmp_path / "config.toml").exists()


def test_a_file_with_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """With the command that closes it."""
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o644)
    result = setup(tmp_path, f'key_file = "{tmp_path}/key"')
    assert result.returncode == EX_CONFIG
    assert f"chmod 600 {tmp_path}/key" in result.stderr


def test_without_a_terminal_it_says_how_to_go_on(tmp_path: Path) -> None:
    """And does not wait for ever."""
    result = subprocess.run(
        [COMMAND, "setup", "--config", tmp_path / "config.toml"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert "--answers FILE" in result.stderr


def left_in(folder: Path) -> list[str]:
    """Return the names of all that is in a folder."""
    return sorted(entry.name for entry in folder.iterdir())


FOR_KEY = "Paste it"


class Terminal:
    """The running wizard, and what is on its terminal."""

    def __init__(self, process: asyncio.subprocess.Process, handle: int) -> None:
        self.process = process
        self._handle = handle
        self._read_to = 0
        self.said = ""
        self.reading = asyncio.create_task(self._read())

    async def answer(self, asked: str, text: str) -> None:
        """Wait until something new is asked, and type an answer and Enter."""
        await until(lambda: asked in self.said[self._read_to :] or self.process.returncode is not None, asked, 60)
        assert asked in self.said[self._read_to :], self.said
        if asked == FOR_KEY:
            # What is typed sooner is dropped by whoever turns the terminal's echo off.
            await until(lambda: not termios.tcgetattr(self._handle)[3] & termios.ECHO, "a terminal without echo", 60)
        self._read_to = len(self.said)
        os.write(self._handle, text.encode() if text == CTRL_C else f"{text}\r".encode())

    async def end(self) -> int:
        """Wait until it has ended; return its exit code."""
        code = await asyncio.wait_for(self.process.wait(), 60)
        await asyncio.wait_for(self.reading, 10)
        return code

    async def _read(self) -> None:
        while True:
            try:
                self.said += (await asyncio.to_thread(os.read, self._handle, 4096)).decode(errors="replace")
            except OSError:  # what Linux answers when nobody has the other side open any more
                return


@asynccontextmanager
async def at_terminal(config: Path, env: dict[str, str], *options: str) -> AsyncIterator[Terminal]:
    """Start the wizard at a terminal of its own."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(COMMAND, "setup", "--config", config, *options),
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", **env},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        # Its own terminal, so that what is typed there can interrupt it.
        preexec_fn=lambda: os.login_tty(theirs),
    )
    os.close(theirs)
    terminal = Terminal(process, ours)
    try:
        yield terminal
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await terminal.reading
        os.close(ours)


# No house of this machine's is found; no colour is asked for.
ALONE = {"XDG_RUNTIME_DIR": "/nonexistent"}
# What is asked, and what a person answers who has no sound card.
STEPS = (
    ("Number or name", "virtual"),
    ("Number or name", "Banana"),
    ("all the same?", "y"),
    ("Number or name", "Banana"),
    ("all the same?", "y"),
    ("Number or name", "alexa"),
    ("all the same?", "y"),
    ("Number or name", "ws://127.0.0.1:1/v1/realtime"),
    (FOR_KEY, ""),
)
CTRL_C = "\x03"


@pytest.mark.parametrize("steps", [0, 2, 8, len(STEPS)])
async def test_ctrl_c_at_any_question_changes_nothing(tmp_path: Path, steps: int) -> None:
    """At the first one, at one with a complaint before it, at the key's, and at the last."""
    config = tmp_path / "config.toml"
    config.write_text("# mine\n")
    async with at_terminal(config, ALONE) as terminal:
        for asked, answer in STEPS[:steps]:
            await terminal.answer(asked, answer)
        await terminal.answer((*STEPS, ("Write it?", ""))[steps][0], CTRL_C)
        assert await terminal.end() == INTERRUPTED
    assert "Nothing was changed." in terminal.said
    assert left_in(tmp_path) == ["config.toml"]
    assert config.read_text() == "# mine\n"


async def test_what_was_answered_is_written_at_the_end(tmp_path: Path) -> None:
    """And shown before."""
    config = tmp_path / "config.toml"
    async with at_terminal(config, ALONE) as terminal:
        for asked, answer in (*STEPS, ("Write it?", "y")):
            await terminal.answer(asked, answer)
        assert await terminal.end() == 0
    assert "there is no such sound device" in terminal.said or "has no sound device" in terminal.said
    assert f"{config} is written." in terminal.said
    assert tomllib.loads(config.read_text()) == {
        "hardware": {"profile": "virtual"},
        "audio": {"input": "Banana", "output": "Banana"},
        "wake": {"words": ["alexa"]},
        "conversation": {"openai": {"url": "ws://127.0.0.1:1/v1/realtime"}},
    }


@pytest.mark.card
async def test_a_person_sets_a_house_up(virtual_card: VirtualSoundCard, tmp_path: Path) -> None:
    """From the board to the key, with everything tried: the meter moves, the word is heard, the key is taken."""
    config = tmp_path / "config.toml"
    async with (
        SimulatedRealtime(key=KEY, understanding=NoHearing()) as server,  # type: ignore[arg-type]
        at_terminal(config, {**ALONE, **virtual_card.env()}) as terminal,
    ):
        await terminal.answer("Number or name", "virtual")
        await terminal.answer("Number or name", "hearthside_mic")
        await until(lambda: "dBFS" in terminal.said, "the meter", 30)
        await Person(virtual_card.play_into_room).say("hello hello")
        await terminal.answer("Enter goes on", "")
        await terminal.answer("Number or name", "hearthside_speaker")
        await terminal.answer("Did you hear", "y")
        await terminal.answer("Number or name", "")
        await until(lambda: "heard 0 of 3" in terminal.said, "the wake word's meter", 30)
        for _ in range(5):
            await Person(virtual_card.play_into_room).say("hey jarvis")
            if "heard 1 of 3" in terminal.said:
                break
        await terminal.answer("heard 1 of 3", "")
        await terminal.answer("Number or name", server.url)
        await terminal.answer(FOR_KEY, KEY)
        await terminal.answer("Write it?", "n")
        assert await terminal.end() == INTERRUPTED
    assert "It is taken." in terminal.said
    assert 'input = "hearthside_mic"' in terminal.said
    assert KEY not in terminal.said
    assert not config.exists()
