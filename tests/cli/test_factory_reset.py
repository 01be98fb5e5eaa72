"""hearthside factory-reset: asks first, and hands over to systemd."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from device import cli
from device.cli import factory_reset
from device.kit import programs
from device.kit.programs import Ran
from device.setup.factoryreset import Places


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """Let it be about a folder of the test, and let whoever runs the test be root."""
    made = Places(tmp_path / "etc", (tmp_path / "store",), tmp_path / "state")
    monkeypatch.setattr(factory_reset, "Places", lambda: made)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return made


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Note the programs that are run, all of which end well."""
    commands: list[tuple[str, ...]] = []

    async def run(*command: str, limit_s: float = 0.0) -> Ran:
        commands.append(command)
        return Ran(0, "", "")

    monkeypatch.setattr(programs, "run", run)
    return commands


def test_nobody_is_reset_without_being_asked(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal --yes is needed."""
    assert cli.main(["factory-reset"]) == 1
    assert "add --yes" in capsys.readouterr().err
    assert not places.mark.exists()


def test_who_is_not_root_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The keys are root's."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert cli.main(["factory-reset", "--yes"]) == 1
    assert "sudo" in capsys.readouterr().err


def test_yes_leaves_the_mark_and_starts_the_unit(places: Places, called: list[tuple[str, ...]]) -> None:
    """The unit does it in one way, whoever asked."""
    assert cli.main(["factory-reset", "--yes"]) == 0
    assert places.mark.exists()
    assert called == [("systemctl", "start", "hearthside-factory-reset.service")]


def test_the_unit_stops_the_service_erases_and_starts_it(places: Places, called: list[tuple[str, ...]]) -> None:
    """Without a mark it does nothing: it was carried out already."""
    assert cli.main(["factory-reset", "--carry-out"]) == 0
    assert called == []
    places.state.mkdir()
    places.mark.touch()
    (places.state / "muted").touch()
    assert cli.main(["factory-reset", "--carry-out"]) == 0
    assert [command[1] for command in called] == ["stop", "start"]
    assert list(places.state.iterdir()) == []
    assert (places.configuration / "config.toml").exists()
