"""Keeps the memory of this process, with its key and what people say, out of core dumps."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path

_FILTER = Path("/proc/self/coredump_filter")


def forbid() -> None:
    """Write no core file, in this process and its children, and leave memory out of what a crash handler is piped.

    A handler such as systemd-coredump is told of the limit but may dump all the same; what the filter of core(5) leaves
    out it never gets. Not PR_SET_DUMPABLE: /proc/self would belong to root, and PipeWire, which looks into the /proc
    of its clients, may refuse them sound.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Without /proc there is no filter.
    with contextlib.suppress(OSError):
        _FILTER.write_text("0")
