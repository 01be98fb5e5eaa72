"""Runs a program of the system for what it prints, for as long as is bearable."""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass

_LIMIT_S = 5.0
# What a program that was killed may take to be gone.
_LONGEST_DEATH_S = 1.0


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended, and what it printed."""

    code: int
    output: str
    complaint: str


async def run(*command: str, limit_s: float = _LIMIT_S) -> Ran | None:
    """Run it, in English; None where there is no such program, it cannot be started, or does not come to an end."""
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    except (OSError, RuntimeError):  # the latter where no thread can be started to wait for it
        return None
    try:
        async with asyncio.timeout(limit_s):
            output, complaint = await process.communicate()
    except TimeoutError:
        return None
    finally:
        await _end(process)
    return Ran(process.returncode or 0, output.decode(errors="replace"), complaint.decode(errors="replace"))


async def _end(process: asyncio.subprocess.Process) -> None:
    """Leave nothing running."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _LONGEST_DEATH_S)
