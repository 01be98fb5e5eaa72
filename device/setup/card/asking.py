"""What a person gives by files and at the keyboard: never on a command line, which every program can read."""

from __future__ import annotations

import argparse
import difflib
import getpass
import sys
import zoneinfo
from pathlib import Path

from device.errors import ConfigError
from device.setup.card.hashes import sha512_crypt
from device.setup.card.wanted import Person, Wifi

_LONGEST = 100_000


def public_keys(file: Path) -> tuple[str, ...]:
    """Return the keys of a file such as id_ed25519.pub. Raise ConfigError."""
    text = _text(file)
    if "PRIVATE KEY" in text:
        raise ConfigError(f"{file} is a private key, which must not leave this computer; give {file}.pub")
    keys = tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    if not keys:
        raise ConfigError(f"{file} holds no key")
    return keys


def person(options: argparse.Namespace, keys: tuple[str, ...], salt: str) -> Person:
    """Return who may log in. Raise ConfigError."""
    if options.ssh and keys:
        raise ConfigError("--ssh lets in who knows the password; with --ssh-key nobody needs it: give one of the two")
    if options.no_password and options.password_file:
        raise ConfigError("--no-password and --password-file: give one of the two")
    # First without: what is wrong with the name is said before anybody types a password.
    Person(options.user, "$6$", keys, options.ssh)
    password = _password(options, bool(keys))
    return Person(options.user, sha512_crypt(password, salt) if password else "", keys, options.ssh)


def wifi(options: argparse.Namespace) -> Wifi | None:
    """Return the Wi-Fi, if one is wanted. Raise ConfigError."""
    if options.wifi is None:
        if options.wifi_password_file or options.wifi_open or options.wifi_hidden or options.wifi_wpa3:
            raise ConfigError("which Wi-Fi? give its name, by --wifi NAME")
        return None
    if options.wifi_open and options.wifi_password_file:
        raise ConfigError("--wifi-open and --wifi-password-file: give one of the two")
    passphrase = "" if options.wifi_open else _passphrase(options)
    return Wifi(options.wifi, passphrase, options.wifi_hidden, options.wifi_wpa3)


def secret(file: str) -> str:
    """Return the one line of a file, - being standard input. Raise ConfigError."""
    text = sys.stdin.read(_LONGEST) if file == "-" else _text(Path(file))
    lines = text.splitlines()
    if len(lines) != 1 or not lines[0].strip():
        raise ConfigError(f"{'standard input' if file == '-' else file} must hold one line, the secret alone")
    return lines[0]


def lines(file: Path) -> tuple[str, ...]:
    """Return the lines of a file that are not empty. Raise ConfigError."""
    return tuple(line.strip() for line in _text(file).splitlines() if line.strip())


def configuration(file: Path) -> str:
    """Return a configuration, of which this Python may not know TOML: then it is looked at on the device only."""
    text = _text(file)
    try:
        import tomllib
    except ImportError:
        return text
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error
    return text


def certificate(file: Path) -> str:
    """Return a certificate. Raise ConfigError."""
    text = _text(file)
    if "PRIVATE KEY" in text or "-----BEGIN CERTIFICATE-----" not in text:
        raise ConfigError(f"{file} must hold a certificate (-----BEGIN CERTIFICATE-----), and no private key")
    return text


def check_profile(name: str, root: Path) -> None:
    """Raise ConfigError when there is no such board."""
    known = ["auto", *sorted(path.stem for path in (root / "device" / "boards").glob("*.toml"))]
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        meant = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
        raise ConfigError(f'there is no board "{name}"{meant}')


def check_time_zone(name: str) -> None:
    """Raise ConfigError when this computer, as far as it knows any, knows no such one."""
    known = zoneinfo.available_timezones()
    if name and known and name not in known:
        near = difflib.get_close_matches(name, known, 1)
        raise ConfigError(f'there is no time zone "{name}"' + (f"; did you mean {near[0]}?" if near else ""))


def _password(options: argparse.Namespace, has_key: bool) -> str:
    if options.no_password:
        return ""
    if options.password_file:
        return secret(options.password_file)
    if not sys.stdin.isatty():
        if has_key:
            return ""
        raise ConfigError("there is nobody to ask for the password: give --password-file, or --ssh-key")
    return _asked_twice(f"password for {options.user} (empty: none)" if has_key else f"password for {options.user}")


def _passphrase(options: argparse.Namespace) -> str:
    if options.wifi_password_file:
        return secret(options.wifi_password_file)
    if not sys.stdin.isatty():
        raise ConfigError("there is nobody to ask for the Wi-Fi's password: give --wifi-password-file, or --wifi-open")
    given = getpass.getpass(f"password of the Wi-Fi {options.wifi}: ")
    if not given:
        raise ConfigError("a Wi-Fi without a password is an open one: say so, by --wifi-open")
    return given


def _asked_twice(what: str) -> str:
    while True:
        given = getpass.getpass(f"{what}: ")
        if given == getpass.getpass("once more: "):
            return given
        print("these were two different ones", file=sys.stderr)


def _text(file: Path) -> str:
    try:
        return file.read_bytes()[:_LONGEST].decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not a text in UTF-8") from None
