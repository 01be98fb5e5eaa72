"""Cutting the power: what a disk may hold afterwards, of all that a process had asked it to do until then.

`strace` writes down what a process asks of the kernel. A disk that loses its power holds all that was synced, and of
the rest any part, in any order: each write (torn in its middle, too), each change of a file's length, each entry of the
folder that appears or goes. So the process is run once, and its disk is built as it may be after each call.

This is more than most file systems would do, and as much as POSIX allows.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CALLS = "openat,pwrite64,write,fsync,fdatasync,ftruncate,unlink,unlinkat,rename,close"
SECTOR = 512
_LINE = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)")


@dataclass(frozen=True)
class Call:
    """One that succeeded: a change of a file or of the folder, a sync, or what the process said to have done."""

    kind: str
    file: str = ""
    at: int = 0
    data: bytes = b""


@dataclass
class Disk:
    """What is certain to be on it, and what was asked for since. Files are bytes by name."""

    certain: dict[str, bytes] = field(default_factory=dict)
    asked: list[Call] = field(default_factory=list)

    def do(self, call: Call) -> None:
        """Take a call."""
        if call.kind == "sync folder":
            self._settle(lambda other: other.kind in ("create", "unlink"))
        elif call.kind == "sync":
            # A file that is synced has its name, too, on Linux' file systems.
            mine = ("write", "truncate", "create")
            self._settle(lambda other: other.file == call.file and other.kind in mine)
        else:
            self.asked.append(call)

    def after_a_cut(self, chance: random.Random) -> dict[str, bytes]:
        """Return what may be on it."""
        files = dict(self.certain)
        share = chance.choice((0.0, 0.5, 0.5, 1.0))
        for call in self.asked:
            if chance.random() < share or share == 1.0:
                _apply(files, call, chance if share < 1.0 else None)
        return files

    def _settle(self, is_synced: object) -> None:
        assert callable(is_synced)
        for call in self.asked:
            if is_synced(call):
                _apply(self.certain, call, None)
        self.asked = [call for call in self.asked if not is_synced(call)]


def _apply(files: dict[str, bytes], call: Call, chance: random.Random | None) -> None:
    before = files.get(call.file)
    if call.kind == "create":
        files.setdefault(call.file, b"")
    elif call.kind == "unlink":
        files.pop(call.file, None)
    elif before is not None and call.kind == "truncate":
        files[call.file] = before[: call.at].ljust(call.at, b"\0")
    elif before is not None and call.kind == "write":
        data = call.data
        if chance is not None and len(data) > SECTOR:
            data = data[: chance.randrange(0, len(data) + 1, SECTOR)]
        files[call.file] = before[: call.at].ljust(call.at, b"\0") + data + before[call.at + len(data) :]


def traced(folder: Path, states: int, *modes: str) -> list[Call]:
    """Return the calls of a writer that writes so many states into the folder."""
    log = folder.with_suffix(".strace")
    writer = [sys.executable, "-m", "tests.tools.timers.writer", str(folder), str(states), *modes]
    strace = shutil.which("strace")
    assert strace is not None
    command = [strace, "-f", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-o", str(log), *writer]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return list(_calls(log.read_text(), folder))


def _calls(log: str, folder: Path) -> Iterator[Call]:
    names: dict[int, str] = {}
    known: set[str] = set()
    for line in log.splitlines():
        found = _LINE.match(line)
        if found is None or int(found[3]) < 0:
            continue
        name, result = found[1], int(found[3])
        arguments = [_unquoted(part) for part in found[2].split(", ")]
        yield from _understood(name, arguments, result, folder, names, known)


def _understood(
    name: str, arguments: list[bytes], result: int, folder: Path, names: dict[int, str], known: set[str]
) -> Iterator[Call]:
    if name == "openat":
        path = Path(arguments[1].decode())
        names.pop(result, None)
        if path == folder or path.parent == folder:
            names[result] = "" if path == folder else path.name
            if b"O_CREAT" in arguments[2] and path.name not in known:
                known.add(path.name)
                yield Call("create", path.name)
    elif name == "unlink":
        path = Path(arguments[0].decode())
        if path.parent == folder:
            known.discard(path.name)
            yield Call("unlink", path.name)
    elif name == "write" and arguments[0] == b"1":
        yield Call("said", data=arguments[1])
    elif (number := int(arguments[0])) in names:
        file = names[number]
        if name == "close":
            del names[number]
        elif name in ("fsync", "fdatasync"):
            yield Call("sync", file) if file else Call("sync folder")
        elif name == "pwrite64":
            yield Call("write", file, int(arguments[3]), arguments[1])
        elif name == "ftruncate":
            yield Call("truncate", file, int(arguments[1]))
        elif name == "write":
            raise AssertionError("a write whose place is not known")


def _unquoted(text: str) -> bytes:
    """Return an argument: a string that strace wrote in hexadecimal, or anything else as it stands."""
    if not text.startswith('"'):
        return text.encode()
    return bytes.fromhex(text.strip('"').replace("\\x", ""))
