"""Whether a machine leaves those alone who work in real time."""

from __future__ import annotations

import time

import pytest

LOOK_S = 0.1
ENOUGH = 0.7
"""What a thread gets of a core, at least, where only work of the lowest priority runs beside it (0.3 beside two
others on two cores)."""
WAITS_S = 60.0
PAUSE_S = 1.0


def wait_for_quiet() -> None:
    """Wait until this thread gets most of a core. Skip the test, and say why, when that takes too long."""
    end = time.monotonic() + WAITS_S
    while (share := _share_of_a_core()) < ENOUGH:
        if time.monotonic() > end:
            pytest.skip(f"failed, and cannot be judged: for {WAITS_S:g} s the machine was busy ({share:.0%} of a core)")
        time.sleep(PAUSE_S)


def _share_of_a_core() -> float:
    began, before = time.perf_counter(), time.thread_time()
    while (worked_s := time.thread_time() - before) < LOOK_S:
        pass
    return worked_s / (time.perf_counter() - began)
