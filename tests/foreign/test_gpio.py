"""Pins through gpiozero: mock pins, and gpiozero's own lgpio pins on a library that only takes notes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from device.errors import ConfigError, PanelError
from device.foreign import gpio
from device.foreign.gpio import MockBoard


@pytest.fixture
def board() -> Iterator[MockBoard]:
    """Put mock pins in the place of the real ones."""
    board = MockBoard(pwm=False)
    yield board
    board.close()


@pytest.mark.parametrize("active_high", [True, False])
@pytest.mark.parametrize("safe", [True, False])
def test_a_relay_begins_and_ends_safe(board: MockBoard, active_high: bool, safe: bool) -> None:
    """Whatever it was switched to in between, the last level driven is the safe one."""
    relay = gpio.open_relay(5, active_high=active_high, safe=safe, key="tools.relays.light.pin")
    assert relay.is_on is safe
    relay.set(not safe)
    assert relay.is_on is not safe
    relay.close()
    relay.close()
    safe_level = float(safe is active_high)
    assert board.levels_seen(5)[-2:] == [1 - safe_level, safe_level]
    assert not board.is_output(5)


def test_a_pin_that_breaks_later_raises_a_panel_error(board: MockBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the library raises."""
    relay = gpio.open_relay(5, active_high=True, safe=False, key="tools.relays.light.pin")

    def refuse(self: object, value: object) -> None:
        raise OSError("line is gone")

    with monkeypatch.context() as broken:
        broken.setattr("gpiozero.pins.mock.MockPin._set_state", refuse)
        with pytest.raises(PanelError, match="the relay cannot be used any more: line is gone"):
            relay.set(True)
    relay.close()


def test_a_pin_that_no_board_has_is_refused(board: MockBoard) -> None:
    """The message names key and pin."""
    with pytest.raises(ConfigError, match=r"hardware\.led\.pin: GPIO 99"):
        gpio.open_led(99, active_high=True, key="hardware.led.pin")


def test_the_mock_board_gives_back_the_pins_it_found(board: MockBoard) -> None:
    """Boards may be nested."""
    inner = MockBoard()
    inner.close()
    led = gpio.open_led(18, active_high=True, key="hardware.led.pin")
    led.show((1.0,))
    assert board.level(18) == 1
    led.close()


FAKE_LGPIO = """
import sys, types
calls = []
modes = {}
lgpio = types.ModuleType("lgpio")
class error(Exception): pass
lgpio.error = error
for number, name in enumerate(
    "SET_PULL_NONE SET_PULL_UP SET_PULL_DOWN BOTH_EDGES RISING_EDGE FALLING_EDGE".split()
):
    setattr(lgpio, name, number)
def note(name, answer=0):
    def call(*arguments):
        calls.append((name, *arguments[1:]))
        if name.startswith("gpio_claim"):
            modes[arguments[1]] = 2 * (name == "gpio_claim_output")
        return answer
    setattr(lgpio, name, call)
for name in "gpiochip_close gpio_claim_input gpio_claim_output gpio_write gpio_read gpio_free tx_pwm".split():
    note(name)
lgpio.gpio_get_mode = lambda handle, gpio: modes.get(gpio, 0)
levels = {}
lgpio.gpio_read = lambda handle, gpio: levels.get(gpio, 1)
def gpiochip_open(chip):
    if REFUSE:
        raise error("can not open gpiochip")
    return 7
lgpio.gpiochip_open = gpiochip_open
sys.modules["lgpio"] = lgpio
import gpiozero.pins.local
# A Raspberry Pi 4; this machine has no revision to read.
gpiozero.pins.local.get_pi_revision = lambda: 0xC03112
"""


