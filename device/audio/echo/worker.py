"""Runs an echo canceller in a thread of its own while it has work, so that it never keeps the event loop waiting.

Most of its work is done by calls of numpy and of WebRTC's module, during which the event loop can run.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from device.audio.echo.canceller import EchoLevels, HandOn, WebRtcCanceller
from device.kit.threads import Threads

MOST_S = 1.0
"""How long a frame may wait for it. Long before that it is given up (see device/core/strain.py), unless it hangs."""


@dataclass(slots=True)
class _Result:
    """What a frame became, and what was known of the echo then."""

    left: bytes
    levels: tuple[EchoLevels, ...]
    restored: bytes | None
    is_trusted: bool


class EchoWorker:
    """An `EchoRemover`. All methods belong to the event loop's thread.

    Where there is nothing to cancel frames pass at once, without a thread. Frames are handed on in the order in which
    they came, and after an interruption none from before it.
    """

    def __init__(
        self, canceller: WebRtcCanceller, thread: Threads, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`thread`: a single one, of its own."""
        self._canceller = canceller
        self._thread = thread
        self._clock = clock
        self._calls = 0
        """How many were handed to the thread, and are not known to have been made. It alone uses the canceller then."""
        self._waiting: deque[float] = deque()
        """When each frame came that is still to be handed on."""
        self._stream = 0
        """Counts interruptions: what belongs to an earlier stream is not wanted any more."""
        self._newest: _Result | None = None
        """Of the frame that was handed on last, if that was computed in the thread."""

    @property
    def overdue_s(self) -> float:
        """For how long (s) the oldest frame has waited; 0: there is none."""
        return self._clock() - self._waiting[0] if self._waiting else 0.0

    @property
    def is_trusted(self) -> bool:
        """See EchoRemover."""
        return self._canceller.is_trusted if self._newest is None else self._newest.is_trusted

    def levels(self) -> tuple[EchoLevels, ...]:
        """See EchoRemover."""
        return self._canceller.levels() if self._newest is None else self._newest.levels

    def restored(self) -> bytes | None:
        """See EchoRemover."""
        return self._canceller.restored() if self._newest is None else self._newest.restored

    def feed(self, pcm: bytes, moment: float, hand_on: HandOn) -> bool:
        """See EchoRemover."""
        if not self._calls and not self._canceller.has_work(moment):
            self._newest = None
            return self._canceller.feed(pcm, moment, hand_on)
        if self.overdue_s > MOST_S:
            return False
        self._waiting.append(self._clock())
        self._post(partial(self._cancel, pcm, moment, self._stream), partial(self._take, hand_on, self._stream))
        return True

    def interrupt(self) -> None:
        """See EchoRemover."""
        self._stream += 1
        self._waiting.clear()
        self._call_in_turn(self._canceller.interrupt)

    def distrust(self) -> None:
        """See EchoRemover."""
        self._call_in_turn(self._canceller.distrust)

    def _call_in_turn(self, call: Callable[[], None]) -> None:
        """Make it after everything that was handed to the thread before, so that no two threads use the canceller."""
        if self._calls:
            self._post(call, lambda result: None)
        else:
            self._newest = None
            call()

    def _post(self, call: Callable[[], _Result | None], take: Callable[[_Result | None], None]) -> None:
        self._calls += 1
        self._thread.post(partial(self._make, call, take, asyncio.get_running_loop()))

    # In the thread.

    def _make(
        self,
        call: Callable[[], _Result | None],
        take: Callable[[_Result | None], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        result = None
        try:
            result = call()
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._note_made, take, result)

    def _cancel(self, pcm: bytes, moment: float, stream: int) -> _Result | None:
        if stream != self._stream:
            return None
        canceller = self._canceller
        left = canceller.process(pcm, moment)
        return _Result(left, canceller.levels(), canceller.restored(), canceller.is_trusted)

    # On the event loop's.

    def _note_made(self, take: Callable[[_Result | None], None], result: _Result | None) -> None:
        self._calls -= 1
        take(result)

    def _take(self, hand_on: HandOn, stream: int, result: _Result | None) -> None:
        if stream != self._stream:
            return
        self._waiting.popleft()
        if result is not None:
            self._newest = result
            hand_on(result.left)
