"""The acoustics of a room: the echo of the loudspeaker at the microphone.

The echo is the far end, distorted by the loudspeaker and convolved with the room's impulse response: a delay, the
direct sound, a few early reflections and a reverberant tail, all generated from a seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from device.units import CAPTURE_RATE, Hz, Ms, samples_from_ms

Sound = npt.NDArray[np.float32]
"""Mono samples, 1.0 = full scale."""

# A device on a shelf: the loudspeaker is about 10 cm from the microphone, so the direct sound is the strongest.
DIRECT_TO_REVERBERANT_DB = 3.0
EARLY_REFLECTIONS = 8
EARLY_UNTIL_MS = Ms(40)
# Below this frequency a small loudspeaker is quiet.
LOWEST_HZ = 180.0


@dataclass(frozen=True, slots=True)
class Room:
    """A room with a loudspeaker and a microphone in it; the defaults are a living room.

    `delay_ms`: from a sample's DAC time to its direct sound at the ADC. `rt60_s`: the time in which the reverberation
    falls by 60 dB. `echo_db`: the level of the echo relative to the sound as played. `distortion`: the loudspeaker's
    saturation; 0 is none, 1 compresses a full-scale peak by 2 dB. `noise_dbfs`: the level of the room's own noise; None
    means silence.
    """

    delay_ms: Ms = Ms(60)
    rt60_s: float = 0.3
    echo_db: float = -10.0
    distortion: float = 0.5
    noise_dbfs: float | None = None
    seed: int = 0


class Echo:
    """Turns a stream of played sound into the sound at the microphone: as many samples, with the room's delay only."""

    def __init__(self, room: Room, rate: Hz = CAPTURE_RATE) -> None:
        self._room = room
        self._response = impulse_response(room, rate)
        self._spectra: dict[int, npt.NDArray[np.complex128]] = {}
        self._tail = np.zeros(len(self._response) - 1)
        self._noise = np.random.default_rng(room.seed + 1)

    def process(self, far_end: Sound) -> Sound:
        """Return the sound at the microphone while `far_end` (any number of samples) is played."""
        count = len(far_end)
        whole = self._convolve(distort(far_end, self._room.distortion))
        whole[: len(self._tail)] += self._tail
        self._tail = whole[count:]
        heard = whole[:count] + self._make_noise(count)
        return np.asarray(heard, np.float32)

    def _make_noise(self, count: int) -> npt.NDArray[np.float64]:
        level = self._room.noise_dbfs
        return np.zeros(count) if level is None else self._noise.normal(0.0, 10 ** (level / 20), count)

    def _convolve(self, sound: Sound) -> npt.NDArray[np.float64]:
        size = len(sound) + len(self._response) - 1
        length = 1 << (size - 1).bit_length()
        if length not in self._spectra:
            self._spectra[length] = np.fft.rfft(self._response, length)
        heard = np.fft.irfft(np.fft.rfft(sound, length) * self._spectra[length], length)
        return np.asarray(heard[:size], np.float64)


def impulse_response(room: Room, rate: Hz = CAPTURE_RATE) -> npt.NDArray[np.float64]:
    """Return the echo path from loudspeaker to microphone: its energy is `echo_db`, and it begins with the delay."""
    random = np.random.default_rng(room.seed)
    response = np.zeros(int(rate * room.rt60_s))
    response[0] = 1.0
    _add_early(response, random, rate)
    _add_tail(response, random, rate, room.rt60_s)
    response = _without_bass(response, rate)
    response *= 10 ** (room.echo_db / 20) / math.sqrt(float(response @ response))
    return np.concatenate((np.zeros(samples_from_ms(room.delay_ms, rate)), response))


def distort(sound: Sound, amount: float) -> Sound:
    """Return `sound` as a small loudspeaker plays it: saturated, and not symmetrically, which adds all harmonics."""
    if amount == 0:
        return sound
    drive = 0.9 * amount
    saturated = np.tanh(drive * sound) / drive
    return np.asarray(saturated + 0.02 * amount * sound**2, np.float32)


def samples_from_pcm(pcm: bytes) -> Sound:
    """Return s16le mono PCM as floats, 1.0 = full scale."""
    return np.asarray(np.frombuffer(pcm, "<i2") / 32_768, np.float32)


def pcm_from_samples(sound: Sound) -> bytes:
    """Return floats as s16le mono PCM, clipped at full scale as by an ADC."""
    return np.rint(sound * 32_768).clip(-32_768, 32_767).astype("<i2").tobytes()


def _add_early(response: npt.NDArray[np.float64], random: np.random.Generator, rate: Hz) -> None:
    latest = samples_from_ms(EARLY_UNTIL_MS, rate)
    at = random.integers(latest // 20, latest, EARLY_REFLECTIONS)
    response[at] += random.choice((-1, 1), EARLY_REFLECTIONS) * 0.5 * np.exp(-2.5 * at / latest)


def _add_tail(response: npt.NDArray[np.float64], random: np.random.Generator, rate: Hz, rt60_s: float) -> None:
    decay = 10 ** (-3 * np.arange(len(response)) / (rt60_s * rate))
    tail = random.normal(0.0, 1.0, len(response)) * decay
    tail[: rate // 500] = 0.0
    wanted = 10 ** (-DIRECT_TO_REVERBERANT_DB / 10) * float(response @ response)
    response += tail * math.sqrt(wanted / float(tail @ tail))


def _without_bass(response: npt.NDArray[np.float64], rate: Hz) -> npt.NDArray[np.float64]:
    """Apply a first-order high-pass twice."""
    frequency = np.fft.rfftfreq(2 * len(response), 1 / rate)
    high = 1j * frequency / (LOWEST_HZ + 1j * frequency)
    filtered = np.fft.irfft(np.fft.rfft(response, 2 * len(response)) * high**2)
    return np.asarray(filtered[: len(response)], np.float64)
