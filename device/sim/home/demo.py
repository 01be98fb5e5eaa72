"""The house of Home Assistant's integration `demo`, as far as the device is tried with it, and one with many things."""

from __future__ import annotations

from device.sim.home.entities import Entity
from device.sim.home.homeassistant import SimulatedHome

AREAS = {"living_room": "Living Room", "kitchen": "Kitchen", "bedroom": "Bedroom"}
_COLOURED = ("color_temp", "hs")


def demo_home() -> SimulatedHome:
    """Return the house as Home Assistant has it when somebody has just set it up."""
    return SimulatedHome(
        {
            "light.bed_light": Entity("Bed Light", attributes=_light(None)),
            "light.ceiling_lights": Entity("Ceiling Lights", "on", attributes=_light(180)),
            "light.kitchen_lights": Entity("Kitchen Lights", "on", attributes=_light(180)),
            "switch.ac": Entity("AC", attributes={"device_class": "outlet"}),
            "cover.hall_window": Entity("Hall Window", "open", attributes={"current_position": 10}),
            "cover.garage_door": Entity("Garage Door", "closed", attributes={"device_class": "garage"}),
            "climate.heatpump": Entity("HeatPump", "heat", attributes=_climate(20)),
            "climate.hvac": Entity("Hvac", "cool", attributes=_climate(21)),
            "lock.front_door": Entity("Front Door", "locked", exposed=False),
            "lock.kitchen_door": Entity("Kitchen Door", "unlocked", exposed=False),
            "fan.living_room_fan": Entity("Living Room Fan", attributes={"percentage": None}),
            "media_player.walkman": Entity("Walkman", "playing", attributes={"volume_level": 1.0}),
            "sensor.outside_temperature": Entity(
                "Outside Temperature",
                "15.6",
                attributes={"unit_of_measurement": "°C", "device_class": "temperature"},
            ),
            "scene.movie_night": Entity(
                "Movie night", "unknown", registered=False, does={"light.bed_light": ("on", {"brightness": 50})}
            ),
            "script.good_night": Entity(
                "Good night", exposed=False, does={"light.bed_light": ("off", {"brightness": None})}
            ),
        },
        AREAS,
    )


def large_home(things: int) -> SimulatedHome:
    """Return a house of so many lights and sensors, in 40 rooms on 4 floors, with the attributes of real ones."""
    floors = {f"f{number}": f"Floor {number}" for number in range(4)}
    areas = {f"f{number % 4}_room{number}": f"Room {number}" for number in range(40)}
    rooms = list(areas)
    entities = {}
    for number in range(things):
        room = rooms[number % len(rooms)]
        if number % 2:
            name, attributes = f"sensor.thing_{number}", {"unit_of_measurement": "°C", "device_class": "temperature"}
            entities[name] = Entity(f"Sensor {number}", f"{number % 30}.5", room, attributes={**_SENSOR, **attributes})
        else:
            entities[f"light.thing_{number}"] = Entity(f"Light {number}", "on", room, attributes=_light(180))
    return SimulatedHome(entities, areas, floors)


_SENSOR = {"state_class": "measurement", "icon": "mdi:thermometer"}


def _light(brightness: int | None) -> dict[str, object]:
    return {
        "min_color_temp_kelvin": 2000,
        "max_color_temp_kelvin": 6535,
        "supported_color_modes": list(_COLOURED),
        "color_mode": None if brightness is None else "color_temp",
        "brightness": brightness,
        "color_temp_kelvin": None if brightness is None else 2631,
        "hs_color": None if brightness is None else [28.6, 68.0],
        "rgb_color": None if brightness is None else [255, 164, 82],
        "supported_features": 4,
    }


def _climate(temperature: float) -> dict[str, object]:
    return {"min_temp": 7, "max_temp": 35, "temperature": temperature, "current_temperature": 25}
