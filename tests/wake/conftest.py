"""Sound for the wake-word engines."""

from __future__ import annotations

import subprocess
import wave
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soxr

Sound = npt.NDArray[np.int16]
Say = Callable[..., Sound]

RATE = 16_000


@cache
def _espeak(text: str, voice: str, speed: int) -> Sound:
    command = ["espeak-ng", "--stdout", "-v", voice, "-s", str(speed), text]
    # A plain 44-byte header, 22050 Hz mono.
    sound = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout[44:], "<i2")
    return _trimmed(soxr.resample(sound.astype(np.float32), 22_050, RATE).clip(-32768, 32767).astype("<i2"))


def _flite(text: str, voice: str, folder: Path) -> Sound:
    path = folder / "flite.wav"
    subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
    with wave.open(str(path)) as file:
        assert file.getframerate() == RATE
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def _trimmed(sound: Sound) -> Sound:
    """Cut the silence around what is said."""
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > 300)
    return sound[loud[0] : loud[-1] + 1]


@pytest.fixture(scope="session")
def say() -> Say:
    """Return what espeak-ng says at 16 kHz: `say(text, voice="en-us", speed=160)`, no silence around it."""

    def speak(text: str, voice: str = "en-us", speed: int = 160) -> Sound:
        return _espeak(text, voice, speed)

    return speak


@pytest.fixture(scope="session")
def silence() -> Callable[[float], Sound]:
    """Return `silence(seconds)` of a quiet microphone."""
    # The same each time: what a test hears must not depend on which tests ran before it.
    return lambda seconds: (np.random.default_rng(3).standard_normal(int(seconds * RATE)) * 5).astype("<i2")


@pytest.fixture(scope="session")
def minute(say: Say, silence: Callable[[float], Sound], tmp_path_factory: pytest.TempPathFactory) -> Sound:
    """Return more than a minute of wake words, commands, other speech, noise and digital silence, 80 ms whole."""
    folder = tmp_path_factory.mktemp("speech")
    noise = (np.random.default_rng(4).standard_normal(5 * RATE) * 2000).astype("<i2")
    words = ("hey jarvis", "alexa", "hey mycroft", "hey raspy", "set a timer for ten minutes", "what is the weather")
    parts = [silence(1.5)]
    for voice, speed in (("en-us", 160), ("en-gb+f2", 140), ("en-us+m3", 180)):
        for word in words:
            parts += [say(f"{word}", voice, speed), silence(0.7)]
    for voice in ("slt", "rms"):
        parts += [_flite(f"{word} turn on the light", voice, folder) for word in words]
    parts += [noise, np.zeros(3 * RATE, "<i2"), say("hey jarvis turn on the light") // 8, silence(2), noise // 4]
    sound = np.concatenate([*parts, *parts[1:20]])
    return sound[: len(sound) // 1280 * 1280]
