"""What loading left behind."""

from __future__ import annotations

import asyncio
import ctypes
import os
import subprocess
import sys

import pytest

from device.core.actions import CloseSession, Duck, OpenSession, TurnEnd
from device.kit.threads import Threads
from device.service import heap
from device.service.heap import Tidying, give_back, share_one_heap
from tests.waiting import until

OPEN = OpenSession(1, TurnEnd.PROVIDER)


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


def test_tidying_frees_what_only_refers_to_itself() -> None:
    """And leaves alone what was there when the program had settled. In a process of its own."""
    program = """
import gc, weakref
from device.service.heap import settle, tidy
class Session: pass
def abandoned():
    one, other = Session(), Session()
    one.other, other.one = other, one
    return weakref.ref(one)
early = abandoned()
settle()
gc.disable()
late = abandoned()
tidy()
print(early() is not None, late() is None)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]


@pytest.fixture
def tidied(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """How often it was tidied up, instead of doing it."""
    times: list[None] = []
    monkeypatch.setattr(heap, "tidy", lambda: times.append(None))
    return times


async def test_when_a_session_has_ended_and_it_is_calm_it_is_tidied_up(
    tidied: list[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for each, in a thread; other orders change nothing."""
    monkeypatch.setattr(heap, "CALM_S", 0.01)
    tidying = Tidying(Threads("tidying"))
    for times in (1, 2):
        for what in (OPEN, Duck(), CloseSession(), Duck()):
            tidying.observe(what, None)
        assert len(tidied) == times - 1
        await until(lambda times=times: len(tidied) == times)  # type: ignore[misc]
    await asyncio.sleep(0.05)
    assert len(tidied) == 2


async def test_nothing_is_tidied_up_while_people_talk(tidied: list[None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The next session comes before it was calm for long enough: then only when that has ended."""
    monkeypatch.setattr(heap, "CALM_S", 0.2)
    tidying = Tidying(Threads("tidying"))
    for what in (OPEN, CloseSession(), OPEN):
        tidying.observe(what, None)
    await asyncio.sleep(0.4)
    assert tidied == []
    for what in (CloseSession(), CloseSession()):
        tidying.observe(what, None)
    await until(lambda: tidied)
    await asyncio.sleep(0.3)
    assert len(tidied) == 1
