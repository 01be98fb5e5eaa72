"""A loudspeaker that is no sound card: it takes sound as fast as it comes."""

from __future__ import annotations

from device.audio.cards.portaudio import SoundCards
from device.audio.cards.speaker import AlsaSpeaker
from device.audio.settings import Audio
from device.core.events import Device, DeviceFailed, Event
from device.units import Hz
from tests.waiting import until


async def test_alsas_null_is_told_as_what_it_is() -> None:
    """Not as a card that stands still, nor as a machine that is too busy."""
    told: list[Event] = []
    cards = SoundCards(Audio(output="null"), told.append)
    await AlsaSpeaker(cards, Hz(24_000)).open()
    await until(lambda: told, "a failure")
    await cards.close()
    assert isinstance(told[0], DeviceFailed)
    assert told[0].device is Device.SPEAKER
    assert "the loudspeaker takes sound faster than time passes" in str(told[0])
