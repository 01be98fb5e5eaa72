"""provision: from the command line to the table."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from device.errors import ConfigError, HearthsideError
from device.setup.card import asking, payload
from device.setup.card.wanted import Hearthside
from device.setup.card.writing import digest
from device.setup.fleet import ssh, table
from device.setup.fleet.remote import Answer
from device.setup.fleet.ssh import Way

_DESCRIPTION = """\
Sets up devices that run, over SSH: installs Hearthside or brings it up to date, with the configuration and the key that
are given. What is not given stays as it is. HOST is what ssh takes: a name of its configuration, or user@host.
"""
_EX_CONFIG = 78


def main(root: Path, arguments: Sequence[str] | None = None) -> int:
    """Run it; `root` is the folder of the repository. Return 0, 1 when a device failed, 78 for a wrong setting."""
    options = parser().parse_args(arguments)
    try:
        return _run(options, root)
    except ConfigError as error:
        return _fail(str(error), _EX_CONFIG)
    except HearthsideError as error:
        return _fail(str(error), 1)
    except KeyboardInterrupt:
        return _fail("stopped; devices may be half done: run it again", 130)


def parser() -> argparse.ArgumentParser:
    """Return what the command takes."""
    made = argparse.ArgumentParser(prog="provision", description=_DESCRIPTION)
    made.add_argument("hosts", nargs="+", metavar="HOST")
    made.add_argument("--config", type=Path, metavar="FILE", help="becomes /etc/hearthside/config.toml")
    made.add_argument("--key-file", metavar="FILE", help="the API key (- for standard input)")
    made.add_argument("--profile", default="", metavar="BOARD", help="the sound board, as in hardware.md")
    made.add_argument("--bundle", type=Path, metavar="FILE", help="install this, made by scripts/bundle")
    made.add_argument("--source", default="", metavar="URL", help="or this: a bundle, an archive, a git repository")
    made.add_argument("--sha256", default="", metavar="SUM", help="what the bundle or archive there must be")
    made.add_argument("--commit", default="", metavar="NAME", help="which commit of the repository, by its whole name")
    made.add_argument("--broker", default="", metavar="URL", help="who keeps the API key")
    made.add_argument("--broker-ca", type=Path, metavar="FILE", help="the certificate of its authority")
    made.add_argument("--enrolment-tokens-file", type=Path, metavar="FILE", help="a line for each HOST, in their order")
    made.add_argument("--accept-new-host-keys", action="store_true", help="trust devices never seen before")
    made.add_argument("--ask-sudo-password", action="store_true", help="sudo wants one there; the same for all")
    made.add_argument("--sudo-password-file", metavar="FILE", help="or read it here")
    made.add_argument("--ssh-option", action="append", default=[], metavar="NAME=VALUE", help="as ssh -o")
    made.add_argument("--jobs", type=int, default=4, metavar="N", help="so many side by side (4)")
    return made


def _run(options: argparse.Namespace, root: Path) -> int:
    wanted = _wanted(options, root)
    tokens = _tokens(options)
    wishes = {host: replace(wanted, enrolment_token=tokens.get(host, "")) for host in options.hosts}
    way = Way(tuple(options.ssh_option), options.accept_new_host_keys, _sudo_password(options))
    script = (root / "scripts" / "first-boot").read_text(encoding="utf-8")

    def set_up(host: str) -> Answer:
        _tell(f"{host}: begun")
        answer = _set_up(host, way, wishes[host], options.bundle, script)
        _tell(f"{host}: {answer.problem or answer.state}")
        return answer

    with ThreadPoolExecutor(max(1, options.jobs)) as pool:
        answers = list(pool.map(set_up, options.hosts))
    print("\n".join(table.lines(answers)))
    return 0 if all(answer.is_well for answer in answers) else 1


def _set_up(host: str, way: Way, wanted: Hearthside, bundle: Path | None, script: str) -> Answer:
    """Set one device up; a bundle that is installed there already is not sent again."""
    if bundle is not None and ssh.installed_bundle(host, way) == digest(bundle):
        wanted, bundle = replace(wanted, bundle=""), None
    return ssh.set_up(host, way, payload.files(wanted, script), bundle)


def _wanted(options: argparse.Namespace, root: Path) -> Hearthside:
    if options.profile:
        asking.check_profile(options.profile, root)
    if options.bundle is not None and not options.bundle.is_file():
        raise ConfigError(f"there is no file {options.bundle}; scripts/bundle makes one")
    if len(set(options.hosts)) < len(options.hosts):
        raise ConfigError("a device is named twice; name each once")
    return Hearthside(
        profile=options.profile,
        config=asking.configuration(options.config) if options.config else "",
        broker=options.broker,
        broker_ca=asking.certificate(options.broker_ca) if options.broker_ca else "",
        api_key=asking.secret(options.key_file) if options.key_file else "",
        bundle=options.bundle.name if options.bundle else "",
        source=options.source,
        sha256=options.sha256,
        commit=options.commit,
    )


def _tokens(options: argparse.Namespace) -> Mapping[str, str]:
    """Return each device's own enrolment token. Raise ConfigError."""
    if options.enrolment_tokens_file is None:
        return {}
    tokens = asking.lines(options.enrolment_tokens_file)
    if len(tokens) != len(options.hosts):
        raise ConfigError(f"there are {len(options.hosts)} devices and {len(tokens)} tokens; each needs one of its own")
    if not options.broker:
        raise ConfigError("whose tokens are these? give the broker's address as well, by --broker")
    return dict(zip(options.hosts, tokens))


def _sudo_password(options: argparse.Namespace) -> str:
    if options.sudo_password_file:
        return asking.secret(options.sudo_password_file)
    return getpass.getpass("password for sudo on the devices: ") if options.ask_sudo_password else ""


def _tell(line: str) -> None:
    print(f"provision: {line}", file=sys.stderr, flush=True)


def _fail(complaint: str, code: int) -> int:
    _tell(complaint)
    return code
