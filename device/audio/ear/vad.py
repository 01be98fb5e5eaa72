"""Voice activity in one frame, by WebRTC's detector; nothing else imports webrtcvad."""

from __future__ import annotations

from typing import Protocol

import webrtcvad

from device.audio.frames import AudioFrame
from device.units import Ms

FRAME_MS = (Ms(10), Ms(20), Ms(30))
"""The frame lengths that webrtcvad takes; its rates are 8, 16, 32 and 48 kHz."""

# A fresh detector takes any noise for a voice: for up to 100 ms, measured in modes 2 and 3 on white
# noise of six levels.
SETTLING = Ms(200)


class Vad(Protocol):
    """Says of one frame whether it holds a voice."""

    def is_voice(self, frame: AudioFrame) -> bool:
        """Return whether `frame` sounds like a voice."""


class WebRtcVad:
    """WebRTC's Gaussian-mixture detector. It learns the room's noise from the stream it is fed.

    Keep one for the life of the stream; for its first 200 ms it hears no voice.
    """

    def __init__(self, aggressiveness: int = 2) -> None:
        if aggressiveness not in range(4):
            raise ValueError(f"vad_aggressiveness is 0, 1, 2 or 3, not {aggressiveness}")
        self._vad = webrtcvad.Vad(aggressiveness)
        self._settling = SETTLING

    def is_voice(self, frame: AudioFrame) -> bool:
        """Return whether `frame` sounds like a voice. Raise ValueError for a wrong length."""
        if frame.ms not in FRAME_MS:
            raise ValueError(f"webrtcvad takes frames of 10, 20 or 30 ms, not of {frame.ms:g} ms")
        voiced = bool(self._vad.is_speech(frame.pcm, frame.format.rate))
        if self._settling > 0:
            self._settling = Ms(self._settling - frame.ms)
            return False
        return voiced
