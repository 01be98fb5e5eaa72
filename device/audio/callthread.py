"""One thread for a library whose calls may block, or never return."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

Result = TypeVar("Result")


class CallThread:
    """Makes calls one after the other, away from the event loop.

    An executor would wait for a call that hangs when the program ends; this thread does not keep it from ending.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Make the call and return its result. When the wait is cancelled the call is made all the same."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        self._calls.put(partial(_answer, loop, answer, partial(function, *arguments)))
        return await answer

    def _run(self) -> None:
        while True:
            self._calls.get()()


def _answer(loop: asyncio.AbstractEventLoop, answer: asyncio.Future[Result], call: Callable[[], Result]) -> None:
    try:
        deliver = partial(_settle, answer.set_result, answer, call())
    except Exception as error:  # noqa: BLE001 - it is the caller's, and is raised there
        deliver = partial(_settle, answer.set_exception, answer, error)
    if not loop.is_closed():
        loop.call_soon_threadsafe(deliver)


def _settle(settle: Callable[[Any], None], answer: asyncio.Future[Result], outcome: Any) -> None:
    if not answer.done():
        settle(outcome)
