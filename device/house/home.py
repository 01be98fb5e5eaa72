"""The wing of what the house can do when it is asked."""

from __future__ import annotations

from dataclasses import dataclass

from device.house.configuration import RELAYS
from device.house.site import Site
from device.ports.sound import Volume
from device.tools.clock import clock_tool
from device.tools.registry import Registry
from device.tools.relays import Relays, relay_tools
from device.tools.volume import volume_tool


@dataclass(frozen=True)
class Home:
    """The tools, and what they act on."""

    registry: Registry
    relays: Relays


def open_home(site: Site, volume: Volume) -> Home:
    """Take the relays, each in its safe state, and make the tools. Raise ConfigError."""
    switches = site.settings.of(RELAYS)
    relays = Relays(switches)
    site.closing.add_safety("relays", relays.close)
    tools = [clock_tool(), *relay_tools(relays), volume_tool(volume)]
    return Home(Registry(tools, site.settings.tools.timeout_s), relays)