def run_on_lgpio(program: str, *, refuse: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a program in a process whose lgpio takes notes in `calls`."""
    text = f"REFUSE = {refuse}\n{FAKE_LGPIO}\nfrom device.foreign import gpio\n{program}"
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(p for p in sys.path if p)}
    return subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=60, env=environment, check=False
    )


def test_an_active_low_relay_does_not_click_at_the_start_on_lgpio() -> None:
    """Its pin is claimed high at once; gpiozero alone claims it low and corrects itself afterwards."""
    result = run_on_lgpio(
        "gpio.open_relay(5, active_high=False, safe=False, key='tools.relays.light.pin')\n"
        "print([call for call in calls if call[1] == 5 and call[0] in ('gpio_claim_output', 'gpio_write')])"
    )
    assert result.stdout == "[('gpio_claim_output', 5, 1)]\n", result.stderr


def test_a_forbidden_gpiochip_names_the_group() -> None:
    """lgpio's own words do not say what to do."""
    result = run_on_lgpio("gpio.open_led(18, active_high=True, key='hardware.led.pin')", refuse=True)
    message = [line for line in result.stderr.splitlines() if line.startswith("device.errors.ConfigError")][-1]
    assert "hardware.led.pin" in message
    assert "usermod -aG gpio" in message


WATCH = """
import asyncio
told = []
def fail(error): told.append(str(error)); done.set()
async def main():
    global done
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    listener = gpio.ButtonListener(lambda: told.append("press"), lambda: (told.append("release"), done.set()), fail)
    watch = gpio.ButtonWatch(loop)
    watch.open(17, key="hardware.button.pin", listener=listener)
    script(loop)
    await asyncio.wait_for(done.wait(), 20)
    watch.close()
    watch.close()
    print(told)
"""


def test_a_button_on_lgpio_is_looked_at_without_its_costly_alerts() -> None:
    """Press and release are told; lgpio's thread is never asked to watch the pin (gpio_claim_alert is not there)."""
    result = run_on_lgpio(
        f"{WATCH}\n"
        "def script(loop):\n"
        "    loop.call_later(0.05, levels.__setitem__, 17, 0)\n"
        "    loop.call_later(0.20, levels.__setitem__, 17, 1)\n"
        "asyncio.run(main())"
    )
    assert result.stdout == "['press', 'release']\n", result.stderr


def test_all_buttons_on_lgpio_are_looked_at_together_and_more_often_while_a_finger_is_there() -> None:
    """One timer for both: 40 ms apart at rest, 10 ms after a press, and 40 ms again for one that is stuck."""
    result = run_on_lgpio(
        "class Loop:\n"
        "    now, waits = 0.0, []\n"
        "    def time(self): return self.now\n"
        "    def call_later(self, delay, call):\n"
        "        self.waits.append(delay); self.call = call\n"
        "        return self\n"
        "    def cancel(self): pass\n"
        "    def go(self):\n"
        "        self.now += self.waits[-1]; self.call()\n"
        "loop, told = Loop(), []\n"
        "watch = gpio.ButtonWatch(loop)\n"
        "for pin in (17, 22):\n"
        "    press = lambda pin=pin: told.append(pin)\n"
        "    watch.open(pin, key='hardware.button.pin', listener=gpio.ButtonListener(press, press, print))\n"
        "print(loop.waits); loop.go(); print(loop.waits[-1])\n"
        "levels[22] = 0; loop.go(); print(told, loop.waits[-1])\n"
        "while loop.now < 6: loop.go()\n"
        "print(told, loop.waits[-1])"
    )
    assert result.stdout.split("\n") == ["[0.04]", "0.04", "[22] 0.01", "[22] 0.04", ""], result.stderr


def test_a_button_that_breaks_on_lgpio_is_told_once() -> None:
    """And not looked at again."""
    result = run_on_lgpio(
        f"{WATCH}\n"
        "def refuse(handle, gpio): raise lgpio.error('bad handle')\n"
        "def script(loop):\n"
        "    loop.call_later(0.05, setattr, lgpio, 'gpio_read', refuse)\n"
        "asyncio.run(main())"
    )
    assert result.stdout == "['the button cannot be used any more: bad handle; check its wiring']\n", result.stderr


def test_a_dark_led_runs_no_pwm_on_lgpio() -> None:
    """PWM begins with the first light and ends with it: frequency 0 stops lgpio's."""
    result = run_on_lgpio(
        "light = gpio.open_led(18, active_high=True, key='hardware.led.pin')\n"
        "for level in (0.5, 1.0, 0.0): light.show((level,))\n"
        "print([call[1:] for call in calls if call[0] == 'tx_pwm'])\n"
        "print(calls[-1])"
    )
    # Opened and stopped, half, full, stopped.
    assert "(18, 100, 50), (18, 100, 100), (18, 0, 0)]" in result.stdout, result.stderr
    assert result.stdout.splitlines()[-1] == "('gpio_write', 18, False)"


def test_a_dark_led_runs_no_pwm_on_any_pins(board: MockBoard) -> None:
    """Dark before the first light, and dark between two."""
    board.close()
    pwm_board = MockBoard(pwm=True)
    light = gpio.open_led(18, active_high=True, key="hardware.led.pin")
    for level, frequency in ((0.3, 100), (0.0, None), (1.0, 100)):
        light.show((level,))
        assert pwm_board.level(18) == pytest.approx(level)
        assert light._devices[0].frequency == frequency
    light.close()
    pwm_board.close()


@pytest.mark.parametrize("active_high", [True, False])
def test_an_input_is_inactive_until_something_drives_it(board: MockBoard, active_high: bool) -> None:
    """Pulled to its inactive level: a wire that came off says nothing."""
    signal = gpio.open_input(6, active_high=active_high, key="audio.vad_pin")
    assert not signal.is_active
    board.drive(6, active_high)
    assert signal.is_active
    board.drive(6, not active_high)
    assert not signal.is_active
    signal.close()
    signal.close()


def test_an_input_that_breaks_raises_a_panel_error(board: MockBoard) -> None:
    """E.g. read after it was closed."""
    signal = gpio.open_input(6, active_high=True, key="audio.vad_pin")
    signal.close()
    with pytest.raises(PanelError, match="the input pin cannot be used any more"):
        _ = signal.is_active
