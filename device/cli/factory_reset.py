"""hearthside factory-reset: back to the first start."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from typing import Any

from device.errors import ConfigError, SetupError
from device.house import salvage
from device.house.configuration import Hardware
from device.kit import programs
from device.setup import factoryreset
from device.setup.factoryreset import Places

_DESCRIPTION = (
    "Erases what this speaker has learned and been told: its configuration but for the board, its keys and tokens, and "
    "all that it remembers, also that it was muted. Releases of Hearthside stay, and so do the system, its users and "
    "its networks."
)
_UNIT = "hearthside-factory-reset.service"
# All that would start it, or speak, while it is being emptied.
_RUNNING = ("hearthside-retry.path", "hearthside-retry.timer", "hearthside-fault.service", "hearthside.service")
# hearthside.service is stopped and started in it.
_LIMIT_S = 120.0


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("factory-reset", help="erase settings, keys and state", description=_DESCRIPTION)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    # What the unit runs, so that it is done in one way, whoever asks for it.
    parser.add_argument("--carry-out", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    if os.geteuid() != 0:
        raise SetupError("only root can erase the keys; run it with sudo")
    if options.carry_out:
        return asyncio.run(_carry_out(Places()))
    if not options.yes:
        _confirm()
    factoryreset.ask_for(Places())
    return asyncio.run(_hand_over())


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise SetupError("there is nobody to ask whether that is meant; add --yes")
    print(_DESCRIPTION, file=sys.stderr)
    if input("Erase it? Write yes: ").strip() != "yes":
        raise SetupError("nothing was erased")


async def _hand_over() -> int:
    ran = await programs.run("systemctl", "start", _UNIT, limit_s=_LIMIT_S)
    if ran is None or ran.code:
        raise SetupError(f"it was not carried out: journalctl -u {_UNIT} says why; it is tried again at the next start")
    print("erased; hearthside setup asks for what is needed now")
    return 0


async def _carry_out(places: Places) -> int:
    if not places.mark.exists():
        return 0
    await programs.run("systemctl", "stop", *_RUNNING, limit_s=_LIMIT_S)
    factoryreset.carry_out(places, _profile())
    print("state, secrets and configuration are erased")
    await programs.run("systemctl", "start", "--no-block", "hearthside.service")
    return 0


def _profile() -> str:
    """Return which board is soldered on, also from a configuration that is wrong elsewhere."""
    try:
        return salvage.salvaged(None).hardware.profile
    except ConfigError:
        return Hardware().profile
