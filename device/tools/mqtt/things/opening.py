"""From the settings to the source of things."""

from __future__ import annotations

from device.core.events import Way
from device.ports.home import Rules
from device.tools.mqtt.settings import Mqtt
from device.tools.mqtt.things.parts import Dialect, Label
from device.tools.mqtt.things.plain import Plain
from device.tools.mqtt.things.source import Broker, MqttThings
from device.tools.mqtt.things.tasmota import Tasmota
from device.tools.mqtt.things.zigbee2mqtt import Zigbee2Mqtt


def open_things(settings: Mqtt, broker: Broker) -> MqttThings:
    """Return the source of what is configured; it listens as soon as the broker is connected."""
    home = settings.home
    labels = {one.device: Label(name, one.aliases, one.room) for name, one in settings.things.items() if one.device}
    # What a person has written himself comes before what announces itself.
    dialects: list[Dialect] = [Plain({name: one for name, one in settings.things.items() if not one.device})]
    if home.zigbee2mqtt:
        dialects.append(Zigbee2Mqtt(home.zigbee2mqtt, labels))
    if home.tasmota:
        dialects.append(Tasmota(home.tasmota, labels))
    rules = Rules(home.area, Way(home.confirm) if home.confirm else None, home.confirm_for, "tools.mqtt.home.confirm")
    return MqttThings(broker, dialects, rules, home.allow, home.deny)
