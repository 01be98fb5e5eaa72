"""hearthside run: the daemon, in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device.boards.finding import Board
from device.errors import ConfigError
from device.house import configuration, salvage, sources
from device.house.catalogue import optional_secret_names, secret_names
from device.kit import signals
from device.kit.threads import take_short_turns, wait_for_children_without_threads
from device.secrets import take_secrets, withhold
from device.service import dumps, heap, journal, systemd
from device.service.complaint import Complaint

log = logging.getLogger(__name__)

# A start so soon after that of the system is taken for the power-up; a Zero has come so far after a minute.
_POWERED_UP_S = 180.0


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("run", help="listen, in the foreground (what the service runs)")
    add_configuration(parser)
    # The service is watched by others than who reads the log.
    parser.set_defaults(command=_run, leave_complaint=Complaint().leave)


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """Add --config and --set, for `configuration.load`."""
    parser.add_argument("--config", type=Path, metavar="FILE", help=f"default: {sources.DEFAULT_PATH}")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")


def seconds(most: float) -> Callable[[str], float]:
    """Return the type of an argument in seconds, more than 0 and `most` at most."""

    def _seconds(text: str) -> float:
        number = float(text)
        # Written so, it refuses nan as well, which compares with nothing.
        if not 0 < number <= most:
            raise argparse.ArgumentTypeError(f"more than 0, and {most:g} at most")
        return number

    return _seconds


def _run(options: argparse.Namespace) -> int:
    # Until the house is told of signals there is nothing to put away.
    signals.leave_at_once(told=0)
    dumps.forbid()
    effective = _load(options)
    settings = effective.config
    journal.start(settings.service.log_level)
    log.info("configuration: %s", sources.named(options.config))
    _tell_of_board(effective.board)
    for outdated in sources.outdated(options.config):
        log.warning("%s", outdated)
    # Before anything can start a child, which would inherit it.
    secrets = take_secrets(secret_names(settings), optional_secret_names(settings))
    for secret in secrets.values():
        journal.hide(secret.mask)
    heap.share_one_heap()
    wait_for_children_without_threads()
    take_short_turns()
    _offer_reset(settings)
    from device.house import app

    asyncio.run(app.serve(effective, secrets))
    return 0


def _load(options: argparse.Namespace) -> configuration.Effective:
    """Read the configuration. Where it is wrong, the button that erases it is heard all the same. Raise ConfigError."""
    try:
        return configuration.read(options.config, options.overrides)
    except ConfigError:
        settings = salvage.salvaged(options.config)
        for name in secret_names(settings):
            withhold(name)
        _offer_reset(settings)
        raise


def _tell_of_board(board: Board) -> None:
    if board.is_sure:
        log.info("board: %s", board.said)
    else:
        log.warning("board: %s; %s", board.said, board.to_do)


def _offer_reset(settings: configuration.Config) -> None:
    """See a button through that was held while the device was switched on: see alone/powerup.py."""
    pin = settings.hardware.button.pin
    if pin is None or not systemd.is_service() or time.clock_gettime(time.CLOCK_BOOTTIME) > _POWERED_UP_S:
        return
    wait_for_children_without_threads()
    from device.house.alone import powerup

    powerup.offer_reset(settings, pin)
