"""The features on pins, as the house knows them. What puts them to work is loaded when one of them is configured."""

from __future__ import annotations

from collections.abc import Iterator

from device.core.events import Way
from device.kit.words import did_you_mean, nearest
from device.ports.feature import Feature, Fitted, Outside
from device.settings import Mistake, Table
from device.tools.pins.names import clashes
from device.tools.pins.settings import Light, Relay, Sensor


def _open_relays(settings: dict[str, Relay], outside: Outside) -> Fitted:
    from device.tools.pins import switches

    return switches.fit(settings, outside)


def _open_lights(settings: dict[str, Light], outside: Outside) -> Fitted:
    if not settings:
        return Fitted()
    from device.tools.pins import lights

    return lights.fit(settings, outside)


def _open_sensors(settings: dict[str, Sensor], outside: Outside) -> Fitted:
    if not settings:
        return Fitted()
    from device.tools.pins import sensors

    return sensors.fit(settings, outside)


def _confirms(settings: dict[str, Relay]) -> dict[str, Way]:
    return {f"tools.relays.{name}.confirm": Way(relay.confirm) for name, relay in settings.items() if relay.confirm}


def _mistakes(relays: dict[str, Relay]) -> Iterator[Mistake]:
    """Refuse partners that do not exist, and names that mean two things."""
    for name, relay in relays.items():
        for partner in relay.never_with:
            if partner == name:
                yield Mistake(name, ": never_with names the relay itself; name the other one")
            elif partner not in relays:
                hint = did_you_mean(nearest(partner, list(relays))) or "name a relay of [tools.relays]"
                yield Mistake(name, f': never_with names "{partner}", which is no relay; {hint}')
            elif relays[partner].safe:
                yield Mistake(name, f': never_with names "{partner}", which is on where it is safe; leave one out')
    yield from clashes(relays)


RELAY_TABLE = Table(
    "tools.relays",
    dict[str, Relay],
    mistakes=_mistakes,
    meaning='By the name that people say, e.g. "light".',
    example={"light": {"pin": 17}},
)
LIGHT_TABLE = Table(
    "tools.lights",
    dict[str, Light],
    mistakes=clashes,
    meaning='By the name that people say, e.g. "desk lamp".',
    example={"desk_lamp": {"pin": 13}},
)
SENSOR_TABLE = Table(
    "tools.sensors",
    dict[str, Sensor],
    mistakes=clashes,
    meaning='By the name that people say, e.g. "front door".',
    example={"front_door": {"kind": "contact", "pin": 26}},
)

RELAYS = Feature("relays", _open_relays, RELAY_TABLE, confirms=_confirms)
LIGHTS = Feature("lights", _open_lights, LIGHT_TABLE)
SENSORS = Feature("sensors", _open_sensors, SENSOR_TABLE)
