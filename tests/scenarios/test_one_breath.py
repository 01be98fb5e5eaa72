"""Wake word and command without a pause, however slow the server: what of it arrives, to the millisecond."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import soxr

from device.core.events import SpeechStopped
from device.sim.person.voice import Utterance
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script, tone
from device.units import Hz
from tests.scenarios.conftest import Open
from tests.scenarios.house import Samples, pcm_samples
from tests.waiting import LIMIT_S

RATE = 24_000  # of what the server receives
GAP_MS = 60.0  # between wake word and command, as Person speaks
WINDOW_MS = 200
# What the virtual card's clock and the resamplers' edges may blur.
TOLERANCE_MS = 15.0


@dataclass(frozen=True)
class Arrived:
    """Where windows of what was said were found in what was received."""

    start_ms: float
    """Which moment of the utterance the first sample received belongs to."""
    drift_ms: float
    """How far the windows of the command lie from where they should, at most."""
    match: float
    """The least similarity of a window, 1.0 = the same sound."""


def arrival(said: Utterance, room: bytes, received: bytes) -> Arrived:
    """Find the command's windows of WINDOW_MS in the audio received.

    They are cut from a recording of the room (RATE), since a busy machine may stutter while it plays the person.
    """
    spoken = soxr.resample(pcm_samples(said.command), said.rate, RATE)
    at_ms, step = said.command_at_ms, WINDOW_MS * RATE // 1000
    sound, heard = pcm_samples(room), pcm_samples(received)
    begin, _ = _find(spoken[:step], sound)
    starts, matches = [], []
    for at in range(0, len(spoken) - step + 1, step):
        place, match = _find(sound[begin + at : begin + at + step], heard)
        starts.append(at_ms + (at - place) * 1000 / RATE)
        matches.append(match)
    return Arrived(starts[0], float(np.ptp(starts)), min(matches))


def _find(piece: Samples, sound: Samples) -> tuple[int, float]:
    """Return where `piece` fits best into `sound` (negative: its beginning is missing), and how well."""
    padded = np.pad(sound, len(piece))
    size = 1 << (len(padded) + len(piece)).bit_length()
    product = np.fft.irfft(np.fft.rfft(padded, size) * np.conj(np.fft.rfft(piece, size)), size)[: len(padded)]
    energy = np.concatenate([[0.0], np.cumsum(padded**2)])
    around = energy[len(piece) :] - energy[: -len(piece)]
    scores = product[: len(around)] / np.sqrt(np.maximum(around * np.sum(piece**2), 1e-9))
    best = int(np.argmax(scores))
    return best - len(piece), float(scores[best])


@pytest.mark.parametrize("delay_s", [0.0, 1.0, 3.0])
async def test_the_whole_sentence_and_no_more_than_the_end_of_the_wake_word_arrives(
    open_house: Open, server: SimulatedRealtime, delay_s: float
) -> None:
    """0 ms of the sentence are missing, at most 200 ms of the wake word are left."""
    server.script = Script(session_updated_delay_s=delay_s, answer=lambda _: Reply("Beep.", audio=tone(200)))
    async with open_house() as house:
        with house.card.record_room(Hz(RATE)) as room:
            said = await house.wake("turn on the light")
            await house.timeline.until(SpeechStopped, 0.0, LIMIT_S)
        arrived = arrival(said, room.pcm, server.journal.received_audio())
    assert arrived.match > 0.9, arrived
    assert arrived.drift_ms < TOLERANCE_MS, "a gap, or a piece twice, or out of order"
    assert arrived.start_ms <= said.command_at_ms, "the beginning of the sentence is missing"
    wake_word_left = said.command_at_ms - GAP_MS - arrived.start_ms
    assert wake_word_left <= 200 + TOLERANCE_MS
