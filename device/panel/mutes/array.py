"""The mute key of a microphone array: asked again and again, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Protocol

from device.core.events import Device, DeviceFailed, DeviceRecovered, Event, MuteHeld, MuteHolder, MuteLetGo
from device.errors import ConfigError, HearthsideError
from device.kit import threads
from device.ports.facts import Post

ASK_S = 0.25
"""Between two questions: the array itself mutes at once, so this is only how soon it is shown."""
RETRY_S = 2.0
"""Between two attempts at an array that does not answer."""
MOST_FAILURES = 3
"""So many in a row are told: a single transfer fails now and then."""
FIRST_LIMIT_S = 1.5
"""How long the start waits for the first answer, or failure. An array that is muted is silent by itself meanwhile."""
_JOIN_S = 0.3


class Array(Protocol):
    """A microphone array that tells of its mute key. Belongs to one thread; its answers may take long."""

    def is_muted(self) -> bool | None:
        """Return whether it is muted now; None: it is busy. Raise HearthsideError."""

    def close(self) -> None:
        """Let it go; it is opened again when it is asked. Harmless when closed."""


class ArrayMute:
    """Posts MuteHeld and MuteLetGo as the array's key is pressed, on the event loop's thread."""

    def __init__(self, array: Array, post: Post, loop: asyncio.AbstractEventLoop) -> None:
        self._array = array
        self._post = post
        self._loop = loop
        self._first = asyncio.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._muted = False
        self._known = False
        """It has answered at least once."""
        self._failures = 0

    async def start(self) -> None:
        """Begin to ask, and wait for the first answer, for a while. Raise ThreadError."""
        self._thread = threads.start(self._run, "array-mute")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LIMIT_S):
                await self._first.wait()

    def close(self) -> None:
        """Ask no more. Waits for the running question, at most 0.3 s."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    def _run(self) -> None:
        with contextlib.closing(self._array):
            while (pause_s := self._ask()) is not None and not self._stop.wait(pause_s):
                pass

    def _ask(self) -> float | None:
        """Return when to ask again; None: never, until a person has changed something."""
        try:
            muted = self._array.is_muted()
        except HearthsideError as error:
            self._array.close()
            return self._note_failure(error)
        if muted is not None:
            self._note_answer(muted)
        return ASK_S

    def _note_answer(self, muted: bool) -> None:
        if self._failures >= MOST_FAILURES:
            self._tell(DeviceRecovered(Device.MUTE_SWITCH))
        self._failures = 0
        if muted is not self._muted:
            self._muted = muted
            held = MuteHeld(MuteHolder.ARRAY, moved=self._known)
            self._tell(held if muted else MuteLetGo(MuteHolder.ARRAY))
        self._known = True
        self._cross_over(self._first.set)

    def _note_failure(self, error: HearthsideError) -> float | None:
        self._failures = MOST_FAILURES if isinstance(error, ConfigError) else self._failures + 1
        if self._failures == MOST_FAILURES:
            self._tell(DeviceFailed(Device.MUTE_SWITCH, f"the microphone array's mute key cannot be read: {error}"))
        self._cross_over(self._first.set)
        return None if isinstance(error, ConfigError) else RETRY_S

    def _tell(self, fact: Event) -> None:
        self._cross_over(lambda: self._post(fact))

    def _cross_over(self, call: Callable[[], object]) -> None:
        # The loop may end while the array keeps us waiting.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call)
