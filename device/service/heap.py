"""Keeps the process small, through calls of glibc that Python does not offer; another C library is left alone."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
from functools import partial

from device.core.actions import CloseSession, OpenSession
from device.kit.threads import Threads

# M_ARENA_MAX of glibc's malloc.h.
_ARENA_MAX = -8

# By then the loudspeaker is closed, too (device/audio/mouth/standby.py).
CALM_S = 30.0


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


def settle() -> None:
    """Call it when all is loaded that stays: the garbage collector does not look at that again, nor free any of it.

    From then on a whole collection takes less than a millisecond instead of 24 (on a desktop), in which every thread of
    Python stands still.
    """
    gc.freeze()
    give_back()


def tidy() -> None:
    """Free and give back what a conversation has left behind; after `settle` in a millisecond.

    Half a megabyte of each encrypted session lies in cycles, which the garbage collector does not look for before it
    has seen thousands of new objects.
    """
    gc.collect()
    give_back()


def give_back() -> None:
    """Return to the system what has been freed: after loading libraries and models 1 MB, after a conversation 2.

    It takes half a millisecond on a desktop, in which nobody else can have memory. Telling glibc (mallopt) to return
    memory at once saves nothing more.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class Tidying:
    """Tidies up when a conversation has ended and it has been calm for CALM_S. An observer of the controller.

    Without it the idle daemon's memory is 2 MB larger after the first conversation, and 4 after ten.
    """

    def __init__(self, threads: Threads) -> None:
        """It is done in one of `threads`."""
        self._threads = threads
        self._timer: asyncio.TimerHandle | None = None

    def observe(self, what: object, status: object) -> None:
        """Take in a fact or an order."""
        if isinstance(what, OpenSession | CloseSession) and self._timer is not None:
            self._timer.cancel()
        if isinstance(what, CloseSession):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(CALM_S, partial(self._threads.post, tidy))
