"""The sound test: listens to the room, says the wake word through the loudspeaker, and keeps what is heard."""

from __future__ import annotations

import asyncio
import statistics
from dataclasses import dataclass

import numpy as np

from device.audio.cards.capture import Pace
from device.audio.cards.microphone import AlsaMicrophone
from device.audio.cards.mixer import find_mixer
from device.audio.cards.portaudio import SoundCards
from device.audio.cards.speaker import AlsaSpeaker
from device.audio.resample import StreamResampler
from device.audio.settings import Audio
from device.errors import AudioError
from device.foreign import espeak
from device.foreign.espeak import EspeakVoice, VoiceStyle
from device.ports.facts import Post
from device.setup.doctor.acoustics import LEAD_MS, LONGEST_DELAY_MS
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Hz, ms_from_samples

QUIET_S = 1.5
# Of the voices of espeak-ng the one that the shipped wake words hear best: 0.7 (hey_rhasspy) to 1.0; hey_mycroft never.
VOICE = VoiceStyle("en-gb")
# As loud as an answer: those peak about there.
_PEAK = 0.5
# What a loudspeaker may take to begin, and how often it is looked whether it has.
_BEGIN_S, _LOOK_S = 5.0, 0.02
# What may still be on its way to the loudspeaker when all has been asked for.
_DRAIN_S = 0.4


@dataclass(frozen=True, slots=True)
class Take:
    """16 kHz mono s16le: the room by itself, what was played, and what was heard from LEAD_MS before that on."""

    room: bytes
    spoken: bytes = b""
    heard: bytes = b""


class _Ear:
    """Keeps what the microphone gives."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._begins: list[float] = []
        self._count = 0

    def on_frame(self, pcm: bytes, moment: float) -> None:
        self._begins.append(moment - self._count / CAPTURE_RATE)
        self._pieces.append(pcm)
        self._count += len(pcm) // BYTES_PER_SAMPLE

    @property
    def pcm(self) -> bytes:
        return b"".join(self._pieces)

    def since(self, moment: float) -> bytes:
        """Return what was heard from a moment (s, `time.monotonic`) on. The card's times jitter, its samples do not."""
        begin = statistics.median(self._begins)
        return self.pcm[BYTES_PER_SAMPLE * max(0, round((moment - begin) * CAPTURE_RATE)) :]


class _Mouth:
    """A Source: silence, and once what is to be said. Asked in the card's thread."""

    def __init__(self) -> None:
        self._left = b""
        self.began: float | None = None
        """When its first sample reached the DAC (s, `time.monotonic`)."""

    def say(self, pcm: bytes) -> None:
        self._left = pcm

    def pull(self, count: int, moment: float) -> bytes:
        if self._left and self.began is None:
            self.began = moment
        size = count * BYTES_PER_SAMPLE
        now, self._left = self._left[:size], self._left[size:]
        return now.ljust(size, b"\0")


async def speak(text: str) -> bytes:
    """Return what is to be said (16 kHz mono s16le), by the local voice. Raise SpeechError."""
    return resampled(await EspeakVoice(VOICE).speak(text), espeak.RATE, CAPTURE_RATE)


async def listen(audio: Audio, post: Post, spoken: bytes = b"") -> Take:
    """Listen to the room, and to what is said into it. Raise AudioError."""
    cards, ear = SoundCards(audio, post), _Ear()
    try:
        microphone = AlsaMicrophone(cards, ear.on_frame, lambda: Pace.STEADY)
        await microphone.open()
        if not await microphone.settle():
            raise AudioError("the microphone can be opened, but gives no sound; does its driver suit the system?")
        await asyncio.sleep(QUIET_S)
        room = ear.pcm
        return Take(room, spoken, await _say(audio, cards, ear, spoken)) if spoken else Take(room)
    finally:
        await cards.close()


async def play(audio: Audio, pcm: bytes) -> None:
    """Play a sound (16 kHz mono s16le) to its end. Raise AudioError."""
    cards = SoundCards(audio, lambda fact: None)
    try:
        await _play(audio, cards, pcm)
        await asyncio.sleep(_DRAIN_S)
    finally:
        await cards.close()


async def _play(audio: Audio, cards: SoundCards, pcm: bytes) -> float:
    """Return when the first sample reached the DAC (s, `time.monotonic`), after the length of the sound."""
    mouth, speaker = _Mouth(), AlsaSpeaker(cards, CAPTURE_RATE)
    speaker.attach(mouth.pull, lambda: None, lambda moment: None)
    await speaker.open()
    # The card's own volume, where it has one, is as the person set it.
    gain = _PEAK if await find_mixer(audio.output, audio.mixer) else _PEAK * audio.volume
    mouth.say(resampled(_scaled(pcm, gain), CAPTURE_RATE, speaker.rate))
    began = await _beginning(mouth)
    await asyncio.sleep(ms_from_samples(len(pcm) // BYTES_PER_SAMPLE, CAPTURE_RATE) / 1000)
    return began


async def _say(audio: Audio, cards: SoundCards, ear: _Ear, spoken: bytes) -> bytes:
    """Say it, and return what was heard of it."""
    began = await _play(audio, cards, spoken)
    await asyncio.sleep((LONGEST_DELAY_MS + 4 * LEAD_MS) / 1000)
    return ear.since(began - LEAD_MS / 1000)


async def _beginning(mouth: _Mouth) -> float:
    """Wait for it. It is noted in the card's thread, which must not wait for ours: so it is looked for."""
    for _ in range(round(_BEGIN_S / _LOOK_S)):
        if mouth.began is not None:
            return mouth.began
        await asyncio.sleep(_LOOK_S)
    raise AudioError("the loudspeaker can be opened, but takes no sound; does its driver suit the system?")


def resampled(pcm: bytes, rate: Hz, wanted: Hz) -> bytes:
    """Return a whole sound at another rate, as long as before and without delay."""
    resampler = StreamResampler(rate, wanted)
    return resampler.process(pcm) + resampler.flush()


def _scaled(pcm: bytes, peak: float) -> bytes:
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    loudest = max(1.0, float(np.abs(samples).max(initial=0.0)))
    return np.rint(samples * (peak * 32_767 / loudest)).astype("<i2").tobytes()
