"""hearthside support-bundle: one file with all that a bug report needs, and nothing secret."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device import __version__
from device.cli.config import lines
from device.cli.run import add_configuration
from device.errors import HearthsideError
from device.house.catalogue import secret_names
from device.kit import signals
from device.kit.wholefile import Owner, replace_whole
from device.service import journal

if TYPE_CHECKING:
    from device.setup.bundle import Entry
    from device.setup.doctor.finding import Finding
    from device.setup.doctor.patient import Patient

_DESCRIPTION = (
    "Makes a .tar.gz with versions, the configuration, the state of the service, the doctor's findings, the log and "
    "the sound cards. Keys are masked; what was said, sound and names of networks are never in it. Plays no sound."
)


class BundleError(HearthsideError):
    """It cannot be written."""


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("support-bundle", help="make a file for a bug report", description=_DESCRIPTION)
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: hearthside-support-TIME.tar.gz, here")
    add_configuration(parser)
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    journal.start("error")
    with signals.importing():
        from device.setup.bundle import contents, packed
        from device.setup.doctor.patient import admit
    # Before keys are put out of the reach of what is started.
    environment = dict(os.environ)
    patient = admit(options.config, options.overrides, plays=False)
    now = time.time()
    path = options.output or Path(time.strftime("hearthside-support-%Y%m%d-%H%M%S.tar.gz", time.localtime(now)))
    entries = asyncio.run(_gather(patient, environment))
    write(path, packed(entries, now))
    print(f"{path.absolute()} holds:\n{contents(entries)}Look through it before you give it away.")
    return 0


async def _gather(patient: Patient, environment: Mapping[str, str]) -> list[Entry]:
    from device.setup import evidence
    from device.setup.bundle import Cleaner, Entry
    from device.setup.doctor import report
    from device.setup.doctor.check import examine
    from device.setup.doctor.checks import GROUPS

    findings: list[Finding] = []
    await examine(GROUPS, patient, findings.append)
    settings = "\n".join(lines(patient.effective)) if patient.effective else patient.complaint
    entries = [
        Entry("findings.json", "what `hearthside doctor` found", report.as_json(findings, __version__)),
        Entry("configuration.toml", "as `hearthside config` prints it", f"{settings}\n"),
        *await evidence.machine(),
    ]
    known = await evidence.known_secrets(secret_names(patient.settings), patient.given, environment)
    cleaner = Cleaner(known, [evidence.host_mask()])
    return [cleaner.clean(entry) for entry in entries]


def write(path: Path, data: bytes) -> None:
    """Write the whole file or nothing, for one person alone: who called sudo, where somebody did. Raise BundleError."""
    sudo = os.environ.get("SUDO_UID", "") if os.geteuid() == 0 else ""
    try:
        replace_whole(path, data, Owner(int(sudo)) if sudo.isdecimal() else Owner())
    except OSError as error:
        raise BundleError(f"{path} cannot be written: {error.strerror}; name another place with --output") from error
