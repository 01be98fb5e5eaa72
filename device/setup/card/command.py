"""prepare-card: from the command line to the files on the card."""

from __future__ import annotations

import argparse
import secrets
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from device.errors import ConfigError
from device.setup.card import asking, cloudinit, formats, writing
from device.setup.card.formats import Format
from device.setup.card.wanted import Card, Hearthside

_DESCRIPTION = """\
Prepares a card with Raspberry Pi OS for its first boot without a screen: the device finds its network, lets you in by
SSH, and installs Hearthside. MOUNTPOINT is where the card's boot partition (the small one) is mounted.
"""
_EX_CONFIG = 78
_SALT = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def main(root: Path, arguments: Sequence[str] | None = None) -> int:
    """Run it; `root` is the folder of the repository. Return the exit code: 0, 1, or 78 for a wrong setting."""
    options = parser().parse_args(arguments)
    try:
        return _run(options, root)
    except ConfigError as error:
        return _fail(str(error), _EX_CONFIG)
    except OSError as error:
        return _fail(f"{error.filename or 'the card'}: {error.strerror}", 1)
    except KeyboardInterrupt:
        return _fail("stopped", 130)


def parser() -> argparse.ArgumentParser:
    """Return what the command takes."""
    made = argparse.ArgumentParser(prog="prepare-card", description=_DESCRIPTION)
    made.add_argument("mountpoint", nargs="?", type=Path, metavar="MOUNTPOINT")
    made.add_argument("--imager", type=Path, metavar="DIR", help="no card: write the two files rpi-imager --cli takes")
    made.add_argument("--format", choices=[one.value for one in Format], help="default: by the files on the card")
    made.add_argument("--dry-run", action="store_true", help="only say what would be written")
    _add_system(made.add_argument_group("the system"))
    _add_hearthside(made.add_argument_group("Hearthside"))
    return made


