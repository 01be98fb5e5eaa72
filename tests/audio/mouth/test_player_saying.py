"""An announcement, and who is told when it was heard: on a loudspeaker in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from device.sim.devices.fakecard import FakeSpeaker
from tests.audio.mouth.test_player import RATE, House, _DeadSpeaker, a_house, heard_ms, sound
from tests.waiting import until


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A player that is closed in the end."""
    async with a_house(FakeSpeaker(RATE)) as house:
        yield house


async def test_it_is_told_once_and_when_all_of_it_has_left_the_card(house: House) -> None:
    """Not when it was handed over."""
    told: list[bool] = []
    house.player.say(sound(300), RATE, told.append)
    await house.pass_time(290)
    assert told == []
    await house.pass_time(100)
    await until(lambda: told)
    assert told == [True]
    assert heard_ms(house.speaker) == 300
    assert house.events == []


async def test_after_a_stop_nothing_is_told(house: House) -> None:
    """Who stopped it knows."""
    told: list[bool] = []
    house.player.say(sound(300), RATE, told.append)
    await house.pass_time(100)
    house.player.stop()
    await house.pass_time(1000)
    assert told == []
    house.player.say(sound(100), RATE, told.append)
    await house.pass_time(500)
    await until(lambda: told == [True])


async def test_one_whose_card_goes_away_is_unheard(house: House) -> None:
    """Told once, though the card comes back."""
    told: list[bool] = []
    house.player.say(sound(1000), RATE, told.append)
    await house.pass_time(100)
    house.player.note_lost()
    await house.pass_time(2000)
    assert told == [False]


async def test_without_a_card_it_is_unheard() -> None:
    """The loudspeaker has reported the fault."""
    async with a_house(_DeadSpeaker(RATE)) as house:
        told: list[bool] = []
        house.player.say(sound(1000), RATE, told.append)
        await until(lambda: told)
        assert told == [False]


async def test_a_sentence_without_sound_is_over_at_once(house: House) -> None:
    """As a text of punctuation is."""
    told: list[bool] = []
    house.player.say(b"", RATE, told.append)
    await house.pass_time(100)
    await until(lambda: told == [True])
