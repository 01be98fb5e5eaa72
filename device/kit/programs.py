"""Runs a program of the system for what it prints, for as long as is bearable."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LIMIT_S = 5.0
_LONGEST_OUTPUT = 16 * 1024 * 1024
_PIECE = 65_536
# What a program that was killed may take to be gone.
_LONGEST_DEATH_S = 1.0


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended, and what it printed."""

    code: int
    output: str
    complaint: str


def bare_environment() -> dict[str, str]:
    """Return what a program of others may know of this process's environment: nothing that leads to a secret."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}


async def run(
    *command: str,
    limit_s: float | None = _LIMIT_S,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    apart: bool = False,
    longest: int = _LONGEST_OUTPUT,
) -> Ran | None:
    """Run it, in English; None where there is no such program, it cannot be started, or does not come to an end.

    `limit_s`: None where the caller sets a limit. `environment`: all that it finds there, instead of what this process
    has. `user`: who runs it, which takes the rights of root. `apart`: in a session of its own, so that what it has
    started is killed with it. `longest`: so many bytes are kept of each of its outputs.
    """
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            env={**(os.environ if environment is None else environment), "LC_ALL": "C.UTF-8"},
            start_new_session=apart,
            **_rights(user),
        )
    except (OSError, RuntimeError):  # the latter where no thread can be started to wait for it
        return None
    try:
        async with asyncio.timeout(limit_s):
            output, complaint, code = await asyncio.gather(
                _start_of(process.stdout, longest), _start_of(process.stderr, longest), process.wait()
            )
    except TimeoutError:
        return None
    finally:
        await _end(process, apart)
    return Ran(code, output, complaint)


def _rights(user: str | None) -> dict[str, Any]:
    """Return what makes it another user's process, with the groups of that user only."""
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": os.getgrouplist(user, entry.pw_gid)}


async def _start_of(stream: asyncio.StreamReader | None, longest: int) -> str:
    """Read all of it, and return its first bytes."""
    kept = bytearray()
    while stream is not None and (piece := await stream.read(_PIECE)):
        kept += piece[: longest - len(kept)]
    return kept.decode(errors="replace")


async def _end(process: asyncio.subprocess.Process, apart: bool) -> None:
    """Leave nothing running."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        if apart:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _LONGEST_DEATH_S)
