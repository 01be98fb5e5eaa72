"""The input buffer with its voice activity detector; time is counted in samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from device.units import BYTES_PER_SAMPLE, Hz

_FRAME_MS = 20
_LOUD_FRAMES = 3  # of the last 4: so a click is not taken for a voice
_FLOOR_RISE = 1.02  # per frame, 9 dB per second: after some seconds a steady noise counts as background
_ABOVE_FLOOR = 3.0  # 10 dB
_HISTORY_S = 2


@dataclass(frozen=True, slots=True)
class Started:
    """A voice began; `at_ms` counts from the first audio of the session and includes the padding."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Paused:
    """The voice has been quiet for `pause_ms`: the sentence may be complete."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The voice ended; `at_ms` includes the silence that ended it."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class VadSettings:
    """`threshold` 0 to 1 as in the API; `pause_ms` None: never report a pause."""

    threshold: float = 0.5
    padding_ms: int = 300
    silence_ms: int = 500
    pause_ms: int | None = None

    @property
    def level(self) -> float:
        """The RMS above which a frame is loud: -60 dBFS at 0, -40 at 0.5, -20 at 1."""
        return float(32768 * 10 ** ((-60 + 40 * self.threshold) / 20))


class InputBuffer:
    """Audio that was appended and not committed, with a detector (none when `vad` is None)."""

    def __init__(self, rate: Hz, vad: VadSettings | None) -> None:
        self.rate = rate
        self.vad = vad
        self.speaking = False
        self._audio = bytearray()
        self._start = 0  # position of _audio[0] in the session's audio, in samples
        self._judged = 0  # up to which position frames have been judged
        self._floor = 1.0
        self._recent: list[bool] = []
        self._last_loud = 0
        self._paused = False

    @property
    def written(self) -> int:
        """Samples appended in the session."""
        return self._start + len(self._audio) // BYTES_PER_SAMPLE

    @property
    def held_ms(self) -> float:
        """Duration of the audio that is not committed yet."""
        return len(self._audio) / BYTES_PER_SAMPLE * 1000 / self.rate

    def configure(self, rate: Hz, vad: VadSettings | None) -> None:
        """Change the detector; a change of the rate empties the buffer."""
        if rate != self.rate:
            self._start, self._judged = self.written * rate // self.rate, self.written * rate // self.rate
            self._audio.clear()
            self.rate = rate
        if (vad is None) != (self.vad is None):
            self._be_quiet()
        self.vad = vad

    def append(self, pcm: bytes) -> Iterator[Started | Paused | Stopped]:
        """Add s16le audio; yield the detector's results. Read all of them before appending more."""
        self._audio += pcm
        frame = self.rate * _FRAME_MS // 1000
        while self.written - self._judged >= frame:
            start = self._judged
            self._judged += frame
            if self.vad is not None:
                yield from self._judge(self.vad, start, frame)

    def pop(self, until_ms: int | None = None) -> bytes:
        """Remove and return the audio in the buffer, or the part of it before `until_ms`."""
        end = self.written if until_ms is None else min(self.written, until_ms * self.rate // 1000)
        length = (end - self._start) * BYTES_PER_SAMPLE
        taken, self._start = bytes(self._audio[:length]), end
        del self._audio[:length]
        self._judged = max(self._judged, self._start)
        self._be_quiet()
        return taken

    def held(self) -> bytes:
        """Return the audio in the buffer without removing it."""
        return bytes(self._audio)

    def stop(self) -> Stopped:
        """End the voice now, independently of the detector."""
        self._be_quiet()
        return Stopped(self._ms(self._judged))

    def _judge(self, vad: VadSettings, start: int, frame: int) -> Iterator[Started | Paused | Stopped]:
        loud = self._is_loud(vad, start, frame)
        self._recent = [*self._recent[-3:], loud]
        if loud:
            self._last_loud, self._paused = start + frame, False
        if not self.speaking:
            if sum(self._recent) >= _LOUD_FRAMES:
                yield self._begin(vad, start, frame)
            else:
                self._forget_old()
            return
        quiet_ms = (start + frame - self._last_loud) * 1000 / self.rate
        if quiet_ms >= vad.silence_ms:
            yield self.stop()
        elif vad.pause_ms is not None and quiet_ms >= vad.pause_ms and not self._paused:
            self._paused = True
            yield Paused()

    def _is_loud(self, vad: VadSettings, start: int, frame: int) -> bool:
        offset = (start - self._start) * BYTES_PER_SAMPLE
        samples = np.frombuffer(self._audio[offset : offset + frame * BYTES_PER_SAMPLE], "<i2").astype(np.float64)
        level = float(np.sqrt(np.mean(samples**2)))
        self._floor = max(1.0, min(level, self._floor * _FLOOR_RISE))
        return level > max(vad.level, self._floor * _ABOVE_FLOOR)

    def _begin(self, vad: VadSettings, start: int, frame: int) -> Started:
        self.speaking = True
        first = start - (len(self._recent) - 1 - self._recent.index(True)) * frame
        begin = max(self._start, first - vad.padding_ms * self.rate // 1000)
        del self._audio[: (begin - self._start) * BYTES_PER_SAMPLE]
        self._start = begin
        return Started(self._ms(begin))

    def _forget_old(self) -> None:
        """Drop old audio while there is no voice: only the padding is needed, and it is shorter than two seconds."""
        padding_ms = self.vad.padding_ms if self.vad else 0
        keep = max(_HISTORY_S, padding_ms // 1000 + 1) * self.rate
        surplus = self._judged - self._start - keep
        if surplus > self.rate:
            del self._audio[: surplus * BYTES_PER_SAMPLE]
            self._start += surplus

    def _be_quiet(self) -> None:
        self.speaking, self._paused, self._recent = False, False, []

    def _ms(self, position: int) -> int:
        return position * 1000 // self.rate
