"""The end: within 2 s from every phase, exit code 0, relays safe, lights off."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from device.core.events import PlaybackStarted, ResponseStarted, ShutdownRequested
from device.core.status import Phase
from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.person.voice import Person
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import AfterEvent, Call, Fault, Reply, Script, Stall, tone
from tests.scenarios.conftest import Open
from tests.scenarios.house import LED, RELAY, House, write_config
from tests.scenarios.process import daemon
from tests.waiting import LIMIT_S

pytestmark = pytest.mark.patient

LIMIT_TO_END_S = 2.0
LONG = Script(answer=lambda _: Reply("A tone.", audio=tone(8_000)))
NEVER_READY = replace(LONG, faults=(Fault(AfterEvent("session.created"), Stall()),))
SLOW_TO_THINK = replace(LONG, response_delay_s=30.0)


@dataclass(frozen=True)
class At:
    """A phase, how to get there by speaking, and the line of the log that says so."""

    name: str
    script: Script = LONG
    words: str = ""
    logged: str = "ready"


PHASES = [
    At("idle"),
    At("waking", NEVER_READY, "hello", "WakeWordDetected"),
    At("listening", LONG, "", "SessionReady"),
    At("thinking", SLOW_TO_THINK, "hello", "ResponseStarted"),
    At("speaking", LONG, "hello", "PlaybackStarted"),
]


@pytest.mark.parametrize("at", PHASES, ids=lambda at: at.name)
async def test_sigterm_ends_the_process_in_time_from_every_phase(
    virtual_card: VirtualSoundCard, server: SimulatedRealtime, tmp_path: Path, at: At
) -> None:
    """Exit code 0 within 2 s, and nothing ugly in the log."""
    server.script = at.script
    async with daemon(virtual_card, server.key, write_config(tmp_path, server.url)) as running:
        if at.name != "idle":
            await running.hear(Person(virtual_card.play_into_room), at.words)
        await running.logged(at.logged)
        code, took_s = await running.end()
    assert code == 0
    assert took_s < LIMIT_TO_END_S
    assert "Traceback" not in running.log
    assert "never" not in running.log, "asyncio complains of what was left behind"


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM] * 2, [signal.SIGINT, signal.SIGTERM]])
async def test_other_signals_end_it_as_well(
    virtual_card: VirtualSoundCard, server: SimulatedRealtime, tmp_path: Path, signals: list[signal.Signals]
) -> None:
    """Control-C, and an impatient person."""
    async with daemon(virtual_card, server.key, write_config(tmp_path, server.url)) as running:
        for number in signals[:-1]:
            running.send(number)
        code, took_s = await running.end(signals[-1])
    assert code == 0
    assert took_s < LIMIT_TO_END_S
    assert "Traceback" not in running.log


# The command, with pins that write what is put on them into a file.
NOTED_PINS = """
import gpiozero, os, sys
from gpiozero.pins.mock import MockFactory, MockPWMPin

class NotedPin(MockPWMPin):
    def _change_state(self, value):
        with open(os.environ["NOTED_PINS"], "a") as file:
            print(self.info.name, float(value), file=file)
        return super()._change_state(value)

gpiozero.Device.pin_factory = MockFactory(pin_class=NotedPin)
from device.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM], ids=lambda number: number.name)
async def test_a_relay_that_was_switched_on_is_off_afterwards(
    virtual_card: VirtualSoundCard, server: SimulatedRealtime, tmp_path: Path, number: signal.Signals
) -> None:
    """Also when the terminal is closed, or Ctrl-\\ is pressed in it; a second signal changes nothing."""
    call = Reply(calls=(Call("set_switch", '{"name": "light", "on": true}'),))
    server.script = Script(answer=lambda text: call if text and "hello" in text else long_reply())
    pins = tmp_path / "pins"
    config, program = write_config(tmp_path, server.url), (sys.executable, "-c", NOTED_PINS)
    async with daemon(virtual_card, server.key, config, program=program, env={"NOTED_PINS": str(pins)}) as running:
        await running.hear(Person(virtual_card.play_into_room), "hello")
        await running.logged("tool set_switch finished")
        await running.logged("PlaybackStarted")
        assert levels(pins, RELAY)[-1] == 1
        running.send(number)
        code, took_s = await running.end(number)
    assert code == 0
    assert took_s < LIMIT_TO_END_S
    assert levels(pins, RELAY)[-1] == 0
    assert levels(pins, LED)[-1] == 0
    assert "Traceback" not in running.log


