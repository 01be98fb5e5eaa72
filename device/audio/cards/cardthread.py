"""What a sound card's own thread does for itself, once, in its first callback."""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading

SPEAKER_NICE = -11  # what PulseAudio and PipeWire give their own threads


def keep_thread_state() -> int:
    """Let Python keep what it knows of this thread, which PyAudio would have it build up and take down at every block.

    It takes a third off the callback's time (0.38 to 0.25 % of an x86 core with blocks of 20 ms, six streams at once).
    Return what `let_thread_state_go` wants in the last callback; without that some kilobytes remain when it ends.
    """
    return int(ctypes.pythonapi.PyGILState_Ensure())


def let_thread_state_go(kept: int) -> None:
    """Leave it to PyAudio again."""
    ctypes.pythonapi.PyGILState_Release(kept)


def hurry() -> None:
    """Put this thread before others, where that is allowed (root, or LimitNICE of the service): 20 ms are short.

    Only a thread of the card's: every thread that the program's first one starts later would inherit its priority.
    """
    thread = threading.get_native_id()
    if thread == os.getpid():
        return
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread, SPEAKER_NICE)
