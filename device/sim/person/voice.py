"""A simulated person in the virtual room, who speaks with the voices of espeak-ng."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np

from device.foreign.espeak import EspeakVoice, VoiceStyle
from device.units import BYTES_PER_SAMPLE, Hz, Ms, Samples, ms_from_samples, samples_from_ms

Play = Callable[[bytes, Hz], Awaitable[None]]
"""Plays PCM (s16le mono at the rate given) into the room; returns when it has been played."""

_QUIET = 200  # of 32767: espeak-ng's silence is exactly 0, the ends of its vowels are not
_FRAME_MS = 5


@dataclass(frozen=True, slots=True)
class Utterance:
    """What a person says: s16le mono at `rate`, beginning and ending without silence.

    `command_at` is where the command begins; 0 when there is no wake word before it.
    """

    text: str
    pcm: bytes
    rate: Hz
    command_at: Samples = Samples(0)

    @property
    def duration_ms(self) -> Ms:
        """How long it sounds."""
        return ms_from_samples(len(self.pcm) // BYTES_PER_SAMPLE, self.rate)

    @property
    def command_at_ms(self) -> Ms:
        """Where the command begins."""
        return ms_from_samples(self.command_at, self.rate)

    @property
    def command(self) -> bytes:
        """The sound of the command alone."""
        return self.pcm[self.command_at * BYTES_PER_SAMPLE :]


class Person:
    """A simulated person; `loudness` is the peak of the voice, as a share of full scale."""

    def __init__(self, play: Play, style: VoiceStyle | None = None, loudness: float = 0.5) -> None:
        self._play = play
        self._voice = EspeakVoice(style)
        self._loudness = loudness

    async def render(self, command: str, wake_word: str = "", gap_ms: float = 60.0) -> Utterance:
        """Return the sound of the wake word, a pause of `gap_ms`, and the command. Either of the two may be empty.

        Raise SpeechError.
        """
        rate = self._voice.rate
        before, words = await self._sound(wake_word), await self._sound(command)
        if not before or not words:
            return Utterance(wake_word or command, before or words, rate)
        pause = bytes(samples_from_ms(gap_ms, rate) * BYTES_PER_SAMPLE)
        at = Samples((len(before) + len(pause)) // BYTES_PER_SAMPLE)
        return Utterance(f"{wake_word} {command}", before + pause + words, rate, at)

    async def say(self, command: str, wake_word: str = "", gap_ms: float = 60.0) -> Utterance:
        """Render the sentence, play it into the room, and return it. Raise SpeechError."""
        utterance = await self.render(command, wake_word, gap_ms)
        await self._play(utterance.pcm, utterance.rate)
        return utterance

    async def _sound(self, text: str) -> bytes:
        if not text:
            return b""
        return _at_peak(without_silence(await self._voice.speak(text), self._voice.rate), self._loudness)


def without_silence(pcm: bytes, rate: Hz) -> bytes:
    """Return s16le mono without the silence at both ends, except for 5 ms of it."""
    frame = samples_from_ms(_FRAME_MS, rate)
    samples = np.frombuffer(pcm, "<i2")
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _QUIET)
    if not len(loud):
        return b""
    start, end = max(0, int(loud[0]) - frame), int(loud[-1]) + 1 + frame
    return samples[start:end].tobytes()


def _at_peak(pcm: bytes, peak: float) -> bytes:
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    loudest = float(np.abs(samples).max(initial=0.0))
    return (samples * (peak * 32767 / loudest)).astype("<i2").tobytes() if loudest else pcm
