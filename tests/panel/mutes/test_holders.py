"""What holds the mute: a switch on a mock pin, an array on a simulated USB bus, another on a made-up I2C bus."""

from __future__ import annotations

import asyncio
import errno
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from device.boards.xu316 import ReSpeakerLite
from device.core.events import Device, DeviceFailed, DeviceRecovered, Event, MuteHeld, MuteHolder, MuteLetGo
from device.errors import AudioError, ConfigError
from device.foreign import i2c
from device.foreign.gpio import MockBoard
from device.panel.mutes import array as arraymute
from device.panel.mutes.holders import Mutes
from device.panel.settings import MuteSwitch, PanelSettings
from device.sim.devices.usb import FakeUsbBus, FakeXvf3800
from tests.waiting import until

PIN = 26
SWITCH = PanelSettings(mute_switch=MuteSwitch(pin=PIN))
ARRAY = PanelSettings(array_mute="xvf3800")
HELD, LET_GO = MuteHeld(MuteHolder.SWITCH), MuteLetGo(MuteHolder.SWITCH)
FOUND = MuteHeld(MuteHolder.SWITCH, moved=False)


@pytest.fixture
def posted() -> list[Event]:
    """Collect what is posted."""
    return []


@pytest.fixture
def open_switch(board: MockBoard, loop, posted: list[Event]):
    """Return what opens a switch."""
    opened: list[Mutes] = []

    def open_switch(settings: PanelSettings = SWITCH) -> Mutes:
        opened.append(Mutes(settings, posted.append, loop))
        return opened[-1]

    yield open_switch
    for mutes in opened:
        mutes.close()


OpenSwitch = Callable[..., Mutes]


def test_a_switch_is_followed(board: MockBoard, loop, posted: list[Event], open_switch: OpenSwitch) -> None:
    """Closed means mute; within a quarter of a second."""
    open_switch()
    assert posted == []
    board.press(PIN)
    loop.advance(0.11)
    assert posted == [HELD]
    board.release(PIN)
    loop.advance(0.4)
    assert posted == [HELD, LET_GO]


def test_its_position_at_the_start_holds_from_the_first_moment(
    board: MockBoard, loop, posted: list[Event], open_switch: OpenSwitch
) -> None:
    """Before anything of the house can open the microphone; nobody has moved it."""
    board.hold_down(PIN)
    open_switch()
    assert posted == [FOUND]
    loop.advance(5)
    assert posted == [FOUND]


def test_a_switch_may_mute_when_it_is_open(
    board: MockBoard, loop, posted: list[Event], open_switch: OpenSwitch
) -> None:
    """So does a wire that has come off."""
    open_switch(PanelSettings(mute_switch=MuteSwitch(pin=PIN, mutes_when="open")))
    assert posted == [FOUND]
    board.press(PIN)
    loop.advance(0.4)
    assert posted == [FOUND, LET_GO]
    board.release(PIN)
    loop.advance(0.11)
    assert posted == [FOUND, LET_GO, HELD]


def test_a_bouncing_switch_is_moved_once(board: MockBoard, loop, posted: list[Event], open_switch: OpenSwitch) -> None:
    """Whatever the contact does on its way."""
    open_switch()
    for _ in range(20):
        board.press(PIN)
        loop.advance(0.013)
        board.release(PIN)
        loop.advance(0.013)
    board.press(PIN)
    loop.advance(1)
    assert posted == [HELD]


def test_a_switch_that_cannot_be_read_is_told_and_mutes(
    board: MockBoard, loop, posted: list[Event], open_switch: OpenSwitch
) -> None:
    """Whoever slides it must be able to rely on it. Read again, it says what it says."""
    open_switch()
    board.break_input(PIN)
    loop.advance(5)
    (failed, held) = posted
    assert isinstance(failed, DeviceFailed)
    assert failed.device is Device.MUTE_SWITCH
    assert "stays closed" in failed.message
    assert held == HELD
    board.mend_input(PIN)
    loop.advance(3)
    assert posted[2:] == [DeviceRecovered(Device.MUTE_SWITCH), LET_GO]


def test_a_switch_whose_pin_is_taken_is_refused(board: MockBoard, open_switch: OpenSwitch) -> None:
    """With its key."""
    open_switch()
    with pytest.raises(ConfigError, match=r"hardware\.mute_switch\.pin: GPIO 26"):
        open_switch()


