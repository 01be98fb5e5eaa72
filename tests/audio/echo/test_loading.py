"""When the echo canceller is loaded, and what is told when it cannot be."""

from __future__ import annotations

import asyncio
import threading

import pytest

from device.audio.echo.canceller import WebRtcCanceller
from device.audio.echo.farend import FarEnd
from device.audio.echo.loading import LateLoader
from device.core.actions import Action, Announce, CloseSession, OpenSession, Ring, SayAnnouncement, StopRinging, TurnEnd
from device.core.events import EchoCancellationLost, EchoCancellationRecovered, Event
from device.core.status import Phase, Status
from device.errors import AudioError
from device.kit.threads import Threads
from device.units import Hz

OPEN = OpenSession(1, TurnEnd.PROVIDER)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note that it is loaded instead of doing so."""
    loads: list[str] = []
    monkeypatch.setattr(WebRtcCanceller, "load", lambda self: loads.append("loaded"))
    return loads


async def test_it_is_loaded_once_with_the_first_session(loads: list[str]) -> None:
    """And not before."""
    loader = LateLoader(FarEnd(Hz(24_000)), lambda fact: None, Threads("loading"))
    loader.observe(CloseSession(), Status())
    assert loader._task is None
    for _ in range(2):
        loader.observe(OPEN, Status())
        assert loader._task is not None
        await loader._task
    assert loads == ["loaded"]


@pytest.mark.parametrize("sounds", [Announce("Hello."), SayAnnouncement(1, "Hello."), Ring(ducked=False)])
async def test_it_is_loaded_with_whatever_sounds_first(loads: list[str], sounds: Action) -> None:
    """Outside of a session only a stop word is listened for, and its person must be told from the echo."""
    loader = LateLoader(FarEnd(Hz(24_000)), lambda fact: None, Threads("loading"))
    loader.observe(sounds, Status())
    assert loader._task is not None
    await loader._task
    assert loads == ["loaded"]


async def test_one_for_rings_alone_costs_nothing_beside_a_conversation(loads: list[str]) -> None:
    """It is loaded when it first rings, and works while it rings."""
    far_end = FarEnd(Hz(24_000))
    loader = LateLoader(far_end, lambda fact: None, Threads("loading"), only_rings=True)
    loader.observe(OPEN, Status(phase=Phase.WAKING))
    assert loader._task is None
    loader.observe(Ring(ducked=False), Status(ringing=True))
    assert loader._task is not None
    await loader._task
    assert loads == ["loaded"]
    assert not loader.canceller.is_paused
    loader.observe(StopRinging(), Status())
    assert loader.canceller.is_paused


async def test_one_that_rests_is_posted_and_that_it_works_again(loads: list[str]) -> None:
    """Not for good."""
    told: list[Event] = []
    loader = LateLoader(FarEnd(Hz(24_000)), told.append, Threads("loading"))
    loader.rest(True)
    loader.rest(False)
    assert [type(fact) for fact in told] == [EchoCancellationLost, EchoCancellationRecovered]
    assert not told[0].for_good


async def test_one_that_is_lost_for_good_does_not_come_back_from_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it lost again."""
    monkeypatch.setattr(WebRtcCanceller, "load", fail_to_load)
    told: list[Event] = []
    loader = LateLoader(FarEnd(Hz(24_000)), told.append, Threads("loading"))
    loader.observe(OPEN, Status())
    assert loader._task is not None
    await loader._task
    loader.rest(True)
    loader.rest(False)
    assert told == [EchoCancellationLost("livekit is broken")]


def fail_to_load(canceller: WebRtcCanceller) -> None:
    """Raise."""
    raise AudioError("livekit is broken")


async def test_one_that_cannot_be_loaded_is_posted(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason."""
    monkeypatch.setattr(WebRtcCanceller, "load", fail_to_load)
    told: asyncio.Queue[Event] = asyncio.Queue()
    LateLoader(FarEnd(Hz(24_000)), told.put_nowait, Threads("loading")).observe(OPEN, Status())
    assert await asyncio.wait_for(told.get(), 10) == EchoCancellationLost("livekit is broken")


async def test_one_that_fails_too_often_is_posted_on_the_event_loop(loads: list[str]) -> None:
    """It fails in its own thread."""
    told: asyncio.Queue[tuple[Event, bool]] = asyncio.Queue()
    here = threading.get_ident()
    loader = LateLoader(
        FarEnd(Hz(24_000)), lambda fact: told.put_nowait((fact, threading.get_ident() == here)), Threads("loading")
    )
    loader.observe(OPEN, Status())
    await asyncio.to_thread(loader._note_failure)
    fact, is_here = await asyncio.wait_for(told.get(), 10)
    assert isinstance(fact, EchoCancellationLost)
    assert fact.for_good
    assert is_here
