"""A group of processes that together may have only so much memory: a memory cgroup of Linux, version 1 or 2.

What they read from files counts, too, as far as nobody outside of the group has read it before. The kernel drops that
first when the group reaches its limit; when that is not enough it kills.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

ROOT = Path("/sys/fs/cgroup")
# A shell moves itself into the group, and becomes the program.
_MOVED = 'echo $$ > "$1" && shift && exec "$@"'


class GroupError(Exception):
    """Here no group can be made: the message says why."""


class Names(NamedTuple):
    """The files of a version, and what is looked for in them."""

    limit: str
    peak: str
    anonymous: str
    reached: tuple[str, str]
    killed: str


_FIRST = Names(
    "memory.limit_in_bytes", "memory.max_usage_in_bytes", "total_rss", ("memory.failcnt", ""), "memory.oom_control"
)
_SECOND = Names("memory.max", "memory.peak", "anon", ("memory.events", "max"), "memory.events")


@dataclass(frozen=True)
class MemoryGroup:
    """A group, and what became of it. Sizes are in bytes."""

    folder: Path
    names: Names

    @property
    def inside(self) -> tuple[str, ...]:
        """The command that starts a program in the group."""
        return ("sh", "-c", _MOVED, "sh", str(self.folder / "cgroup.procs"))

    @property
    def peak(self) -> int:
        """The most that it ever had, with what was read from files."""
        return self._number(self.names.peak)

    @property
    def anonymous(self) -> int:
        """What it has now that is not from files: the kernel cannot drop it."""
        return self._number("memory.stat", self.names.anonymous)

    @property
    def reached(self) -> int:
        """How often it has reached its limit."""
        return self._number(*self.names.reached)

    @property
    def killed(self) -> int:
        """How many of its processes the kernel has killed because that was not enough."""
        return self._number(self.names.killed, "oom_kill")

    def _number(self, file: str, name: str = "") -> int:
        text = (self.folder / file).read_text(encoding="ascii")
        found = re.search(rf"^{name} ?(\d+)$", text, re.MULTILINE)
        assert found is not None, f"{file} says nothing of {name}: {text}"
        return int(found[1])


@contextlib.contextmanager
def limited(limit: int, root: Path = ROOT) -> Iterator[MemoryGroup]:
    """Make a group that may have `limit` bytes. Raise GroupError where there can be none."""
    first = (root / "memory" / _FIRST.limit).exists()
    group = MemoryGroup(
        (root / "memory" if first else root) / f"hearthside-{os.getpid()}", _FIRST if first else _SECOND
    )
    if not first and "memory" not in _read(root / "cgroup.subtree_control").split():
        raise GroupError("the kernel has no memory controller here (cgroup_disable=memory?), or it is not switched on")
    try:
        group.folder.mkdir()
    except OSError as error:
        raise GroupError(f"no group can be made: {error.strerror}; be root, outside of a container") from error
    try:
        (group.folder / group.names.limit).write_text(str(limit), encoding="ascii")
        if not first:
            (group.folder / "memory.swap.max").write_text("0", encoding="ascii")
        yield group
    finally:
        group.folder.rmdir()


def forget(folders: Iterable[Path]) -> None:
    """Ask the kernel to forget what it has read of all files in some folders, for the next reader to pay for it.

    It keeps what a program still uses as code.
    """
    for file in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        with contextlib.suppress(OSError), file.open("rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
