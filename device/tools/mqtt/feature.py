"""Declares MQTT to the house. Light: nothing is loaded where no broker is named."""

from __future__ import annotations

import asyncio
import contextlib

from device.ports.feature import Feature, Fitted, Outside
from device.settings import Table
from device.tools.mqtt import address
from device.tools.mqtt.settings import Mqtt

PASSWORD = "MQTT_PASSWORD"


def _open(settings: Mqtt, outside: Outside) -> Fitted:
    if not settings.host:
        return Fitted()
    from device.tools.mqtt.link import Link

    link = Link(settings, outside.secrets.get(PASSWORD))
    running = asyncio.create_task(link.run(), name="mqtt")

    async def close() -> None:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    return Fitted(health=link.health, close=close, part=link)


def _secrets(settings: Mqtt) -> tuple[str, ...]:
    return (PASSWORD,) if settings.host and settings.username else ()


TABLE = Table("tools.mqtt", Mqtt, address.mistakes)
MQTT = Feature("mqtt", _open, TABLE, _secrets)
