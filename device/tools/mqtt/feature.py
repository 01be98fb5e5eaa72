"""Declares MQTT to the house. Light: nothing is loaded where no broker is named."""

from __future__ import annotations

import asyncio

from device.ports.feature import Feature, Fitted, Outside
from device.settings import Table
from device.tools.mqtt import address
from device.tools.mqtt.settings import Mqtt

PASSWORD = "MQTT_PASSWORD"


def _open(settings: Mqtt, outside: Outside) -> Fitted:
    if not settings.host:
        return Fitted()
    from device.tools.mqtt.link import Link
    from device.tools.mqtt.presence.presence import Presence

    link = Link(settings, outside.secrets.get(PASSWORD))
    presence = Presence(settings, link, outside.desk, link.threads)
    outside.volume.watchers.append(presence.note_volume)
    running = [asyncio.create_task(part.run(), name="mqtt") for part in (link, presence)]

    async def close() -> None:
        presence.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    return Fitted(observers=(presence.observe,), health=link.health, close=close, part=link)


def _secrets(settings: Mqtt) -> tuple[str, ...]:
    return (PASSWORD,) if settings.host and settings.username else ()


TABLE = Table("tools.mqtt", Mqtt, address.mistakes)
MQTT = Feature("mqtt", _open, TABLE, _secrets)
