"""The panel on gpiozero's mock pins."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from device.core.events import (
    ButtonClicked,
    ButtonHeld,
    ButtonLifted,
    ButtonLongPressed,
    ButtonPressed,
    ButtonReleased,
    Device,
    DeviceFailed,
    DeviceRecovered,
    Event,
)
from device.core.indication import Indication
from device.errors import ConfigError, PanelError
from device.foreign.gpio import Light, MockBoard
from device.panel.gpio import GpioPanel, NullPanel, open_panel
from device.panel.settings import Button, Led, PanelSettings
from device.units import Samples

LED, BUTTON = 18, 17
FIRST = "hardware.button"
RED, GREEN, BLUE = 5, 6, 13
ONE_LED = PanelSettings(led=Led(pin=LED), button=Button(pin=BUTTON))
RGB = PanelSettings(led=Led(red=RED, green=GREEN, blue=BLUE))


def position_at(moment: float) -> Samples:
    """The stream began with the clock."""
    return Samples(round(moment * 16_000))


@pytest.fixture
def posted() -> list[Event]:
    """Collect what the panel posts."""
    return []


@pytest.fixture
def panel(board: MockBoard, loop, posted: list[Event]):
    """Open a panel with one LED and a button."""
    panel = GpioPanel(ONE_LED, posted.append, position_at, loop)
    yield panel
    panel.close()


def test_listening_lights_the_led_at_once_and_idle_puts_it_out(board: MockBoard, panel: GpioPanel) -> None:
    """No timer stands between the gate and its light."""
    panel.show(Indication.LISTENING)
    assert board.level(LED) == 1
    panel.show(Indication.IDLE)
    assert board.level(LED) == 0


@pytest.mark.parametrize("indication", [Indication.LISTENING, Indication.THINKING, Indication.SPEAKING])
def test_the_led_is_never_dark_in_a_conversation(
    board: MockBoard, panel: GpioPanel, loop, indication: Indication
) -> None:
    """Seen on the pin, over ten seconds of every phase."""
    panel.show(indication)
    before = len(board.levels_seen(LED))
    loop.advance(10)
    assert board.level(LED) > 0
    assert 0 not in board.levels_seen(LED)[before:]


@pytest.mark.parametrize("indication", [Indication.IDLE, Indication.LISTENING])
def test_a_light_that_stands_still_costs_nothing(panel: GpioPanel, loop, indication: Indication) -> None:
    """Not one wake-up of the event loop in an hour."""
    panel.show(indication)
    loop.advance(3600)
    assert loop.wakeups == 0


def test_a_deaf_device_flashes(board: MockBoard, panel: GpioPanel, loop) -> None:
    """Both levels are seen again and again."""
    panel.show(Indication.DEAF)
    loop.advance(5)
    seen = board.levels_seen(LED)
    assert seen.count(1) >= 6
    assert len(seen) >= 12


def test_showing_the_same_again_does_not_restart_the_pattern(board: MockBoard, panel: GpioPanel, loop) -> None:
    """The controller may show after every event."""
    panel.show(Indication.WAKING)
    for _ in range(9):
        loop.advance(0.04)
        panel.show(Indication.WAKING)
    assert board.level(LED) > 0.7


def test_rgb_shows_the_colour(board: MockBoard, loop, posted: list[Event], pwm: bool) -> None:
    """Muted is red and nothing else; the pins fall dark at the end."""
    panel = GpioPanel(RGB, posted.append, position_at, loop)
    panel.show(Indication.MUTED)
    assert board.level(RED) == (pytest.approx(0.1) if pwm else 1)
    assert board.level(GREEN) == board.level(BLUE) == 0
    panel.close()
    assert not any(board.is_output(pin) or board.level(pin) for pin in (RED, GREEN, BLUE))


def test_an_active_low_led_is_dark_when_its_pin_is_high(board: MockBoard, loop, posted: list[Event]) -> None:
    """Wired between 3.3 V and the pin."""
    settings = PanelSettings(led=Led(pin=LED, active_high=False))
    panel = GpioPanel(settings, posted.append, position_at, loop)
    panel.show(Indication.IDLE)
    assert board.level(LED) == 1
    panel.show(Indication.LISTENING)
    assert board.level(LED) == 0
    panel.close()


def test_a_click_tells_where_in_the_sound_the_press_began(
    board: MockBoard, panel: GpioPanel, loop, posted: list[Event]
) -> None:
    """Not where the finger, or the house's attention, was by the time it is told."""
    begun = loop.time()
    board.press(BUTTON)
    loop.advance(0.1)
    board.release(BUTTON)
    loop.advance(1)
    assert posted == [ButtonPressed(FIRST), ButtonClicked(position_at(begun)), ButtonLifted(FIRST)]


