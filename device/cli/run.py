"""hearthside run: the daemon, in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import logging
from pathlib import Path
from typing import Any

from device.house import configuration, sources
from device.house.catalogue import secret_names
from device.kit import signals
from device.kit.threads import wait_for_children_without_threads
from device.secrets import take_secret
from device.service import dumps, heap, journal
from device.service.complaint import Complaint

log = logging.getLogger(__name__)


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


def _run(options: argparse.Namespace) -> int:
    # Until the house is told of signals there is nothing to put away.
    signals.leave_at_once()
    dumps.forbid()
    settings = configuration.load(options.config, options.overrides)
    journal.start(settings.service.log_level)
    log.info("configuration: %s", sources.named(options.config))
    # Before anything can start a child, which would inherit it.
    secrets = {name: take_secret(name) for name in secret_names(settings)}
    for secret in secrets.values():
        journal.hide(secret.mask)
    heap.share_one_heap()
    wait_for_children_without_threads()
    from device.house import app

    asyncio.run(app.serve(settings, secrets))
    return 0
