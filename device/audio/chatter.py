"""Keeps the sound libraries from writing to stderr: they probe devices that need not exist, and report each one."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

# What PortAudio, ALSA and JACK begin their lines with. Everything else on stderr is ours or a real surprise.
CHATTER = (b"Expression '", b"ALSA lib", b"jack", b"Jack", b"Cannot connect to server")
STDERR = 2


def silence_handlers() -> None:
    """Give ALSA and JACK error handlers that do nothing, for as long as the process lives.

    The handler is a function of the C library that ignores its arguments: one of Python's would need the GIL in
    the sound card's thread. A library that is not installed has nothing to say.
    """
    # PortAudio would have JACK start a server, which costs 0.1 s and never works under a service.
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    ignore = ctypes.cast(ctypes.CDLL(None).getppid, ctypes.c_void_p)
    setters = [("libasound.so.2", "snd_lib_error_set_handler")]
    setters += [("libjack.so.0", f"jack_set_{kind}_function") for kind in ("error", "info")]
    for library, setter in setters:
        try:
            getattr(ctypes.CDLL(library), setter)(ignore)
        except (OSError, AttributeError):
            continue


@contextmanager
def hushed() -> Iterator[None]:
    """Hold stderr back for as long as a stream is opened; afterwards write out what was not chatter."""
    held = os.memfd_create("stderr")
    stderr = os.dup(STDERR)
    os.dup2(held, STDERR)
    try:
        yield
    finally:
        os.dup2(stderr, STDERR)
        _write_out(held, stderr)
        os.close(held)
        os.close(stderr)


def _write_out(held: int, stderr: int) -> None:
    text = os.pread(held, os.fstat(held).st_size, 0)
    kept = [line for line in text.splitlines(keepends=True) if not line.startswith(CHATTER)]
    if kept:
        os.write(stderr, b"".join(kept))