def test_holding_posts_held_long_pressed_and_released(
    board: MockBoard, panel: GpioPanel, loop, posted: list[Event]
) -> None:
    """Each at its time, the first two while the finger is still there."""
    begun = loop.time()
    board.press(BUTTON)
    loop.advance(0.41)
    assert posted == [ButtonPressed(FIRST), ButtonHeld(position_at(begun))]
    loop.advance(3)
    assert posted[2:] == [ButtonLongPressed()]
    released = loop.time()
    board.release(BUTTON)
    loop.advance(0.1)
    assert posted[3:] == [ButtonReleased(position_at(released)), ButtonLifted(FIRST)]


def test_closing_darkens_the_led_lets_the_pins_go_and_may_be_repeated(
    board: MockBoard, panel: GpioPanel, loop, posted: list[Event]
) -> None:
    """Nothing lights up or is posted afterwards."""
    panel.show(Indication.DEAF)
    panel.close()
    panel.close()
    panel.show(Indication.LISTENING)
    board.press(BUTTON)
    loop.advance(5)
    assert board.level(LED) == 0
    assert not board.is_output(LED)
    assert posted == []


def test_pins_can_be_opened_again_after_closing(board: MockBoard, loop, posted: list[Event]) -> None:
    """A restart within the process finds them free."""
    for _ in range(2):
        GpioPanel(ONE_LED, posted.append, position_at, loop).close()


