"""read_sensor: contacts, motion detectors and thermometers; the first two can announce what begins."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from device.core.health import Health, unwell, well
from device.errors import PanelError, ToolError
from device.foreign import gpio
from device.kit.threads import Threads
from device.ports.feature import Fitted, Outside
from device.ports.tools import Phrase, Tool
from device.tools.pins import readings
from device.tools.pins.names import listed, spoken_forms, spoken_name
from device.tools.pins.noticing import Policy, Watch, minutes
from device.tools.pins.readings import Climate, UnreadableError
from device.tools.pins.settings import Sensor
from device.units import Ms, ms_from_seconds

POLL_S = 0.1
"""How often a watched pin is looked at. Waiting for edges costs 5 % of a core with lgpio (see foreign/gpio.py)."""

Announce = Callable[[str], None]
"""Say a sentence of our own."""

_PHRASES: Mapping[str, tuple[str, ...]] = {
    "contact": ("is the {name} open", "is the {name} closed"),
    "motion": ("is there motion at the {name}", "does somebody move at the {name}"),
    "ds18b20": ("how warm is the {name}", "what is the temperature of the {name}", "how warm is it in the {name}"),
    "dht": ("how warm is it in the {name}", "what is the temperature in the {name}", "how humid is it in the {name}"),
}


@dataclass(frozen=True, slots=True)
class Places:
    """Where the kernel shows its sensors."""

    w1: Path = readings.W1
    iio: Path = readings.IIO


class Sensors:
    """The configured sensors. A context manager."""

    def __init__(
        self,
        settings: Mapping[str, Sensor],
        announce: Announce,
        places: Places = Places(),
        clock: Callable[[], float] = time.monotonic,
        local_time: Callable[[], datetime] = datetime.now,
    ) -> None:
        """Open the pins, and begin to watch those that announce something. Raise ConfigError."""
        self.settings = settings
        self._announce = announce
        self._places = places
        self._clock = clock
        self._local_time = local_time
        now = self._now()
        self._health = {name: Health(f"sensor {name}", ok=True, since=now) for name in settings}
        self._inputs: dict[str, gpio.Input] = {}
        with contextlib.ExitStack() as opened:
            for name, sensor in settings.items():
                if sensor.on_pin:
                    self._inputs[name] = _open_input(name, sensor)
                    opened.callback(self._inputs[name].close)
            self._reading = _reading_thread(settings)
            opened.pop_all()
        self._watches = {name: Watch(_policy(sensor)) for name, sensor in settings.items() if sensor.announce}
        self._timer: asyncio.TimerHandle | None = None
        if self._watches:
            self._look()

    def __enter__(self) -> Sensors:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def names(self) -> tuple[str, ...]:
        """As configured."""
        return tuple(self.settings)

    def health(self) -> tuple[Health, ...]:
        """Return the health of each, as it was when it was read last."""
        return tuple(self._health.values())

    async def read(self, name: str) -> str:
        """Return what it shows, in a sentence. Raise UnreadableError or PanelError."""
        sensor = self.settings[name]
        try:
            told = _of_pin(name, sensor, self._is_active(name)) if sensor.on_pin else await self._read_climate(name)
        except (UnreadableError, PanelError) as error:
            self._note_failure(name, error)
            raise
        self._note_success(name)
        return told

    def close(self) -> None:
        """Watch no more, and let the pins go. Harmless when closed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        inputs, self._inputs = self._inputs, {}
        for pin in inputs.values():
            with contextlib.suppress(PanelError):
                pin.close()

    async def _read_climate(self, name: str) -> str:
        sensor = self.settings[name]
        assert self._reading is not None, "there is a thermometer"
        if sensor.kind == "ds18b20":
            climate = await self._reading.call(readings.read_ds18b20, self._places.w1, sensor.device)
        else:
            climate = await self._reading.call(readings.read_dht, self._places.iio, sensor.device)
        return _of_climate(name, climate)

    def _is_active(self, name: str) -> bool:
        """Say whether the door is open, or something moves."""
        sensor = self.settings[name]
        active = self._inputs[name].is_active
        # A contact is active when it is closed to ground.
        return active is sensor.inverted if sensor.kind == "contact" else active

    def _look(self) -> None:
        """Look at what is watched, and again soon."""
        time_of_day = self._local_time()
        for name, watch in self._watches.items():
            try:
                begins = watch.see(self._is_active(name), self._now(), time_of_day.hour * 60 + time_of_day.minute)
            except PanelError as error:
                self._note_failure(name, error)
                continue
            self._note_success(name)
            if begins:
                self._announce(self.settings[name].announce)
        self._timer = asyncio.get_running_loop().call_later(POLL_S, self._look)

    def _note_failure(self, name: str, error: UnreadableError | PanelError) -> None:
        advice = f"look at its wires and at tools.sensors.{name}"
        self._health[name] = unwell(self._health[name], str(error), advice, self._now())

    def _note_success(self, name: str) -> None:
        self._health[name] = well(self._health[name], self._now())

    def _now(self) -> Ms:
        return ms_from_seconds(self._clock())


