"""The signals that ask a command to stop, and what they do while it does not handle them itself.

Under `nohup` SIGHUP is ignored, and stays so.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended: 128 + SIGINT, as shells count."""

# A closed terminal (SIGHUP) and Ctrl-\\ (SIGQUIT) mean the same as SIGTERM: a relay may have to be switched off.
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def leave_at_once(interrupted: int = INTERRUPTED, told: int | None = None) -> None:
    """Let every signal end the process where it is: Ctrl-C with the exit code `interrupted`, the others with `told`.

    None is 128 + the signal's number, for what was not finished. Who runs until it is told to stop ends with 0.

    Only while nothing is open that would have to be closed. An exception would be shown as a traceback, or come out of
    an extension module as its ImportError. A Ctrl-C that was blocked until now (by scripts/setup) takes effect.
    """

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        os._exit(interrupted if number == signal.SIGINT else _code(number, told))

    for number in _wanted():
        signal.signal(number, leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def unwind(told: int | None = None) -> None:
    """Let signals raise SystemExit, and Ctrl-C KeyboardInterrupt, so that all that is open is closed.

    `told`: see `leave_at_once`.
    """

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(_code(number, told))

    for number in _wanted():
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else leave)


@contextmanager
def importing(interrupted: int = INTERRUPTED, told: int | None = None) -> Iterator[None]:
    """Let signals end the process at once while large modules are imported, and unwind again afterwards."""
    leave_at_once(interrupted, told)
    yield
    unwind(told)


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


def _code(number: int, told: int | None) -> int:
    return 128 + number if told is None else told
