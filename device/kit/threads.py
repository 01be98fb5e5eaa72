"""The one way to call a library whose calls may block, or never return.

All threads are started with the program. When memory has run out, a thread that is started later may never run, and
`threading.Thread.start` waits for it for ever, in the event loop's own thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from device.errors import HearthsideError, where

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class ThreadError(HearthsideError):
    """No thread can be started."""


class Threads:
    """Threads that make calls in the order in which they are asked for, away from the event loop.

    An executor would wait for a call that hangs when the program ends; these threads do not keep it from ending.
    """

    def __init__(self, name: str, count: int = 1) -> None:
        """Raise ThreadError."""
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        for _ in range(count):
            start(self._run, name)

    async def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Make the call and return its result. When the wait is cancelled the call is made all the same."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        self._calls.put(partial(_answer, loop, answer, partial(function, *arguments)))
        return await answer

    def post(self, function: Callable[[], object]) -> None:
        """Make a call without waiting for it. What it raises is logged."""
        self._calls.put(partial(_logging, function))

    def _run(self) -> None:
        while True:
            self._calls.get()()


def start(run: Callable[[], None], name: str) -> threading.Thread:
    """Start a thread that the end of the program does not wait for. Raise ThreadError."""
    thread = threading.Thread(target=run, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise ThreadError(
            f"the thread {name} cannot be started ({error}); free memory, or allow more tasks (TasksMax)"
        ) from error
    return thread


def _answer(loop: asyncio.AbstractEventLoop, answer: asyncio.Future[Result], call: Callable[[], Result]) -> None:
    try:
        deliver = partial(_settle, answer.set_result, answer, call())
    except Exception as error:  # noqa: BLE001 - it is the caller's, and is raised there
        deliver = partial(_settle, answer.set_exception, answer, error)
    if not loop.is_closed():
        loop.call_soon_threadsafe(deliver)


def _logging(call: Callable[[], object]) -> None:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - nobody waits for it, and the thread has other calls to make
        log.error("%s", where(error))


def _settle(settle: Callable[[Any], None], answer: asyncio.Future[Result], outcome: Any) -> None:
    if not answer.done():
        settle(outcome)


def take_short_turns() -> None:
    """Let a thread that computes give the interpreter's lock away after a millisecond instead of five.

    A thread needs the lock again whenever it comes back from the sound system, the loudspeaker's some six times each
    5 ms. Beside an event loop that computed for 12 of every 20 ms it was up to 9 ms late (19 times of 20; at most 12),
    and now 2 (at most 4); the loop was no slower for it (x86-64).
    """
    sys.setswitchinterval(_TURN_S)


_TURN_S = 0.001


def wait_for_children_without_threads() -> None:
    """Let the kernel tell asyncio when a child process ends. Until Python 3.12 asyncio starts a thread for every child.

    Does nothing before Linux 5.3, where that is the only way.
    """
    if sys.version_info >= (3, 12):
        return
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return
    asyncio.set_child_watcher(asyncio.PidfdChildWatcher())