def _open_input(name: str, sensor: Sensor) -> gpio.Input:
    assert sensor.pin is not None, "see Sensor.mistakes"
    active_high = sensor.kind == "motion" and not sensor.inverted
    return gpio.open_input(sensor.pin, active_high=active_high, key=f"tools.sensors.{name}.pin")


def _reading_thread(settings: Mapping[str, Sensor]) -> Threads | None:
    """Return the thread that waits for the kernel, where one is needed. Raise ThreadError."""
    return None if all(sensor.on_pin for sensor in settings.values()) else Threads("sensors")


def _policy(sensor: Sensor) -> Policy:
    between = tuple(map(minutes, sensor.announce_between))
    return Policy(
        debounce=ms_from_seconds(sensor.debounce_s),
        every=ms_from_seconds(sensor.announce_every_s),
        between=(between[0], between[1]) if between else None,
    )


def _of_pin(name: str, sensor: Sensor, active: bool) -> str:
    if sensor.kind == "contact":
        return f"The {spoken_name(name)} is {'open' if active else 'closed'}"
    return f"There is {'' if active else 'no '}motion at the {spoken_name(name)}"


def _of_climate(name: str, climate: Climate) -> str:
    humidity = "" if climate.humidity is None else f" and {climate.humidity:.0f} percent humidity"
    return f"The {spoken_name(name)} has {climate.celsius:.1f} degrees Celsius{humidity}"


def fit(settings: dict[str, Sensor], outside: Outside) -> Fitted:
    """Put the sensors to work. Raise ConfigError."""
    # It is about now or not at all: who wants it quiet at night gives it times of its own.
    sensors = Sensors(settings, lambda text: outside.announce(text, urgent=True))
    return Fitted(tools=(sensor_tool(sensors),), health=sensors.health, close=sensors.close, part=sensors)


def sensor_tool(sensors: Sensors) -> Tool[Any]:
    """Return read_sensor."""

    async def run(arguments: Any) -> str:
        try:
            return await sensors.read(arguments.name)
        except (UnreadableError, PanelError) as error:
            raise ToolError(f"the {spoken_name(arguments.name)} cannot be read: {error}") from error

    return Tool(
        name="read_sensor",
        description=f"Ask a sensor in the home what it shows now: {_described(sensors.settings)}.",
        arguments=_arguments(sensors.names),
        run=run,
        phrases=tuple(_phrases(sensors.settings)),
    )


def _described(settings: Mapping[str, Sensor]) -> str:
    return "; ".join(f"{listed({name: sensor})}: {_SHOWS[sensor.kind]}" for name, sensor in settings.items())


_SHOWS = {
    "contact": "open or closed",
    "motion": "motion or none",
    "ds18b20": "temperature",
    "dht": "temperature and humidity",
}


def _arguments(names: tuple[str, ...]) -> type[msgspec.Struct]:
    """Make the Struct of the arguments, with the configured names as the only ones."""
    return msgspec.defstruct(
        "ReadSensor",
        [("name", Annotated[Literal[names], Meta(description="which one")])],
        frozen=True,
        forbid_unknown_fields=True,
    )


def _phrases(settings: Mapping[str, Sensor]) -> Iterator[Phrase]:
    forms = spoken_forms(settings)
    for kind, texts in _PHRASES.items():
        of_kind = {form: name for form, name in forms.items() if settings[name].kind == kind}
        if of_kind:
            yield from (Phrase(text, {"name": of_kind}) for text in texts)