def test_a_failing_led_is_reported_once_and_its_recovery_too(
    board: MockBoard, panel: GpioPanel, loop, posted: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """show never raises; the machine hears of a fault."""

    def refuse(self: Light, levels: tuple[float, ...]) -> None:
        raise PanelError("the LED cannot be used any more")

    with monkeypatch.context() as broken:
        broken.setattr(Light, "show", refuse)
        panel.show(Indication.DEAF)
        loop.advance(5)
    loop.advance(5)
    assert posted == [DeviceFailed(Device.LIGHT, "the LED cannot be used any more"), DeviceRecovered(Device.LIGHT)]


def test_a_pin_that_refuses_is_tried_again_until_there_is_light(
    board: MockBoard, panel: GpioPanel, loop, posted: list[Event]
) -> None:
    """Told once, though a pattern writes 25 times a second; that it can be put out proves nothing."""
    board.break_output(LED)
    panel.show(Indication.LISTENING)
    panel.show(Indication.THINKING)
    loop.advance(5)
    (told,) = posted
    assert isinstance(told, DeviceFailed)
    assert told.device is Device.LIGHT
    assert "Input/output error" in told.message
    assert loop.wakeups < 10
    board.mend_output(LED)
    panel.show(Indication.IDLE)
    assert len(posted) == 1
    # What the machine has it show meanwhile.
    panel.show(Indication.FAULT)
    loop.advance(3)
    assert posted[1:] == [DeviceRecovered(Device.LIGHT)]
    assert board.level(LED) > 0


def test_a_light_that_cannot_even_be_put_out_is_told_of_at_the_start(
    board: MockBoard, panel: GpioPanel, posted: list[Event]
) -> None:
    """Before anybody relies on it."""
    board.break_output(LED)
    panel.show(Indication.IDLE)
    assert len(posted) == 1


def test_a_pin_in_use_is_refused_and_nothing_stays_open(board: MockBoard, loop, posted: list[Event]) -> None:
    """The message names the key; the LED opened before is let go."""
    first = GpioPanel(PanelSettings(button=Button(pin=BUTTON)), posted.append, position_at, loop)
    with pytest.raises(ConfigError, match=r"hardware\.button\.pin: GPIO 17 .*choose another pin"):
        GpioPanel(ONE_LED, posted.append, position_at, loop)
    assert not board.is_output(LED)
    first.close()


def test_a_third_colour_that_cannot_open_lets_the_others_go(board: MockBoard, loop, posted: list[Event]) -> None:
    """An RGB LED opens whole or not at all."""
    blocker = GpioPanel(PanelSettings(led=Led(pin=BLUE)), posted.append, position_at, loop)
    with pytest.raises(ConfigError, match=r"hardware\.led: GPIO 13"):
        GpioPanel(RGB, posted.append, position_at, loop)
    assert not board.is_output(RED)
    blocker.close()


def test_without_pins_the_panel_does_nothing_and_gpiozero_is_never_imported() -> None:
    """A machine without pins needs no GPIO library."""
    program = (
        "import sys, asyncio\n"
        "from device.panel.settings import Button, Led, PanelSettings\n"
        "from device.panel.gpio import NullPanel, open_panel\n"
        "from device.tools.pins.switches import Relays, relay_tools\n"
        "panel = open_panel(PanelSettings(), print, int, asyncio.new_event_loop())\n"
        "assert isinstance(panel, NullPanel)\n"
        "assert relay_tools(Relays({})) == []\n"
        "assert 'gpiozero' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_null_panel_takes_everything(loop, posted: list[Event]) -> None:
    """It stands where a panel stands."""
    panel = open_panel(PanelSettings(), posted.append, position_at, loop)
    assert isinstance(panel, NullPanel)
    for indication in Indication:
        panel.show(indication)
    panel.close()


def run_with_pins(**environment: str) -> subprocess.CompletedProcess[str]:
    """Open an LED in a process with this environment, print its kind and what was shown."""
    program = (
        "import asyncio\n"
        "from device.panel.settings import Button, Led, PanelSettings\n"
        "from device.core.indication import Indication\n"
        "from device.panel.gpio import open_panel\n"
        "settings = PanelSettings(led=Led(pin=18), button=Button(pin=17))\n"
        "panel = open_panel(settings, print, int, asyncio.new_event_loop())\n"
        "panel.show(Indication.LISTENING)\n"
        "panel.close()\n"
        "print('shown')\n"
    )
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GPIOZERO")}
    return subprocess.run(
        [sys.executable, "-c", program], env={**inherited, **environment}, capture_output=True, text=True, timeout=60
    )


def test_the_documented_variable_alone_gives_mock_pins() -> None:
    """GPIOZERO_PIN_FACTORY=mock has pins without PWM; the panel blinks on them."""
    result = run_with_pins(GPIOZERO_PIN_FACTORY="mock")
    assert (result.returncode, result.stdout) == (0, "shown\n"), result.stderr


def test_pins_without_a_gpio_library_are_refused_with_the_fix() -> None:
    """This machine is no Pi: the message names the key, the pin and the package, without a wall of warnings."""
    result = run_with_pins()
    message = [line for line in result.stderr.splitlines() if line.startswith("device.errors.ConfigError")][-1]
    assert result.returncode != 0
    assert "hardware.led.pin: GPIO 18 cannot be used" in message
    assert "python3-lgpio" in message or "gpiochip" in message
    assert "PinFactoryFallback" not in result.stderr


def test_an_unknown_pin_factory_is_named() -> None:
    """A typing error in the variable is found."""
    assert "Unable to find pin factory 'mokc'" in run_with_pins(GPIOZERO_PIN_FACTORY="mokc").stderr
