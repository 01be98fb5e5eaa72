"""The container of WAV files: which format the samples have, and where they are.

The standard library's `wave` refuses WAVE_FORMAT_EXTENSIBLE before Python 3.12, and finds nothing in a file whose
writer did not know the length: ffmpeg, sox and arecord put 0, 0x7FFFFFFF or 0xFFFFFFFF there when they write into a
pipe. Read from front to back, never backwards: it may be a pipe here too.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

_PCM, _EXTENSIBLE = 0x0001, 0xFFFE
# Kind, channels, frames a second, bytes a second, bytes a frame, bits a sample; the extensible one goes on with the
# size of the rest, bits that count, and a mask of loudspeakers, before the GUID whose first two bytes are the kind.
_FORMAT = struct.Struct("<HHIIHH")
_SUBFORMAT_AT = 24
# Nobody knows the length: the sound goes on to the end.
_OPEN = (0xFFFFFFFF, 0x7FFFFFFF, 0x80000000)
# What stands behind a recording of no sound at all.
_KNOWN_CHUNKS = (b"LIST", b"fact", b"bext", b"cue ", b"id3 ", b"ID3 ", b"JUNK", b"iXML", b"PEAK", b"smpl", b"inst")
_LONGEST_FORMAT = 1024
_PIECE = 1 << 16


class RiffError(ValueError):
    """This is no WAV file that can be read: the message says why."""


@dataclass(frozen=True, slots=True)
class Format:
    """How the samples are written: whole numbers of `width` bytes, little end first."""

    channels: int
    rate: int
    width: int


class WavReader:
    """The sound of a WAV file, RIFF or RF64, in the order in which it lies there."""

    def __init__(self, file: BinaryIO) -> None:
        """Read as far as the sound. Raise RiffError or OSError."""
        self._file = file
        self._ahead = b""
        head = self._read_exactly(12)
        if head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
            raise RiffError("it is not a WAV file")
        self.format, self._left = self._find_sound()

    def read(self, frames: int) -> bytes:
        """Return the next frames, at most so many; nothing at the end. What was cut off within one is dropped."""
        size = frames * self.format.width * self.format.channels
        data = self._read_exactly(size if self._left is None else min(size, self._left), short=True)
        if self._left is not None:
            self._left -= len(data)
        return data[: len(data) - len(data) % (self.format.width * self.format.channels)]

    def _find_sound(self) -> tuple[Format, int | None]:
        """Return the format and the length of the sound in bytes, None when it goes on to the end."""
        found, long = None, 0
        while True:
            name, size = struct.unpack("<4sI", self._read_exactly(8))
            if name == b"data":
                if found is None:
                    raise RiffError("its sound comes before its format")
                return found, self._length(size, long)
            if name == b"fmt ":
                found = _format(self._read_exactly(min(size, _LONGEST_FORMAT)))
                self._skip(size - min(size, _LONGEST_FORMAT))
            elif name == b"ds64":
                long = int.from_bytes(self._read_exactly(size)[8:16], "little")
            else:
                self._skip(size)
            # Chunks begin at even places.
            self._skip(size % 2)

    def _length(self, size: int, long: int) -> int | None:
        if size == _OPEN[0] and long:
            return long
        if size in _OPEN:
            return None
        if size == 0:
            self._ahead = self._read_exactly(8, short=True)
            return 0 if self._ahead[:4] in _KNOWN_CHUNKS else None
        return size

    def _read_exactly(self, size: int, short: bool = False) -> bytes:
        """Return `size` bytes; with `short`, fewer at the end of the file. Raise RiffError."""
        ahead, self._ahead = self._ahead[:size], self._ahead[size:]
        data = ahead + self._file.read(size - len(ahead))
        if len(data) < size and not short:
            raise RiffError("it is cut off")
        return data

    def _skip(self, size: int) -> None:
        while size > 0:
            size -= len(self._read_exactly(min(size, _PIECE)))


def _format(data: bytes) -> Format:
    if len(data) < _FORMAT.size:
        raise RiffError("its format is cut off")
    kind, channels, rate, _, frame, bits = _FORMAT.unpack_from(data)
    if kind == _EXTENSIBLE and len(data) >= _SUBFORMAT_AT + 2:
        kind = int.from_bytes(data[_SUBFORMAT_AT : _SUBFORMAT_AT + 2], "little")
    if kind != _PCM:
        raise RiffError("it is a WAV file, but not of plain PCM samples")
    # 24 bits may lie in 32: the frame says how much room a sample takes.
    return Format(channels, rate, frame // channels if channels and frame else (bits + 7) // 8)
