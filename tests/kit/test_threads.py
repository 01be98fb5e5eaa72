"""Threads that are there from the start, and calls that may block."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator

import pytest

from device.audio.cards import line, portaudio
from device.audio.cards.microphone import AlsaMicrophone
from device.audio.cards.portaudio import SoundCards
from device.audio.settings import Audio
from device.kit.threads import ThreadError, Threads, take_short_turns, wait_for_children_without_threads


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a hanging call waits for; opened in the end."""
    gate = threading.Event()
    yield gate
    gate.set()


async def test_a_call_returns_its_result() -> None:
    """From one thread, always the same."""
    calls = Threads("portaudio")
    threads = {await calls.call(threading.get_ident) for _ in range(3)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_a_thread_that_computes_keeps_the_lock_for_a_millisecond() -> None:
    """And not for the interpreter's usual five."""
    usual = sys.getswitchinterval()
    try:
        take_short_turns()
        assert sys.getswitchinterval() == pytest.approx(0.001)
    finally:
        sys.setswitchinterval(usual)


async def test_an_error_is_raised_where_the_call_was_made() -> None:
    """And the thread lives on."""
    calls = Threads("portaudio")
    with pytest.raises(ZeroDivisionError):
        await calls.call(lambda: 1 / 0)
    assert await calls.call(int, "7") == 7


async def test_a_call_that_hangs_does_not_stop_the_loop(gate: threading.Event) -> None:
    """The wait can be given up; later calls are made once it ends."""
    calls = Threads("portaudio")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(calls.call(gate.wait), 0.05)
    later = asyncio.create_task(calls.call(int, "7"))
    gate.set()
    assert await later == 7


async def test_sound_cards_close_though_portaudio_hangs(gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program must be able to end."""
    for module in (portaudio, line):
        monkeypatch.setattr(module, "HANG_S", 0.05)
    cards = SoundCards(Audio(), lambda event: None)
    microphone = AlsaMicrophone(cards, lambda frame, moment: None)
    hanging = asyncio.create_task(cards.call(gate.wait))
    await asyncio.sleep(0)
    await microphone.close()
    await cards.close()
    hanging.cancel()


async def test_calls_that_hang_leave_the_other_threads(gate: threading.Event) -> None:
    """Three names that nobody resolves hold up the fourth, not the second."""
    calls = Threads("link", 2)
    hanging = asyncio.create_task(calls.call(gate.wait))
    await asyncio.sleep(0)
    assert await calls.call(int, "7") == 7
    gate.set()
    await hanging


async def test_nobody_minds_what_a_posted_call_raises() -> None:
    """The thread lives on."""
    calls = Threads("link")
    calls.post(lambda: 1 / 0)
    assert await calls.call(int, "7") == 7


def test_a_thread_that_cannot_be_started_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start of the program, where somebody looks."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(ThreadError, match=r"link cannot be started .*TasksMax"):
        Threads("link")


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="asyncio does so by itself")
def test_no_thread_waits_for_a_child() -> None:
    """The kernel tells of its end."""
    before = asyncio.get_child_watcher()
    try:
        wait_for_children_without_threads()

        async def run() -> int:
            child = await asyncio.create_subprocess_exec("true")
            assert not any("waitpid" in thread.name for thread in threading.enumerate())
            return await child.wait()

        assert asyncio.run(run()) == 0
        assert isinstance(asyncio.get_child_watcher(), asyncio.PidfdChildWatcher)
    finally:
        asyncio.set_child_watcher(before)
