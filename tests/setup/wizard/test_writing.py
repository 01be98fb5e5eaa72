"""What is written is whole or not there at all; what was there before is kept."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from device.secrets import Secret
from device.setup.wizard.writing import WriteError, check_writable, store_key, write_configuration

KEY = Secret("sk-proj-planted-7461686c")
NAME = "OPENAI_API_KEY"


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no file be brought to the disk."""

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)


def test_a_new_configuration_is_not_for_everybody(tmp_path: Path) -> None:
    """Its folder is made."""
    path = tmp_path / "etc" / "config.toml"
    assert write_configuration(path, "a = 1\n", "now") is None
    assert path.read_text() == "a = 1\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.parent.stat().st_mode & 0o777 == 0o750


def test_the_old_one_is_kept_with_its_mode(tmp_path: Path) -> None:
    """And nothing else lies about. A name that does not end in .toml is not read from config.d."""
    path = tmp_path / "config.toml"
    path.write_text("old")
    path.chmod(0o600)
    backup = write_configuration(path, "new", "2026-11-29")
    assert backup == tmp_path / "config.toml.2026-11-29"
    assert (path.read_text(), backup.read_text()) == ("new", "old")
    assert {entry.stat().st_mode & 0o777 for entry in tmp_path.iterdir()} == {0o600}
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_leaves_all_as_it_was(tmp_path: Path) -> None:
    """With one message."""
    path = tmp_path / "config.toml"
    path.write_text("old")
    with pytest.raises(WriteError, match="No space left on device; it is as it was"):
        write_configuration(path, "new", "now")
    assert path.read_text() == "old"
    with pytest.raises(WriteError, match="No space left"):
        store_key(NAME, KEY, tmp_path / "credstore", tmp_path / "none")
    assert list((tmp_path / "credstore").iterdir()) == []


def test_a_key_is_for_one_alone(tmp_path: Path) -> None:
    """Where systemd looks for it; a new one takes the place of the old."""
    for key in (Secret("sk-old"), KEY):
        path = store_key(NAME, key, tmp_path / "credstore", tmp_path / "none")
    assert path == tmp_path / "credstore" / "openai_api_key"
    assert path.read_text() == f"{KEY.reveal()}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_an_encrypted_key_is_not_put_in_the_shade(tmp_path: Path) -> None:
    """Else two keys would be there, and nobody would know which holds."""
    (tmp_path / "openai_api_key").write_text("sealed")
    with pytest.raises(WriteError, match="there is an encrypted key"):
        store_key(NAME, KEY, tmp_path / "credstore", tmp_path)
    assert not (tmp_path / "credstore").exists()


def test_where_nothing_can_be_written_is_known_before_the_questions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a folder that is not there yet, its nearest one counts."""
    check_writable(tmp_path / "a" / "b" / "config.toml")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(WriteError, match="use sudo"):
        check_writable(tmp_path / "a" / "b" / "config.toml")
