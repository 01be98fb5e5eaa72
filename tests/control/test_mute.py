"""What mute promises holds when it is asked for over the control socket: it goes the way of the button."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from device.control.desk import Desk, Outside
from device.control.server import ControlServer
from device.control.socketfile import SocketFile
from device.core import actions as order
from device.core import events as ev
from device.core.actions import Action
from device.core.machine import Machine
from device.core.memory import Settings
from device.core.status import Phase
from device.units import Ms, Samples
from tests.control.house import Client, connected
from tests.conversation.mutings import Mutable, counting_server, tapped


@asynccontextmanager
async def controlled(house: Mutable, folder: Path) -> AsyncIterator[Client]:
    """Yield a client of a house with real sessions, whose microphone closes at once."""
    controller, volume = house.controller, Any
    outside = Outside(
        post=controller.post,
        status=dict,
        levels=dict,
        volume=volume,
        tools=volume,
        is_muted=lambda: controller.status.muted,
        mute_holders=lambda: "",
        microphone_settled=controller.microphone_settled,
        microphone_is_closed=lambda: controller.status.muted,
        timers=volume,
        choices=volume,
    )
    file = SocketFile(folder)
    server = ControlServer(file, Desk(outside).do)
    await server.start()
    try:
        async with connected(folder) as client:
            yield client
    finally:
        await server.close()
        file.close()


@pytest.mark.parametrize("phase", [Phase.WAKING, Phase.LISTENING])
async def test_no_byte_of_sound_is_handed_to_the_network_after_a_mute_over_the_socket(
    phase: Phase, folder: Path
) -> None:
    """A second of sound is queued when it comes; after the answer no wake word opens a connection."""
    with tapped() as tap:
        async with counting_server() as server:
            if phase is Phase.WAKING:
                server.patient.clear()
            house = Mutable(server.url)
            async with controlled(house, folder) as client:
                house.wake()
                await house.phase(phase)
                while not server.sessions:
                    await house.listen_for(0.02)
                await house.listen_for(0.1)
                muted_at: list[int] = []
                house.controller.observers.append(
                    lambda what, status: muted_at.append(tap.handed) if isinstance(what, ev.MuteRequested) else None
                )
                house.hear(1.0)
                assert (await client.ask("mute"))["result"] == {"muted": True}
                assert house.controller.status.muted
                assert not house.is_connected
                server.patient.set()
                arrived = server.arrived
                house.wake()
                await house.listen_for(0.3)
                assert tap.handed == muted_at[0], "bytes after the mute"
                assert server.arrived == arrived
                assert (len(server.sessions), server.goodbyes) == (1, 0)
            await house.conversation.aclose()


def muted_by(fact: ev.Event, settings: Settings, prelude: Callable[[Machine], None]) -> tuple[list[Action], Machine]:
    """Return the orders to a machine that was led somewhere before."""
    machine = Machine(settings)
    prelude(machine)
    return machine.handle_event(fact, Ms(5_000)), machine


def in_conversation(machine: Machine) -> None:
    """It is the person's turn to speak."""
    machine.handle_event(ev.WakeWordDetected("hey", 1.0, Samples(0)), Ms(0))
    machine.handle_event(ev.SessionReady(1), Ms(100))


@pytest.mark.parametrize("prelude", [lambda machine: None, in_conversation], ids=["idle", "listening"])
def test_the_orders_are_those_of_the_button(prelude: Callable[[Machine], None]) -> None:
    """All of them, in the same order: microphone, gate, connection; then the session, the disk, the cue."""
    asked, machine = muted_by(ev.MuteRequested(), Settings(), prelude)
    pressed, _ = muted_by(ev.ButtonLongPressed(), Settings(), prelude)
    assert asked == pressed
    assert asked[0] == order.CloseMicrophone()
    assert order.RememberMute(True) in asked
    assert machine.status.muted


def test_muting_twice_changes_nothing_and_neither_does_unmuting_what_is_not_muted() -> None:
    """No cue, no order."""
    machine = Machine(Settings())
    assert machine.handle_event(ev.UnmuteRequested(), Ms(0)) == []
    machine.handle_event(ev.MuteRequested(), Ms(1))
    assert machine.handle_event(ev.MuteRequested(), Ms(2)) == []
    orders = machine.handle_event(ev.UnmuteRequested(), Ms(3))
    assert orders[:2] == [order.OpenMicrophone(), order.RememberMute(False)]


def test_a_long_press_during_which_somebody_else_muted_does_not_unmute() -> None:
    """Both wanted the same. The next long press unmutes."""
    machine = Machine(Settings())
    machine.handle_event(ev.ButtonHeld(Samples(0)), Ms(400))
    machine.handle_event(ev.MuteRequested(), Ms(1_000))
    assert machine.handle_event(ev.ButtonLongPressed(), Ms(3_000)) == []
    machine.handle_event(ev.ButtonReleased(Samples(9)), Ms(3_500))
    assert machine.status.muted
    machine.handle_event(ev.ButtonHeld(Samples(99)), Ms(9_000))
    machine.handle_event(ev.ButtonLongPressed(), Ms(12_000))
    assert not machine.status.muted


@pytest.mark.parametrize("prelude", [lambda machine: None, in_conversation], ids=["idle", "listening"])
def test_a_stop_ends_what_is_being_said_and_the_conversation(prelude: Callable[[Machine], None]) -> None:
    """And nothing else: it goes on listening for its word."""
    orders, machine = muted_by(ev.StopRequested(), Settings(), prelude)
    assert order.StopPlayback() in orders
    assert machine.status.phase is Phase.IDLE
    assert not machine.status.muted
    assert order.CloseMicrophone() not in orders


def test_nothing_but_the_desk_of_the_socket_asks_to_be_unmuted() -> None:
    """No tool, no feature, no provider: the model cannot."""
    device = Path(__file__).parents[2] / "device"
    posts = {path for path in device.rglob("*.py") if "UnmuteRequested()" in path.read_text("utf-8")}
    assert posts == {device / "control" / "desk.py"}


async def test_the_newest_order_to_the_microphone_is_waited_for() -> None:
    """Muted and unmuted and muted again, while each takes its time."""
    house = Mutable("ws://127.0.0.1:9/")
    done: list[str] = []

    class Slow:
        async def open(self) -> None:
            await asyncio.sleep(0.01)
            done.append("open")

        async def close(self) -> None:
            await asyncio.sleep(0.01)
            done.append("close")

    microphone: Any = Slow()
    object.__setattr__(house.controller._house, "microphone", microphone)
    for fact in (ev.MuteRequested(), ev.UnmuteRequested(), ev.MuteRequested()):
        house.controller.post(fact)
        await asyncio.sleep(0)
    await house.controller.microphone_settled()
    assert done[-1] == "close"
    assert done.count("close") >= 1
