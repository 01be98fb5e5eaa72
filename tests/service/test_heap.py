"""What loading left behind."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from device.service.heap import give_back, share_one_heap


def test_memory_is_given_back() -> None:
    """What was freed below something that is still used goes back to the system. It can be done more than once."""
    program = """
import re
from device.service.heap import give_back
def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1])
held = [bytearray(b"x" * 10_000) for _ in range(5000)]
del held[:-1]
before = resident()
give_back()
give_back()
print(before - resident())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert int(done.stdout) > 40_000


def test_another_c_library_keeps_house_in_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without mallopt and malloc_trim nothing happens."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    share_one_heap()
    give_back()


def test_threads_share_one_heap() -> None:
    """What another thread allocates lies in the heap of the first. In a process of its own: it cannot be undone."""
    program = """
import concurrent.futures, re, sys
from device.service.heap import share_one_heap
if sys.argv[1:]:
    share_one_heap()
with concurrent.futures.ThreadPoolExecutor() as pool:
    held = pool.submit(lambda: [bytearray(3000) for _ in range(1000)]).result()
heap = re.search(r"Rss: +(\\d+)", open("/proc/self/smaps").read().partition("[heap]")[2])
print(int(heap[1]))
"""
    sizes = [
        int(subprocess.run([sys.executable, "-c", program, *way], capture_output=True, check=True).stdout)
        for way in ([], ["share"])
    ]
    assert sizes[1] > sizes[0] + 2000


def test_who_chose_the_number_of_threads_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """numpy's linear algebra uses one by default."""
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "4")
    share_one_heap()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "4"
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    share_one_heap()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
