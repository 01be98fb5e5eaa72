"""A clock and pins that do what the test says."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from device.foreign.gpio import MockBoard


class ManualTimer:
    """A timer of ManualLoop."""

    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        """Do not call."""
        self.cancelled = True


class ManualLoop:
    """The part of an event loop that the panel uses, with a clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.wakeups = 0
        self._queue: list[tuple[float, int, ManualTimer, Callable[[], Any]]] = []
        self._count = 0

    def time(self) -> float:
        """Seconds."""
        return self.now

    def is_closed(self) -> bool:
        """Never."""
        return False

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any) -> None:
        """At once: the tests have one thread."""
        callback(*args)

    def call_later(self, delay: float, callback: Callable[[], Any]) -> ManualTimer:
        """In `delay` seconds."""
        return self.call_at(self.now + delay, callback)

    def call_at(self, when: float, callback: Callable[[], Any]) -> ManualTimer:
        """At `when`."""
        timer = ManualTimer()
        self._count += 1
        heapq.heappush(self._queue, (when, self._count, timer, callback))
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass, calling what falls due."""
        end = self.now + seconds
        while self._queue and self._queue[0][0] <= end:
            when, _, timer, callback = heapq.heappop(self._queue)
            self.now = max(self.now, when)
            if not timer.cancelled:
                self.wakeups += 1
                callback()
        self.now = end


@pytest.fixture
def loop() -> ManualLoop:
    """Return a loop that stands still."""
    return ManualLoop()


@pytest.fixture(params=[True, False], ids=["pwm", "on-off"])
def pwm(request: pytest.FixtureRequest) -> bool:
    """Whether the mock pins can do PWM."""
    return bool(request.param)


@pytest.fixture
def board(pwm: bool) -> Iterator[MockBoard]:
    """Put mock pins in the place of the real ones."""
    board = MockBoard(pwm=pwm)
    yield board
    board.close()
