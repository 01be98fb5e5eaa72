"""Declares MQTT to the house. Light: nothing is loaded where no broker is named."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from device.core.events import Way
from device.core.health import Health
from device.ports.feature import Feature, Fitted, Outside
from device.settings import Table
from device.tools.mqtt import address
from device.tools.mqtt.settings import Mqtt

if TYPE_CHECKING:
    from device.tools.mqtt.link import Link
    from device.tools.mqtt.things.source import MqttThings

PASSWORD = "MQTT_PASSWORD"


def _open(settings: Mqtt, outside: Outside) -> Fitted:
    if not settings.host:
        return Fitted()
    from device.tools.mqtt.link import Link
    from device.tools.mqtt.presence.presence import Presence

    link = Link(settings, outside.secrets.get(PASSWORD))
    things = _things(settings, link)
    presence = Presence(settings, link, outside.desk, outside.choices, link.threads)
    outside.volume.watchers.append(presence.note_volume)
    running = [asyncio.create_task(part.run(), name="mqtt") for part in (link, presence)]

    async def close() -> None:
        presence.close()
        if things is not None:
            things.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def health() -> tuple[Health, ...]:
        return link.health() if things is None else (*link.health(), *things.health())

    return Fitted(home=things, observers=(presence.observe,), health=health, close=close, part=link)


def _things(settings: Mqtt, link: Link) -> MqttThings | None:
    """Return those of others; None where none is configured, and then nothing is loaded for them."""
    if not settings.has_things:
        return None
    from device.tools.mqtt.things.opening import open_things

    return open_things(settings, link)


def _confirms(settings: Mqtt) -> dict[str, Way]:
    wanted = settings.host and settings.has_things and settings.home.confirm
    return {"tools.mqtt.home.confirm": Way(settings.home.confirm)} if wanted else {}


def _secrets(settings: Mqtt) -> tuple[str, ...]:
    return (PASSWORD,) if settings.host and settings.username else ()


TABLE = Table("tools.mqtt", Mqtt, address.mistakes)
MQTT = Feature("mqtt", _open, TABLE, _secrets, _confirms)
