"""The player, on a loudspeaker in memory whose time passes when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

import numpy as np
import pytest

from device.audio.cues import cue_pcm
from device.audio.echo.farend import FarEnd, PlaybackObserver
from device.audio.mouth import player, standby
from device.audio.mouth.player import Player
from device.core.actions import Cue
from device.core.events import Event, PlaybackFinished, PlaybackStarted, PlaybackStopped
from device.errors import AudioError
from device.sim.devices.fakecard import FakeSpeaker
from device.units import Hz, Ms
from tests.waiting import until

RATE = Hz(24_000)


def sound(milliseconds: float, level: int = 8000) -> bytes:
    """A constant: easy to count."""
    return level.to_bytes(2, "little", signed=True) * int(RATE * milliseconds / 1000)


def stopped(turn: int, item: str, played: float, received: float, within: float = 0.1) -> object:
    """A PlaybackStopped that is right to `within` milliseconds."""
    return PlaybackStopped(turn, item, cast(Ms, pytest.approx(played, abs=within)), Ms(received))


def heard_ms(speaker: FakeSpeaker, rate: Hz = RATE) -> float:
    """How much of what left the card was not silence."""
    return float(np.count_nonzero(np.frombuffer(speaker.heard, dtype="<i2"))) * 1000 / rate


class House:
    """A player with its loudspeaker and what it posted."""

    def __init__(self, speaker: FakeSpeaker, observer: PlaybackObserver | None = None) -> None:
        self.speaker = speaker
        self.events: list[Event] = []
        self.player = Player(speaker, RATE, self.events.append, clock=speaker.clock, observer=observer)

    async def pass_time(self, milliseconds: float) -> None:
        """Let the card play, and the player hear of it."""
        await self.settle()
        self.speaker.advance(milliseconds)
        await self.settle()

    async def settle(self) -> None:
        """Let everything run that is ready."""
        for _ in range(10):
            await asyncio.sleep(0)

    async def open(self) -> None:
        """Warm up."""
        self.player.warm_up()
        await self.settle()


@contextlib.asynccontextmanager
async def a_house(speaker: FakeSpeaker) -> AsyncIterator[House]:
    """A house that is closed in the end."""
    house = House(speaker)
    yield house
    await house.player.close()


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Its loudspeaker does 24 kHz."""
    async with a_house(FakeSpeaker(RATE)) as house:
        yield house


async def test_an_answer_is_played_and_finished_once_it_was_heard(house: House) -> None:
    """PlaybackStarted comes with the first sample, PlaybackFinished after the last has left the card."""
    await house.open()
    house.player.play_answer(1, "item", sound(100))
    house.player.end_answer(1)
    await house.pass_time(20)
    assert house.events == [PlaybackStarted(1)]
    await house.pass_time(200)
    await until(lambda: PlaybackFinished(1) in house.events)
    assert heard_ms(house.speaker) == 100


async def test_an_answer_is_not_finished_before_it_is_complete(house: House) -> None:
    """The queue running dry is not the end."""
    house.player.play_answer(1, "item", sound(100))
    await house.pass_time(500)
    assert house.events == [PlaybackStarted(1)]
    house.player.end_answer(1)
    await house.pass_time(20)
    await until(lambda: house.events[-1] == PlaybackFinished(1))


async def test_an_answer_without_sound_is_finished_at_once(house: House) -> None:
    """A model may answer with nothing but a tool call."""
    house.player.end_answer(7)
    await until(lambda: house.events == [PlaybackFinished(7)])


async def test_a_short_first_piece_waits_for_more(house: House) -> None:
    """The jitter buffer begins with 40 ms."""
    house.player.play_answer(1, "item", sound(20))
    await house.pass_time(100)
    assert heard_ms(house.speaker) == 0
    house.player.play_answer(1, "item", sound(20))
    await house.pass_time(100)
    assert heard_ms(house.speaker) == 40


async def test_a_short_whole_item_is_played(house: House) -> None:
    """There is no more to wait for."""
    house.player.play_answer(1, "item", sound(10))
    house.player.end_answer_item(1, "item")
    await house.pass_time(100)
    assert heard_ms(house.speaker) == 10


