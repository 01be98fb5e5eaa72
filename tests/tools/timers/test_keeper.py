"""Timers at work: set, rung, stopped, and kept over restarts, kills and disks that refuse."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from device.core.events import AlarmDue, AlarmKind
from device.errors import ToolError
from device.tools.timers import keeper
from device.tools.timers.entry import Countdown, TimeOfDay
from device.tools.timers.store import FILE, Kept, Store, StoreError
from tests.tools.timers.house import FakeClocks, TimerHouse, living
from tests.waiting import until

PASTA = AlarmDue("1", AlarmKind.TIMER, "pasta")
EVERY_DAY = frozenset(range(7))


async def set_pasta(house: TimerHouse, seconds: float = 300) -> None:
    """Set a timer."""
    change = await house.keeper.add(AlarmKind.TIMER, "pasta", Countdown.of(seconds, house.keeper.now))
    assert change.kept


async def set_seven(house: TimerHouse, weekdays: frozenset[int] = frozenset()) -> None:
    """Set an alarm for tomorrow morning."""
    at = TimeOfDay(time(7), date(2026, 12, 2), weekdays)
    await house.keeper.add(AlarmKind.ALARM, "work", None, at)


async def test_a_timer_rings_when_its_time_is_over_until_it_is_stopped_and_then_never_again(tmp_path: Path) -> None:
    """Nobody is woken before."""
    async with living(tmp_path) as house:
        await set_pasta(house)
        assert house.clocks.alarm.at == house.clocks.shown.boot + 300
        await house.pass_time(299)
        assert house.rung == []
        await house.pass_time(1)
        assert house.rung == [PASTA]
        assert house.rings
        house.click()
        assert not house.rings
        await house.settle()
        assert house.keeper.waiting == ()
        assert house.clocks.alarm.at is None
    async with living(tmp_path, house.clocks) as again:
        await again.pass_time(3600)
        assert again.facts == []


async def test_nothing_is_made_or_loaded_while_nothing_is_set(tmp_path: Path) -> None:
    """No file, and no alarm clock."""
    async with living(tmp_path) as house:
        await house.pass_time(86_400)
        assert house.clocks.alarm.at is None
    assert not (tmp_path / FILE).exists()


async def test_what_rings_when_the_process_is_killed_rings_on_when_it_is_back(tmp_path: Path) -> None:
    """Nobody has stopped it; and once stopped it is over, also for the disk."""
    async with living(tmp_path) as house:
        await set_pasta(house)
        await house.pass_time(310)
        assert house.rings
    house.clocks.move(20)
    async with living(tmp_path, house.clocks) as again:
        assert again.rung == [PASTA]
        again.click()
    async with living(tmp_path, house.clocks) as third:
        assert third.facts == []


async def test_what_became_due_meanwhile_rings_at_the_start_and_what_is_too_late_is_told(tmp_path: Path) -> None:
    """Aloud once, and in the list for a day."""
    async with living(tmp_path) as house:
        await set_pasta(house, 300)
        await set_pasta(house, 3000)
    house.clocks.reboot(3300)
    async with living(tmp_path, house.clocks) as again:
        assert [fact.id for fact in again.rung] == ["2"]
        assert [fact.id for fact in again.missed] == ["1"]
        again.click()
        await again.pass_time(1)
        assert again.said == ["Your pasta timer was for 12:05 PM today, and I could not ring."]
        assert [entry.id for entry in again.keeper.missed] == [1]
    async with living(tmp_path, house.clocks) as third:
        assert third.missed == []
        await third.pass_time(86_400)
        assert third.keeper.missed == ()


async def test_what_nobody_hears_falls_silent_is_told_and_listed(tmp_path: Path) -> None:
    """And does not ring again."""
    async with living(tmp_path) as house:
        await set_pasta(house)
        await house.pass_time(300 + 599)
        assert house.rings
        await house.pass_time(2)
        assert not house.rings
        assert house.said[-1] == "Your pasta timer rang, and nobody stopped it."
        assert [entry.label for entry in house.keeper.missed] == ["pasta"]
        assert house.keeper.waiting == ()


async def test_one_that_repeats_rings_every_day_and_remembers_over_a_kill_for_which_it_has(tmp_path: Path) -> None:
    """Whoever stops it at seven is not woken again at ten past."""
    async with living(tmp_path) as house:
        await set_seven(house, EVERY_DAY)
        await house.pass_time(19 * 3600)
        for _ in range(3):
            assert house.rings
            house.click()
            await house.pass_time(86_400)
        house.click()
        assert len(house.rung) == 4
    house.clocks.move(-5 * 3600)
    async with living(tmp_path, house.clocks) as again:
        assert again.rung == []
        await again.pass_time(29 * 3600)
        assert len(again.rung) == 1


async def test_a_clock_that_is_set_wakes_and_alarms_follow_it(tmp_path: Path) -> None:
    """Timers do not."""
    async with living(tmp_path) as house:
        await set_seven(house)
        await set_pasta(house, 40_000)
        house.clocks.set_wall(19 * 3600 + 60)
        assert [fact.label for fact in house.rung] == ["work"]
        house.click()
        await house.settle()
        assert house.clocks.alarm.at == house.clocks.shown.boot + 40_000


async def test_until_the_network_has_set_the_clock_no_alarm_is_lost_by_it(tmp_path: Path) -> None:
    """It comes up a year ahead: nothing is missed for that, and nothing is set by it; then it is put right."""
    async with living(tmp_path) as house:
        await set_seven(house)
        await set_pasta(house, 300)
    clocks = house.clocks
    clocks.is_synchronised = False
    clocks.reboot(60, wrong_s=365 * 86_400)
    async with living(tmp_path, clocks) as again:
        await again.pass_time(20)
        assert again.facts == []
        with pytest.raises(ToolError, match="my clock has not been set"):
            await again.call("set_alarm", time="08:00")
        assert "timer" in await again.call("set_timer", seconds=5)
        clocks.is_synchronised = True
        clocks.set_wall(-365 * 86_400)
        assert again.facts == []
        await again.pass_time(300)
        assert sorted(fact.id for fact in again.rung) == ["1", "2", "3"][1:]
        assert again.missed == []


async def test_without_a_network_the_clock_counts_as_it_is_two_minutes_after_power_up(tmp_path: Path) -> None:
    """And at once for a process that is started later."""
    clocks = FakeClocks(synchronised=False)
    async with living(tmp_path, clocks) as house:
        await set_pasta(house, 300)
        await house.pass_time(61)
    clocks.reboot(240)
    async with living(tmp_path, clocks) as again:
        await again.pass_time(109)
        assert again.rung == []
        await again.pass_time(3)
        assert again.rung == [PASTA]
    async with living(tmp_path, clocks) as third:
        assert third.rung == [PASTA]


async def test_a_disk_that_refuses_is_told_and_the_timer_rings_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked again, and what it did not take then is kept."""
    monkeypatch.setattr(keeper, "TRY_AGAIN_S", 0.01)
    write, full = Store.write, [True]

    def refuse(store: Store, wanted: Kept) -> None:
        if full[0]:
            raise StoreError("no space left on the device")
        write(store, wanted)

    monkeypatch.setattr(Store, "write", refuse)
    async with living(tmp_path) as house:
        answer = await house.call("set_timer", seconds=300, label="pasta")
        assert "my disk does not take it" in answer
        (health, _) = house.keeper.health()
        assert (health.ok, "would not outlive a restart: no space left" in health.why) == (False, True)
        await house.pass_time(300)
        assert house.rings
        full[0] = False
        await until_kept(house)
        assert len(Store(tmp_path)._path.read_bytes()) > 0


