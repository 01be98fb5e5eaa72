"""hearthside run: the daemon, in the foreground."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
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
    # Late: a wrong configuration should not have to wait for numpy and onnxruntime.
    from device import app

    asyncio.run(app.serve(settings))
    return 0
