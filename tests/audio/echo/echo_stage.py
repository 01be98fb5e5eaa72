"""A device in a simulated room, faster than real time: loudspeaker, microphone, echo canceller and voice detector."""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import soxr

from device.audio.ear.bargein import BargeInVad, ConfirmingVad
from device.audio.ear.segmenter import Segmenter
from device.audio.ear.vad import WebRtcVad
from device.audio.echo.canceller import EchoCanceller, NullCanceller, WebRtcCanceller
from device.audio.echo.farend import FarEnd
from device.audio.frames import AudioFrame
from device.audio.mouth.player import DUCKED
from device.core.events import VoiceStarted
from device.foreign.espeak import RATE as ESPEAK_RATE
from device.foreign.espeak import EspeakVoice, VoiceStyle
from device.house import configuration
from device.house.policy import segmenting
from device.sim.person.voice import without_silence
from device.sim.room.acoustics import Echo, Room, Sound, pcm_from_samples, samples_from_pcm
from device.units import CAPTURE_RATE, Hz, Ms, Samples, samples_from_ms

RATE = CAPTURE_RATE
PLAYED_RATE = Hz(24_000)
FRAME = samples_from_ms(20, RATE)
# As a sound card does, it asks the player for 5 ms, which sound 15 ms later (measured on the virtual card).
PLAYED_BLOCK = samples_from_ms(5, PLAYED_RATE)
CARD_S = 0.015
# The times that cards report jitter by this much.
JITTER_S = 0.001
START_S = 1000.0

ANSWERS = (
    "The weather tomorrow will be mild, with some clouds in the morning and a little rain in the evening.",
    "Here is what I found: the museum opens at nine and closes at half past five, except on Mondays.",
    "Of course. The kettle has been switched on, and I have set a timer for five minutes.",
    "Once upon a time there was a small house by the sea, and in it lived an old man with his cat.",
    "Tomorrow's first meeting is at ten in the morning; after that your calendar is free until three.",
    "Sorry, I did not find anything about that. Shall I look somewhere else?",
)
ANSWERING = (VoiceStyle("en-us", 160, 50), VoiceStyle("en-gb", 190, 35), VoiceStyle("en-us+f3", 170, 60))
ASKING = VoiceStyle("en-gb", 150, 70)
NEAR_DBFS = -26.0
ANSWER_DBFS = -20.0


@functools.cache
def spoken(text: str, style: VoiceStyle, level_dbfs: float = NEAR_DBFS) -> Sound:
    """Return a sentence without silence around it, its loud parts at a level."""
    pcm = without_silence(asyncio.run(EspeakVoice(style).speak(text)), ESPEAK_RATE)
    return at_level(np.asarray(soxr.resample(samples_from_pcm(pcm), ESPEAK_RATE, RATE), np.float32), level_dbfs)


def at_level(sound: Sound, dbfs: float) -> Sound:
    """Return speech scaled so that its loud parts are at a level."""
    return np.asarray(sound * 10 ** ((dbfs - speech_dbfs(sound)) / 20), np.float32)


def speech_dbfs(sound: Sound) -> float:
    """Return the level of the parts within 30 dB of the loudest."""
    power = np.mean(sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME) ** 2, axis=1)
    return 10 * math.log10(float(power[power > power.max() / 1000].mean()))


