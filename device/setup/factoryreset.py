"""Factory reset: state, secrets and configuration as before the first start; the releases stay, and so does the system.

Who asks for it leaves a mark in the state folder, the one place where the confined service may write. The mark goes
last: a reset that a power cut interrupts is taken up again at the next start.
"""

from __future__ import annotations

import contextlib
import grp
import os
import shutil
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from device.errors import SetupError
from device.kit.wholefile import Owner, replace_whole
from device.service.statefolder import OF_THE_UNIT, RESET_MARK

_GROUP = "hearthside"
_CONFIGURATION = "config.toml"
# Those of this speaker. The store is the system's, and a broker's own key may lie in it, too (scripts/install-broker).
_SECRETS = (
    *("openai_api_key", "hearthside_*", "home_assistant_token", "mqtt_password", "mcp_*_token", "openai_mcp_*_token"),
)
_BROKERS = "hearthside_broker_openai_api_key"
# Whose signatures count for new releases: it belongs to the releases, which stay, and not to who used the device.
_SIGNERS = "release-signers"


@dataclass(frozen=True)
class Places:
    """Where what is erased lies."""

    configuration: Path = Path("/etc/hearthside")
    stores: tuple[Path, ...] = field(default=(Path("/etc/credstore"), Path("/etc/credstore.encrypted")))
    state: Path = OF_THE_UNIT

    @property
    def mark(self) -> Path:
        """What is there while a reset is wanted."""
        return self.state / RESET_MARK


def ask_for(places: Places) -> None:
    """Leave the mark. Raise SetupError."""
    try:
        places.state.mkdir(parents=True, exist_ok=True)
        places.mark.touch(mode=0o600)
    except OSError as error:
        raise SetupError(f"cannot write {places.mark}: {error.strerror}; run it with sudo") from error


def carry_out(places: Places, profile: str) -> None:
    """Erase everything but which board is soldered on and whose releases are trusted. Raise SetupError.

    The service does not run meanwhile.
    """
    try:
        for secret in _secrets(places):
            _overwrite(secret)
            secret.unlink()
        # First: who takes up a reset that was interrupted finds the board there.
        _write_profile(places.configuration, profile)
        _empty(places.configuration, but=(_CONFIGURATION, _SIGNERS))
        _make_folder_for_more(places.configuration)
        _empty(places.state, but=(RESET_MARK,))
        _sync(places.state)
        places.mark.unlink(missing_ok=True)
    except OSError as error:
        raise SetupError(f"the reset was not finished: {error.filename}: {error.strerror}; try again") from error


def _secrets(places: Places) -> Iterator[Path]:
    for store in places.stores:
        for pattern in _SECRETS:
            yield from (path for path in store.glob(pattern) if path.name != _BROKERS)


def _overwrite(path: Path) -> None:
    """Leave nothing to be read in its place, as far as that is up to a program."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())


def _empty(folder: Path, but: Collection[str]) -> None:
    """Remove what is in a folder. Links are removed and not followed: the service may have made them."""
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.name in but:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _write_profile(folder: Path, profile: str) -> None:
    """Put a configuration like that of the installation, readable for the service, in the place of the one there is."""
    folder.mkdir(parents=True, exist_ok=True)
    text = f'# As it was before the first start.\n[hardware]\nprofile = "{profile}"\n'
    replace_whole(folder / _CONFIGURATION, text.encode(), Owner(group=_group(), mode=0o640))


def _make_folder_for_more(folder: Path) -> None:
    more = folder / "config.d"
    more.mkdir()
    more.chmod(0o750)
    os.chown(more, -1, _group())
    _sync(folder)


def _group() -> int:
    """Return the service's; -1, which leaves it as it is, on a machine where nothing is installed."""
    with contextlib.suppress(KeyError):
        return grp.getgrnam(_GROUP).gr_gid
    return -1


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
