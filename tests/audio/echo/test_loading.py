"""When the echo canceller is loaded, and what is told when it cannot be."""

from __future__ import annotations

import asyncio

import pytest

from device.audio.echo.canceller import WebRtcCanceller
from device.audio.echo.farend import FarEnd
from device.audio.echo.loading import LateLoader
from device.core.actions import CloseSession, OpenSession, TurnEnd
from device.core.events import EchoCancellationLost, Event
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
    loader.observe(CloseSession(), None)
    assert loader._task is None
    for _ in range(2):
        loader.observe(OPEN, None)
        assert loader._task is not None
        await loader._task
    assert loads == ["loaded"]


async def test_one_that_cannot_be_loaded_is_posted(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason."""

    def fail(self: WebRtcCanceller) -> None:
        raise AudioError("livekit is broken")

    monkeypatch.setattr(WebRtcCanceller, "load", fail)
    told: asyncio.Queue[Event] = asyncio.Queue()
    LateLoader(FarEnd(Hz(24_000)), told.put_nowait, Threads("loading")).observe(OPEN, None)
    assert await asyncio.wait_for(told.get(), 10) == EchoCancellationLost("livekit is broken")
