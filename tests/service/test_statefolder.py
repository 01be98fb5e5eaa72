"""The folder for what must outlive the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.errors import ConfigError
from device.house import configuration
from device.service.settings import Service
from device.service.statefolder import state_folder, state_folder_of_house


def test_a_home_folder_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """~ is put in full, ~nobody cannot be."""
    wrong = configuration.parse({"service": {"state_dir": "~no-such-user/x"}})
    with pytest.raises(ConfigError, match=r'service\.state_dir: there is no home folder for "~no-such-user"'):
        state_folder(wrong.service)


def test_the_state_folder_is_the_files_then_systemds_then_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this order; systemd may name several."""
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two")
    own = configuration.parse({"service": {"state_dir": "~/mine"}})
    assert state_folder(own.service) == Path("~/mine").expanduser()
    assert state_folder(Service()) == Path("/var/lib/one")
    monkeypatch.delenv("STATE_DIRECTORY")
    assert state_folder(Service()) == Path("~/.local/state/hearthside").expanduser()


def test_a_command_looks_into_the_folder_of_the_installed_house(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is no service itself; what a file says comes first, and where nothing is installed there is its own."""
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert state_folder_of_house(Service(), tmp_path) == tmp_path
    assert state_folder_of_house(Service(state_dir="/mine"), tmp_path) == Path("/mine")
    assert state_folder_of_house(Service(), tmp_path / "nowhere") == state_folder(Service())