def levels(pins: Path, number: int) -> list[float]:
    """Return what was put on a pin, in order."""
    lines = (line.split() for line in pins.read_text().splitlines())
    return [float(level) for name, level in lines if name == f"GPIO{number}"]


@pytest.mark.parametrize("after_s", [0.1, 0.2, 0.4])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
async def test_a_signal_during_the_start_ends_it(
    virtual_card: VirtualSoundCard, server: SimulatedRealtime, tmp_path: Path, number: signal.Signals, after_s: float
) -> None:
    """Whichever moment of the start it meets (an interpreter that has not begun is the shell's to end)."""
    config = write_config(tmp_path, server.url)
    async with daemon(virtual_card, server.key, config, ready=False) as running:
        await asyncio.sleep(after_s)
        code, took_s = await running.end(number)
    assert took_s < LIMIT_TO_END_S
    # Before Python has come to the program's first line the signal does what it does to any program.
    begun = code != -number
    assert code in ({0} if number is signal.SIGTERM else {0, 130}) or not begun
    assert "Traceback" not in running.log or not begun


async def test_a_card_that_hangs_does_not_keep_the_process_from_ending(
    virtual_card: VirtualSoundCard, server: SimulatedRealtime, tmp_path: Path
) -> None:
    """The sound system stands still, as a USB card that went away can make it; an answer is being played to it."""
    server.script = LONG
    async with daemon(virtual_card, server.key, write_config(tmp_path, server.url)) as running:
        await running.hear(Person(virtual_card.play_into_room), "hello")
        await running.logged("PlaybackStarted")
        with standing_still(virtual_card):
            asked = time.monotonic()
            running.send(signal.SIGTERM)
            # Somebody who has lost patience closes the terminal.
            await asyncio.sleep(0.3)
            code, _ = await running.end(signal.SIGHUP)
            took_s = time.monotonic() - asked
    assert code == 0
    assert took_s < LIMIT_TO_END_S


@contextlib.contextmanager
def standing_still(card: VirtualSoundCard) -> Iterator[None]:
    """Stop the sound server behind the card; its clients wait for it."""
    assert card._daemon is not None
    starter = card._daemon.pid
    children = Path(f"/proc/{starter}/task/{starter}/children").read_text().split()
    pids = [starter, *map(int, children)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in reversed(pids):
        os.kill(pid, signal.SIGCONT)


async def go_idle(house: House) -> None:
    """Nothing is going on."""


async def go_waking(house: House) -> None:
    """The server never becomes ready."""
    house.server.script = NEVER_READY
    await house.click()
    await house.phase(Phase.WAKING)


async def go_listening(house: House) -> None:
    """The person has the word."""
    await house.click()
    await house.phase(Phase.LISTENING)


async def go_speaking(house: House) -> None:
    """The relay was switched on, and a long answer sounds."""
    call = Reply(calls=(Call("set_switch", '{"name": "light", "on": true}'),))
    house.server.script = Script(answer=lambda text: None if not text else call if "hello" in text else long_reply())
    since = time.monotonic()
    await house.wake()
    await house.timeline.until(PlaybackStarted, since, LIMIT_S)
    assert house.board.level(RELAY) == 1


async def go_thinking(house: House) -> None:
    """The answer does not come."""
    house.server.script = SLOW_TO_THINK
    since = time.monotonic()
    await house.wake()
    await house.timeline.until(ResponseStarted, since, LIMIT_S)
    house.app.relays.set("light", True)


def long_reply() -> Reply:
    """Return an answer that is still sounding when the house ends."""
    return Reply("A tone.", audio=tone(8_000))


@pytest.mark.parametrize("go", [go_idle, go_waking, go_listening, go_thinking, go_speaking])
async def test_the_pins_are_safe_and_dark_afterwards(open_house: Open, go: Callable[[House], Awaitable[None]]) -> None:
    """From every phase; the board is looked at after the house is gone."""
    async with open_house() as house:
        await go(house)
        running = asyncio.create_task(house.app.controller.run())
        await asyncio.sleep(0)
        asked = time.monotonic()
        house.app.controller.post(ShutdownRequested())
        await asyncio.wait_for(running, LIMIT_S)
        board = house.board
    assert time.monotonic() - asked < LIMIT_TO_END_S
    assert board.levels_seen(RELAY)[-1] == 0
    assert board.level(LED) == 0
    assert not board.is_output(RELAY)
