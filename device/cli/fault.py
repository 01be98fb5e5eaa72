"""hearthside fault: what systemd runs while the configuration is wrong."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from device.house import sources
from device.kit import signals
from device.kit.threads import wait_for_children_without_threads
from device.service import dumps, heap, journal

_DESCRIPTION = (
    "Shows on the light, and says aloud once, that the service cannot start because its configuration is wrong. What "
    "can still be read of the configuration says which light and which sound card that is. Runs until it is ended; "
    "systemd does so when the service is started again."
)


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("fault", help="show and say that the service cannot start", description=_DESCRIPTION)
    parser.add_argument("--config", type=Path, metavar="FILE", help=f"default: {sources.DEFAULT_PATH}")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    signals.leave_at_once(told=0)
    dumps.forbid()
    journal.start("info")
    heap.share_one_heap()
    wait_for_children_without_threads()
    from device.house import misconfigured

    asyncio.run(misconfigured.serve(options.config))
    return 0
