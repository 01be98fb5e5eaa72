"""read_sensor on mock pins and on trees like those below /sys, and what sensors announce."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from device.core.events import AnnouncementRequested, Event
from device.errors import ConfigError, ToolError
from device.foreign.gpio import MockBoard
from device.house.configuration import parse
from device.ports.feature import Outside
from device.tools.pins import readings, sensors
from device.tools.pins.readings import Climate
from device.tools.pins.sensors import Places, Sensors, sensor_tool
from device.tools.pins.settings import Sensor
from device.tools.registry import Registry
from tests.tools.pins.test_readings import dht, ds18b20
from tests.waiting import until

DOOR, HALL = 5, 6
OPENED = "The front door was opened"


def contact(**more: Any) -> Sensor:
    """Return a door's contact."""
    return Sensor(kind="contact", pin=DOOR, **more)


@pytest.fixture
def board() -> Iterator[MockBoard]:
    """Put mock pins in the place of the real ones."""
    board = MockBoard()
    yield board
    board.close()


def nobody(text: str) -> None:
    """Announce nothing."""
    raise AssertionError(text)


async def asked(name: str, sensor: Sensor, places: Places | None = None) -> str:
    """Return what the tool says of a sensor."""
    with Sensors({name: sensor}, nobody, places or Places()) as found:
        return await Registry([sensor_tool(found)], 10).call("read_sensor", f'{{"name": "{name}"}}')


@pytest.mark.parametrize("inverted", [False, True])
async def test_a_door_is_open_or_closed(inverted: bool, board: MockBoard) -> None:
    """A contact to ground, closed by the magnet of a closed door; or the other way round."""
    with Sensors({"front_door": contact(inverted=inverted)}, nobody) as found:
        assert await found.read("front_door") == f"The front door is {'closed' if inverted else 'open'}"
        board.drive(DOOR, False)
        assert await found.read("front_door") == f"The front door is {'open' if inverted else 'closed'}"


@pytest.mark.parametrize("inverted", [False, True])
async def test_motion_is_told(inverted: bool, board: MockBoard) -> None:
    """By a pin that is high, or low."""
    with Sensors({"hall": Sensor(kind="motion", pin=HALL, inverted=inverted)}, nobody) as found:
        board.drive(HALL, inverted)
        assert await found.read("hall") == "There is no motion at the hall"
        board.drive(HALL, not inverted)
        assert await found.read("hall") == "There is motion at the hall"


async def test_thermometers_are_read(tmp_path: Path, board: MockBoard) -> None:
    """Both kinds, in words."""
    ds18b20(tmp_path / "w1", "aa", "-3687\n")
    dht(tmp_path / "iio", 0, "21300\n", "45400\n")
    places = Places(tmp_path / "w1", tmp_path / "iio")
    assert await asked("freezer", Sensor(kind="ds18b20"), places) == "The freezer has -3.7 degrees Celsius"
    told = "The bath has 21.3 degrees Celsius and 45 percent humidity"
    assert await asked("bath", Sensor(kind="dht"), places) == told


async def test_what_cannot_be_read_has_a_plain_reason(tmp_path: Path) -> None:
    """For the model, and in the health."""
    with Sensors({"freezer": Sensor(kind="ds18b20")}, nobody, Places(tmp_path, tmp_path)) as found:
        with pytest.raises(ToolError, match="the freezer cannot be read: the kernel knows no DS18B20; add dtoverlay"):
            await Registry([sensor_tool(found)], 10).call("read_sensor", '{"name": "freezer"}')
        (health,) = found.health()
        assert (health.part, health.ok) == ("sensor freezer", False)
        assert "tools.sensors.freezer" in health.what_to_do
        ds18b20(tmp_path, "aa", "21000\n")
        await found.read("freezer")
        assert found.health()[0].ok


