"""WebRTC's audio processing module (APM), from the library that the package livekit brings.

Only the library is loaded. The package would import its whole client for video meetings, and protobuf: 40 to 60 ms of a
desktop instead of 4 when the first session opens, and 5 MB more. Both ask the library by messages of protocol buffers;
the numbers below are those of livekit/rtc/_proto/ffi_pb2.py, the same from livekit 1.1.0 to 1.2.1.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import importlib.util
import logging
import os
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from device.errors import AudioError
from device.kit import protobuf
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Hz

log = logging.getLogger(__name__)

_LIBRARY = Path("rtc/resources/liblivekit_ffi.so")

# Field numbers: of a request, and of the answer to it.
_NEW, _NEW_ANSWER = 50, 49
_CAPTURED, _CAPTURED_ANSWER = 51, 50
_PLAYED, _PLAYED_ANSWER = 52, 51
_DELAY, _DELAY_ANSWER = 53, 52

_ECHO_CANCELLER = protobuf.integer(1, 1)
# Of the answer to _NEW: NewApmResponse.apm, OwnedApm.handle, FfiOwnedHandle.id.
_APM, _HANDLE, _ID = 1, 1, 1
# Of the answers to _CAPTURED and _PLAYED: a text, when it failed.
_ERROR = 1
_MONO = protobuf.integer(5, 1)

_Bytes = ctypes.POINTER(ctypes.c_ubyte)
_EventHandler = ctypes.CFUNCTYPE(None, _Bytes, ctypes.c_size_t)
_HOLDING_THE_LOCK = ctypes.PYFUNCTYPE(ctypes.c_bool, ctypes.c_uint64)


class AudioProcessing:
    """An APM that cancels echoes, and does nothing else. It is for one thread at a time."""

    def __init__(self) -> None:
        """Load the library, and make the module. Blocks for some milliseconds. Raise AudioError."""
        self._library = _load()
        handle = _handle_in(self._ask(_NEW, _ECHO_CANCELLER, _NEW_ANSWER))
        # At the end of the program the library drops everything by itself.
        weakref.finalize(self, self._library.livekit_ffi_drop_handle, handle).atexit = False
        self._handle = protobuf.integer(1, handle)
        self._ways: dict[tuple[int, Hz], _Way] = {}
        self._ask(_DELAY, self._handle + protobuf.integer(2, 0), _DELAY_ANSWER)

    def process(self, block: bytes, far_end: bytes, far_end_rate: Hz) -> bytes:
        """Return 10 ms (s16le mono at CAPTURE_RATE) without the echo of 10 ms of `far_end`. Raise AudioError."""
        self._hand_over(_PLAYED, far_end, far_end_rate, _PLAYED_ANSWER)
        return self._hand_over(_CAPTURED, block, CAPTURE_RATE, _CAPTURED_ANSWER)

    def _hand_over(self, request: int, pcm: bytes, rate: Hz, answer: int) -> bytes:
        """Return what the module makes of 10 ms."""
        if len(pcm) != rate // 100 * BYTES_PER_SAMPLE:
            raise AudioError(f"WebRTC's audio processing takes 10 ms, not {len(pcm)} bytes at {rate} Hz")
        way = self._ways.get((request, rate)) or self._make_way(request, rate)
        ctypes.memmove(way.sound, pcm, len(pcm))
        said = self._send(way.message)
        if said != way.fine:
            with _understood():
                [found] = protobuf.every(protobuf.read(said), answer)
                if error := protobuf.text(protobuf.read(found), _ERROR):
                    raise AudioError(f"WebRTC's audio processing fails: {error}")
            way.fine = said
        return way.sound.raw

    def _make_way(self, request: int, rate: Hz) -> _Way:
        size = rate // 100 * BYTES_PER_SAMPLE
        sound = ctypes.create_string_buffer(size)
        where = protobuf.integer(2, ctypes.addressof(sound)) + protobuf.integer(3, size)
        message = protobuf.piece(request, self._handle + where + protobuf.integer(4, rate) + _MONO)
        way = self._ways[request, rate] = _Way(sound, message)
        return way

    def _ask(self, number: int, request: bytes, answer: int) -> bytes:
        """Return the answer to a request. Raise AudioError when there is none, or another than the one expected."""
        said = self._send(protobuf.piece(number, request))
        with _understood():
            [found] = protobuf.every(protobuf.read(said), answer)
        return found

    def _send(self, message: bytes) -> bytes:
        """Return what the library answers. Raise AudioError when that is nothing."""
        where, size = _Bytes(), ctypes.c_size_t()
        handle = self._library.livekit_ffi_request(message, len(message), ctypes.byref(where), ctypes.byref(size))
        if not handle:
            raise AudioError("WebRTC's audio processing fails: livekit's library refuses a request")
        said = ctypes.string_at(where, size.value)
        self._library.livekit_ffi_drop_handle(handle)
        return said


@dataclass(slots=True)
class _Way:
    """How sound of one rate is handed over in one direction: always in the same place, by the same message."""

    sound: ctypes.Array[ctypes.c_char]
    message: bytes
    fine: bytes | None = None
    """The answer that was understood last, and says that all is well; it need not be read again."""


def is_installed() -> bool:
    """Tell whether the library is installed, without loading it."""
    return _path() is not None


def _path() -> Path | None:
    package = importlib.util.find_spec("livekit")
    places = (package.submodule_search_locations if package else None) or ()
    return next((path for place in places if (path := Path(place) / _LIBRARY).is_file()), None)


def open_library(path: Path) -> ctypes.CDLL:
    """Load a shared library while other threads go on. Raise OSError.

    `ctypes.CDLL` by itself keeps the interpreter's lock meanwhile: the event loop and the microphone's callback would
    stand still for as long as it takes to read this one (28 MB) from a disk.
    """
    system = ctypes.CDLL(None)
    system.dlopen.argtypes, system.dlopen.restype = [ctypes.c_char_p, ctypes.c_int], ctypes.c_void_p
    system.dlerror.restype = ctypes.c_char_p
    # It stays loaded, as all that ctypes loads.
    handle = system.dlopen(os.fsencode(path), os.RTLD_NOW)
    if not handle:
        raise OSError((system.dlerror() or b"it cannot be loaded").decode(errors="replace"))
    return ctypes.CDLL(str(path), handle=handle)


@cache
def _load() -> ctypes.CDLL:
    path = _path()
    if path is None:
        raise AudioError("no echo cancellation: there is no livekit; install it with: pip install livekit")
    try:
        library = open_library(path)
        request, dispose = library.livekit_ffi_request, library.livekit_ffi_dispose
        # Something is dropped sooner than a busy thread gives the interpreter's lock back.
        library.livekit_ffi_drop_handle = _HOLDING_THE_LOCK(  # type: ignore[attr-defined]
            ("livekit_ffi_drop_handle", library)
        )
        library.livekit_ffi_initialize.argtypes = [_EventHandler, ctypes.c_bool, ctypes.c_char_p, ctypes.c_char_p]
    except (OSError, AttributeError) as error:
        raise AudioError(f"no echo cancellation ({error}); install livekit again") from error
    request.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(_Bytes), ctypes.POINTER(ctypes.c_size_t)]
    request.restype = ctypes.c_uint64
    dispose.argtypes, dispose.restype = [], None
    # Without its log: what it has to say of a module is in its answers.
    library.livekit_ffi_initialize(_on_event, False, b"hearthside", b"")
    # Its threads must have ended before the library's own data is destroyed.
    atexit.register(dispose)
    return library


def _note_failure(data: object, size: int) -> None:
    """Be told of a panic, in a thread of the library; the request that caused it fails by itself."""
    log.error("the library of WebRTC's audio processing has failed")


# Kept: the library calls it as long as the program lives.
_on_event = _EventHandler(_note_failure)


def _handle_in(answer: bytes) -> int:
    with _understood():
        for number in (_APM, _HANDLE):
            [answer] = protobuf.every(protobuf.read(answer), number)
        [handle] = protobuf.integers(protobuf.read(answer), _ID)
    return handle


@contextlib.contextmanager
def _understood() -> Iterator[None]:
    """Make AudioErrors of fields that are missing, or are none."""
    try:
        yield
    except ValueError as error:
        raise AudioError(
            f"no echo cancellation: livekit's library speaks otherwise than expected ({error}); "
            "install the version of livekit in requirements.txt"
        ) from error
