"""No core dumps."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path


def test_a_crash_leaves_no_core(tmp_path: Path) -> None:
    """Even where the person's shell allows one; no memory is shown to a handler of crashes either."""
    program = """
import os, pathlib
from device.service import dumps
dumps.forbid()
assert int(pathlib.Path("/proc/self/coredump_filter").read_text(), 16) == 0
os.abort()
"""
    crashing = os.fork()
    if not crashing:
        os.chdir(tmp_path)
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        os.execv(sys.executable, [sys.executable, "-c", program])
    _, status = os.waitpid(crashing, 0)
    assert os.WIFSIGNALED(status)
    assert not os.WCOREDUMP(status)
    assert list(tmp_path.iterdir()) == []
