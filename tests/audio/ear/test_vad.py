"""The voice activity detector."""

from __future__ import annotations

import numpy as np
import pytest

from device.audio.ear.vad import WebRtcVad
from device.audio.frames import AudioFrame, Rechunker
from device.units import Samples


def vowel(seconds: float) -> bytes:
    """Return something with the pitch, the formants and the rhythm of a voice."""
    moments = np.arange(int(16_000 * seconds)) / 16_000
    pitch = 120 + 15 * np.sin(2 * np.pi * 3 * moments)
    phase = 2 * np.pi * np.cumsum(pitch) / 16_000
    formants = {harmonic: np.exp(-(((harmonic * 120 - 600) / 500) ** 2)) for harmonic in range(1, 25)}
    wave = sum(weight * np.sin(harmonic * phase) for harmonic, weight in formants.items())
    rhythm = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * moments)
    return bytes((2500 * wave * rhythm).clip(-32_000, 32_000).astype(np.int16).tobytes())


def noise(seconds: float) -> bytes:
    """Return the hiss of a quiet room."""
    hiss = np.random.default_rng(7).normal(0, 30, int(16_000 * seconds))
    return bytes(hiss.astype(np.int16).tobytes())


def voiced(vad: WebRtcVad, pcm: bytes, frame_ms: int = 20) -> float:
    """Return the share of frames in which a voice is heard."""
    frames = Rechunker(Samples(16 * frame_ms)).process(pcm)
    return sum(vad.is_voice(frame) for frame in frames) / len(frames)


@pytest.mark.parametrize("frame_ms", [10, 20, 30])
def test_a_voice_is_told_from_a_quiet_room(frame_ms: int) -> None:
    """Every frame length that the detector takes."""
    vad = WebRtcVad(2)
    assert voiced(vad, noise(1), frame_ms) == 0
    assert voiced(vad, vowel(1), frame_ms) > 0.7


@pytest.mark.parametrize("aggressiveness", [2, 3])
@pytest.mark.parametrize("level", [3, 30, 300])
def test_a_fresh_detector_hears_no_voice_in_noise(aggressiveness: int, level: int) -> None:
    """webrtcvad by itself takes the first frames of any noise for a voice."""
    hiss = np.random.default_rng(1).normal(0, level, 8000).astype(np.int16).tobytes()
    assert voiced(WebRtcVad(aggressiveness), hiss) == 0


def test_a_frame_of_another_length_is_refused_by_name() -> None:
    """The library's own message names nothing."""
    with pytest.raises(ValueError, match="not of 15 ms"):
        WebRtcVad().is_voice(AudioFrame(bytes(480), Samples(0)))


def test_an_unknown_aggressiveness_is_refused() -> None:
    """0 to 3 are the detector's modes."""
    with pytest.raises(ValueError, match="not 4"):
        WebRtcVad(4)