def _add_system(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--host", required=True, metavar="NAME", help="the name of the device")
    group.add_argument("--user", required=True, metavar="NAME", help="who may log in, and become root by sudo")
    group.add_argument("--ssh-key", action="append", default=[], type=Path, metavar="FILE", help="a public key; more")
    group.add_argument("--ssh", action="store_true", help="SSH with the password, where there is no key")
    group.add_argument("--password-file", metavar="FILE", help="the password of the user; default: it is asked for")
    group.add_argument("--no-password", action="store_true", help="log in by key alone; sudo does not ask then")
    group.add_argument("--wifi", metavar="NAME", help="the Wi-Fi; its password is asked for")
    group.add_argument("--wifi-password-file", metavar="FILE", help="or read here (- for standard input)")
    group.add_argument("--wifi-open", action="store_true", help="it has no password")
    group.add_argument("--wifi-hidden", action="store_true", help="it does not show its name")
    group.add_argument("--wifi-wpa3", action="store_true", help="it takes WPA3 only: its password stands on the card")
    group.add_argument("--country", default="", metavar="CC", help="for the radio, such as DE")
    group.add_argument("--time-zone", default="", metavar="ZONE", help="such as Europe/Berlin")


def _add_hearthside(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--profile", default="", metavar="BOARD", help="the sound board, as in hardware.md")
    group.add_argument("--config", type=Path, metavar="FILE", help="becomes /etc/hearthside/config.toml")
    group.add_argument("--bundle", type=Path, metavar="FILE", help="install this, made by scripts/bundle")
    group.add_argument("--source", default="", metavar="URL", help="or this: a bundle, an archive, a git repository")
    group.add_argument("--sha256", default="", metavar="SUM", help="what the bundle or archive there must be")
    group.add_argument("--commit", default="", metavar="NAME", help="which commit of the repository, by its whole name")
    group.add_argument("--broker", default="", metavar="URL", help="who keeps the API key: see docs/broker.md")
    group.add_argument("--broker-ca", type=Path, metavar="FILE", help="the certificate of its authority")
    group.add_argument("--enrolment-token-file", metavar="FILE", help="a token for one device, of hearthside broker")
    group.add_argument("--key-on-card", metavar="FILE", help="put an API key on the card all the same")


def _run(options: argparse.Namespace, root: Path) -> int:
    if (options.mountpoint is None) == (options.imager is None):
        raise ConfigError("give the card's MOUNTPOINT, or --imager DIR")
    script = (root / "scripts" / "first-boot").read_text(encoding="utf-8")
    if options.imager is not None:
        return _for_imager(_card(options, root), options, script)
    boot = writing.look(options.mountpoint)
    wanted = Format(options.format) if options.format else formats.detected(boot.names, boot.kernel_line)
    card = _card(options, root)
    files = formats.files(card, wanted, script)
    line = formats.kernel_line(boot.kernel_line, card, wanted)
    if options.dry_run:
        _tell([f"would write {name}" for name in [*files, formats.KERNEL_LINE]])
        return 0
    for done in writing.write(options.mountpoint, files, line, options.bundle):
        _tell([done])
    _tell(_next_steps(card, wanted))
    return 0


def _for_imager(card: Card, options: argparse.Namespace, script: str) -> int:
    files = formats.imager_files(card, script)
    if options.dry_run:
        _tell([f"would write {options.imager / name}" for name in files])
        return 0
    options.imager.mkdir(parents=True, exist_ok=True)
    for done in writing.write(options.imager, files, None, None):
        _tell([f"{options.imager / done}"])
    _tell(
        [
            f"now: rpi-imager --cli --cloudinit-userdata {shlex.quote(str(options.imager / cloudinit.USER_DATA))} "
            f"--cloudinit-networkconfig {shlex.quote(str(options.imager / cloudinit.NETWORK))} IMAGE DEVICE"
        ]
    )
    return 0


def _card(options: argparse.Namespace, root: Path) -> Card:
    """Return what is wanted; passwords are asked for last, when nothing else is wrong. Raise ConfigError, OSError."""
    hearthside = _hearthside(options, root)
    asking.check_time_zone(options.time_zone)
    keys = tuple(key for file in options.ssh_key for key in asking.public_keys(file))
    salt = "".join(secrets.choice(_SALT) for _ in range(16))
    card = Card(
        host=options.host,
        person=asking.person(options, keys, salt),
        instance=f"hearthside-{secrets.token_hex(6)}",
        wifi=asking.wifi(options),
        country=options.country,
        time_zone=options.time_zone,
        hearthside=hearthside,
    )
    if hearthside.api_key:
        _tell(["warning: whoever holds the card can read the API key on it, and what is deleted from a card"])
        _tell(["can often be read again: revoke the key when the card is lost. With a broker there would be none."])
    return card


def _hearthside(options: argparse.Namespace, root: Path) -> Hearthside:
    if options.profile:
        asking.check_profile(options.profile, root)
    if options.bundle is not None and not options.bundle.is_file():
        raise ConfigError(f"there is no file {options.bundle}; scripts/bundle makes one")
    return Hearthside(
        profile=options.profile,
        config=asking.configuration(options.config) if options.config else "",
        broker=options.broker,
        broker_ca=asking.certificate(options.broker_ca) if options.broker_ca else "",
        enrolment_token=asking.secret(options.enrolment_token_file) if options.enrolment_token_file else "",
        api_key=asking.secret(options.key_on_card) if options.key_on_card else "",
        bundle=options.bundle.name if options.bundle else "",
        source=options.source,
        sha256=options.sha256,
        commit=options.commit,
    )


def _next_steps(card: Card, wanted: Format) -> list[str]:
    steps = ["ready: take the card out properly (eject it), put it into the device, and switch that on"]
    if not (card.person.ssh or card.person.ssh_keys):
        return [*steps, "nobody can log in over the network, only at its own keyboard: --ssh-key or --ssh lets you in"]
    if wanted is Format.CUSTOM:
        return [*steps, f"then install Hearthside: scripts/provision {card.person.name}@{card.host}.local"]
    hearthside = card.hearthside
    if not (hearthside.bundle or hearthside.source) and hearthside.wanted:
        steps.append("nothing on the card says where Hearthside comes from: scripts/provision installs it afterwards")
    elif hearthside.wanted:
        steps.append(f"to watch it: ssh {card.person.name}@{card.host}.local journalctl -fu hearthside-first-boot")
    return steps


def _tell(lines: Sequence[str]) -> None:
    for line in lines:
        print(f"prepare-card: {line}", file=sys.stderr)


def _fail(complaint: str, code: int) -> int:
    _tell([complaint])
    return code
