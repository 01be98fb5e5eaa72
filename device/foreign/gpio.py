"""LEDs, buttons, relays and signals on GPIO pins; the only file that imports gpiozero, and only when a pin is opened.

Importing gpiozero costs 20 ms and more on a Pi, and a machine without pins needs none of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from device.errors import ConfigError, PanelError

NO_LIBRARY_HELP = (
    "On a Raspberry Pi install Debian's lgpio (sudo apt install python3-lgpio) and let the virtual environment see it "
    "(--system-site-packages); elsewhere remove the pins from the configuration, or set GPIOZERO_PIN_FACTORY=mock"
)
BUTTON_POLL_S = 0.04
"""Shorter than a finger's quick tap (about 60 ms). Looking at a mock pin this often takes 0.2 % of an x86 core,
and so does looking at four of them."""
LIVELY_POLL_S = 0.01
"""While a finger is there: a release is waited for, and what it does should follow at once."""
LIVELY_S = 1.0
"""A button that is stuck must not be looked at so often for ever."""

PWM_HZ = 100
"""gpiozero's default for LEDs."""

PERMISSION_HELP = "let the user read and write /dev/gpiochip* (sudo usermod -aG gpio USER, then log in again)"


class Light:
    """One LED, or the three of an RGB LED, with a brightness of 0 to 1 each."""

    def __init__(self, devices: Sequence[Any], dimmable: bool) -> None:
        self._devices = tuple(devices)
        self._unknown: tuple[float | None, ...] = (None,) * len(self._devices)
        self._shown: tuple[float | None, ...] = self._unknown
        self.dimmable = dimmable
        """False: the pins cannot do PWM; every level above 0 is fully lit."""

    @property
    def channels(self) -> int:
        """1 or 3."""
        return len(self._devices)

    def show(self, levels: tuple[float, ...]) -> None:
        """Set the brightness of each channel, writing only what changes. Raise PanelError."""
        # Until all is written nobody knows what it shows: after a failure everything is written anew.
        before, self._shown = self._shown, self._unknown
        for device, level, shown in zip(self._devices, levels, before, strict=True):
            if level != shown:
                with _runtime_errors("the LED"):
                    _dim(device, level) if self.dimmable else _switch(device, level)
        self._shown = levels

    def close(self) -> None:
        """Switch off and let the pins go. Harmless when closed. Raise PanelError."""
        devices, self._devices, self._shown = self._devices, (), ()
        with _runtime_errors("the LED"), contextlib.ExitStack() as closing:
            for device in devices:
                closing.callback(device.close)
                closing.callback(device.off)


@dataclass(frozen=True, slots=True)
class ButtonListener:
    """Who is told of a button. Edges come on any thread, without debouncing; a failure on the loop's."""

    on_press: Callable[[], None]
    on_release: Callable[[], None]
    on_failure: Callable[[PanelError], None]


