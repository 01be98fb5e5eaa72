"""Calls that may block, away from the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from device.audio import alsa, line
from device.audio.alsa import SoundCards
from device.audio.callthread import CallThread
from device.config import Audio


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a hanging call waits for; opened in the end."""
    gate = threading.Event()
    yield gate
    gate.set()


async def test_a_call_returns_its_result() -> None:
    """From one thread, always the same."""
    calls = CallThread("portaudio")
    threads = {await calls.call(threading.get_ident) for _ in range(3)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_an_error_is_raised_where_the_call_was_made() -> None:
    """And the thread lives on."""
    calls = CallThread("portaudio")
    with pytest.raises(ZeroDivisionError):
        await calls.call(lambda: 1 / 0)
    assert await calls.call(int, "7") == 7


async def test_a_call_that_hangs_does_not_stop_the_loop(gate: threading.Event) -> None:
    """The wait can be given up; later calls are made once it ends."""
    calls = CallThread("portaudio")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(calls.call(gate.wait), 0.05)
    later = asyncio.create_task(calls.call(int, "7"))
    gate.set()
    assert await later == 7


async def test_sound_cards_close_though_portaudio_hangs(gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program must be able to end."""
    for module in (alsa, line):
        monkeypatch.setattr(module, "HANG_S", 0.05)
    cards = SoundCards(Audio(), lambda event: None)
    microphone = cards.microphone(lambda frame, moment: None)
    hanging = asyncio.create_task(cards.call(gate.wait))
    await asyncio.sleep(0)
    await microphone.close()
    await cards.close()
    hanging.cancel()
