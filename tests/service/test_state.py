"""What must outlive the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.service.state import MuteMemory


def test_the_mute_state_is_remembered_and_forgotten(tmp_path: Path) -> None:
    """The folder is made when it is missing."""
    memory = MuteMemory(tmp_path / "state")
    assert not memory.muted
    memory.remember(True)
    assert MuteMemory(tmp_path / "state").muted
    memory.remember(False)
    assert not MuteMemory(tmp_path / "state").muted


def test_a_disk_that_refuses_is_told_and_survived(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody is left unmuted because of a log line."""
    (tmp_path / "file").touch()
    MuteMemory(tmp_path / "file" / "state").remember(True)
    assert "will not survive a restart" in caplog.text


def test_a_state_that_cannot_be_read_counts_as_muted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Towards quiet and safe."""

    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    assert MuteMemory(tmp_path).muted
