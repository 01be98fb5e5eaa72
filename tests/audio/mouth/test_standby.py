"""When the loudspeaker is open: a loudspeaker in memory, and something that plays on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from device.audio.mouth import standby
from device.audio.mouth.standby import CLOSE_AFTER_S, WARM_S, Standby
from device.errors import AudioError
from device.sim.devices.fakecard import FakeSpeaker
from tests.waiting import until


class Stage:
    """A standby, its loudspeaker and what plays on it; time passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.is_idle = True
        self.sounding_until = 0.0
        self.told: list[str] = []
        self.speaker = SlowSpeaker()
        self.standby = Standby(self.speaker, self, lambda: self.now)
        self.speaker.attach(self.pull, self.standby.note_lost, lambda moment: None)

    def pull(self, count: int, moment: float) -> bytes:
        """Give silence."""
        self.standby.note_pull()
        return bytes(2 * count)

    def note_open(self) -> None:
        """See standby.Playing."""
        self.told.append("open")

    def note_lost(self) -> None:
        """See standby.Playing."""
        self.told.append("lost")

    def note(self, what: str) -> Callable[[], None]:
        """Return what notes it when it is called."""
        return lambda: self.told.append(what)

    async def open(self) -> None:
        """Have the loudspeaker open."""
        self.standby.warm_up()
        await until(lambda: self.standby.is_open)


class SlowSpeaker(FakeSpeaker):
    """It opens and closes when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_open, self.may_close = asyncio.Event(), asyncio.Event()
        self.may_open.set()
        self.may_close.set()
        self.is_there = True

    async def open(self) -> None:
        """See FakeSpeaker."""
        await self.may_open.wait()
        if not self.is_there:
            raise AudioError("no such card")
        await super().open()

    async def close(self) -> None:
        """See FakeSpeaker."""
        await self.may_close.wait()
        await super().close()


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """A closed loudspeaker, looked after all the time."""
    monkeypatch.setattr(standby, "LOOK_S", 0.0)
    stage = Stage()
    yield stage
    stage.speaker.may_open.set()
    stage.speaker.may_close.set()
    await stage.standby.close()


async def test_what_is_asked_for_waits_until_the_rate_is_known_and_keeps_its_order(stage: Stage) -> None:
    """What needs no loudspeaker waits behind what does."""
    stage.speaker.may_open.clear()
    stage.standby.when_open(stage.note("first"))
    stage.standby.when_ready(stage.note("second"))
    await asyncio.sleep(0)
    assert stage.told == []
    stage.speaker.may_open.set()
    await until(lambda: len(stage.told) == 3)
    assert stage.told == ["open", "first", "second"]


async def test_what_waits_can_be_forgotten(stage: Stage) -> None:
    """The loudspeaker opens all the same."""
    stage.standby.when_open(stage.note("first"))
    stage.standby.forget_waiting()
    await until(lambda: stage.standby.is_open)
    assert stage.told == ["open"]


async def test_what_waits_is_done_without_a_loudspeaker_too(stage: Stage) -> None:
    """Whoever plays has been told before that nobody will hear it."""
    stage.speaker.is_there = False
    stage.standby.when_open(stage.note("first"))
    await until(lambda: len(stage.told) == 2)
    assert stage.told == ["lost", "first"]
    assert not stage.standby.is_open


async def test_without_need_of_the_loudspeaker_it_stays_closed(stage: Stage) -> None:
    """And what is asked for is done at once."""
    stage.standby.when_ready(stage.note("first"))
    assert stage.told == ["first"]
    await asyncio.sleep(0)
    assert not stage.speaker.is_open


@pytest.mark.parametrize("reason", ["warm", "sounding", "answer"])
async def test_it_is_closed_once_no_reason_is_left_to_keep_it_open(stage: Stage, reason: str) -> None:
    """It was warmed up a short while ago, or something sounds, or there is more to come."""
    await stage.open()
    stage.now = WARM_S - 1 if reason == "warm" else WARM_S + 1
    stage.sounding_until = stage.now if reason == "sounding" else 0.0
    stage.is_idle = reason != "answer"
    stage.standby._close_if_idle()  # as its timer does
    await asyncio.sleep(0)
    assert stage.speaker.is_open
    stage.now += CLOSE_AFTER_S
    stage.is_idle = True
    stage.standby._close_if_idle()
    await until(lambda: not stage.speaker.is_open)


async def test_what_is_asked_for_while_it_closes_opens_it_again(stage: Stage) -> None:
    """Closing may take a while."""
    await stage.open()
    stage.now = WARM_S + 1
    stage.speaker.may_close.clear()
    stage.standby._close_if_idle()
    await until(lambda: not stage.standby.is_open)
    stage.standby.when_open(stage.note("next"))
    assert stage.told == ["open"]
    stage.speaker.may_close.set()
    await until(lambda: stage.told == ["open", "open", "next"])


async def test_a_card_that_comes_back_by_itself_is_taken_up(stage: Stage) -> None:
    """It pulls again; it is told once."""
    await stage.open()
    stage.speaker.unplug()
    assert not stage.standby.is_open
    stage.speaker.replug()
    stage.speaker.advance(100)
    await until(lambda: stage.standby.is_open)
    assert stage.told == ["open", "lost", "open"]


async def test_closed_while_it_opens_it_does_not_open(stage: Stage) -> None:
    """Nor is anything done that waited."""
    stage.speaker.may_open.clear()
    stage.standby.when_open(stage.note("first"))
    await asyncio.sleep(0)
    await stage.standby.close()
    stage.speaker.may_open.set()
    await asyncio.sleep(0)
    assert stage.told == []
    assert not stage.speaker.is_open
