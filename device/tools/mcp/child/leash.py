"""Becomes a server's program, which then ends with the process that asked for it, however that ends.

Run by its path, `python -I -S leash.py PARENT PROGRAM ARGUMENT...`: the standard library only.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that this process gets when its parent ends; kept by exec."""


def end_with(parent: int) -> None:
    """Be killed when the parent ends; at once, if it has ended already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def main() -> None:
    """Never returns."""
    end_with(int(sys.argv[1]))
    # The limit is that of the process which asked for it; some programs reserve much more than they use.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
    try:
        os.execv(sys.argv[2], sys.argv[2:])
    except OSError as error:
        sys.exit(f"{sys.argv[2]} cannot be started: {error.strerror}")


if __name__ == "__main__":
    main()
