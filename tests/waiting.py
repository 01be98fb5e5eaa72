"""Waiting for what nothing announces: with a limit, and a word on what did not come about."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

LIMIT_S = 20.0
"""For whatever must happen: generous, as the machine may be busy."""
FIRST_LOOK_S, LONGEST_S = 0.001, 0.02
"""Between two looks: soon for what takes a moment, and not often for what takes long."""


async def until(condition: Callable[[], object], what: str = "what is waited for", limit_s: float = LIMIT_S) -> None:
    """Wait until a condition holds. Raise AssertionError when it does not within the limit."""
    for pause_s in _pauses(condition, what, limit_s):
        await asyncio.sleep(pause_s)


def block_until(condition: Callable[[], object], what: str = "what is waited for", limit_s: float = LIMIT_S) -> None:
    """Do the same without an event loop."""
    for pause_s in _pauses(condition, what, limit_s):
        time.sleep(pause_s)


def _pauses(condition: Callable[[], object], what: str, limit_s: float) -> Iterator[float]:
    end, pause_s = time.monotonic() + limit_s, FIRST_LOOK_S
    while not condition():
        assert time.monotonic() < end, f"{what} did not come about within {limit_s:g} s"
        yield pause_s
        pause_s = min(2 * pause_s, LONGEST_S)
