"""Keeps the process small, through calls of glibc that Python does not offer; another C library is left alone."""

from __future__ import annotations

import ctypes
import os

# M_ARENA_MAX of glibc's malloc.h.
_ARENA_MAX = -8


def share_one_heap() -> None:
    """Call it before threads are started and before numpy is imported.

    glibc gives each thread a heap of its own, and what one has freed the others cannot use; Python's lock has them take
    turns anyhow. One heap takes 2 of the idle daemon's 52 MB (PSS). numpy's linear algebra, of which nothing large is
    asked, gets by without threads that wait for work in a loop.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Return to the system what loading libraries and models has left behind.

    With glibc 2.36 on x86-64 it takes 1 MB of the idle daemon's 47. Telling glibc (mallopt) to return memory at once
    saves nothing more.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
