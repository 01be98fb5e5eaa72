"""What can be set about the lights, the buttons and the mute switch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from device.settings import Claim, Mistake, Pin, PixelOrder, Pixels, Section, SpiBus, SpiDevice, spi_claims

Press = Literal["talk", "stop", "mute", "volume_up", "volume_down", "none"]
"""What a click may mean."""

Hold = Literal["push_to_talk", "talk", "stop", "mute", "volume_up", "volume_down", "none"]
"""What a button that is held may mean."""

MOST_BUTTONS = 4
FIRST_BUTTON = "hardware.button"


Driver = Literal["none", "gpio", "apa102", "ws2812", "xvf3000", "xvf3800"]
Brightness = Annotated[float, Meta(ge=0.05, le=1.0, description="a number from 0.05 to 1: less could not be seen")]
TimeOfDay = Annotated[str, Meta(description='a time of day as "22:00"', examples=["22:00"])]

_ON_SPI = ("apa102", "ws2812")
_ON_USB = ("xvf3000", "xvf3800")


class Led(Section, frozen=True):
    """One LED (`pin`), an RGB LED (`red`, `green`, `blue`), a strip or ring on SPI, or the ring of a USB array."""

    driver: Driver | None = None
    """What drives the lights. Unset: "gpio" where there are pins for it, otherwise nothing. "none": nothing, whatever
    the board has."""
    pin: Pin | None = None
    """The pin of one LED,"""
    red: Pin | None = None
    """or the red one of an RGB LED,"""
    green: Pin | None = None
    """the green one,"""
    blue: Pin | None = None
    """and the blue one."""
    active_high: bool = True
    """Whether a high pin (3.3 V) lights it; false for a common anode."""
    pixels: Pixels | None = None
    """How many pixels a strip or ring on SPI has; "apa102" and "ws2812" need it."""
    bus: SpiBus = 0
    """The SPI bus that it is wired to: the X of /dev/spidevX.Y,"""
    device: SpiDevice = 0
    """and the chip select: the Y."""
    order: PixelOrder | None = None
    """In which order a pixel takes its colours, when it is not what its chip usually does ("bgr" for APA102, "grb" for
    WS2812)."""
    power_pin: Pin | None = None
    """A pin that switches the power of a strip or ring on SPI; high while the program runs."""
    brightness: Brightness | None = None
    """How bright all of it is. Unset: 1 for LEDs on pins, 0.3 for strips and rings."""
    night_brightness: Brightness | None = None
    """The same at night; unset: the night makes no difference."""
    night_from: TimeOfDay = "22:00"
    """When the night begins, by the clock of the device,"""
    night_to: TimeOfDay = "07:00"
    """and when it ends."""
    required: bool = False
    """Whether nobody is listened to while it cannot be lit: a wake word is answered with a sentence that says so.
    Otherwise a sound takes its place."""
    first_pixel: Annotated[int, Meta(ge=0, le=359)] = 0
    """Where a ring's first pixel is, in degrees as the microphone array counts directions."""
    reverse: bool = False
    """Whether the pixels of a ring are counted the other way round than directions."""

    @property
    def chosen(self) -> Driver:
        """What drives the lights, "none" where there are none."""
        if self.driver is not None:
            return self.driver
        return "none" if self.pin is None and self.red is None else "gpio"

    @property
    def is_on_spi(self) -> bool:
        """Whether the lights are a strip or ring on an SPI bus."""
        return self.chosen in _ON_SPI

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse what is neither one LED, nor a whole RGB LED, nor a whole strip or ring."""
        colours = (self.red, self.green, self.blue)
        if self.pin is not None and colours != (None, None, None):
            yield Mistake("", ": give either pin (one LED) or red, green and blue (an RGB LED), not both")
        if None in colours and colours != (None, None, None):
            yield Mistake("", ": an RGB LED needs all of red, green and blue")
        if self.required and self.chosen == "none":
            yield Mistake("required", " = true, and there is no light: give it a pin or a driver, or take this away")
        yield from self._mistakes_of_driver()
        yield from self._mistakes_of_night()

    def claims(self) -> Iterator[Claim]:
        """Yield its pins, and its SPI device."""
        for key in ("pin", "red", "green", "blue", "power_pin"):
            if (pin := getattr(self, key)) is not None:
                yield Claim(key, "GPIO", pin)
        if self.is_on_spi:
            yield from spi_claims(self.bus)

    def _mistakes_of_driver(self) -> Iterator[Mistake]:
        has_pins = self.pin is not None or self.red is not None
        if self.driver == "gpio" and not has_pins:
            yield Mistake("driver", ' = "gpio" needs pin (one LED), or red, green and blue (an RGB LED)')
        if self.driver not in (None, "gpio") and has_pins:
            yield Mistake("driver", f' = "{self.driver}" uses none of pin, red, green and blue: take them away')
        if self.is_on_spi and self.pixels is None:
            yield Mistake("pixels", f" must say how many pixels there are, from 1 to 300 (the driver is {self.driver})")
        if not self.is_on_spi:
            for key in ("pixels", "order", "power_pin"):
                if getattr(self, key) is not None:
                    yield Mistake(key, ' is for strips and rings on SPI (driver = "apa102" or "ws2812"): take it away')

    def _mistakes_of_night(self) -> Iterator[Mistake]:
        for key in ("night_from", "night_to"):
            if minute_of(text := getattr(self, key)) is None:
                yield Mistake(key, f' = "{text[:20]}" is no time of day: write it as "22:00"')
        if self.night_brightness is not None and self.night_from == self.night_to:
            yield Mistake("night_to", " is the same as night_from: the night would have no end")


def minute_of(text: str) -> int | None:
    """Return which minute of the day a text as "22:00" says; None when it does not say one."""
    hour, colon, minute = text.partition(":")
    if not (colon and hour.isdecimal() and minute.isdecimal() and len(hour) <= 2 and len(minute) == 2):
        return None
    return int(hour) * 60 + int(minute) if int(hour) < 24 and int(minute) < 60 else None


class Button(Section, frozen=True):
    """One push button to ground. docs/buttons.md says what the actions do."""

    pin: Pin | None = None
    """The pin that the button connects to ground."""
    click: Press = "talk"
    """What a click does."""
    double_click: Press = "none"
    """What two quick clicks do. Where these, or three, do anything, a single click waits for `double_click_s`."""
    triple_click: Press = "none"
    """What three quick clicks do."""
    hold: Hold = "push_to_talk"
    """What it does when it is held."""
    long_hold: Press = "mute"
    """What it does when it is held for long; with push-to-talk only "mute", which it does where no word was spoken."""
    hold_s: Annotated[float, Meta(ge=0.1, le=5.0)] = 0.4
    """Held this long, in seconds, it is held."""
    long_press_s: Annotated[float, Meta(ge=0.5, le=20.0)] = 3.0
    """Held this long, in seconds, it is held for long."""
    double_click_s: Annotated[float, Meta(ge=0.1, le=1.0)] = 0.3
    """How soon after a click, in seconds, the next one must begin to be counted with it."""

    @property
    def clicks(self) -> dict[int, Press]:
        """What so many clicks do, without those that do nothing."""
        counted: dict[int, Press] = {1: self.click, 2: self.double_click, 3: self.triple_click}
        return {count: action for count, action in counted.items() if action != "none"}

    @property
    def talks(self) -> bool:
        """Whether some press of it means talk, which while a tool waits for permission means yes."""
        return "talk" in (*self.clicks.values(), self.hold, self.long_hold) or self.hold == "push_to_talk"

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse a long hold that is no longer than a hold, or would break into push-to-talk."""
        if self.long_press_s <= self.hold_s:
            yield Mistake("", ": long_press_s must be longer than hold_s")
        if self.hold == "push_to_talk" and self.long_hold not in ("mute", "none"):
            yield Mistake(
                "long_hold",
                f' = "{self.long_hold}": beside hold = "push_to_talk" it may only be "mute" or "none", or it would '
                "break into what is being said; give it to a click, or to another button",
            )

    def claims(self) -> Iterator[Claim]:
        """Yield its pin."""
        if self.pin is not None:
            yield Claim("pin", "GPIO", self.pin)