async def test_after_running_dry_it_waits_for_as_much_again(house: House) -> None:
    """One gap, not many."""
    house.player.play_answer(1, "item", sound(50))
    await house.pass_time(200)
    house.player.play_answer(1, "item", sound(20))
    await house.pass_time(100)
    assert heard_ms(house.speaker) == 50
    house.player.play_answer(1, "item", sound(30))
    await house.pass_time(100)
    assert heard_ms(house.speaker) == 100


async def test_a_stop_reports_what_was_heard(house: House) -> None:
    """Everything the card already holds will be heard, and nothing else."""
    await house.open()
    house.player.play_answer(1, "item", sound(1000))
    await house.pass_time(300)
    house.player.stop()
    (fact,) = [event for event in house.events if isinstance(event, PlaybackStopped)]
    await house.pass_time(500)
    assert fact == stopped(1, "item", heard_ms(house.speaker), 1000)
    assert 290 <= fact.played <= 320


async def test_silence_in_the_middle_is_not_counted_as_heard(house: House) -> None:
    """An answer that came late was not heard meanwhile."""
    house.player.play_answer(1, "item", sound(100))
    await house.pass_time(500)
    house.player.play_answer(1, "item", sound(400))
    await house.pass_time(100)
    house.player.stop()
    await house.pass_time(100)
    assert house.events[-1] == stopped(1, "item", heard_ms(house.speaker), 500)


async def test_a_long_buffer_is_dropped_on_a_stop() -> None:
    """What the card held is not heard, and not counted."""
    async with a_house(FakeSpeaker(RATE, delay_ms=200)) as house:
        house.player.play_answer(1, "item", sound(1000))
        await house.pass_time(400)
        before = heard_ms(house.speaker)
        house.player.stop()
        await house.pass_time(500)
        assert heard_ms(house.speaker) == before
        assert house.events[-1] == stopped(1, "item", before, 1000)


async def test_what_is_lost_when_the_card_runs_dry_is_not_counted_as_heard() -> None:
    """It stood still with sound in it, and went on without."""
    async with a_house(FakeSpeaker(RATE, delay_ms=60)) as house:
        house.player.play_answer(1, "item", sound(1000))
        await house.pass_time(300)
        house.speaker.run_dry()
        await house.pass_time(200)
        before = heard_ms(house.speaker)
        house.player.stop()
        await house.pass_time(500)
        assert house.events[-1] == stopped(1, "item", before, 1000)


async def test_an_answer_that_was_not_heard_at_all_says_so(house: House) -> None:
    """The machine deletes it instead of truncating."""
    await house.open()
    house.player.play_answer(1, "item", sound(1000))
    house.player.stop()
    assert house.events == [stopped(1, "item", 0, 1000)]


async def test_the_item_that_was_cut_is_the_one_reported(house: House) -> None:
    """The first was heard out, the second is playing."""
    await house.open()
    house.player.play_answer(1, "first", sound(100))
    house.player.play_answer(1, "second", sound(1000))
    await house.pass_time(300)
    house.player.stop()
    fact = house.events[-1]
    assert isinstance(fact, PlaybackStopped)
    assert fact.item == "second"
    assert fact.played == pytest.approx(heard_ms(house.speaker) + 15 - 100, abs=6)


async def test_a_stop_after_everything_was_heard_names_no_item(house: House) -> None:
    """There is nothing to truncate."""
    await house.open()
    house.player.play_answer(1, "item", sound(100))
    house.player.end_answer_item(1, "item")
    await house.pass_time(300)
    house.player.stop()
    assert house.events[-1] == stopped(1, "", 0, 0)


async def test_a_stop_without_an_answer_posts_nothing(house: House) -> None:
    """A cue is stopped without a word."""
    house.player.play_cue(Cue.ERROR)
    await house.pass_time(20)
    house.player.stop()
    await house.pass_time(300)
    assert house.events == []
    assert heard_ms(house.speaker) < 60


