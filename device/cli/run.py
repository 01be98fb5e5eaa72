"""hearthside run: the daemon, in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from pathlib import Path
from types import ModuleType
from typing import Any

from device import config
from device.service import journal


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("run", help="listen, in the foreground (what the service runs)")
    parser.add_argument("--config", type=Path, metavar="FILE", help=f"default: {config.DEFAULT_PATH}")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    settings = config.load(options.config, options.overrides)
    journal.start(settings.service.log_level)
    asyncio.run(_load_app().serve(settings))
    return 0


def _load_app() -> ModuleType:
    """Import the program, late: a wrong configuration should not have to wait for numpy and onnxruntime.

    Who is told to stop meanwhile leaves at once: an exception would come out of an extension module as its ImportError.
    """
    before = [(number, signal.signal(number, _leave_at_once)) for number in (signal.SIGTERM, signal.SIGINT)]
    from device import app

    for number, handler in before:
        signal.signal(number, handler)
    return app


def _leave_at_once(number: int, frame: object) -> None:
    # Nothing is open yet that would have to be put away.
    os._exit(0 if number == signal.SIGTERM else 130)