def answers(seconds: float, seed: int) -> Sound:
    """Return half a second of silence, then answers with pauses of 0.2 to 2.5 s."""
    random = np.random.default_rng(seed)
    style = ANSWERING[seed % len(ANSWERING)]
    said = [np.zeros(RATE // 2, np.float32)]
    while sum(map(len, said)) < seconds * RATE:
        pause_s = random.choice((0.2, 0.4, 0.8, 2.5), p=(0.5, 0.3, 0.1, 0.1))
        said += [spoken(str(random.choice(ANSWERS)), style, ANSWER_DBFS), np.zeros(int(pause_s * RATE), np.float32)]
    return np.concatenate(said)[: int(seconds * RATE)]


def room(
    delay_ms: float,
    echo_db: float,
    seed: int = 0,
    rt60_s: float = 0.3,
    distortion: float = 0.5,
    noise_dbfs: float = -65.0,
) -> Room:
    """Return a room in which the echo of an answer has the level `echo_db` relative to a person's speech."""
    gain_db = echo_db + NEAR_DBFS - ANSWER_DBFS
    return Room(Ms(delay_ms), rt60_s, gain_db, distortion, noise_dbfs, seed)


def upsampled(sound: Sound) -> Sound:
    """Return the sound at PLAYED_RATE."""
    return np.asarray(soxr.resample(sound, RATE, PLAYED_RATE), np.float32)


def spoken_s(answer: Sound, duration_s: float) -> float:
    """Return the time (s) at which the answer has sounded for `duration_s`, without its pauses."""
    power = np.mean(answer[: len(answer) // FRAME * FRAME].reshape(-1, FRAME) ** 2, axis=1)
    sounding = np.cumsum(power > 10 ** (-50 / 10)) * FRAME / RATE
    return float(np.argmax(sounding >= duration_s) * FRAME / RATE)


def cancellation_db(before: Sound, after: Sound, since_s: float, until_s: float) -> float:
    """Return the echo return loss enhancement (ERLE)."""
    span = slice(int(since_s * RATE), int(until_s * RATE))
    return 10 * math.log10(float(np.mean(before[span] ** 2)) / float(np.mean(after[span] ** 2)))


def exact(seconds: float) -> float:
    """Return the error of the times (s) of a card that reports right ones."""
    return 0.0


def after_running_dry(seconds: float) -> float:
    """Return the error of the times (s) of a card that runs dry every 20 s: a jump, then a drift for 4 s.

    So it was measured with PulseAudio, which averages its clock.
    """
    since = seconds % 20 - 10
    return 0.0 if since < 0 else 0.006 + 0.004 * min(4.0, since)


@dataclass
class Heard:
    """The results. Positions are samples of the capture stream: when the device `noticed` a voice, and fell silent
    for it (the card goes on for CARD_S). `restored`: what the wake word hears."""

    captured: Sound
    left: Sound
    restored: Sound
    played: Sound
    noticed: list[int]
    silenced: list[int]


class Device:
    """Listens through a canceller. With `reacts` it ducks when it notices a voice, and falls silent when the voice goes
    on.

    `moments_off` returns the error of its loudspeaker's times (s). `light`: its canceller does without the
    linear filter.
    """

    def __init__(
        self,
        cancels: bool = True,
        reacts: bool = False,
        turn_taking: str = "server",
        moments_off: Callable[[float], float] = exact,
        light: bool = False,
    ) -> None:
        self._moments_off = moments_off
        self._far_end = FarEnd(PLAYED_RATE)
        self._canceller = self._make_canceller(cancels, light)
        self._vad = ConfirmingVad(BargeInVad(WebRtcVad(), self._canceller.levels), self._confirm)
        self._segmenter = Segmenter(segmenting(configuration.parse({"conversation": {"turn_taking": turn_taking}})))
        self._reacts = reacts
        self._random = np.random.default_rng(0)
        self._handed_over = 0
        self._in_voice = self._confirmed = False

    def hear(self, answer: Sound, near: Sound, room: Room, resume_at: Sequence[int] = ()) -> Heard:
        """Play `answer` and listen to it and `near`, equally long; after a stop go on answering at `resume_at`."""
        echo, gain = Echo(room), np.ones(len(answer), np.float32)
        handed_over = upsampled(answer)
        heard = Heard(np.zeros_like(answer), np.zeros_like(answer), np.zeros_like(answer), answer, [], [])
        for at in range(0, len(answer) - FRAME + 1, FRAME):
            now, frame = at + FRAME, slice(at, at + FRAME)
            self._hand_over(handed_over, gain, now)
            heard.captured[frame] = echo.process(answer[frame] * gain[frame]) + near[frame]
            pcm = self._canceller.process(pcm_from_samples(heard.captured[frame]), self._moment(at / RATE))
            heard.left[frame] = samples_from_pcm(pcm)
            heard.restored[frame] = samples_from_pcm(self._canceller.restored() or pcm)
            if self._listen(AudioFrame(pcm, Samples(at))):
                heard.noticed.append(now)
            if self._reacts:
                if self._react(gain[now + int(CARD_S * RATE) :]):
                    heard.silenced.append(now)
                if any(at <= moment < now for moment in resume_at):
                    gain[now + int(CARD_S * RATE) :] = 1.0
        heard.played = answer * gain
        return heard

    def _make_canceller(self, cancels: bool, light: bool) -> EchoCanceller:
        if not cancels:
            return NullCanceller()
        canceller = WebRtcCanceller(self._far_end)
        canceller.be_light(light)
        canceller.load()
        return canceller

    def _moment(self, seconds: float) -> float:
        return START_S + seconds + float(self._random.uniform(-JITTER_S, JITTER_S))

    def _hand_over(self, answer: Sound, gain: Sound, now: int) -> None:
        """Write to the far end what sounds until CARD_S after `now`."""
        while self._handed_over < (now / RATE + CARD_S) * PLAYED_RATE:
            piece = answer[self._handed_over : self._handed_over + PLAYED_BLOCK]
            at = min(self._handed_over * RATE // PLAYED_RATE, len(gain) - 1)
            pcm = pcm_from_samples(piece * gain[at]).ljust(PLAYED_BLOCK * 2, b"\0")
            seconds = self._handed_over / PLAYED_RATE
            self._far_end.write(pcm, PLAYED_RATE, self._moment(seconds + self._moments_off(seconds)))
            self._handed_over += PLAYED_BLOCK

    def _confirm(self) -> None:
        self._confirmed = True

    def _listen(self, frame: AudioFrame) -> bool:
        """Return whether a voice was noticed."""
        self._confirmed = False
        fact = self._segmenter.process(self._vad.is_voice(frame), frame.position, frame.end)
        if fact is not None:
            self._in_voice = isinstance(fact, VoiceStarted)
        return isinstance(fact, VoiceStarted)

    def _react(self, gain: Sound) -> bool:
        """Duck at once, stop on confirmation, unduck if it was no voice; return whether the device falls silent."""
        if not len(gain) or gain[0] == 0:
            return False
        stops = self._in_voice and self._confirmed
        gain[:] = 0.0 if stops else DUCKED if self._in_voice else 1.0
        return stops
