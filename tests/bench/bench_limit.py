"""Measures with how little memory the whole device gets by: start, wake word, conversations with the echo canceller.

`hearthside run` is in a memory cgroup with a limit, with all that it starts and reads; the sound server, the simulated
room and the provider are outside. Needs root. Run as a program; prints a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import common
import conversing
from memory_group import GroupError, MemoryGroup, forget, limited

LIMITS_MB = (160, 96, 80, 64)
CONVERSATIONS = 3
SETTLE_S = 4.0
LOOK_S = 0.05
FOUND = 300
# All that the device reads itself: what else is needed (Python, ALSA) others have read before.
READ = (common.ROOT / ".venv/lib", common.ROOT / "device", Path(sysconfig.get_path("stdlib")))


@dataclass
class Figures:
    """What became of it within one limit; sizes in MB of 10^6 bytes."""

    peak: float = 0.0
    anonymous: float = 0.0
    resident: float = 0.0
    reached: int = 0
    killed: int = 0
    heard: int = 0

    def cells(self, conversations: int) -> tuple[str, ...]:
        """Return its row of the table, without the limit."""
        sizes = (f"{size:.0f}" for size in (self.peak, self.anonymous, self.resident))
        heard = f"{self.heard} of {conversations}"
        return (*sizes, str(self.reached), str(self.killed), heard)


async def watch(group: MemoryGroup, figures: Figures) -> None:
    """Note the most that is not of files, which the kernel does not count by itself."""
    while True:
        figures.anonymous = max(figures.anonymous, group.anonymous / 1e6)
        await asyncio.sleep(LOOK_S)


async def live(room: conversing.Room, limit_mb: int, conversations: int) -> Figures:
    """Start it, converse, and end it, within a limit."""
    await asyncio.to_thread(forget, READ)
    figures = Figures()
    with limited(limit_mb * 1_000_000) as group:
        watching = asyncio.create_task(watch(group, figures))
        # Whether it gets that far is what is measured.
        with contextlib.suppress(RuntimeError):
            await converse(room, group, figures, conversations)
        watching.cancel()
        figures.peak, figures.reached, figures.killed = group.peak / 1e6, group.reached, group.killed
    return figures


async def converse(room: conversing.Room, group: MemoryGroup, figures: Figures, conversations: int) -> None:
    """Have the conversations, and note which answers were heard. Raise RuntimeError when it does not get that far."""
    with room.card.record_speaker() as speaker, room.device(group.inside) as program:
        await asyncio.sleep(SETTLE_S)
        for _ in range(conversations):
            answered = await room.converse()
            figures.resident = program.memory_peak_mb()
            with contextlib.suppress(LookupError):
                span = common.loud_span(speaker, answered.at - 1, answered.at + conversing.CLOSED_S, FOUND)
                figures.heard += abs(span.heard - conversing.ANSWER_MS / 1000) < 0.1


async def measure(limits: Sequence[int], conversations: int) -> dict[int, Figures]:
    """Measure one limit after the other."""
    with tempfile.TemporaryDirectory(prefix="hearthside-bench-") as folder:
        async with conversing.room(folder) as room:
            return {limit: await live(room, limit, conversations) for limit in limits}


def report(found: dict[int, Figures], conversations: int) -> str:
    """Return the table."""
    head = (
        *("limit, MB", "most, with files read", "most not of files", "resident at most", "reached its limit, times"),
        *("killed", "answers heard"),
    )
    rows = [(str(limit), *of.cells(conversations)) for limit, of in found.items()]
    return common.table(head, rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limits", type=int, nargs="+", default=LIMITS_MB, metavar="MB")
    parser.add_argument("--conversations", type=int, default=CONVERSATIONS)
    parser.add_argument("--write", action="store_true", help="put the table into docs/figures.md")
    options = parser.parse_args()
    try:
        found = asyncio.run(measure(options.limits, options.conversations))
    except GroupError as error:
        sys.exit(f"it cannot be measured here: {error}")
    common.publish("bench_limit", report(found, options.conversations), options.write)


if __name__ == "__main__":
    main()