async def test_an_answer_stopped_before_the_card_is_open_was_not_heard() -> None:
    """The provider must forget it: the item is reported all the same."""
    house = House(FakeSpeaker(RATE))
    house.player.play_answer(1, "item", sound(100))
    house.player.stop()
    assert house.events == [PlaybackStopped(1, "item", Ms(0), Ms(0))]
    await house.settle()
    await house.pass_time(200)
    assert heard_ms(house.speaker) == 0
    await house.player.close()


async def test_a_stopped_answer_is_not_finished(house: House) -> None:
    """Nor does it sound again."""
    await house.open()
    house.player.play_answer(1, "item", sound(100))
    house.player.end_answer(1)
    await house.pass_time(30)
    house.player.stop()
    await house.pass_time(300)
    await asyncio.sleep(0.05)  # in which it would be told
    assert PlaybackFinished(1) not in house.events


async def test_the_next_answer_plays_right_after_a_stop(house: House) -> None:
    """And is counted from nothing."""
    await house.open()
    house.player.play_answer(1, "item", sound(1000))
    await house.pass_time(100)
    house.player.stop()
    house.player.play_answer(2, "item", sound(1000))
    await house.pass_time(100)
    house.player.stop()
    fact = house.events[-1]
    assert isinstance(fact, PlaybackStopped)
    assert 85 <= fact.played <= 120


async def test_cues_and_announcements_follow_one_another(house: House) -> None:
    """Each is heard whole."""
    cue = cue_pcm(Cue.DONE, RATE)
    house.player.play_cue(Cue.DONE)
    house.player.play_announcement(sound(100, level=500), RATE)
    await house.pass_time(500)
    assert house.speaker.heard.strip(b"\0") == (cue + sound(100, level=500)).strip(b"\0")


async def test_cues_are_told_from_answers() -> None:
    """Who must keep them from the microphone's sound knows when they leave the card, and before they do."""
    speaker = FakeSpeaker(RATE)
    far_end = FarEnd(RATE)
    house = House(speaker, far_end)
    house.player.play_answer(1, "item", sound(100))
    house.player.end_answer(1)
    await house.pass_time(200)
    assert far_end.cues() == ()
    began = len(speaker.heard)
    house.player.play_cue(Cue.WAKE)
    await house.pass_time(5)
    (cue,) = far_end.cues()
    assert cue.since >= speaker.clock()
    await house.pass_time(500)
    (cue,) = far_end.cues()
    heard = np.flatnonzero(np.frombuffer(speaker.heard[began:], "<i2")) + began // 2
    assert cue.since == pytest.approx(heard[0] / RATE, abs=0.006)
    assert cue.until == pytest.approx(heard[-1] / RATE, abs=0.006)
    await house.player.close()


