"""The order of light and gate in a whole controller: nothing is let out before a light is lit, or known not to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from device.controller import Controller
from device.core import events as ev
from device.core.actions import Cue
from device.core.machine import Machine
from device.core.memory import Settings
from device.core.status import Phase, Status
from device.foreign import spidev
from device.orders import House
from device.panel.gpio import GpioPanel
from device.panel.lights import showing
from device.panel.settings import Led, PanelSettings
from device.sim.devices.spi import SimulatedSpi, seen_apa102
from device.units import Samples
from tests.test_controller import Recorder, RecordingMicrophone
from tests.waiting import until

PIXELS = 12
WAKE = ev.WakeWordDetected("hey_jarvis", 0.9, Samples(16_000))


class SlowSpi(SimulatedSpi):
    """A bus that says in the same list as the gate when something was lit."""

    def __init__(self, folder: Path, happened: list[str]) -> None:
        super().__init__(folder)
        self._happened = happened

    def write(self, file: int, data: bytes) -> int:
        """See System."""
        written = super().write(file, data)
        self._happened.append("lit" if any(map(any, seen_apa102(data, PIXELS))) else "dark")
        return written


@dataclass
class Stage:
    """A controller with real lights on a simulated bus, and what happened in which order."""

    controller: Controller
    spi: SlowSpi
    recorder: Recorder
    happened: list[str] = field(default_factory=list)

    def index(self, what: str) -> int:
        """Return when it happened first."""
        return self.happened.index(what)


@pytest.fixture
async def stage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Yield it, idle and dark. Its parameter: whether the light is required."""
    happened: list[str] = []
    spi = SlowSpi(tmp_path, happened)
    monkeypatch.setattr(spidev, "SYSTEM", spi)
    recorder = Recorder()
    part: Any = recorder
    object.__setattr__(recorder, "open_gate", lambda *span: happened.append("gate"))
    object.__setattr__(recorder, "play_cue", lambda cue: happened.append(f"cue {cue.value}"))
    controller = Controller(Machine(Settings(light_required=getattr(request, "param", False))))

    def watch(what: object, status: Status) -> None:
        if isinstance(what, ev.DeviceFailed):
            happened.append(f"{what.device.value} failed")

    controller.observers.append(watch)
    settings = PanelSettings(led=Led(driver="apa102", pixels=PIXELS))
    panel = GpioPanel(settings, controller.post, lambda moment: Samples(0))
    house = House(part, RecordingMicrophone(recorder), part, part, part, panel, part, part.remember_mute, part)
    controller.move_in(house)
    await until(lambda: "dark" in happened, "the first frame")
    yield Stage(controller, spi, recorder, happened)
    panel.close()


async def test_the_light_is_lit_before_the_gate_opens(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the session is ready the moment it is wanted: the bytes have left the bus before a sample does."""
    monkeypatch.setattr(showing, "LIT_WITHIN_S", 10.0)
    stage.controller.post(WAKE)
    stage.controller.post(ev.SessionReady(1))
    assert stage.happened.count("gate") == 1
    assert stage.index("lit") < stage.index("gate")
    assert f"cue {Cue.WAKE.value}" not in stage.happened


async def test_a_light_that_cannot_be_lit_is_known_and_replaced_before_anything_else_happens(stage: Stage) -> None:
    """It fails in the moment in which it is needed: the cue is ordered before the gate is opened."""
    stage.spi.missing = True
    stage.controller.post(WAKE)
    stage.controller.post(ev.SessionReady(1))
    assert "lit" not in stage.happened
    assert stage.index("light failed") < stage.index(f"cue {Cue.WAKE.value}") < stage.index("gate")
    assert stage.happened.count("gate") == stage.happened.count(f"cue {Cue.WAKE.value}") == 1


async def test_a_light_known_to_be_broken_has_its_cue_with_the_gate(stage: Stage) -> None:
    """It failed while the session was being opened."""
    stage.spi.missing = True
    stage.controller.post(WAKE)
    await until(lambda: "light failed" in stage.happened, "the fault")
    stage.controller.post(ev.SessionReady(1))
    assert stage.index("light failed") < stage.index("gate") < stage.index(f"cue {Cue.WAKE.value}")


async def test_a_light_that_is_mended_counts_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the next conversation there is no cue, and the light comes first again."""
    monkeypatch.setattr(showing, "LIT_WITHIN_S", 10.0)
    stage.spi.missing = True
    stage.controller.post(WAKE)
    stage.controller.post(ev.SessionReady(1))
    stage.spi.missing = False
    stage.controller.post(ev.StopRequested())
    await until(lambda: not stage.controller.status.faults, "the recovery")
    await until(lambda: stage.happened[-1] == "dark", "the dark")
    del stage.happened[:]
    stage.controller.post(WAKE)
    stage.controller.post(ev.SessionReady(2))
    assert f"cue {Cue.WAKE.value}" not in stage.happened


@pytest.mark.parametrize("stage", [True], indirect=True)
@pytest.mark.parametrize("early", [True, False], ids=["while it connects", "as the gate opens"])
async def test_where_the_light_is_required_no_gate_opens_without_it(stage: Stage, early: bool) -> None:
    """Known in the very moment, or before: the conversation is over, and the next one has to wait for the light."""
    stage.spi.missing = True
    stage.controller.post(WAKE)
    if early:
        await until(lambda: "light failed" in stage.happened, "the fault")
    stage.controller.post(ev.SessionReady(1))
    assert "light failed" in stage.happened
    assert stage.controller.status.phase is Phase.IDLE
    stage.controller.post(WAKE)
    assert stage.controller.status.phase is Phase.IDLE
    assert "gate" not in stage.happened
    assert not stage.controller.status.gate_open
    stage.spi.missing = False
    stage.controller.post(WAKE)
    await until(lambda: not stage.controller.status.faults, "the recovery")
    stage.controller.post(WAKE)
    stage.controller.post(ev.SessionReady(stage.controller.status.turn))
    assert stage.happened.count("gate") == 1


@pytest.mark.parametrize("stage", [True], indirect=True)
async def test_a_required_light_that_shines_changes_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is lit, and then the gate opens."""
    monkeypatch.setattr(showing, "LIT_WITHIN_S", 10.0)
    stage.controller.post(WAKE)
    stage.controller.post(ev.SessionReady(1))
    assert stage.index("lit") < stage.index("gate")