class ButtonWatch:
    """Watches push buttons to ground, each with the Pi's own pull-up. Belongs to the loop's thread.

    gpiozero's edges are used where they cost nothing. lgpio's cost 5 % of a Pi's core for as long as one pin is
    watched, for its thread looks at the pin 2000 times a second (lgPthAlerts.c; joan2937/lg issue 26): there all
    buttons are looked at together, every BUTTON_POLL_S, and every LIVELY_POLL_S for LIVELY_S after one has changed.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._devices: list[Any] = []
        self._polled: list[_Polled] = []
        self._timer: asyncio.TimerHandle | None = None
        self._lively_until = 0.0

    def open(self, pin: int, *, key: str, listener: ButtonListener) -> None:
        """Watch one more. Raise ConfigError naming `key`."""
        with _start_errors(key, pin):
            import gpiozero

            if _is_lgpio(gpiozero.Device.pin_factory):
                self._poll(gpiozero.InputDevice(pin, pull_up=True), listener)
            else:
                # Not gpiozero.Button: its hold thread wakes ten times a second for what gestures.py does without one.
                device = gpiozero.DigitalInputDevice(pin, pull_up=True)
                self._devices.append(device)
                device.when_activated = listener.on_press
                device.when_deactivated = listener.on_release

    def close(self) -> None:
        """Stop watching and let the pins go. Harmless when closed. Raise PanelError."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        devices, self._devices, self._polled = self._devices, [], []
        with _runtime_errors("the button"), contextlib.ExitStack() as closing:
            for device in devices:
                closing.callback(device.close)

    def _poll(self, device: Any, listener: ButtonListener) -> None:
        self._devices.append(device)
        self._polled.append(_Polled(device, listener, bool(device.is_active)))
        if self._timer is None:
            self._timer = self._loop.call_later(BUTTON_POLL_S, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        for button in tuple(self._polled):
            if self._look_at(button):
                self._lively_until = now + LIVELY_S
        pause_s = LIVELY_POLL_S if now < self._lively_until else BUTTON_POLL_S
        self._timer = self._loop.call_later(pause_s, self._look) if self._polled else None

    def _look_at(self, button: _Polled) -> bool:
        """Tell its listener what has changed; return whether anything has."""
        try:
            with _runtime_errors("the button"):
                down = bool(button.device.is_active)
        except PanelError as error:
            self._polled.remove(button)
            button.listener.on_failure(error)
            return False
        if down is button.down:
            return False
        button.down = down
        button.listener.on_press() if down else button.listener.on_release()
        return True


@dataclass(slots=True)
class _Polled:
    """A button that is looked at."""

    device: Any
    listener: ButtonListener
    down: bool


class Switch:
    """A relay, or the power of something: an output that ends in its safe state."""

    def __init__(self, device: Any, safe: bool, name: str = "the relay") -> None:
        self._device = device
        self._safe = safe
        self._name = name

    @property
    def is_on(self) -> bool:
        """What the relay was last put to."""
        return bool(self._device.value)

    def set(self, on: bool) -> None:
        """Switch it. Raise PanelError."""
        with _runtime_errors(self._name):
            self._device.value = on

    def close(self) -> None:
        """Make it safe, then let the pin go (it becomes an input). Harmless when closed. Raise PanelError."""
        if self._device.closed:
            return
        with _runtime_errors(self._name), contextlib.closing(self._device):
            self._device.value = self._safe


class Input:
    """A pin that something else drives, to be looked at. May be used in any one thread."""

    def __init__(self, device: Any) -> None:
        self._device = device

    @property
    def is_active(self) -> bool:
        """Whether the signal is there now. Raise PanelError."""
        with _runtime_errors("the input pin"):
            return bool(self._device.is_active)

    def close(self) -> None:
        """Let the pin go. Harmless when closed. Raise PanelError."""
        with _runtime_errors("the input pin"):
            self._device.close()


class MockBoard:
    """Mock pins in the place of a Pi's, for the simulation and the tests: a finger and an eye."""

    def __init__(self, *, pwm: bool = True) -> None:
        import gpiozero
        from gpiozero.pins.mock import MockFactory, MockPin, MockPWMPin

        self._device_class = gpiozero.Device
        self._before = gpiozero.Device.pin_factory
        self._factory = MockFactory(pin_class=MockPWMPin if pwm else MockPin)
        gpiozero.Device.pin_factory = self._factory

    def press(self, pin: int) -> None:
        """Connect the pin to ground, as the button does."""
        self._factory.pin(pin).drive_low()

    def release(self, pin: int) -> None:
        """Let the pull-up have the pin."""
        self._factory.pin(pin).drive_high()

    def hold_down(self, pin: int) -> None:
        """Connect it to ground before anybody looks: the pull-up that is set then is weaker than that."""
        mock = self._factory.pin(pin)
        mock.drive_low()
        mock._set_pull = lambda pull: setattr(mock, "_pull", pull)

    def drive(self, pin: int, high: bool) -> None:
        """Put a level on the pin, as a chip does."""
        self._factory.pin(pin).drive_high() if high else self._factory.pin(pin).drive_low()

    def break_output(self, pin: int) -> None:
        """Refuse whatever is written to the pin from now on, as a board that went away does."""

        def refuse(value: float) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        self._factory.pin(pin)._set_state = refuse

    def mend_output(self, pin: int) -> None:
        """Take again what is written to it."""
        del self._factory.pin(pin)._set_state

    def break_input(self, pin: int) -> None:
        """Refuse to tell what is on the pin from now on."""

        def refuse() -> float:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        self._factory.pin(pin)._get_state = refuse

    def mend_input(self, pin: int) -> None:
        """Tell it again."""
        del self._factory.pin(pin)._get_state

    def changes(self, pin: int) -> list[tuple[float, float]]:
        """When what is on the pin changed since it was first used (s, `time.monotonic`), and to what level."""
        mock, told = self._factory.pin(pin), []
        moment = float(mock._last_change)
        for change in reversed(mock.states):
            told.append((moment, float(change.state)))
            moment -= change.timestamp
        return told[::-1]

    def level(self, pin: int) -> float:
        """What is on the pin: 0 or 1, in between with PWM."""
        return float(self._factory.pin(pin).state)

    def levels_seen(self, pin: int) -> list[float]:
        """Everything that was on the pin since it was first used."""
        return [float(change.state) for change in self._factory.pin(pin).states]

    def is_output(self, pin: int) -> bool:
        """True while somebody drives the pin."""
        return bool(self._factory.pin(pin).function == "output")

    def close(self) -> None:
        """Give the pins back to whoever had them before."""
        self._factory.reset()
        self._device_class.pin_factory = self._before


def open_led(pin: int, *, active_high: bool, key: str) -> Light:
    """Open one LED, dark. Raise ConfigError naming `key`."""
    device, dimmable = _open_led_pin(pin, active_high, key)
    return Light([device], dimmable)


def open_rgb(pins: tuple[int, int, int], *, active_high: bool, key: str) -> Light:
    """Open a red, a green and a blue LED, dark. Raise ConfigError naming `key`."""
    with contextlib.ExitStack() as opened:
        devices = []
        dimmable = True
        for pin in pins:
            device, can_dim = _open_led_pin(pin, active_high, key)
            opened.callback(device.close)
            devices.append(device)
            dimmable = dimmable and can_dim
        opened.pop_all()
    return Light(devices, dimmable)


def open_input(pin: int, *, active_high: bool, key: str) -> Input:
    """Look at a signal; the Pi's own resistor pulls it to its inactive level. Raise ConfigError naming `key`."""
    with _start_errors(key, pin):
        import gpiozero

        return Input(gpiozero.InputDevice(pin, pull_up=not active_high))


def open_relay(pin: int, *, active_high: bool, safe: bool, key: str) -> Switch:
    """Open a relay in its safe state. Raise ConfigError naming `key`."""
    with _start_errors(key, pin):
        import gpiozero

        return Switch(gpiozero.DigitalOutputDevice(pin, active_high=active_high, initial_value=safe), safe)


def open_power(pin: int, *, key: str) -> Switch:
    """Switch the power of something on, until it is closed: a high pin is on. Raise ConfigError naming `key`."""
    with _start_errors(key, pin):
        import gpiozero

        return Switch(gpiozero.DigitalOutputDevice(pin, initial_value=True), False, "the power of the lights")


def _open_led_pin(pin: int, active_high: bool, key: str) -> tuple[Any, bool]:
    """Return the device and whether it can be dimmed: `GPIOZERO_PIN_FACTORY=mock` alone gives pins without PWM."""
    with _start_errors(key, pin):
        import gpiozero

        try:
            device = gpiozero.PWMLED(pin, active_high=active_high, frequency=PWM_HZ)
            _dim(device, 0.0)
            return device, True
        except gpiozero.PinPWMUnsupported:
            return gpiozero.LED(pin, active_high=active_high), False


def _dim(device: Any, level: float) -> None:
    """Set the brightness of a LED on PWM, and stop the PWM in the dark: lgpio's wakes up 100 times a second for it."""
    if level == 0:
        device.frequency = None
    elif device.frequency is None:
        device.frequency = PWM_HZ
    device.value = level


def _switch(device: Any, level: float) -> None:
    device.value = level > 0


@contextlib.contextmanager
def _start_errors(key: str, pin: int) -> Iterator[None]:
    """Load the pins, and turn whatever the pin libraries raise into a ConfigError that names the key and the fix."""
    try:
        _load_pin_factory()
        yield
    except ConfigError as error:
        raise ConfigError(f"{key}: GPIO {pin} cannot be used: {error}") from error
    except Exception as error:  # lgpio, RPi.GPIO and pigpio raise their own
        raise ConfigError(f"{key}: GPIO {pin} cannot be used: {_explain(error)}") from error


@contextlib.contextmanager
def _runtime_errors(part: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # as above
        raise PanelError(f"{part} cannot be used any more: {error}; check its wiring") from error


def _load_pin_factory() -> None:
    """Let gpiozero choose its pins once, refusing its last resort.

    `native` writes to the registers of old boards, has no PWM and no working edges on current kernels: whoever lands
    there has no lgpio, and should hear that.
    """
    import gpiozero

    if gpiozero.Device.pin_factory is not None:
        return
    with warnings.catch_warnings(record=True) as fallbacks:
        warnings.simplefilter("always")
        try:
            gpiozero.Device.ensure_pin_factory()
        except Exception as error:  # as above
            raise ConfigError(_explain_no_library(error, fallbacks)) from error
    factory: Any = gpiozero.Device.pin_factory
    if type(factory).__name__ == "NativeFactory" and "GPIOZERO_PIN_FACTORY" not in os.environ:
        factory.close()
        gpiozero.Device.pin_factory = None
        raise ConfigError(_explain_no_library(None, fallbacks))
    _claim_outputs_without_blip(factory)


def _claim_outputs_without_blip(factory: Any) -> None:
    """Make lgpio claim an output at its first level.

    gpiozero 2.0.1's LGPIOPin claims it low and writes afterwards: an active-low relay would click at every start.
    """
    if not _is_lgpio(factory):
        return
    from gpiozero.pins.lgpio import LGPIOPin, lgpio

    class Pin(LGPIOPin):  # type: ignore[misc]  # gpiozero ships no types
        def output_with_state(self, state: float) -> None:
            lgpio.gpio_claim_output(self.factory._handle, self._number, int(bool(state)))

    factory.pin_class = Pin


def _is_lgpio(factory: Any) -> bool:
    # By name: importing the class would import lgpio.
    return type(factory).__name__ == "LGPIOFactory"


def _explain_no_library(error: Exception | None, fallbacks: Sequence[warnings.WarningMessage]) -> str:
    # The first one is lgpio's, the library that current boards need; the others only say that they are older.
    reasons = [str(entry.message) for entry in fallbacks if "Falling back from" in str(entry.message)]
    reason = reasons[0].removeprefix("Falling back from ") if reasons else str(error)
    help_text = PERMISSION_HELP if _is_permission(reason) else NO_LIBRARY_HELP
    return f"no GPIO library works ({reason}). {help_text}"


def _explain(error: Exception) -> str:
    text = str(error) or type(error).__name__
    if isinstance(error, ImportError):
        return f"gpiozero is not installed ({text}); install python3-gpiozero"
    if isinstance(error, PermissionError) or _is_permission(text):
        return f"{text}; {PERMISSION_HELP}"
    if "busy" in text.lower() or "in use" in text.lower():
        return f"{text}; another program or a device-tree overlay has this pin: stop it, or choose another pin"
    return f"{text}; choose another pin"


def _is_permission(text: str) -> bool:
    # lgpio says no more than "can not open gpiochip", whether the device is forbidden or missing.
    return "permission" in text.lower() or "can not open gpiochip" in text
