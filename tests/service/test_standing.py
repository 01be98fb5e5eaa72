"""Who is told how the house stands, and when."""

from __future__ import annotations

import asyncio
import time

import pytest

from device.core.health import Health
from device.core.report import Report
from device.core.standing import State
from device.core.status import Status
from device.secrets import Secret
from device.service import journal, standing
from device.service.standing import Sources, StandingWatch, since_1970
from device.units import Ms
from tests.waiting import until


class Facts:
    """What a house would say, as the test has it."""

    def __init__(self) -> None:
        self.status = Status()
        self.parts: tuple[Health, ...] = ()
        self.frames = 1
        self.told: list[Report] = []
        self.watch = StandingWatch(Sources(lambda: self.status, lambda: self.parts, lambda: self.frames))
        self.watch.listeners.append(self.told.append)


async def test_a_change_is_told_at_once_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    """Though something happens all the time; and a listener that raises does not keep the others from knowing."""
    facts = Facts()
    facts.watch.listeners.insert(0, lambda report: 1 // 0)
    facts.watch.start()
    await until(lambda: len(facts.told) == 1, "the first")
    for _ in range(10):
        facts.frames += 1
        facts.watch.observe(object(), object())
        await asyncio.sleep(0)
    assert len(facts.told) == 1
    facts.status = Status(muted=True)
    facts.watch.observe(object(), object())
    await until(lambda: len(facts.told) == 2, "the change")
    assert [report.standing.state for report in facts.told] == [State.LISTENING, State.MUTED]
    assert "ZeroDivisionError" in caplog.text
    facts.watch.close()


async def test_it_is_told_again_though_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads the file can tell that the house is alive."""
    monkeypatch.setattr(standing, "LONGEST_S", 0.01)
    facts = Facts()
    facts.watch.start()
    await until(lambda: len(facts.told) >= 3, "three of the same")
    assert {report.standing for report in facts.told} == {facts.told[0].standing}
    facts.watch.close()


@pytest.mark.parametrize("is_deaf", [False, True], ids=["starting", "deaf"])
async def test_that_it_hears_is_told_soon_though_nothing_happens(
    is_deaf: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a silent room, after the start and after a pause of sound; not when the next time is due."""
    monkeypatch.setattr(standing, "DEAF_S", 0.01)
    facts, now = Facts(), 100.0
    facts.watch = StandingWatch(facts.watch.sources, lambda: now)
    facts.watch.listeners.append(facts.told.append)
    facts.frames = 0
    if is_deaf:
        now += 31.0
    facts.watch.start()
    await until(lambda: len(facts.told) == 1, "the first")
    facts.frames = 1
    await until(lambda: len(facts.told) == 2, "that it hears")
    expected = [State.DEAF if is_deaf else State.STARTING, State.LISTENING]
    assert [report.standing.state for report in facts.told] == expected
    facts.watch.close()


def test_no_key_and_no_endless_text_gets_out_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server quotes the key that it refuses, and goes on and on."""
    monkeypatch.setattr(journal, "_masks", [Secret("sk-planted-key-0123456789").mask])
    facts = Facts()
    why = "refused: sk-planted-key-0123456789 " + "x" * 10_000
    facts.parts = (Health("provider", ok=False, since=Ms(0), why=why), Health("light", ok=True, since=Ms(0)))
    report = facts.watch.report()
    assert report.parts[0].why.startswith("refused: ")
    assert len(report.parts[0].why) == journal.LONGEST
    assert "sk-planted-key" not in str(report)
    assert report.parts[1] == facts.parts[1]


def test_the_wall_clock_of_now_counts() -> None:
    """It may have been put right since."""
    moment = Ms((time.monotonic() - 5) * 1000)
    assert abs(since_1970(moment) - (time.time() - 5)) < 1
