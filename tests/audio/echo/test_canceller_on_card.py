"""Echo cancellation on real ALSA PCMs: the far end by PortAudio's DAC times, the echo through a live room."""

from __future__ import annotations

import asyncio
import contextlib

import numpy as np

from device.audio.cards.portaudio import SoundCards
from device.audio.cards.speaker import AlsaSpeaker
from device.audio.echo.canceller import LATENCY, WebRtcCanceller
from device.audio.echo.farend import FarEnd
from device.audio.settings import Audio
from device.core.events import Event
from device.sim.devices.soundcard import SPEAKER, VirtualSoundCard
from device.sim.room.acoustics import Room, Sound, pcm_from_samples, samples_from_pcm
from device.sim.room.echopath import EchoPath
from device.units import BYTES_PER_SAMPLE, Hz, Ms
from tests.audio.echo.echo_stage import FRAME, PLAYED_RATE, RATE, answers, cancellation_db, upsampled

PLAYED_S = 7.0


class Source:
    """Hands an answer to the card, and tells the far end of it as the player does."""

    def __init__(self, pcm: bytes, far_end: FarEnd) -> None:
        self._pcm = pcm
        self._far_end = far_end
        self._at = 0
        self.over = False

    def pull(self, count: int, moment: float) -> bytes:
        """Return the next samples."""
        block = self._pcm[self._at : self._at + count * BYTES_PER_SAMPLE].ljust(count * BYTES_PER_SAMPLE, b"\0")
        self._at += len(block)
        self.over = self._at > len(self._pcm)
        self._far_end.write(block, PLAYED_RATE, moment)
        return block


async def test_what_is_played_is_taken_out_of_what_the_microphone_hears(virtual_card: VirtualSoundCard) -> None:
    """15 dB or more, even on a machine so busy that the card runs dry (35 dB where it does not)."""
    canceller = WebRtcCanceller(far_end := FarEnd(PLAYED_RATE))
    canceller.load()
    source = Source(pcm_from_samples(upsampled(await asyncio.to_thread(answers, PLAYED_S, 2))), far_end)
    complaints: list[Event] = []
    cards = SoundCards(Audio(input="default", output=SPEAKER), complaints.append)
    speaker = AlsaSpeaker(cards, Hz(PLAYED_RATE))
    speaker.attach(source.pull, lambda: None, far_end.drop)
    captured: list[Sound] = []
    left: list[Sound] = []
    room = Room(Ms(60), echo_db=-5.0, noise_dbfs=-75.0)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(cards.close)
        await stack.enter_async_context(EchoPath(virtual_card, room))
        with virtual_card.record_room(RATE) as microphone:
            await speaker.open()
            while not source.over:
                await asyncio.sleep(0.02)
                size = FRAME * BYTES_PER_SAMPLE
                pcm = microphone.pcm
                for at in range(len(captured) * size, len(pcm) - size, size):
                    moment = microphone.start + at / BYTES_PER_SAMPLE / RATE
                    captured.append(samples_from_pcm(pcm[at : at + size]))
                    left.append(samples_from_pcm(canceller.process(pcm[at : at + size], moment)))
    assert not complaints
    before, after = np.concatenate(captured), np.concatenate(left)[LATENCY:]
    gained = [cancellation_db(before, after, since, since + 1) for since in np.arange(3.5, len(after) / RATE - 1, 0.5)]
    assert max(gained) > 15
