"""Buttons and switches of a whole house, from the pin to what comes of it; its cards are in memory, its pins mocked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from device.core import actions as order
from device.core import events as ev
from device.core.indication import Indication
from device.foreign.gpio import MockBoard
from device.sim.devices.usb import FakeUsbBus, FakeXvf3800
from tests.control.house import Client, connected, short_folder
from tests.house.cardless import CardlessHouse, open_cardless
from tests.waiting import until

LED, TALK, LOUDER, SWITCH = 18, 17, 22, 26
HARDWARE: dict[str, Any] = {
    "profile": "generic",
    "led": {"pin": LED},
    "button": {"pin": TALK},
    "buttons": {"louder": {"pin": LOUDER, "click": "volume_up", "double_click": "volume_down", "hold": "mute"}},
    "mute_switch": {"pin": SWITCH},
}


@pytest.fixture
def board() -> Iterator[MockBoard]:
    """A Pi's pins."""
    board = MockBoard()
    yield board
    board.close()


@asynccontextmanager
async def house_at_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch, **hardware: Any
) -> AsyncIterator[tuple[CardlessHouse, Client, list[object]]]:
    """Open one; yield it, a client of its control socket, and the facts and orders that come."""
    told: list[object] = []
    with short_folder() as runtime:
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(runtime))
        async with (
            open_cardless(folder, monkeypatch, hardware={**HARDWARE, **hardware}) as house,
            connected(runtime) as client,
        ):
            house.app.controller.observers.append(lambda what, status: told.append(what))
            yield house, client, told


async def tap(board: MockBoard, pin: int) -> None:
    """A finger's quick press."""
    board.press(pin)
    await asyncio.sleep(0.05)
    board.release(pin)
    await asyncio.sleep(0.03)


async def volume(client: Client) -> int:
    """Ask how loud it is."""
    percent: int = (await client.ask("status"))["result"]["volume"]
    return percent


async def test_a_button_changes_the_volume_by_its_clicks(
    board: MockBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once is louder, and the next time once more; twice, quickly, is quieter. None of it is a conversation."""
    async with house_at_work(tmp_path, monkeypatch) as (_, client, told):
        before = await volume(client)
        await tap(board, LOUDER)
        await until(lambda: order.StepVolume(10) in told, "a step")
        await until_loud(client, before + 10)
        await tap(board, LOUDER)
        await tap(board, LOUDER)
        await until(lambda: order.StepVolume(-10) in told, "a step back")
        await until_loud(client, before)
        assert not any(isinstance(what, order.OpenSession) for what in told)


async def until_loud(client: Client, percent: int) -> None:
    """Wait for a volume."""
    async with asyncio.timeout(20):
        while await volume(client) != percent:
            await asyncio.sleep(0.01)


async def test_a_held_button_mutes_and_a_press_is_seen_before_it_means_anything(
    board: MockBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dark light is lit by the finger; what follows is the light of a muted house, and what it is told of."""
    async with house_at_work(tmp_path, monkeypatch) as (house, client, told):
        assert (await client.ask("subscribe"))["ok"]
        assert board.level(LED) == 0
        board.press(LOUDER)
        await until(lambda: board.level(LED) > 0, "a light")
        assert told == [ev.ButtonPressed("hardware.buttons.louder")]
        await until(lambda: house.app.controller.status.muted, "a mute")
        board.release(LOUDER)
        await until(lambda: house.microphone.is_closed, "a closed microphone")
        shown: list[str] = []
        while len(shown) < 2:
            event = await client.next()
            shown += [event["indication"]] if event["event"] == "indication" else []
        assert shown == [Indication.PRESSED.value, Indication.MUTED.value]


async def test_a_house_whose_switch_says_mute_never_opens_its_microphone(
    board: MockBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even for a moment; the command is told why it is in vain; sliding it back is all it takes."""
    board.hold_down(SWITCH)
    async with house_at_work(tmp_path, monkeypatch) as (house, client, told):
        assert house.microphone.is_closed
        status = (await client.ask("status"))["result"]
        assert (status["state"], status["muted"], status["indication"]) == ("muted", True, "muted")
        assert status["mute_held_by"] == ["mute switch"]
        assert "mute switch" in status["why"]
        refused = await client.ask("unmute")
        assert not refused["ok"]
        assert "its mute switch says so" in refused["error"]
        assert house.microphone.is_closed
        board.release(SWITCH)
        await until(lambda: not house.microphone.is_closed, "an open microphone")
        assert (await client.ask("status"))["result"]["mute_held_by"] == []
        assert ev.MuteLetGo(ev.MuteHolder.SWITCH) in told
    assert not (tmp_path / "muted").exists(), "where a switch stands is not kept on the disk"


async def test_a_switch_closes_the_microphone_and_a_restart_finds_it_closed(
    board: MockBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was asked for in between."""
    async with house_at_work(tmp_path, monkeypatch) as (house, client, _):
        assert not house.microphone.is_closed
        board.hold_down(SWITCH)
        await until(lambda: house.microphone.is_closed, "a closed microphone")
        await client.ask("unmute")
    async with house_at_work(tmp_path, monkeypatch) as (house, _, _):
        assert house.microphone.is_closed
        assert house.app.controller.status.muted


async def test_a_switch_that_cannot_be_read_is_told_by_the_health_and_mutes(
    board: MockBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do."""
    async with house_at_work(tmp_path, monkeypatch) as (house, client, _):
        board.break_input(SWITCH)
        await until(lambda: house.microphone.is_closed, "a closed microphone")
        parts = {part["part"]: part for part in (await client.ask("status"))["result"]["parts"]}
        assert not parts["mute switch"]["ok"]
        assert "hardware.mute_switch" in parts["mute switch"]["what_to_do"]
        board.mend_input(SWITCH)


async def test_the_mute_key_of_an_array_mutes_the_house(
    board: MockBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its board has it: found muted at the start, the microphone stays closed; it opens with the key."""
    array = FakeXvf3800(muted=True)
    bus = FakeUsbBus(array)
    monkeypatch.setattr("device.boards.xvf.open_device", _opened_on(bus))
    async with house_at_work(tmp_path, monkeypatch, array_mute="xvf3800") as (house, client, _):
        assert house.microphone.is_closed
        assert (await client.ask("status"))["result"]["mute_held_by"] == ["microphone's mute key"]
        array.muted = False
        await until(lambda: not house.microphone.is_closed, "an open microphone")
        array.muted = True
        await until(lambda: house.microphone.is_closed, "a closed microphone")
    assert bus.refused == []


def _opened_on(bus: FakeUsbBus) -> Any:
    from device.foreign import usb

    return lambda identity, backend=None: usb.open_device(identity, bus)
