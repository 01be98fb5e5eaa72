"""set_light: lights that can be dimmed, on PWM pins or of pixels on a bus. Dark at the start and at the end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

import msgspec
from msgspec import Meta

from device.errors import ConfigError, PanelError, ToolError
from device.foreign import gpio
from device.foreign.spidev import SpiBus
from device.foreign.strips import Chip, SpiStrip, encoding
from device.ports.feature import Fitted, Outside
from device.ports.tools import Phrase, Tool
from device.tools.pins import colours
from device.tools.pins.colours import ColourName
from device.tools.pins.names import listed, spoken_forms, spoken_name
from device.tools.pins.ontimes import OnTimes
from device.tools.pins.settings import Light
from device.tools.pins.switchboard import Rule
from device.tools.pins.switching import Kind, OnChange, Switching
from device.tools.volume import spoken_number
from device.units import ms_from_seconds

_KIND = Kind("light", "tools.lights")
_DARK = (0.0, 0.0, 0.0)


class _Source(Protocol):
    """What shines: pins, or a strip."""

    dimmable: bool

    @property
    def channels(self) -> int:
        """1 or 3."""

    def show(self, levels: tuple[float, ...]) -> None:
        """Set the light of each channel, 0 to 1. Raise PanelError."""

    def close(self) -> None:
        """Be dark, and let go. Harmless when closed. Raise PanelError."""


class _Strip:
    """Pixels on an SPI bus that all show the same.

    A write waits until all pixels have left, 10 ms for the longest strips: that happens when somebody switches, and
    not, as with the panel's lights, for each frame of a movement.
    """

    channels = 3
    dimmable = True

    def __init__(self, strip: SpiStrip) -> None:
        self._strip: SpiStrip | None = strip

    def show(self, levels: tuple[float, ...]) -> None:
        """See _Source."""
        if self._strip is not None:
            red, green, blue = levels
            self._strip.write(((red, green, blue),) * self._strip.count)

    def close(self) -> None:
        """See _Source."""
        strip = self._strip
        if strip is None:
            return
        try:
            self.show(_DARK)
        finally:
            self._strip = None
            strip.close()


@dataclass(slots=True)
class _Lamp:
    """An output of one or three channels, with what it shows when it is on."""

    light: _Source
    brightness: int = 100
    """In percent."""
    colour: ColourName = "white"

    def set(self, on: bool) -> None:
        """See Output."""
        percent = self.brightness if on else 0
        self.light.show(colours.levels(self.colour, percent, self.light.channels))

    def close(self) -> None:
        """See Output."""
        self.light.close()


class Lights(Switching):
    """The configured lights, dark when opened and when closed. A context manager."""

    def __init__(
        self,
        settings: Mapping[str, Light],
        on_change: OnChange | None = None,
        clock: Callable[[], float] = time.monotonic,
        on_times: OnTimes | None = None,
    ) -> None:
        """Open pins and buses. Raise ConfigError."""
        self.settings = settings
        self._lamps: dict[str, _Lamp] = {}
        with contextlib.ExitStack() as opened:
            for name, light in settings.items():
                self._lamps[name] = _Lamp(_open_light(name, light))
                opened.callback(self._lamps[name].close)
            rules = {name: _rule(light) for name, light in settings.items()}
            super().__init__(_KIND, self._lamps, rules, on_times, on_change, clock)
            opened.pop_all()

    def has_colours(self, name: str) -> bool:
        """Say whether it has three colours."""
        return self._lamps[name].light.channels == 3

    def can_be_dimmed(self, name: str) -> bool:
        """Say whether it can do more than on and off."""
        return self._lamps[name].light.dimmable

    def brightness(self, name: str) -> int:
        """Return how bright it is, or was before it went off, in percent."""
        return self._lamps[name].brightness

    async def light(self, name: str, brightness: int | None, colour: ColourName | None) -> None:
        """Light it, with another brightness (1 to 100 %) or colour where one is given. Raise PanelError."""
        lamp = self._lamps[name]
        lamp.brightness = brightness or lamp.brightness
        lamp.colour = colour or lamp.colour
        self.renew(name)
        await self.switch(name, True)


def _open_light(name: str, light: Light) -> _Source:
    key = f"tools.lights.{name}"
    if light.strip is not None:
        return _open_strip(key, light, light.strip)
    if light.pin is not None:
        return gpio.open_led(light.pin, active_high=light.active_high, key=f"{key}.pin")
    pins = light.red, light.green, light.blue
    red, green, blue = (pin for pin in pins if pin is not None)
    return gpio.open_rgb((red, green, blue), active_high=light.active_high, key=key)


def _open_strip(key: str, light: Light, chip: Chip) -> _Strip:
    """Return a strip that is dark, whatever it showed before. Raise ConfigError."""
    assert light.pixels is not None, "the settings refuse a strip without a number of pixels"
    encode, speed_hz = encoding(chip, light.order)
    strip = _Strip(SpiStrip(SpiBus(light.bus, light.device, speed_hz, key), light.pixels, encode))
    try:
        strip.show(_DARK)
    except PanelError as error:
        raise ConfigError(f"{key}: {error}") from error
    return strip


def _rule(light: Light) -> Rule:
    return Rule(longest_on=None if light.longest_on_s is None else ms_from_seconds(light.longest_on_s))


def fit(settings: dict[str, Light], outside: Outside) -> Fitted:
    """Put the lights to work. Raise ConfigError."""
    limited = any(light.longest_on_s is not None for light in settings.values())
    lights = Lights(settings, on_times=OnTimes(outside.state_dir, "lights") if limited else None)
    return Fitted(tools=(light_tool(lights),), health=lights.health, make_safe=lights.close, part=lights)


def light_tool(lights: Lights) -> Tool[Any]:
    """Return set_light."""

    async def run(arguments: Any) -> str:
        name = arguments.name
        if arguments.colour is not None and not lights.has_colours(name):
            raise ToolError(f"the {spoken_name(name)} has no colours")
        try:
            return await _set(lights, arguments)
        except PanelError as error:
            raise ToolError(f"the {spoken_name(name)} could not be switched") from error

    return Tool(
        name="set_light",
        description=f"Switch, dim or colour a light: {_described(lights)}.",
        arguments=_arguments(lights.names, any(map(lights.has_colours, lights.names))),
        run=run,
        phrases=tuple(_phrases(lights)),
    )


async def _set(lights: Lights, arguments: Any) -> str:
    name, percent, colour = arguments.name, arguments.brightness, arguments.colour
    if arguments.on is False or (percent == 0 and not arguments.on):
        await lights.switch(name, False)
        return f"The {spoken_name(name)} is off"
    await lights.light(name, percent, colour)
    shown = f"at {lights.brightness(name)} percent" if lights.can_be_dimmed(name) else "on (it cannot be dimmed)"
    return f"The {spoken_name(name)} is {' '.join(filter(None, (colour, shown)))}"


def _described(lights: Lights) -> str:
    coloured = [spoken_name(name) for name in lights.names if lights.has_colours(name)]
    return listed(lights.settings) + (f"; with colours: {', '.join(coloured)}" if coloured else "")


def _arguments(names: tuple[str, ...], coloured: bool) -> type[msgspec.Struct]:
    """Make the Struct of the arguments, with the configured names as the only ones."""
    percent = Annotated[int, Meta(ge=0, le=100, description="percent; leave it out to keep it")]
    colour = Annotated[ColourName, Meta(description="leave it out to keep it")]
    return msgspec.defstruct(
        "SetLight",
        [
            ("name", Annotated[Literal[names], Meta(description="which one")]),
            ("on", Annotated[bool, Meta(description="false to switch it off")] | None, None),
            ("brightness", percent | None, None),
            *([("colour", colour | None, None)] if coloured else []),
        ],
        frozen=True,
        forbid_unknown_fields=True,
        namespace={} if coloured else {"colour": None},
    )


def _phrases(lights: Lights) -> Iterator[Phrase]:
    forms = spoken_forms(lights.settings)
    slots = {"name": forms}
    for on, word in ((True, "on"), (False, "off")):
        for text in (f"turn {word} the {{name}}", f"turn the {{name}} {word}", f"switch the {{name}} {word}"):
            yield Phrase(text, slots, {"on": on})
    percent = {"brightness": {spoken_number(value): value for value in range(5, 101, 5)}}
    for text in ("set the {name} to {brightness} percent", "dim the {name} to {brightness} percent"):
        yield Phrase(text, {**slots, **percent})
    strips = {"name": {form: name for form, name in forms.items() if lights.has_colours(name)}}
    if strips["name"]:
        yield Phrase("make the {name} {colour}", {**strips, "colour": {name: name for name in colours.NAMES}})
