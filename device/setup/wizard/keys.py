"""The provider's key: asked for, tried, and kept until all is written. It is never shown."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

from device.errors import ConfigError
from device.house.catalogue import optional_secret_names, provider_of
from device.house.configuration import Config
from device.ports.provider import KeyTrial, KeyVerdict
from device.secrets import Secret, find_secret
from device.setup.credentials import Kept, find_key


def names(settings: Config) -> tuple[str, ...]:
    """Return the names of the keys that who answers needs."""
    return provider_of(settings).secrets


def is_needed(name: str, settings: Config) -> bool:
    """Tell whether nothing is answered without it; where a broker gives keys, one of its own is for bad days."""
    return name not in optional_secret_names(settings)


def kept(name: str, given: dict[str, Kept]) -> Kept:
    """Return what there is of a key already."""
    return asyncio.run(find_key(name, given))


def typed(name: str, text: str) -> Secret:
    """Return what was typed as a key. Raise ConfigError where it cannot be one; the message does not show it."""
    try:
        return find_secret(name, {name: text})
    except ConfigError as error:
        raise ConfigError(str(error).replace(f"the environment variable {name}", "what you typed")) from error


def read(name: str, path: Path) -> Secret:
    """Return the key in a file. Raise ConfigError."""
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(f"key_file: {path} cannot be read: {error.strerror}; name the file with the key") from error
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"key_file: others may read {path}; chmod 600 {path}")
    try:
        return find_secret(name, {name: text})
    except ConfigError as error:
        raise ConfigError(str(error).replace(f"the environment variable {name}", f"key_file: {path}")) from error


def tried(settings: Config, key: Secret) -> KeyTrial | None:
    """Return what the provider says of it; None where it cannot be tried. Blocks for some seconds."""
    provider = provider_of(settings)
    return provider.try_key(settings.of(provider.table), key) if provider.try_key else None


def refusal(trial: KeyTrial | None) -> str:
    """Return why a key is not to be kept; "" where nothing speaks against it."""
    if trial is None or trial.verdict is not KeyVerdict.REFUSED:
        return ""
    return f"it is refused: {trial.why}; {trial.what_to_do}"


def reservation(trial: KeyTrial | None) -> str:
    """Return why it is not known whether a key is good; "" where it is."""
    if trial is None or trial.verdict is not KeyVerdict.UNKNOWN:
        return ""
    return f"it could not be tried: {trial.why}; {trial.what_to_do}"
