"""The button that is held through power-up, at work: a finger, a voice, and the mark it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.core.failures import RESET_INVITATION, RESET_KEPT, RESET_WARNING
from device.errors import SpeechError
from device.foreign.gpio import MockBoard
from device.house import configuration
from device.house.alone import powerup
from device.panel.powerup import INVITE_AFTER, WARN_AFTER
from device.service.statefolder import RESET_MARK

PIN = 17


class Person:
    """Lets the button go after a sentence, or never; time passes with every look at the button."""

    def __init__(self, lets_go_after: str | None) -> None:
        self.lets_go_after = lets_go_after
        self.heard: list[str] = []
        self.now = 0.0

    def is_down(self) -> bool:
        """Look at the button."""
        self.now += 0.5
        return self.lets_go_after not in self.heard

    async def hear(self, text: str) -> bool:
        """Listen to the end."""
        self.heard.append(text)
        return True

    async def decide(self) -> bool:
        """Return whether everything is to be erased."""
        return await powerup.wanted(self.is_down, self.hear, lambda: self.now)


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the clock here."""
    monkeypatch.setattr(powerup, "_LOOK_S", 0.0)


async def test_who_lets_go_when_invited_erases() -> None:
    """After both sentences."""
    person = Person(RESET_INVITATION)
    assert await person.decide()
    assert person.heard == [RESET_WARNING, RESET_INVITATION]


async def test_who_lets_go_when_warned_erases_nothing() -> None:
    """And is told so."""
    person = Person(RESET_WARNING)
    assert not await person.decide()
    assert person.heard == [RESET_WARNING, RESET_KEPT]


async def test_who_never_lets_go_erases_nothing() -> None:
    """As a button that is stuck."""
    person = Person(None)
    assert not await person.decide()
    assert person.heard == [RESET_WARNING, RESET_INVITATION, RESET_KEPT]
    assert person.now >= (WARN_AFTER + INVITE_AFTER) / 1000


async def test_a_voice_that_fails_erases_nothing() -> None:
    """Nobody was warned."""

    async def fail(text: str) -> bool:
        raise SpeechError("espeak-ng is not installed")

    person = Person(None)
    assert not await powerup.wanted(person.is_down, fail, lambda: person.now)


class HeldButton:
    """A button that is down."""

    is_active = True

    def close(self) -> None:
        """Let go of the pin."""


@pytest.fixture
def board() -> Iterator[MockBoard]:
    """Mock pins."""
    board = MockBoard()
    yield board
    board.close()


@pytest.fixture
def settings(tmp_path: Path) -> configuration.Config:
    """A house with a button, and a state folder."""
    return configuration.parse(
        {"hardware": {"button": {"pin": PIN}}, "service": {"state_dir": str(tmp_path / "state")}}
    )


def test_a_button_that_is_up_delays_nothing(board: MockBoard, settings: configuration.Config, tmp_path: Path) -> None:
    """Nothing is said, and the pin is free for the panel."""
    powerup.offer_reset(settings, PIN)
    powerup.offer_reset(settings, PIN)
    assert not (tmp_path / "state").exists()


def test_a_reset_that_is_wanted_leaves_its_mark(
    settings: configuration.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For systemd to find while this process waits to be ended; where nobody comes, life goes on without."""
    seen: list[bool] = []
    mark = tmp_path / "state" / RESET_MARK
    monkeypatch.setattr(powerup.time, "sleep", lambda patience: seen.append(mark.exists()))

    async def yes(*arguments: object) -> bool:
        await asyncio.sleep(0)
        return True

    monkeypatch.setattr(powerup, "wanted", yes)
    monkeypatch.setattr(powerup.gpio, "open_input", lambda pin, **options: HeldButton())
    powerup.offer_reset(settings, PIN)
    assert seen == [True]
    assert not mark.exists()
