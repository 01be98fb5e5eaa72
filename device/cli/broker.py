"""hearthside broker: the service for a trusted machine that keeps the provider's key, and what its keeper does."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from device.broker import tls, tokens
from device.broker.check import TABLE
from device.broker.settings import Broker
from device.broker.store import Device, Entry, Store
from device.cli.run import add_configuration
from device.errors import ConfigError, HearthsideError
from device.house import configuration
from device.kit.textfiles import expanded, is_there
from device.secrets import take_secret
from device.service import dumps, journal
from device.service.systemd import ServiceManager

DEFAULT_PATH = Path("/etc/hearthside-broker/config.toml")
ROOTS_FOLDER = Path("/var/lib/hearthside-broker")
_KEY = "OPENAI_API_KEY"
_HOUR_S, _MOST_HOURS = 3600, 8784

_DESCRIPTION = (
    "Gives enrolled devices secrets of the provider that live for minutes, so that no device holds the key. "
    f"Its settings are the table [broker] in {DEFAULT_PATH}; docs/broker.md explains it."
)


def add_to(commands: Any) -> None:
    """Add the command, with its own subcommands, to the parser's subcommands."""
    parser = commands.add_parser("broker", help="keep the key on another machine", description=_DESCRIPTION)
    inner = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add(inner, "serve", _serve, "run the service, in the foreground")
    token = _add(inner, "token", _token, "print a token that enrols one device, once")
    token.add_argument("name", nargs="?", default="", help="only for the device of this name, which it may replace")
    token.add_argument("--hours", type=_hours, default=168.0, help="how long it is good (default: a week)")
    _add(inner, "devices", _devices, "list the devices")
    revoke = _add(inner, "revoke", _revoke, "give a device no more secrets")
    revoke.add_argument("name")
    audit = _add(inner, "audit", _audit, "print the newest of who did what, when")
    audit.add_argument("name", nargs="?", default="", help="only of this device")
    audit.add_argument("-n", type=int, default=50, metavar="COUNT", help="so many lines (default: 50)")
    _add(inner, "ca", _authority, "print the certificate by which devices trust this broker (PEM)")


def _add(commands: Any, name: str, run: Callable[..., int], what: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=what, description=what)
    add_configuration(parser)
    parser.set_defaults(command=run)
    return parser


def _hours(text: str) -> float:
    """Return how long a token is good. Raise ArgumentTypeError."""
    with contextlib.suppress(ValueError):
        if 0 < (hours := float(text)) <= _MOST_HOURS:
            return hours
    raise argparse.ArgumentTypeError(f"give hours: more than 0, and at most {_MOST_HOURS} (a year)")


def settings_of(options: argparse.Namespace) -> Broker:
    """Return what is set in the broker's own file, where there is one and no other was named. Raise ConfigError."""
    if options.config is None and is_there(DEFAULT_PATH):
        options.config = DEFAULT_PATH
    return configuration.load(options.config, options.overrides).of(TABLE)


def folder_of(settings: Broker) -> Path:
    """Return where the broker keeps what it must remember. Raise ConfigError."""
    if settings.state_dir:
        return expanded(settings.state_dir, "broker.state_dir")
    if from_systemd := os.environ.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(from_systemd)
    return ROOTS_FOLDER if os.geteuid() == 0 else expanded("~/.local/state/hearthside-broker", "broker.state_dir")


def become_owner(folder: Path) -> None:
    """Go on as the user whom the folder belongs to, when root calls: the service must get at what we write."""
    if os.geteuid() == 0 and folder.is_dir() and (owner := folder.stat()).st_uid != 0:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)


# -- serve


def _serve(options: argparse.Namespace) -> int:
    dumps.forbid()
    settings = settings_of(options)
    journal.start("info")
    key = take_secret(_KEY)
    journal.hide(key.mask)
    try:
        from device.broker.serve import serve
    except ImportError as error:
        raise ConfigError(
            f'the broker needs {error.name}; install it with: pip install "hearthside[broker]"'
        ) from error
    asyncio.run(serve(settings, key, folder_of(settings), ServiceManager().notify_ready))
    return 0


# -- what its keeper does


@contextlib.contextmanager
def _store(options: argparse.Namespace) -> Iterator[Store]:
    folder = folder_of(settings_of(options))
    become_owner(folder)
    with contextlib.closing(Store(folder)) as store:
        yield store


def _token(options: argparse.Namespace) -> int:
    if options.name and not tokens.is_name(options.name):
        raise ConfigError(f"{options.name!r} cannot be a device's name: small letters, digits and hyphens, at most 63")
    now = time.time()
    token = tokens.make_token(tokens.ENROLMENT)
    with _store(options) as store:
        store.add_enrolment(tokens.hash_of(token), options.name, now, now + options.hours * _HOUR_S)
    print(token)
    whom = options.name or "one device"
    print(f"For {whom}, once, within {options.hours:g} hours. It is not shown again.", file=sys.stderr)
    return 0


def _devices(options: argparse.Namespace) -> int:
    with _store(options) as store:
        devices = store.devices(time.time())
    print("\n".join(map(line_of_device, devices)) or "no device is enrolled; make a token: hearthside broker token")
    return 0


def _revoke(options: argparse.Namespace) -> int:
    with _store(options) as store:
        if not store.revoke(options.name, time.time()):
            raise HearthsideError(f"there is no device {options.name!r}; see: hearthside broker devices")
    print(f"{options.name} gets no more secrets; one that it has opens sessions until it expires (broker.secret_s)")
    return 0


def _audit(options: argparse.Namespace) -> int:
    with _store(options) as store:
        entries = store.audit(max(1, options.n), options.name)
    print("\n".join(map(line_of_entry, entries)) or "nothing has happened yet")
    return 0


def _authority(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if settings.tls != "own":
        raise ConfigError(f'broker.tls = "{settings.tls}": there is no certificate authority of the broker\'s own')
    folder = folder_of(settings)
    become_owner(folder)
    tls.own_certificate(folder, tls.own_names(settings.names))
    print((folder / tls.FOLDER / tls.AUTHORITY).read_text(encoding="ascii"), end="")
    return 0


def line_of_device(device: Device) -> str:
    """Return what the list says of a device."""
    ended = f", REVOKED {_when(device.revoked)}" if device.revoked is not None else ""
    last = _when(device.last_secret) if device.last_secret else "never"
    said = f"enrolled {_when(device.enrolled)}, last secret {last}, {device.secrets_today} today"
    return f"{device.name:24} {said}{ended}"


def line_of_entry(entry: Entry) -> str:
    """Return an entry of the audit log as a line."""
    return f"{_when(entry.at)}  {entry.who or '-':24} {entry.address or '-':15} {entry.what}: {entry.outcome}"


def _when(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
