"""hearthside doctor: looks at everything that the device needs, and says what is wrong and what to do."""

from __future__ import annotations

import argparse
import asyncio
import shutil
from typing import Any

from device import __version__
from device.cli.run import add_configuration
from device.house import sources
from device.kit import signals
from device.service import journal

_DESCRIPTION = (
    "Looks at the configuration, the service, the machine, the network, the key, the pins and the sound card, and says "
    "the wake word to hear whether it hears itself. While the service runs, what it has in use is left alone. "
    "Exit code: 0 when nothing is wrong, 78 when the configuration, a key or a model is, 1 otherwise."
)


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("doctor", help="look for what is wrong, and say what to do", description=_DESCRIPTION)
    parser.add_argument("--json", action="store_true", help="for programs: everything at the end, as JSON")
    parser.add_argument("--silent", action="store_true", help="play no sound: leave out the self-test")
    add_configuration(parser)
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    journal.start("error")
    with signals.importing():
        from device.setup.doctor import report
        from device.setup.doctor.check import examine
        from device.setup.doctor.checks import GROUPS
        from device.setup.doctor.finding import Finding, exit_code
        from device.setup.doctor.patient import admit
    patient = admit(options.config, options.overrides, plays=not options.silent)
    findings: list[Finding] = []

    def tell(finding: Finding) -> None:
        findings.append(finding)
        if not options.json:
            print("\n".join(report.lines(finding, shutil.get_terminal_size().columns)), flush=True)

    if not options.json:
        print(f"Hearthside {__version__}, {sources.named(options.config)}\n", flush=True)
    asyncio.run(examine(GROUPS, patient, tell))
    print(report.as_json(findings, __version__) if options.json else f"\n{report.summary(findings)}")
    return exit_code(findings)
