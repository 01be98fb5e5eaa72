"""A machine on which no thread can be started any more."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.core.events import Failure, SessionFailed
from device.core.status import Phase
from device.kit.threads import wait_for_children_without_threads
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script, tone
from tests.scenarios.conftest import Open
from tests.waiting import until

pytestmark = pytest.mark.patient

BEEP = Script(answer=lambda _: Reply("Beep.", audio=tone(300)))
# Those who act for the world around the device, and asyncio for them.
ELSEWHERE = ("device.sim", "tests.", "concurrent.futures")


@pytest.fixture
def child_watcher() -> Iterator[None]:
    """As `hearthside run` has it."""
    with_threads = asyncio.get_child_watcher() if hasattr(asyncio, "PidfdChildWatcher") else None
    wait_for_children_without_threads()
    yield
    if with_threads is not None:
        asyncio.set_child_watcher(with_threads)


@pytest.mark.usefixtures("child_watcher")
async def test_whatever_happens_later_needs_no_new_thread(
    open_house: Open, server: SimulatedRealtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The first session, a sentence of the local voice, a clip of the wake word, a mute: nobody waits for a thread."""
    server.script = BEEP
    wanted: list[str] = []
    start = threading.Thread.start

    def never(thread: threading.Thread) -> None:
        """Start those of the world around; of ours none comes to life, and in earnest this would not return."""
        if getattr(thread, "_target", None).__module__.startswith(ELSEWHERE):
            start(thread)
        else:
            wanted.append(thread.name)

    async with open_house(f"wake.save_clips={tmp_path}/clips") as house:
        monkeypatch.setattr(threading.Thread, "start", never)
        await house.converse()
        await house.phase(Phase.IDLE)
        since = time.monotonic()
        await house.ask_by_click()
        turn = house.status.turn
        house.app.controller.post(SessionFailed(turn, Failure.BUSY, "no"))
        assert "busy" in await house.announced(since)
        await house.long_press()
        await until(lambda: house.status.muted, "the mute")
        monkeypatch.undo()
    assert list((tmp_path / "clips").iterdir())
    assert wanted == []