async def test_a_ducked_answer_is_15_db_quieter_and_comes_back(house: House) -> None:
    """The ramp is short."""
    await house.open()
    house.player.play_answer(1, "item", sound(1000, level=10_000))
    await house.pass_time(100)
    house.player.duck()
    await house.pass_time(100)
    house.player.unduck()
    await house.pass_time(100)
    samples = np.frombuffer(house.speaker.heard, dtype="<i2")
    assert samples[RATE * 80 // 1000] == 10_000
    assert samples[RATE * 180 // 1000] == pytest.approx(10_000 * player.DUCKED, abs=2)
    assert samples[-1] == 10_000
    assert np.abs(np.diff(samples[RATE * 50 // 1000 :].astype(int))).max() < 10_000 / 200


async def test_the_volume_is_a_factor(house: House) -> None:
    """Half is half."""
    house.player.set_volume(0.5)
    assert house.player.volume == 0.5
    house.player.play_answer(1, "item", sound(1000, level=10_000))
    await house.pass_time(200)
    assert np.frombuffer(house.speaker.heard, dtype="<i2")[-1] == 5000


async def test_a_card_with_another_rate_gets_resampled_sound() -> None:
    """Its length is right, and what was heard is counted in the answer's milliseconds."""
    async with a_house(FakeSpeaker(Hz(48_000))) as house:
        house.player.play_answer(1, "item", sound(500))
        house.player.end_answer(1)
        await house.pass_time(300)
        house.player.stop()
        await house.pass_time(100)
        fact = house.events[-1]
        assert isinstance(fact, PlaybackStopped)
        assert fact.played == pytest.approx(heard_ms(house.speaker, Hz(48_000)), abs=1)


async def test_an_answer_on_a_card_that_went_away_is_finished_unheard(house: House) -> None:
    """The conversation goes on."""
    await house.open()
    house.player.play_answer(1, "item", sound(1000))
    await house.pass_time(100)
    house.speaker.unplug()
    house.player.play_answer(1, "item", sound(1000))
    house.player.end_answer(1)
    await until(lambda: house.events[-1] == PlaybackFinished(1))
    house.player.play_answer(2, "item", sound(100))
    house.player.end_answer(2)
    await house.pass_time(300)
    await until(lambda: house.events[-1] == PlaybackFinished(2))


async def test_a_card_that_came_back_by_itself_is_closed_when_idle(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loudspeaker's own supervisor reopened it; nobody asked for a sound."""
    monkeypatch.setattr(standby, "CLOSE_AFTER_S", 0.05)
    monkeypatch.setattr(standby, "WARM_S", 0.05)
    await house.open()
    house.speaker.unplug()
    await house.speaker.open()
    await house.pass_time(1000)
    await until(lambda: not house.speaker.is_open)


class _DeadSpeaker(FakeSpeaker):
    async def open(self) -> None:
        raise AudioError("no such card")


async def test_an_answer_without_a_card_is_finished_unheard() -> None:
    """The loudspeaker has reported the fault; nobody waits for a sound that cannot come."""
    async with a_house(_DeadSpeaker(RATE)) as house:
        house.player.play_answer(1, "item", sound(1000))
        house.player.end_answer(1)
        await until(lambda: house.events == [PlaybackFinished(1)])


async def test_an_idle_speaker_is_closed_and_opened_for_the_next_sound(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Playing silence costs power."""
    monkeypatch.setattr(standby, "CLOSE_AFTER_S", 0.05)
    house.player.play_cue(Cue.DONE)
    await house.pass_time(1000)
    await until(lambda: not house.speaker.is_open)
    house.player.play_cue(Cue.DONE)
    await until(lambda: house.speaker.is_open)


async def test_a_warm_speaker_waits_for_a_slow_answer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session took its time: what was warmed up 8 s ago is still wanted, 20 s ago no more."""
    monkeypatch.setattr(standby, "CLOSE_AFTER_S", 0.05)
    await house.open()
    await house.pass_time(standby.WARM_S * 900)
    house.player._standby._close_if_idle()  # as its timer does
    await house.settle()
    assert house.speaker.is_open
    await house.pass_time(standby.WARM_S * 200)
    house.player._standby._close_if_idle()
    await until(lambda: not house.speaker.is_open)


class _StubbornSpeaker(FakeSpeaker):
    async def flush(self) -> float:
        raise AudioError("Stream closed")


async def test_after_a_stop_that_failed_the_next_answer_sounds() -> None:
    """The card will not drop its buffer; the player must not keep silent for it."""
    async with a_house(_StubbornSpeaker(RATE, delay_ms=200)) as house:
        house.player.play_answer(1, "item", sound(1000))
        await house.pass_time(400)
        house.player.stop()
        await house.settle()
        assert isinstance(house.events[-1], PlaybackStopped)
        house.player.play_answer(2, "item", sound(500, level=20))
        await house.pass_time(1000)
        assert house.speaker.heard.count(b"\x14\0") > RATE * 0.4


async def test_a_closed_player_is_silent(house: House) -> None:
    """Closing twice is harmless."""
    house.player.play_answer(1, "item", sound(1000))
    await house.pass_time(100)
    await house.player.close()
    await house.player.close()
    assert not house.speaker.is_open


async def test_what_begins_after_the_volume_was_turned_down_is_quiet_from_its_first_sample(house: House) -> None:
    """Not from 10 ms on: that would be a click at the old volume."""
    await house.open()
    house.player.set_volume(0.0)
    house.player.play_answer(1, "item", sound(100))
    house.player.end_answer(1)
    await house.pass_time(300)
    assert heard_ms(house.speaker) == 0