async def test_a_slow_sensor_keeps_nobody_else_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read by a thread of its own, while the event loop goes on."""
    let_go = threading.Event()

    def read(*_: object) -> Climate:
        let_go.wait(20)
        return Climate(20.0)

    monkeypatch.setattr(readings, "read_ds18b20", read)
    with Sensors({"pond": Sensor(kind="ds18b20")}, nobody) as found:
        reading = asyncio.create_task(found.read("pond"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not reading.done()
        let_go.set()
        assert await reading == "The pond has 20.0 degrees Celsius"


class Night:
    """A clock that the test turns, and what was announced."""

    def __init__(self) -> None:
        self.now = 100.0
        self.hour = 23
        self.said: list[str] = []

    def sensors(self, sensor: Sensor) -> Sensors:
        """Watch one."""
        return Sensors(
            {"front_door": sensor},
            self.said.append,
            clock=lambda: self.now,
            local_time=lambda: datetime(2026, 11, 29, self.hour),
        )

    def look(self, found: Sensors, times: int = 5) -> None:
        """Let some looks go by."""
        for _ in range(times):
            self.now += sensors.POLL_S
            assert found._timer is not None
            found._timer.cancel()
            found._look()


async def test_a_door_that_opens_at_night_is_announced(board: MockBoard) -> None:
    """Once, when it has been open for a moment; by day it is not, and soon after the last time neither."""
    night = Night()
    sensor = contact(announce=OPENED, announce_between=("22:00", "06:30"), announce_every_s=30)
    with night.sensors(sensor) as found:
        board.drive(DOOR, False)
        night.look(found)
        board.drive(DOOR, True)
        night.look(found, 1)
        assert night.said == []
        night.look(found)
        assert night.said == [OPENED]
        for night.hour, night.now in ((23, 110.0), (12, 200.0)):
            board.drive(DOOR, False)
            night.look(found)
            board.drive(DOOR, True)
            night.look(found)
        assert night.said == [OPENED]


async def test_a_pin_that_fails_is_looked_at_again(board: MockBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are watched all the same, and it is well again when it can be read."""
    night = Night()
    with night.sensors(contact(announce=OPENED)) as found:
        with monkeypatch.context() as patch:
            patch.setattr(type(found._inputs["front_door"]._device), "is_active", property(_broken))
            night.look(found)
            assert not found.health()[0].ok
        night.look(found)
        assert found.health()[0].ok


def _broken(_: object) -> bool:
    raise OSError("line is gone")


async def test_it_is_looked_at_by_itself_and_not_after_the_end(board: MockBoard) -> None:
    """With the event loop's own timer; a sensor that announces nothing is not watched at all."""
    said: list[str] = []
    found = Sensors({"front_door": contact(announce=OPENED, debounce_s=0)}, said.append)
    board.drive(DOOR, False)
    await asyncio.sleep(2 * sensors.POLL_S)
    board.drive(DOOR, True)
    await until(lambda: said == [OPENED], "the announcement")
    found.close()
    found.close()
    assert found._timer is None
    with Sensors({"front_door": contact()}, said.append) as quiet:
        assert quiet._timer is None


async def test_every_phrase_is_a_valid_call(board: MockBoard, tmp_path: Path) -> None:
    """What a recogniser makes of a phrase passes the tool's own check."""
    settings = {"door": contact(room="hall"), "hall": Sensor(kind="motion", pin=HALL), "attic": Sensor(kind="ds18b20")}
    ds18b20(tmp_path, "aa", "21000\n")
    with Sensors(settings, nobody, Places(tmp_path, tmp_path)) as found:
        registry = Registry([sensor_tool(found)], 10)
        (spec,) = registry.specs
        assert "door (hall): open or closed; hall: motion or none; attic: temperature" in spec.description
        for phrase in spec.phrases:
            for name in phrase.slots["name"].values():
                assert await registry.call("read_sensor", f'{{"name": "{name}"}}')
        assert {"is the {name} open", "how warm is it in the {name}"} <= {phrase.text for phrase in spec.phrases}


@pytest.mark.parametrize(
    ("sensor", "words"),
    [
        ({"kind": "contact"}, ["tools.sensors.door", "lacks pin"]),
        ({"kind": "ds18b20", "pin": 4}, ["tools.sensors.door.pin", "by its overlay"]),
        ({"kind": "dht", "announce": "It is warm"}, ["tools.sensors.door.announce", "only answers when asked"]),
        ({"kind": "contact", "pin": 4, "announce_between": ["22:00"]}, ["announce_between", "two times of the day"]),
        ({"kind": "contact", "pin": 4, "announce_between": ["22:00", "24:00"]}, ["two times of the day"]),
        ({"kind": "smoke", "pin": 4}, ["tools.sensors.door.kind", '"contact"', '"motion"']),
        ({"pin": 4}, ["[tools.sensors.door]", "kind"]),
    ],
)
def test_what_makes_no_sense_is_refused(sensor: dict[str, Any], words: list[str]) -> None:
    """With the key, what is wrong and what to do."""
    with pytest.raises(ConfigError) as caught:
        parse({"tools": {"sensors": {"door": sensor}}})
    for word in words:
        assert word in str(caught.value)


async def test_what_is_announced_is_said_in_quiet_hours_too(board: MockBoard, tmp_path: Path) -> None:
    """It is about now or not at all."""
    facts: list[Event] = []
    nothing: Any = None
    fitted = sensors.fit(
        {"front_door": contact(announce=OPENED)}, Outside(facts.append, nothing, tmp_path, {}, nothing)
    )
    assert isinstance(fitted.part, Sensors)
    fitted.part._announce(OPENED)
    assert facts == [AnnouncementRequested(OPENED, urgent=True)]
    fitted.part.close()
