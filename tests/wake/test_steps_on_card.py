"""The wake word beside talk, on the virtual sound card: microphone, doze, steps and engine as in the daemon."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from device.audio.cards.capture import Pace, pace_of
from device.audio.cards.microphone import AlsaMicrophone
from device.audio.cards.portaudio import SoundCards
from device.audio.settings import Audio
from device.core.status import Phase
from device.ports.wake import Detection
from device.sim.devices.soundcard import MICROPHONE, VirtualSoundCard
from device.sim.person.voice import Person
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE
from device.wake.openwakeword.engine import OpenWakeWord
from device.wake.worker import WakeWorker
from tests.waiting import until

pytestmark = [pytest.mark.card, pytest.mark.patient]

TALK = "The cat sleeps in the sun while it rains on the other side."


class Ear:
    """A microphone and a worker with the real engine, and what came of them."""

    def __init__(self) -> None:
        self.heard: list[Detection] = []
        self.pieces_ms: list[int] = []
        """How long each piece of sound was."""
        self.fed = 0
        self.worker = WakeWorker(OpenWakeWord(["hey_jarvis"]), self.heard.append, print, doze=True)
        self.cards = SoundCards(Audio(input=MICROPHONE), print)
        self.microphone = AlsaMicrophone(self.cards, self.on_frame, self.pace, self.worker.reset)

    def pace(self) -> Pace:
        """As in the house, which is idle."""
        worker = self.worker
        return pace_of(Phase.IDLE, worker.is_at_rest, worker.expects_word, worker.is_punctual)

    def on_frame(self, pcm: bytes, moment: float) -> None:
        """Feed the worker."""
        self.pieces_ms.append(len(pcm) // BYTES_PER_SAMPLE * 1000 // CAPTURE_RATE)
        self.fed += len(pcm) // BYTES_PER_SAMPLE
        self.worker.feed(pcm)


@pytest.fixture
async def ear(virtual_card: VirtualSoundCard) -> AsyncIterator[Ear]:
    """An ear that listens."""
    ear = Ear()
    ear.worker.start()
    await ear.microphone.open()
    yield ear
    await ear.cards.close()
    ear.worker.close()


async def test_beside_talk_steps_come_to_end_with_blocks_and_the_word_is_heard(
    ear: Ear, virtual_card: VirtualSoundCard
) -> None:
    """After a quiet time, when the microphone has changed from long blocks to those of a step."""
    person, enough = Person(virtual_card.play_into_room), asyncio.Event()
    await until(lambda: Pace.CALM in ear.pieces_ms, "long blocks in a quiet room")
    talking = asyncio.create_task(_talk(person, enough))
    try:
        await until(lambda: not ear.worker.is_at_rest, "talk")
        await until(lambda: ear.worker.is_punctual, "steps that end with blocks")
        await until(lambda: ear.pieces_ms[-1] == Pace.LEISURELY, "three steps at once")
    finally:
        enough.set()
        await talking
    await _call(person, ear)
    assert ear.heard[0].word == "hey_jarvis"
    assert ear.fed - 2 * CAPTURE_RATE < ear.heard[0].end <= ear.fed


async def _call(person: Person, ear: Ear) -> None:
    """On a machine that is busy with something else a word may come in pieces: then it is said again."""
    for _ in range(3):
        await person.say("", "hey jarvis")
        with contextlib.suppress(AssertionError):
            await until(lambda: ear.heard, "the wake word", limit_s=3.0)
            return
    pytest.fail("the wake word was never heard")


async def _talk(person: Person, enough: asyncio.Event) -> None:
    while not enough.is_set():
        await person.say(TALK)