async def until_kept(house: TimerHouse) -> None:
    """Wait until the disk has taken it."""
    await until(lambda: house.keeper.health()[0].ok, "a disk that takes it")


async def test_a_file_that_holds_nothing_readable_is_put_aside_and_told_of(tmp_path: Path) -> None:
    """New timers are kept all the same; the old file is there for somebody to look at."""
    (tmp_path / FILE).write_bytes(b"this is no database" * 100)
    async with living(tmp_path) as house:
        _, reading = house.keeper.health()
        assert "are lost" in reading.why
        await set_pasta(house)
        assert not house.keeper.health()[1].ok
    assert (tmp_path / "timers.unreadable").read_bytes().startswith(b"this is no")
    async with living(tmp_path, house.clocks) as again:
        assert [entry.label for entry in again.keeper.waiting] == ["pasta"]
        assert again.keeper.health()[1].ok


async def test_a_file_that_cannot_be_read_yet_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it can be, nothing is set: the model is told why."""
    async with living(tmp_path) as house:
        await set_pasta(house)
    read, broken = Store.read, [True]

    def refuse(store: Store) -> Kept:
        if broken[0]:
            raise StoreError("input/output error")
        return read(store)

    monkeypatch.setattr(Store, "read", refuse)
    monkeypatch.setattr(keeper, "TRY_AGAIN_S", 0.05)
    monkeypatch.setattr(keeper, "PATIENCE_S", 0.01)
    again = TimerHouse(tmp_path, house.clocks)
    again.keeper.start()
    with pytest.raises(ToolError, match="cannot be read from my disk"):
        await again.call("set_timer", seconds=300)
    await until(lambda: not again.keeper.health()[1].ok, "a disk that refused")
    broken[0] = False
    monkeypatch.setattr(keeper, "PATIENCE_S", 10.0)
    assert "pasta timer" in await again.call("list_timers")
    assert again.keeper.health()[1].ok
    await again.keeper.close()


async def test_there_is_a_limit_to_how_many_may_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that sets timers without end is stopped."""
    monkeypatch.setattr(keeper, "MOST", 2)
    async with living(tmp_path) as house:
        await set_pasta(house)
        await set_pasta(house)
        with pytest.raises(ToolError, match="there are 2 timers and alarms already"):
            await house.call("set_timer", seconds=5)
