"""Where a key is kept on an installed device: in systemd's store of credentials, which only root may read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from device.errors import ConfigError
from device.kit.programs import run
from device.secrets import Secret, find_secret, is_given, withhold

STORE, ENCRYPTED_STORE = Path("/etc/credstore"), Path("/etc/credstore.encrypted")


@dataclass(frozen=True, slots=True)
class Kept:
    """What was found of a key: itself, or why not; and where it is, if it is somewhere."""

    secret: Secret | None
    place: str = ""
    problem: str = ""
    mode: int = 0o600
    """Who may read the file."""
    forbidden: bool = False
    """It is there, and this user may not read it."""


def take_given(names: Iterable[str]) -> dict[str, Kept]:
    """Return the keys that were given to this process, and withhold them from every program that it starts."""
    given = {name: _given(name) for name in names if is_given(name)}
    for name in given:
        withhold(name)
    return given


def _given(name: str) -> Kept:
    try:
        return Kept(find_secret(name), "the environment")
    except ConfigError as error:
        return Kept(None, "the environment", str(error))


async def find_key(
    name: str, given: Mapping[str, Kept], store: Path = STORE, encrypted: Path = ENCRYPTED_STORE
) -> Kept:
    """Look where the service would: at what this process was given, and in systemd's stores."""
    if name in given:
        return given[name]
    if _is_forbidden(store) or _is_forbidden(encrypted):
        return Kept(None, str(store), f"only root may look into {store}", forbidden=True)
    plain, sealed = store / name.lower(), encrypted / name.lower()
    if _is_forbidden(store) or _is_forbidden(encrypted):
        return Kept(None, str(store), f"only root may look into {store}", forbidden=True)
    if plain.exists():
        return _plain(plain, name)
    if sealed.exists():
        return await _sealed(sealed, name)
    return Kept(None, problem=f"{name} is missing: it is neither in the environment nor in {store}")


def _is_forbidden(folder: Path) -> bool:
    return folder.exists() and not os.access(folder, os.R_OK | os.X_OK)


def _plain(path: Path, name: str) -> Kept:
    if not os.access(path, os.R_OK):
        return Kept(None, str(path), f"only root may read {path}", forbidden=True)
    mode = path.stat().st_mode & 0o777
    try:
        return Kept(find_secret(name, {"CREDENTIALS_DIRECTORY": str(path.parent)}), str(path), mode=mode)
    except ConfigError as error:
        return Kept(None, str(path), str(error), mode)


async def _sealed(path: Path, name: str) -> Kept:
    if os.geteuid() != 0:
        return Kept(None, str(path), f"only root may read {path}", forbidden=True)
    opened = await run("systemd-creds", "decrypt", f"--name={name.lower()}", str(path), "-")
    if opened is None or opened.code:
        return Kept(None, str(path), f"{path} cannot be decrypted on this machine; store it anew")
    try:
        return Kept(find_secret(name, {name: opened.output}), str(path))
    except ConfigError as error:
        return Kept(None, str(path), str(error))
