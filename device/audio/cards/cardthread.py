"""What a sound card's own thread does for itself, once, in its first callback."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import threading

# What PulseAudio and PipeWire give their own threads.
SPEAKER_NICE = -11
SPEAKER_PRIORITY = 5


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
    """Put this thread before others, where that is allowed (LimitRTPRIO or LimitNICE of the service): 20 ms are short.

    Only a thread of the card's: every thread that the program's first one starts later would inherit its priority.
    """
    thread = threading.get_native_id()
    if thread == os.getpid() or _become_realtime(thread):
        return
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread, SPEAKER_NICE)


def _become_realtime(thread: int) -> bool:
    """Run before everything that is not in real time; only by a limit that was set for it, not by the power of root."""
    soft, _ = resource.getrlimit(resource.RLIMIT_RTPRIO)
    # Most machines have a limit of 0; -1 is no limit at all.
    if 0 <= soft < SPEAKER_PRIORITY:
        return False
    try:
        # What it starts shall not inherit it.
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(thread, policy, os.sched_param(SPEAKER_PRIORITY))
    except OSError:
        return False
    return True
