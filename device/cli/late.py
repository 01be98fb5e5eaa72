"""Importing the program late: who only asks for help, or gave a wrong configuration, need not wait for it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def imports(interrupted: int = 130) -> Iterator[None]:
    """Around the imports of numpy, onnxruntime and the like. `interrupted`: the exit code after Ctrl-C.

    Who is told to stop meanwhile leaves at once: an exception would come out of an extension module as its ImportError.
    """

    def leave(number: int, frame: object) -> None:
        # Nothing is open yet that would have to be put away.
        os._exit(0 if number == signal.SIGTERM else interrupted)

    before = [(number, signal.signal(number, leave)) for number in (signal.SIGTERM, signal.SIGINT)]
    yield
    for number, handler in before:
        signal.signal(number, handler)
