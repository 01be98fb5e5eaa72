"""The shell around the machine in a house whose parts raise: one by one and all together, in every phase."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from device.controller import Controller
from device.core import events as ev
from device.core.actions import Action
from device.core.events import Device
from device.core.machine import Machine
from device.core.memory import Settings
from device.core.status import Phase, Status
from device.orders import House
from device.units import Hz, Samples

KEY = "sk-proj-the-key-of-somebody"
PARTS = ["ear", "microphone", "mouth", "conversation", "tools", "panel", "voice", "disk", "observer"]
DEVICES = {
    "ear": Device.EAR,
    "microphone": Device.MICROPHONE,
    "mouth": Device.SPEAKER,
    "conversation": Device.CONVERSATION,
    "panel": Device.LIGHT,
    "disk": Device.DISK,
}
"""What the machine is told of when a mute breaks the part."""
BROKEN = [{part} for part in PARTS] + [set(PARTS)]
MANY_FACTS = 40
"""Far more than a press that goes wrong in every part has consequences."""


def name_of(value: object) -> str | None:
    """Return how a case is called: the one part that is broken, or "all"."""
    if isinstance(value, set):
        return next(iter(value)) if len(value) == 1 else "all"
    return value.value if isinstance(value, Phase) else None


class BreakableHouse:
    """Every part of a house: keeps what was ordered, and raises where it is broken."""

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.calls: list[str] = []
        self.facts: list[ev.Event] = []
        self.mutes: list[bool] = []

    def ordered(self, part: str, name: str) -> None:
        """Note an order, then fail if the part is broken."""
        self.calls.append(f"{part}.{name}")
        if part in self.broken:
            raise RuntimeError(f"{part} broke, and says {KEY}")

    def remember(self, muted: bool) -> None:
        self.mutes.append(muted)
        self.ordered("disk", "remember")

    def observe(self, what: ev.Event | Action, status: Status) -> None:
        if isinstance(what, ev.Event):
            self.facts.append(what)
            assert len(self.facts) < MANY_FACTS, "facts come of facts without end"
        self.ordered("observer", type(what).__name__)


class Part:
    """One part, with whatever methods it is asked for."""

    input_rate = output_rate = rate = Hz(24_000)
    specs = ()

    def __init__(self, house: BreakableHouse, name: str) -> None:
        self._house = house
        self._name = name

    def __getattr__(self, method: str) -> Callable[..., None]:
        return lambda *arguments: self._house.ordered(self._name, method)


class SlowPart(Part):
    """A part that takes its time."""

    def __getattr__(self, method: str) -> Callable[..., Any]:
        async def work(*arguments: object) -> Any:
            self._house.ordered(self._name, method)
            return b"\1\0" if method == "speak" else "done"

        return work


@asynccontextmanager
async def living_in(broken: BreakableHouse) -> AsyncIterator[Controller]:
    """Move in, and let the controller run."""
    part: Any = lambda name: Part(broken, name)  # noqa: E731 - typed as anything, once
    slow: Any = lambda name: SlowPart(broken, name)  # noqa: E731
    controller = Controller(Machine(Settings()))
    controller.observers.append(broken.observe)
    controller.move_in(
        House(
            part("ear"),
            slow("microphone"),
            part("mouth"),
            part("conversation"),
            slow("tools"),
            part("panel"),
            slow("voice"),
            broken.remember,
            part("volume"),
        )
    )
    running = asyncio.create_task(controller.run())
    yield controller
    controller.post(ev.ShutdownRequested())
    await asyncio.wait_for(running, 10)


FACTS: list[ev.Event] = [
    ev.WakeWordDetected("hey_jarvis", 0.9, Samples(16_000)),
    ev.SessionReady(1),
    ev.SpeechStopped(1),
    ev.PlaybackStarted(1),
]


def go(controller: Controller, phase: Phase) -> None:
    """Bring a healthy house into a phase."""
    for fact in FACTS[: list(Phase).index(phase)]:
        controller.post(fact)
    assert controller.status.phase is phase


async def turn_the_loop() -> None:
    """Let every task and thread come to its end."""
    for _ in range(20):
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("phase", Phase, ids=name_of)
@pytest.mark.parametrize("broken", BROKEN, ids=name_of)
async def test_a_mute_reaches_every_part_whatever_raises(
    broken: set[str], phase: Phase, caplog: pytest.LogCaptureFixture
) -> None:
    """The microphone first; what failed is a fault, the disk is told, and no text of an error is logged."""
    house = BreakableHouse()
    async with living_in(house) as controller:
        go(controller, phase)
        house.calls.clear()
        house.broken = broken
        controller.post(ev.ButtonHeld(Samples(1)))
        before = len(house.calls)
        controller.post(ev.ButtonLongPressed())
        ordered = [call for call in house.calls[before:] if not call.startswith(("observer", "panel"))]
        await turn_the_loop()
        assert controller.status.muted
        assert controller.status.phase is Phase.IDLE
        assert ordered[0] == "ear.clear"
        assert "microphone.close" in house.calls
        assert "conversation.close" in house.calls or phase is Phase.IDLE
        assert house.mutes[-1:] == [True]
        assert controller.status.faults >= {DEVICES[part] for part in broken & {"ear", "microphone", "disk"}}
        assert controller.status.faults <= {DEVICES[part] for part in broken if part in DEVICES} | {Device.VOICE}
    assert KEY not in caplog.text


@pytest.mark.parametrize("phase", Phase, ids=name_of)
@pytest.mark.parametrize("broken", BROKEN, ids=name_of)
async def test_a_shutdown_always_exits(broken: set[str], phase: Phase) -> None:
    """Leaving `living_in` waits for it."""
    house = BreakableHouse()
    async with living_in(house) as controller:
        go(controller, phase)
        house.broken = broken
    assert isinstance(house.facts[-1], ev.ShutdownRequested | ev.DeviceFailed)


@pytest.mark.parametrize("broken", BROKEN, ids=name_of)
async def test_a_whole_conversation_in_a_broken_house_ends_idle_and_is_timed(broken: set[str]) -> None:
    """Whatever raises at whatever moment, a phase that waits has its deadline, and a click leads out of it."""
    house = BreakableHouse()
    house.broken = broken
    async with living_in(house) as controller:
        for fact in FACTS:
            controller.post(fact)
            controller.on_answer_audio(1, "item", b"\1\0")
            controller.post(ev.ToolCalled(1, "c1", "get_time", "{}"))
            await turn_the_loop()
            waits = controller.status.phase is not Phase.IDLE or controller.status.failing
            assert (controller._timer is not None) == waits
        if controller.status.phase is not Phase.IDLE:
            controller.post(ev.ButtonClicked(Samples(1)))
        assert controller.status.phase is Phase.IDLE


@pytest.mark.parametrize("part", ["mouth", "conversation", "ear"])
async def test_a_part_that_works_again_is_no_fault_any_more(part: str) -> None:
    """As soon as what failed has been done once without failing."""
    house = BreakableHouse()
    async with living_in(house) as controller:
        house.broken = {part}
        for fact in FACTS[:2]:
            controller.post(fact)
        assert DEVICES[part] in controller.status.faults
        house.broken = set()
        controller.post(ev.ButtonClicked(Samples(1)))
        controller.post(ev.WakeWordDetected("hey_jarvis", 0.9, Samples(16_000)))
        controller.post(ev.SessionReady(controller.status.turn))
        controller.post(ev.ButtonClicked(Samples(1)))
        assert not controller.status.faults


async def test_a_mouth_that_raises_on_every_stop_is_told_of_once_a_conversation() -> None:
    """Told of failures that come of telling, nobody would come to an end."""
    house = BreakableHouse()
    house.broken = {"mouth"}
    async with living_in(house) as controller:
        for turn in range(1, 4):
            before = len(house.facts)
            controller.post(ev.WakeWordDetected("hey_jarvis", 0.9, Samples(16_000)))
            controller.post(ev.SessionReady(turn))
            controller.post(ev.ButtonClicked(Samples(1)))
            assert len(house.facts) - before < 8


async def test_a_light_that_fails_every_other_time_does_not_hold_up_the_house() -> None:
    """Each failure and each recovery is shown on it, which must not bring the next."""
    house = BreakableHouse()
    shown: list[int] = []

    def show(part: str, name: str) -> None:
        house.calls.append(f"{part}.{name}")
        if part == "panel":
            shown.append(len(shown))
            if len(shown) % 2:
                raise OSError("gone again")

    house.ordered = show  # type: ignore[method-assign]
    async with living_in(house) as controller:
        go(controller, Phase.SPEAKING)
    assert len(shown) < MANY_FACTS


async def test_a_machine_that_raises_still_lets_the_house_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in a decision costs that decision, never the end."""

    def fail(self: object, *arguments: object) -> list[Action]:
        raise KeyError("no such rule")

    async with living_in(BreakableHouse()) as controller:
        monkeypatch.setattr(Machine, "handle_event", fail)
        controller.post(FACTS[0])


@pytest.mark.parametrize(
    "error", [KeyError(KEY), asyncio.CancelledError(), TimeoutError()], ids=lambda e: type(e).__name__
)
async def test_whatever_a_tool_raises_its_call_is_answered(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """The provider would wait for it; what the error quotes is not logged."""
    house = BreakableHouse()
    results: list[ev.Event] = []
    async with living_in(house) as controller:
        go(controller, Phase.LISTENING)

        async def call(name: str, arguments: str) -> str:
            raise error

        controller._house.tools.call = call  # type: ignore[method-assign]
        controller.observers.append(lambda what, status: results.append(what))  # type: ignore[arg-type]
        controller.post(ev.ToolCalled(1, "c1", "get_time", "{}"))
        await turn_the_loop()
        assert "conversation.send_tool_result" in house.calls
    assert [fact.call_id for fact in results if isinstance(fact, ev.ToolFinished)] == ["c1"]
    assert KEY not in caplog.text
