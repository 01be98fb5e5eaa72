"""What the model may do with timers, and what it is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from device.core.events import AlarmKind
from device.errors import ToolError
from tests.tools.timers.house import TimerHouse, living


async def kitchen(house: TimerHouse) -> None:
    """Set some."""
    await house.call("set_timer", seconds=480, label="the pasta timer")
    await house.call("set_timer", seconds=600, label="tea")
    await house.call("set_alarm", time="07:00", weekdays=["monday", "friday"])


async def test_what_is_set_is_said_with_its_time(tmp_path: Path) -> None:
    """So that the person hears when it was understood wrongly."""
    async with living(tmp_path) as house:
        assert await house.call("set_timer", seconds=480, label="pasta") == "Set: the pasta timer, 8 minutes left"
        assert await house.call("set_timer", seconds=5) == "Set: the 5 second timer, 5 seconds left"
        assert await house.call("set_alarm", time="07:00") == "Set: the 7 AM alarm, for 7 AM tomorrow"
        assert await house.call("set_alarm", time="13:30") == "Set: the 1:30 PM alarm, for 1:30 PM today"
        told = await house.call("set_alarm", time="07:00", date="2026-12-24", label="train")
        assert told == "Set: the train alarm, for 7 AM on Thursday, 24 December"
        told = await house.call("set_alarm", time="6:30", weekdays=["monday", "friday"])
        assert told == "Set: the 6:30 AM alarm, for 6:30 AM every Monday and Friday"
        told = await house.call("set_reminder", text="turn the oven off", seconds=600)
        assert told == "Set: the reminder to turn the oven off, 10 minutes left"
        told = await house.call("set_reminder", text="call home", time="18:00")
        assert told == "Set: the reminder to call home, for 6 PM today"


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("set_timer", {"seconds": 0}, "seconds"),
        ("set_timer", {"seconds": 1e9}, "seconds"),
        ("set_timer", {}, "seconds"),
        ("set_alarm", {"time": "25:00"}, 'there is no time "25:00"'),
        ("set_alarm", {"time": "seven"}, "time"),
        ("set_alarm", {"time": "07:00", "date": "2026-12-01"}, "7 AM today is over"),
        ("set_alarm", {"time": "07:00", "date": "2026-02-30"}, "there is no date"),
        ("set_alarm", {"time": "07:00", "date": "2099-01-01"}, "more than two years ahead"),
        ("set_alarm", {"time": "07:00", "date": "2026-12-24", "weekdays": ["monday"]}, "either a date or weekdays"),
        ("set_reminder", {"text": "x"}, "give either seconds or time"),
        ("set_reminder", {"text": "x", "seconds": 5, "time": "07:00"}, "give either seconds or time"),
        ("set_reminder", {"text": "", "seconds": 5}, "text"),
        ("cancel_timer", {"name": "pasta"}, "nothing like that is set"),
        ("extend_timer", {"seconds": 60}, "nothing like that is set"),
        ("snooze_alarm", {}, "nothing rings"),
        ("stop_ringing", {}, "nothing rings"),
    ],
)
async def test_what_cannot_be_is_said_plainly_and_sets_nothing(
    tmp_path: Path, tool: str, arguments: dict[str, object], told: str
) -> None:
    """The model can tell the person, or ask again."""
    async with living(tmp_path) as house:
        with pytest.raises(ToolError, match=told):
            await house.call(tool, **arguments)
        assert house.keeper.waiting == ()


async def test_the_list_begins_with_what_comes_next(tmp_path: Path) -> None:
    """And says of each how long it takes, or for when it is."""
    async with living(tmp_path) as house:
        assert await house.call("list_timers") == "No timer, alarm or reminder is set"
        await kitchen(house)
        await house.pass_time(60)
        assert await house.call("list_timers") == (
            "There are 3: the pasta timer, 7 minutes left; the tea timer, 9 minutes left; "
            "the 7 AM alarm, for 7 AM every Monday and Friday"
        )
        await house.pass_time(430)
        assert "the pasta timer, ringing now" in await house.call("list_timers")


async def test_one_is_cancelled_by_its_name_and_all_at_once(tmp_path: Path) -> None:
    """What is cancelled while it rings falls silent."""
    async with living(tmp_path) as house:
        await kitchen(house)
        await house.pass_time(481)
        assert house.rings
        assert await house.call("cancel_timer", name="pasta") == "Cancelled: the pasta timer"
        assert not house.rings
        assert await house.call("cancel_timer", all=True) == "Cancelled: the tea timer and the 7 AM alarm"
        await house.pass_time(10 * 86_400)
        assert len(house.rung) == 1


async def test_who_does_not_say_which_is_asked_back_and_nothing_happens(tmp_path: Path) -> None:
    """With what tells them apart; a name that nothing has is answered with those that there are."""
    async with living(tmp_path) as house:
        await kitchen(house)
        with pytest.raises(ToolError) as asked:
            await house.call("cancel_timer", name="timer")
        assert str(asked.value) == (
            "more than one fits; which one is meant: the pasta timer, 8 minutes left or the tea timer, 10 minutes left?"
        )
        with pytest.raises(ToolError, match='nothing is called "laundry"; there are: the pasta timer, the tea timer'):
            await house.call("cancel_timer", name="laundry")
        assert len(house.keeper.waiting) == 3


async def test_a_timer_is_made_longer_and_shorter(tmp_path: Path) -> None:
    """One that rings already takes so much longer from now on; an alarm cannot be."""
    async with living(tmp_path) as house:
        await kitchen(house)
        assert await house.call("extend_timer", name="pasta", seconds=120) == "The pasta timer, 10 minutes left"
        assert await house.call("extend_timer", name="tea", seconds=-300) == "The tea timer, 5 minutes left"
        with pytest.raises(ToolError, match="cannot be made shorter by so much"):
            await house.call("extend_timer", name="tea", seconds=-301)
        await house.pass_time(310)
        assert house.rings
        assert await house.call("extend_timer", name="tea", seconds=60) == "The tea timer, 1 minute left"
        assert not house.rings
        await house.pass_time(60)
        assert [fact.label for fact in house.rung] == ["tea", "tea"]


async def test_one_is_renamed(tmp_path: Path) -> None:
    """And found under its new name from then on."""
    async with living(tmp_path) as house:
        await kitchen(house)
        told = await house.call("rename_timer", name="pasta", new_name="the spaghetti timer")
        assert told == "The pasta timer is now the spaghetti timer"
        assert await house.call("cancel_timer", name="spaghetti") == "Cancelled: the spaghetti timer"


async def test_what_rings_is_put_off_and_rings_again(tmp_path: Path) -> None:
    """For nine minutes, or as long as was said; over a restart, too."""
    async with living(tmp_path) as house:
        await house.call("set_alarm", time="12:10")
        await house.pass_time(600)
        told = await house.call("snooze_alarm")
        assert told == "Put off: the 12:10 PM alarm will ring again in 9 minutes"
        assert not house.rings
        await house.pass_time(539)
        assert len(house.rung) == 1
        await house.pass_time(1)
        assert len(house.rung) == 2
        assert await house.call("snooze_alarm", minutes=2) == "Put off: the alarm will ring again in 2 minutes"
    house.clocks.move(119)
    async with living(tmp_path, house.clocks) as again:
        assert again.rung == []
        await again.pass_time(1)
        assert len(again.rung) == 1


async def test_what_rings_is_stopped_by_voice_and_nothing_else_is(tmp_path: Path) -> None:
    """One that repeats rings the next time."""
    async with living(tmp_path) as house:
        await house.call("set_alarm", time="12:10", weekdays=["tuesday"])
        await house.call("set_timer", seconds=3600)
        await house.pass_time(600)
        assert await house.call("stop_ringing") == "Stopped: the 12:10 PM alarm"
        assert not house.rings
        assert len(house.keeper.waiting) == 2
        await house.pass_time(7 * 86_400)
        assert [fact.kind for fact in house.rung] == [AlarmKind.ALARM, AlarmKind.TIMER, AlarmKind.ALARM]


async def test_a_reminder_says_aloud_what_is_to_be_done(tmp_path: Path) -> None:
    """Again and again, until somebody presses the button."""
    async with living(tmp_path) as house:
        await house.call("set_reminder", text="to turn the oven off", seconds=600)
        await house.pass_time(630)
        assert house.said == ["Reminder: turn the oven off."] * 2
        house.click()
        await house.pass_time(3600)
        assert len(house.said) == 2


async def prepare(house: TimerHouse, tool: str, name: str) -> None:
    """Set what a phrase may be about; let it ring for those that are about what rings."""
    if name == "alarm":
        await house.call("set_alarm", time="07:00")
    else:
        await house.call("set_timer", seconds=5, label=name)
    if tool in ("snooze_alarm", "stop_ringing"):
        await house.pass_time(5)


async def test_every_phrase_is_a_valid_call(tmp_path: Path) -> None:
    """What a recogniser makes of a phrase passes the tool's own check."""
    async with living(tmp_path) as house:
        for spec in house.registry.specs:
            for phrase in spec.phrases:
                assert phrase.text == phrase.text.lower()
                for index in range(3):
                    said = {name: list(forms.values())[index] for name, forms in phrase.slots.items()}
                    await house.keeper.remove(house.keeper.waiting)
                    await prepare(house, spec.name, str({**phrase.arguments, **said}.get("name", "timer")))
                    await house.call(spec.name, **phrase.arguments, **said)


async def test_the_table_for_programs_has_everything(tmp_path: Path) -> None:
    """Also what rings, and what was missed."""
    async with living(tmp_path, ring_minutes=1.0) as house:
        await kitchen(house)
        await house.pass_time(605)
        first, second, third = await house.desk.table()
        assert (first["name"], first["state"]) == ("tea timer", "ringing")
        assert (second["name"], second["when"]) == ("7 AM alarm", "7 AM every Monday and Friday")
        assert (third["name"], third["state"], third["when"]) == ("pasta timer", "missed", "12:08 PM today")
        assert (second["id"], second["kind"], second["weekdays"], second["state"]) == (3, "alarm", [0, 4], "waiting")
        assert second["left_s"] == pytest.approx(second["due"] - house.keeper.now.wall, abs=0.2)
        assert json.dumps(first)
        assert await house.desk.cancel("#3") == "Cancelled: the 7 AM alarm"
