"""Plays a cue in a simulated room, faster than real time; returns what is captured and what is sent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import soxr

from device.audio.cues import cue_pcm
from device.audio.echo.canceller import EchoCanceller, NullCanceller, WebRtcCanceller
from device.audio.echo.cuemask import CueMask
from device.audio.echo.farend import FarEnd
from device.core.actions import Cue
from device.sim.room.acoustics import Echo, Room, Sound, pcm_from_samples, samples_from_pcm
from device.units import BYTES_PER_SAMPLE, Ms, samples_from_ms
from tests.audio.echo.echo_stage import CARD_S, FRAME, JITTER_S, PLAYED_BLOCK, PLAYED_RATE, RATE, START_S, upsampled

NOTES_HZ = (659.3, 880.0, 1318.6, 1760.0)
_WIDTH_HZ = 15.0


@dataclass(frozen=True)
class CueHeard:
    """The sounds at RATE. `at` and `end`: begin and end of the cue at the DAC; `hidden`: the silenced samples."""

    captured: Sound
    left: Sound
    sent: Sound
    at: int
    end: int

    @property
    def hidden(self) -> np.ndarray:
        """The samples that were silenced."""
        return (self.sent == 0) & (self.left != 0)

    @property
    def hidden_after_ms(self) -> Ms:
        """How long silence was sent after the cue's end at the DAC; negative when nothing was silenced so late."""
        where = np.flatnonzero(self.hidden)
        return Ms((float(where[-1]) + 1 - self.end) * 1000 / RATE) if len(where) else Ms(-math.inf)


def make_canceller(kind: str, far_end: FarEnd) -> EchoCanceller:
    """Return a NullCanceller (`kind` "none"), or a new WebRtcCanceller."""
    if kind == "none":
        return NullCanceller()
    canceller = WebRtcCanceller(far_end)
    canceller.load()
    return canceller


def hear_cue(
    place: Room,
    canceller: EchoCanceller,
    far_end: FarEnd,
    *,
    before: Sound,
    near: Sound,
    cue: Cue = Cue.WAKE,
    masked: bool = True,
    card_off_s: float = 0.0,
) -> CueHeard:
    """Play `before`, then a cue, with `near` (longer than both) at the microphone; the card's times are wrong."""
    sound = samples_from_pcm(cue_pcm(cue, PLAYED_RATE))
    at = len(before)
    played = np.zeros(len(near), np.float32)
    played[:at] = before
    here = soxr.resample(sound, PLAYED_RATE, RATE)
    played[at : at + len(here)] += here
    handed_over = upsampled(played)
    cue_from, cue_to = at * PLAYED_RATE // RATE, at * PLAYED_RATE // RATE + len(sound)
    mask = CueMask(far_end.cues, lambda: canceller.is_trusted)
    echo, random, done = Echo(place), np.random.default_rng(place.seed), 0
    captured, left, sent = (np.zeros_like(near) for _ in range(3))

    def moment(seconds: float) -> float:
        return START_S + seconds + float(random.uniform(-JITTER_S, JITTER_S))

    for start in range(0, len(near) - FRAME + 1, FRAME):
        frame = slice(start, start + FRAME)
        while done < ((start + FRAME) / RATE + CARD_S) * PLAYED_RATE:
            pcm = pcm_from_samples(handed_over[done : done + PLAYED_BLOCK]).ljust(
                PLAYED_BLOCK * BYTES_PER_SAMPLE, b"\0"
            )
            is_cue = done + PLAYED_BLOCK > cue_from and done < cue_to
            far_end.write(pcm, PLAYED_RATE, moment(done / PLAYED_RATE + card_off_s), is_cue)
            done += PLAYED_BLOCK
        captured[frame] = echo.process(played[frame]) + near[frame]
        pcm, when = pcm_from_samples(captured[frame]), moment(start / RATE)
        cancelled = canceller.process(pcm, when)
        left[frame] = samples_from_pcm(cancelled)
        sent[frame] = samples_from_pcm(mask.process(pcm, cancelled, when) if masked else cancelled)
    return CueHeard(captured, left, sent, at, at + len(here))


def notes_dbfs(sound: Sound, span: slice) -> float:
    """Return the level of the wake cue's notes in a span: of the spectrum within _WIDTH_HZ of them."""
    piece = sound[span] * np.hanning(len(sound[span]))
    size = 1 << (len(piece) * 2).bit_length()
    power = np.abs(np.fft.rfft(piece, size)) ** 2
    frequency = np.fft.rfftfreq(size, 1 / RATE)
    near = np.any([np.abs(frequency - note) < _WIDTH_HZ for note in NOTES_HZ], axis=0)
    # By Parseval's theorem; the window leaves 3/8 of the power.
    return 10 * math.log10(2 * float(power[near].sum()) / size / len(piece) / 0.375 + 1e-12)


def heard_span(heard: CueHeard) -> slice:
    """Return the time in which a cue may be heard in any room: the cue, the longest delay and the reverberation."""
    return slice(heard.at, heard.end + samples_from_ms(650, RATE))
