"""Being told to stop: which signals mean it, and what they do while a command has no way of its own to end.

`nohup` wants SIGHUP to be ignored, and has it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
"""The exit code of who was ended by Ctrl-C: 128 + SIGINT, as shells count."""

# A terminal that is closed and Ctrl-\\ end a program that may have switched a relay on: they mean what SIGTERM means.
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def leave_at_once(interrupted: int = INTERRUPTED) -> None:
    """Let every signal end the process where it is; SIGTERM and its kind with code 0, Ctrl-C with `interrupted`.

    For as long as nothing is open that would have to be put away. An exception would be shown as a traceback, or come
    out of an extension module as its ImportError. A Ctrl-C that was held back until now (scripts/setup) counts.
    """

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        os._exit(interrupted if number == signal.SIGINT else 0)

    for number in _wanted():
        signal.signal(number, leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def unwind() -> None:
    """Let signals raise what puts away all that is open: SystemExit, and KeyboardInterrupt for Ctrl-C."""
    for number in _wanted():
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else _exit)


@contextmanager
def importing(interrupted: int = INTERRUPTED) -> Iterator[None]:
    """Around the imports of numpy and the like by a command that unwinds otherwise: they can be left at once."""
    leave_at_once(interrupted)
    yield
    unwind()


@contextmanager
def told(stop: Callable[[], object]) -> Iterator[None]:
    """Call `stop`, on the running event loop, at every signal; afterwards signals do what they did before."""
    import asyncio  # late: this module is the first that is imported

    loop = asyncio.get_running_loop()
    before = [(number, signal.getsignal(number)) for number in _wanted()]
    for number, _ in before:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number, handler in before:
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


def _wanted() -> list[signal.Signals]:
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [signal.SIGINT, *(number for number in _ENDING if not (number is signal.SIGHUP and ignored))]


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
