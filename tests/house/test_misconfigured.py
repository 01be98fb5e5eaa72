"""A house whose configuration is wrong: what it shows, and says, once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from device.core.failures import MISCONFIGURED
from device.errors import SpeechError
from device.foreign.espeak import EspeakVoice
from device.foreign.gpio import MockBoard
from device.house import misconfigured
from device.house.salvage import salvaged
from device.service.complaint import Complaint
from tests.waiting import until

LED = 17


@pytest.mark.parametrize(
    ("text", "pin", "volume"),
    [
        ("[hardware.led]\npin = 17\n[audio]\nvolume = 0.3\n[wake]\nwrods = 1", 17, 0.3),
        ("[hardware.led]\npin = 17\n[audio]\nvolume = 30", 17, 0.8),
        ("[hardware.led]\npin = 170\n[audio]\nvolume = 0.3", None, 0.3),
        ("hardware = 3\naudio = 4", None, 0.8),
        ("[hardware", None, 0.8),
    ],
)
def test_what_can_be_read_of_a_wrong_file_is_used(tmp_path: Path, text: str, pin: int | None, volume: float) -> None:
    """The light and the sound; of nothing else it is said that it is right."""
    file = tmp_path / "config.toml"
    file.write_text(text)
    settings = salvaged(file)
    assert settings.hardware.led.pin == pin
    assert settings.audio.volume == volume


def test_a_file_that_is_wrong_does_not_hide_the_others(tmp_path: Path) -> None:
    """The light may be in the first, and the mistake in the second."""
    file = tmp_path / "config.toml"
    file.write_text(f"[hardware.led]\npin = {LED}\n")
    (tmp_path / "config.d").mkdir()
    (tmp_path / "config.d" / "10.toml").write_text("[[[")
    assert salvaged(file).hardware.led.pin == LED
    assert salvaged(tmp_path / "missing" / "config.toml").hardware.led.pin is None


@pytest.fixture
def board() -> Iterator[MockBoard]:
    """Mock pins."""
    board = MockBoard()
    yield board
    board.close()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wrong configuration with a light, whose complaint was left."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    Complaint().leave("wake.wrods: there is no such key")
    file = tmp_path / "config.toml"
    file.write_text(f"[hardware.led]\npin = {LED}\n[wake]\nwrods = 1\n")
    return file


@asynccontextmanager
async def served(file: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> AsyncIterator[None]:
    """Run it with a voice that only notes what it says, and end it as systemd does."""

    async def speak(voice: EspeakVoice, text: str) -> bytes:
        said.append(text)
        raise SpeechError("the test has no loudspeaker")

    monkeypatch.setattr(EspeakVoice, "speak", speak)
    serving = asyncio.create_task(misconfigured.serve(file))
    yield
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(serving, 10)


async def test_it_is_shown_until_it_is_ended(
    file: Path, board: MockBoard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And dark afterwards; the pin is free for the service."""
    said: list[str] = []
    async with served(file, monkeypatch, said):
        await until(lambda: said, "a sentence")
        assert board.is_output(LED)
        assert max(board.levels_seen(LED)) == 1.0
    assert board.level(LED) == 0.0 or not board.is_output(LED)
    assert said == [MISCONFIGURED]
    assert "before this is corrected: wake.wrods: there is no such key" in caplog.text


async def test_what_could_not_be_said_is_said_the_next_time(
    file: Path, board: MockBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loudspeaker may be there by then."""
    said: list[str] = []
    for _ in range(2):
        async with served(file, monkeypatch, said):
            await until(lambda: said, "a sentence")
            said.clear()
    assert not Complaint().is_told


async def test_what_was_said_is_only_shown_after_that(
    file: Path, board: MockBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody wants to hear it twice an hour."""
    Complaint().note_told()
    said: list[str] = []
    async with served(file, monkeypatch, said):
        await until(lambda: board.is_output(LED), "a light")
    assert said == []
