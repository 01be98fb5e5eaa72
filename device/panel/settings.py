"""What can be set about the LED and the button."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from device.settings import Claim, Mistake, Pin, Section


class Led(Section, frozen=True):
    """One LED (`pin`) or an RGB LED (`red`, `green`, `blue`)."""

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

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse what is neither one LED nor a whole RGB LED."""
        colours = (self.red, self.green, self.blue)
        if self.pin is not None and colours != (None, None, None):
            yield Mistake("", ": give either pin (one LED) or red, green and blue (an RGB LED), not both")
        if None in colours and colours != (None, None, None):
            yield Mistake("", ": an RGB LED needs all of red, green and blue")

    def claims(self) -> Iterator[Claim]:
        """Yield its pins."""
        for key in ("pin", "red", "green", "blue"):
            if (pin := getattr(self, key)) is not None:
                yield Claim(key, "GPIO", pin)


class Button(Section, frozen=True):
    """One push button to ground."""

    pin: Pin | None = None
    """The pin that the button connects to ground."""
    hold_s: Annotated[float, Meta(ge=0.1, le=5.0)] = 0.4
    """Held this long, in seconds: push-to-talk begins."""
    long_press_s: Annotated[float, Meta(ge=0.5, le=20.0)] = 3.0
    """Held this long, in seconds, without a word spoken: it mutes or unmutes."""

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse a mute that comes before push-to-talk."""
        if self.long_press_s <= self.hold_s:
            yield Mistake("", ": long_press_s must be longer than hold_s")

    def claims(self) -> Iterator[Claim]:
        """Yield its pin."""
        if self.pin is not None:
            yield Claim("pin", "GPIO", self.pin)


class PanelSettings(Section, frozen=True):
    """The light and the button, each wired to GPIO pins."""

    led: Led = Led()
    button: Button = Button()
