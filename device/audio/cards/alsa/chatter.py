"""Keeps the sound libraries from writing to stderr: they probe devices that need not exist, and report each one.

The C library's `stderr` is led through a filter; file descriptor 2, which Python and every log line use, is not
touched: whatever a library does, and however long it hangs, our own words get through.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
from collections.abc import Iterator
from functools import cache, partial

from device.kit import threads

# What PortAudio, ALSA, JACK and PulseAudio begin their lines with. Everything else may be a real surprise.
CHATTER = (b"Expression '", b"ALSA lib", b"jack", b"Jack", b"Cannot connect to server", b"PulseAudio:")
STDERR = 2
ALSA = "libasound.so.2"
# snd_local_error_handler_t of alsa/error.h: file, line, function, errno, format, its values.
_HANDLER = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p
)
_LONGEST_WORDS = 500
_LINE_BUFFERED = 1  # _IOLBF


@cache
def silence_libraries() -> None:
    """Do it once, for as long as the process lives. ALSA's and JACK's error handlers become ones that do nothing.

    The handler is a function of the C library that ignores its arguments: one of Python's would need the GIL in
    the sound card's thread. A library that is not installed has nothing to say.
    """
    # PortAudio would have JACK start a server, which costs 0.1 s and never works under a service.
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    setters = [(ALSA, "snd_lib_error_set_handler")]
    setters += [("libjack.so.0", f"jack_set_{kind}_function") for kind in ("error", "info")]
    for library, setter in setters:
        with contextlib.suppress(OSError, AttributeError):
            getattr(ctypes.CDLL(library), setter)(_ignore())
    # Elsewhere `stderr` is a constant.
    if platform.libc_ver()[0] == "glibc":
        _filter_stderr()


@contextlib.contextmanager
def hear_alsa() -> Iterator[list[str]]:
    """Collect what ALSA complains of in this thread meanwhile, each thing once; nothing where it cannot be had."""
    silence_libraries()
    said: list[str] = []
    try:
        library = ctypes.CDLL(ALSA)
        set_local = library.snd_lib_error_set_local
    except (OSError, AttributeError):
        yield said
        return
    set_local.restype = ctypes.c_void_p
    handler = _HANDLER(lambda file, line, function, error, form, values: _note(said, form, values))
    # ALSA's own handler asks for a thread's one; what it writes for others is kept from stderr all the same.
    library.snd_lib_error_set_handler(None)
    before = set_local(handler)
    try:
        yield said
    finally:
        set_local(ctypes.c_void_p(before))
        library.snd_lib_error_set_handler(_ignore())


def _note(said: list[str], form: bytes, values: int) -> None:
    """Put the message together as C would: `values` is a va_list, which all of Linux's machines pass in a pointer."""
    text = ctypes.create_string_buffer(_LONGEST_WORDS)
    ctypes.CDLL(None).vsnprintf(text, ctypes.c_size_t(_LONGEST_WORDS), form, ctypes.c_void_p(values))
    words = text.value.decode(errors="replace").strip()
    if words and words not in said:
        said.append(words)


def _ignore() -> ctypes.c_void_p:
    return ctypes.cast(ctypes.CDLL(None).getppid, ctypes.c_void_p)


def _filter_stderr() -> None:
    """Point the C library's `stderr` to a pipe, and begin to read it."""
    library = ctypes.CDLL(None)
    source, drain = os.pipe()
    library.fdopen.restype = ctypes.c_void_p
    stream = library.fdopen(drain, b"w")
    library.setvbuf(ctypes.c_void_p(stream), None, _LINE_BUFFERED, ctypes.c_size_t(0))
    threads.start(partial(_pass_on, source), "stderr")
    ctypes.c_void_p.in_dll(library, "stderr").value = stream


def _pass_on(source: int) -> None:
    with os.fdopen(source, "rb") as lines:
        for line in lines:
            if not line.startswith(CHATTER):
                # A terminal that went away is no reason to stop reading: the libraries would block.
                with contextlib.suppress(OSError):
                    os.write(STDERR, line)
