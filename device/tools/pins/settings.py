"""What can be set about things on pins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from device.settings import Claim, Mistake, Pin, Section

LongestOn = Annotated[float, Meta(ge=0.1, le=604_800.0, description="seconds, from 0.1 to 604800 (a week)")]
Confirm = Literal["", "press", "yes"]


class Thing(Section, frozen=True, kw_only=True):
    """Something with a name, in a room."""

    room: str = ""
    """Where it is; two things may be called the same in different rooms (by `aliases`)."""
    aliases: tuple[str, ...] = ()
    """What you call it, too."""


class Relay(Thing, frozen=True, kw_only=True):
    """A switch on a GPIO pin."""

    pin: Pin
    """The pin that the relay is wired to."""
    active_high: bool = True
    """Whether a high pin (3.3 V) switches it on; false for most cheap relay boards."""
    safe: bool = False
    """Its safe state, set when the program starts and ends: true = on."""
    longest_on_s: LongestOn | None = None
    """After so long, in seconds, it is switched off again, whatever happens."""
    never_with: tuple[str, ...] = ()
    """Relays that are never on together with this one: they are switched off first."""
    dead_time_s: Annotated[float, Meta(ge=0.0, le=10.0)] = 0.5
    """How long, in seconds, those have been off before this one is switched on."""
    confirm: Confirm = ""
    """What is needed before the model may take it out of its safe state: "press", a press of the button, or "yes", a
    spoken yes, which is weaker (docs/things.md)."""
    on_means: str = ""
    """What it does to switch it on, in words, e.g. "unlock the front door"; said when you are asked to confirm it."""
    off_means: str = ""
    """What it does to switch it off."""

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse a limit of what is on where it is safe."""
        if self.safe and self.longest_on_s is not None:
            yield Mistake("longest_on_s", " is given, but safe = true says that on is the safe state; leave one out")
        if self.safe and self.never_with:
            yield Mistake("never_with", " is given, but safe = true says that on is the safe state; leave one out")

    def claims(self) -> Iterator[Claim]:
        """Yield its pin."""
        yield Claim("pin", "GPIO", self.pin)


class Light(Thing, frozen=True, kw_only=True):
    """A light that can be dimmed: one (`pin`), or a red, a green and a blue one (`red`, `green`, `blue`)."""

    pin: Pin | None = None
    """The pin of a light of one colour,"""
    red: Pin | None = None
    """or the red one of an RGB strip,"""
    green: Pin | None = None
    """the green one,"""
    blue: Pin | None = None
    """and the blue one."""
    active_high: bool = True
    """Whether a high pin (3.3 V) lights it."""
    longest_on_s: LongestOn | None = None
    """After so long, in seconds, it is switched off again, whatever happens."""

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse what is neither one light nor a whole strip."""
        colours = (self.red, self.green, self.blue)
        if self.pin is not None and colours != (None, None, None):
            yield Mistake("", ": give either pin (one colour) or red, green and blue (a strip), not both")
        elif self.pin is None and None in colours:
            yield Mistake("", ": give pin (one colour), or all of red, green and blue (a strip)")

    def claims(self) -> Iterator[Claim]:
        """Yield its pins."""
        for key in ("pin", "red", "green", "blue"):
            if (pin := getattr(self, key)) is not None:
                yield Claim(key, "GPIO", pin)
