"""Declares Home Assistant to the house. Light: nothing is loaded where no address is set."""

from __future__ import annotations

import asyncio
import contextlib

from device.core.events import Way
from device.ports.feature import Feature, Fitted, Outside
from device.settings import Table
from device.tools.homeassistant import address
from device.tools.homeassistant.settings import HomeAssistant

TOKEN = "HOME_ASSISTANT_TOKEN"


def _open(settings: HomeAssistant, outside: Outside) -> Fitted:
    if not settings.url:
        return Fitted()
    from device.tools.homeassistant.agent import agent_tool
    from device.tools.homeassistant.link import Link

    link = Link(settings, outside.secrets[TOKEN])
    running = asyncio.create_task(link.run(), name="home assistant")

    async def close() -> None:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    tools = (agent_tool(link),) if settings.agent else ()
    return Fitted(tools=tools, home=link, health=link.health, close=close, part=link)


def _secrets(settings: HomeAssistant) -> tuple[str, ...]:
    return (TOKEN,) if settings.url else ()


def _confirms(settings: HomeAssistant) -> dict[str, Way]:
    return {"tools.home_assistant.confirm": Way(settings.confirm)} if settings.url and settings.confirm else {}


TABLE = Table("tools.home_assistant", HomeAssistant, address.mistakes)
HOME_ASSISTANT = Feature("home assistant", _open, TABLE, _secrets, _confirms)
