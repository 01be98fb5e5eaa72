"""What can be set about things on pins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from device.settings import (
    Claim,
    Mistake,
    Pin,
    PixelOrder,
    Pixels,
    Section,
    SpiBus,
    SpiDevice,
    spi_claims,
)

LongestOn = Annotated[float, Meta(ge=0.1, le=604_800.0, description="seconds, from 0.1 to 604800 (a week)")]
Confirm = Literal["", "press", "yes"]
_KINDS_OF_LIGHT = "pin (one colour), or all of red, green and blue, or strip (pixels on an SPI bus)"


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
    """A light that can be dimmed: one (`pin`), a red, a green and a blue one (`red`, `green`, `blue`), or a `strip`."""

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
    strip: Literal["apa102", "ws2812"] | None = None
    """What pixels a strip has that is wired to an SPI bus; all of it is one light."""
    pixels: Pixels | None = None
    """How many they are."""
    bus: SpiBus = 0
    """The SPI bus of the strip: the X of /dev/spidevX.Y,"""
    device: SpiDevice = 0
    """and the chip select: the Y."""
    order: PixelOrder | None = None
    """In which order a pixel takes its colours, when it is not what its chip usually does ("bgr" for APA102, "grb" for
    WS2812)."""
    longest_on_s: LongestOn | None = None
    """After so long, in seconds, it is switched off again, whatever happens."""

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse what is neither one light, nor three, nor a whole strip."""
        pins = {key: getattr(self, key) for key in ("red", "green", "blue")}
        is_rgb = any(pin is not None for pin in pins.values())
        kinds = [self.pin is not None, is_rgb, self.strip is not None]
        if sum(kinds) > 1:
            yield Mistake("", f": give either {_KINDS_OF_LIGHT}, not both")
        elif not any(kinds) or (is_rgb and None in pins.values()):
            yield Mistake("", f": give {_KINDS_OF_LIGHT}")
        if self.strip is not None and self.pixels is None:
            yield Mistake("pixels", " must say how many pixels the strip has, from 1 to 300")
        if self.strip is None:
            for key in ("pixels", "order"):
                if getattr(self, key) is not None:
                    yield Mistake(key, ' is for pixels on an SPI bus (strip = "apa102" or "ws2812"): take it away')

    def claims(self) -> Iterator[Claim]:
        """Yield its pins, or its bus."""
        for key in ("pin", "red", "green", "blue"):
            if (pin := getattr(self, key)) is not None:
                yield Claim(key, "GPIO", pin)
        if self.strip is not None:
            yield from spi_claims(self.bus)


class Sensor(Thing, frozen=True, kw_only=True):
    """Something that is measured: a contact or motion on a pin, a thermometer that the kernel reads."""

    kind: Literal["contact", "motion", "ds18b20", "dht"]
    """ "contact" (of a door or a window), "motion", "ds18b20" (1-Wire) or "dht" (DHT11, DHT22, AM2302)."""
    pin: Pin | None = None
    """Of a contact (to ground) or a motion detector."""
    inverted: bool = False
    """Of a contact: whether it is closed to ground when the door is open. Of motion: whether a low pin tells it."""
    device: str = ""
    """Of a thermometer: which, e.g. "28-0316a2794c8b" or "dht11@11"; empty: the only one."""
    announce: str = ""
    """What is said when the contact opens, or motion begins, e.g. "The front door was opened"; empty: nothing."""
    announce_between: tuple[str, ...] = ()
    """Only between these two times of the day, e.g. ["22:00", "06:30"]; empty: always."""
    announce_every_s: Annotated[float, Meta(ge=1.0, le=86_400.0)] = 60.0
    """At the most so often, in seconds."""
    debounce_s: Annotated[float, Meta(ge=0.0, le=10.0)] = 0.2
    """How long, in seconds, it must last to count."""

    @property
    def on_pin(self) -> bool:
        """Whether it is read from a pin."""
        return self.kind in ("contact", "motion")

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse what its kind does not have."""
        if self.on_pin and self.pin is None:
            yield Mistake("", f' lacks pin: a sensor of the kind "{self.kind}" is wired to one, e.g. pin = 17')
        if not self.on_pin and self.pin is not None:
            yield Mistake(
                "pin", f': the kernel reads a sensor of the kind "{self.kind}"; give it the pin by its overlay'
            )
        if not self.on_pin and self.announce:
            yield Mistake("announce", f': a sensor of the kind "{self.kind}" only answers when asked; leave it out')
        if self.announce_between and not _are_times(self.announce_between):
            yield Mistake("announce_between", ' must be two times of the day, e.g. ["22:00", "06:30"]')

    def claims(self) -> Iterator[Claim]:
        """Yield its pin."""
        if self.pin is not None:
            yield Claim("pin", "GPIO", self.pin)


def _are_times(texts: tuple[str, ...]) -> bool:
    return len(texts) == 2 and all(map(_is_time, texts)) and texts[0] != texts[1]


def _is_time(text: str) -> bool:
    hour, _, minute = text.partition(":")
    if not (len(hour) == len(minute) == 2 and text.isascii() and hour.isdecimal() and minute.isdecimal()):
        return False
    return int(hour) < 24 and int(minute) < 60