def test_without_one_nothing_of_it_is_loaded() -> None:
    """No thread, no pin, no USB."""
    program = (
        "import sys, asyncio\n"
        "from device.panel.mutes.holders import Mutes\n"
        "from device.panel.settings import PanelSettings\n"
        "mutes = Mutes(PanelSettings(), print, asyncio.new_event_loop())\n"
        "mutes.close()\n"
        "loaded = {'device.panel.mutes.switch', 'device.panel.mutes.array', 'device.foreign.i2c', 'gpiozero', 'usb'}\n"
        "assert not loaded & set(sys.modules), loaded & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


# -- microphone arrays


@asynccontextmanager
async def array_on(bus: FakeUsbBus, posted: list[Event]) -> AsyncIterator[None]:
    """Follow the XVF3800 on the bus."""
    mutes = Mutes(ARRAY, posted.append, usb_backend=bus)
    await mutes.start()
    try:
        yield
    finally:
        mutes.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask often."""
    for name in ("ASK_S", "RETRY_S"):
        monkeypatch.setattr(arraymute, name, 0.005)


ON_ARRAY, OFF_ARRAY = MuteHeld(MuteHolder.ARRAY), MuteLetGo(MuteHolder.ARRAY)


@pytest.mark.usefixtures("quick")
async def test_an_arrays_mute_key_is_followed(posted: list[Event]) -> None:
    """With nothing asked of the chip that it does not know, and nothing written to it."""
    array = FakeXvf3800()
    bus = FakeUsbBus(array)
    async with array_on(bus, posted):
        assert posted == []
        array.muted = True
        await until(lambda: posted == [ON_ARRAY], "a mute")
        array.muted = False
        await until(lambda: posted == [ON_ARRAY, OFF_ARRAY], "its end")
    assert bus.refused == []
    await until(lambda: bus.opened == 0, "a bus that is let go")


async def test_an_array_that_is_muted_at_the_start_is_known_before_the_microphone_opens(posted: list[Event]) -> None:
    """The start waits for its first answer."""
    async with array_on(FakeUsbBus(FakeXvf3800(muted=True, busy=2)), posted):
        assert posted == [MuteHeld(MuteHolder.ARRAY, moved=False)]


@pytest.mark.usefixtures("quick")
async def test_an_array_that_cannot_be_asked_is_told_once_and_its_return_too(
    posted: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A single transfer that fails is nothing; and what it said last holds meanwhile."""
    array = FakeXvf3800(muted=True)
    bus = FakeUsbBus(array)
    async with array_on(bus, posted):
        bus.pull(array)
        await until(lambda: len(posted) > 1, "a failure")
        failed = posted[1]
        assert isinstance(failed, DeviceFailed)
        assert failed.device is Device.MUTE_SWITCH
        assert "2886:001a" in failed.message
        await asyncio.sleep(0.05)  # many more questions
        assert len(posted) == 2
        array.muted = False
        bus.plug(array)
        await until(lambda: len(posted) == 4, "its return")
        assert posted[2:] == [DeviceRecovered(Device.MUTE_SWITCH), OFF_ARRAY]


async def test_an_array_that_hangs_does_not_hold_up_the_start(
    posted: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is muted by itself meanwhile, or it is not."""
    monkeypatch.setattr(arraymute, "FIRST_LIMIT_S", 0.02)
    async with array_on(FakeUsbBus(FakeXvf3800(busy=10_000)), posted):
        assert posted == []


class FakeI2c:
    """A ReSpeaker Lite behind the kernel's i2c-dev: what is opened, written and read goes here."""

    def __init__(self, status: int = 0, muted: bool = False) -> None:
        self.status = status
        self.muted = muted
        self.spoken_to: list[int] = []
        self.asked: list[bytes] = []
        self.failing = 0

    def put_in_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand where the operating system stands."""

        class System:
            O_RDWR = O_CLOEXEC = 0

            def open(system, path: str, flags: int) -> int:  # noqa: N805
                assert path == "/dev/i2c-1"
                return 3

            def write(system, file: int, data: bytes) -> int:  # noqa: N805
                if self.failing:
                    raise OSError(self.failing, "Remote I/O error")
                self.asked.append(data)
                return len(data)

            def read(system, file: int, length: int) -> bytes:  # noqa: N805
                return bytes([self.status, self.muted])[:length]

            def close(system, file: int) -> None:  # noqa: N805
                self.spoken_to.append(-1)

        system: Any = System()
        monkeypatch.setattr(i2c, "os", system)
        monkeypatch.setattr(i2c.fcntl, "ioctl", lambda file, request, address: self.spoken_to.append(address))


def test_the_respeaker_lite_is_asked_over_i2c(monkeypatch: pytest.MonkeyPatch) -> None:
    """The very bytes of its maker's protocol: resource 0xF1, command 0x81, two bytes of answer, from address 0x42."""
    bus = FakeI2c(muted=True)
    bus.put_in_place(monkeypatch)
    array = ReSpeakerLite()
    assert array.is_muted() is True
    bus.muted = False
    assert array.is_muted() is False
    assert bus.asked == [b"\xf1\x81\x02"] * 2
    array.close()
    array.close()
    assert bus.spoken_to == [0x42, -1]


@pytest.mark.parametrize(("status", "outcome"), [(64, None), (3, "firmware 1.0.9")])
def test_what_the_respeaker_lite_does_not_tell(
    status: int, outcome: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Busy is asked again; what it does not know is said, with what to do."""
    FakeI2c(status=status).put_in_place(monkeypatch)
    if outcome is None:
        assert ReSpeakerLite().is_muted() is None
    else:
        with pytest.raises(AudioError, match=outcome):
            ReSpeakerLite().is_muted()


def test_an_i2c_bus_that_is_not_there_is_a_matter_of_the_configuration() -> None:
    """Nothing is gained by asking again."""
    with pytest.raises(ConfigError, match="dtparam=i2c_arm=on"):
        ReSpeakerLite("/dev/i2c-of-nobody").is_muted()


def test_a_device_that_does_not_answer_on_i2c_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its address."""
    bus = FakeI2c()
    bus.put_in_place(monkeypatch)
    bus.failing = errno.EREMOTEIO
    with pytest.raises(AudioError, match="0x42 on /dev/i2c-1 does not answer"):
        ReSpeakerLite().is_muted()
