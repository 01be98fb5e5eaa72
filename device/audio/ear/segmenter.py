"""From voice in single frames to a voice that starts and stops; counted in samples only."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from device.core.events import VoiceStarted, VoiceStopped
from device.units import CAPTURE_RATE, Samples, samples_from_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmenterSettings:
    """What counts as a voice. The detector errs in single frames, so no single frame decides.

    A voice starts when `start_voiced` of the newest `window` frames are voiced: three of four
    frames of 20 ms, as quick as barge-in needs and longer than a click. It goes on as long as
    `keep_voiced` of the window are (hysteresis), and stops when that has not been so for
    `stop_after`, longer than the pause between two words. Speech ends in soft consonants which
    the detector does not hear (it missed up to 75 ms of "turn on the lights" in noise): `tail` is
    added to the end that is reported.
    """

    window: int = 4
    start_voiced: int = 3
    keep_voiced: int = 2
    stop_after: Samples = samples_from_ms(600, CAPTURE_RATE)
    tail: Samples = samples_from_ms(120, CAPTURE_RATE)

    def __post_init__(self) -> None:
        """Refuse combinations under which starts and stops would not alternate."""
        if not 1 <= self.keep_voiced <= self.start_voiced <= self.window:
            raise ValueError("needs 1 <= keep_voiced <= start_voiced <= window")
        if not 0 <= self.tail <= self.stop_after or self.stop_after == 0:
            raise ValueError("needs 0 <= tail <= stop_after, and stop_after above 0")


class Segmenter:
    """Told of every frame whether it is voiced, says when a voice started and stopped."""

    def __init__(self, settings: SegmenterSettings | None = None) -> None:
        self._settings = settings or SegmenterSettings()
        self._voiced: deque[Samples | None] = deque(maxlen=self._settings.window)
        self._voice_end: Samples | None = None

    def process(self, voiced: bool, start: Samples, end: Samples) -> VoiceStarted | VoiceStopped | None:
        """Return what the frame from `start` up to `end` brings; frames come in order, without overlap."""
        self._voiced.append(start if voiced else None)
        onsets = [onset for onset in self._voiced if onset is not None]
        if self._voice_end is None:
            return self._start(onsets, end)
        if voiced and len(onsets) >= self._settings.keep_voiced:
            self._voice_end = end
        return self._stop(self._voice_end, end)

    def finish(self) -> VoiceStopped | None:
        """Forget the frames so far: the stream ends or is not looked at. Ends the voice, if any."""
        end, self._voice_end = self._voice_end, None
        self._voiced.clear()
        return None if end is None else VoiceStopped(end)

    def _start(self, onsets: list[Samples], end: Samples) -> VoiceStarted | None:
        if len(onsets) < self._settings.start_voiced:
            return None
        self._voice_end = end
        return VoiceStarted(onsets[0])

    def _stop(self, voice_end: Samples, end: Samples) -> VoiceStopped | None:
        if end - voice_end < self._settings.stop_after:
            return None
        self.finish()
        return VoiceStopped(Samples(voice_end + self._settings.tail))