class MoreButton(Button, frozen=True):
    """One more push button to ground: up to three, each with a name of your own. It does only what is set here."""

    pin: Pin
    """The pin that the button connects to ground."""
    click: Press = "none"
    """What a click does."""
    hold: Hold = "none"
    """What it does when it is held; only one of all buttons may have "push_to_talk"."""
    long_hold: Press = "none"
    """What it does when it is held for long."""

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse a button that does nothing, too."""
        if not self.clicks and self.hold == self.long_hold == "none":
            yield Mistake("", ': this button does nothing; say what it is for, e.g. click = "volume_up"')
        yield from super().mistakes()


class MuteSwitch(Section, frozen=True):
    """A sliding switch between a pin and ground. While it says mute, nothing else can unmute."""

    pin: Pin | None = None
    """The pin that the switch connects to ground, or leaves open."""
    mutes_when: Literal["closed", "open"] = "closed"
    """Which of its positions means mute. "open": so does a wire that has come off."""

    def claims(self) -> Iterator[Claim]:
        """Yield its pin."""
        if self.pin is not None:
            yield Claim("pin", "GPIO", self.pin)


class PanelSettings(Section, frozen=True):
    """The lights; the buttons and the mute switch, each wired to GPIO pins; and the mute key of a microphone array."""

    led: Led = Led()
    button: Button = Button()
    buttons: Annotated[dict[str, MoreButton], Meta(examples=[{"louder": {"pin": 22, "click": "volume_up"}}])] = (
        msgspec.field(default_factory=dict)
    )
    """Up to three more buttons, by names of your own."""
    mute_switch: MuteSwitch = MuteSwitch()
    array_mute: Literal["none", "xvf3800", "respeaker_lite"] = "none"
    """Whose own mute key the device follows: that of a microphone array which tells of it. The board sets it."""

    @property
    def wired(self) -> dict[str, Button]:
        """The buttons that have a pin, by the key of their table."""
        first = {} if self.button.pin is None else {FIRST_BUTTON: self.button}
        return {**first, **{f"hardware.buttons.{name}": button for name, button in self.buttons.items()}}

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse more buttons than fit, and two for push-to-talk."""
        if len(self.wired) > MOST_BUTTONS:
            yield Mistake("buttons", f": {len(self.wired)} buttons are set, and there may be {MOST_BUTTONS} in all")
        talking = [key for key, button in self.wired.items() if button.hold == "push_to_talk"]
        if len(talking) > 1:
            yield Mistake(
                "buttons",
                f': {talking[0]} and {talking[1]} both have hold = "push_to_talk", and only one button may; set the '
                'hold of one of them to "none"',
            )
