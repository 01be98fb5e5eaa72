"""The explicit lists: who may answer, and what the house can do. A new one is a line here.

Beside them what the configuration chooses from them. Light to import: every command may ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device.broker.check import TABLE as BROKER
from device.control.agents.check import TABLE as MCP_SERVER
from device.conversation.openai.provider import OPENAI
from device.ports.feature import Feature
from device.ports.provider import Provider, Traits
from device.settings import Table
from device.tools.clock import CLOCK
from device.tools.homeassistant.feature import HOME_ASSISTANT
from device.tools.mcp.feature import MCP
from device.tools.mqtt.feature import MQTT
from device.tools.own.own import OWN
from device.tools.pins.feature import LIGHTS, RELAYS, SENSORS
from device.tools.timers.feature import TIMERS
from device.tools.volume import VOLUME

if TYPE_CHECKING:
    from device.house.configuration import Config

PROVIDERS: tuple[Provider[Any], ...] = (OPENAI,)
"""Where conversation.provider names none, the first one answers."""

FEATURES: tuple[Feature[Any], ...] = (CLOCK, TIMERS, RELAYS, LIGHTS, SENSORS, VOLUME, HOME_ASSISTANT, MQTT, MCP, OWN)
"""In the order in which the model is told of their tools."""

TABLES: tuple[Table[Any], ...] = (
    *(provider.table for provider in PROVIDERS),
    *(feature.table for feature in FEATURES if feature.table is not None),
    BROKER,
    MCP_SERVER,
)
"""What they put into the configuration."""


def provider_of(settings: Config) -> Provider[Any]:
    """Return who answers."""
    return next(provider for provider in PROVIDERS if provider.name == settings.conversation.provider)


def traits_of(settings: Config) -> Traits:
    """Return how who answers behaves."""
    provider = provider_of(settings)
    return provider.traits(settings.of(provider.table))


def settings_of(settings: Config, feature: Feature[Any]) -> Any:
    """Return what stands in a feature's table; None when it has none."""
    return None if feature.table is None else settings.of(feature.table)


def secret_names(settings: Config) -> list[str]:
    """Return the names of all secrets that the house uses with these settings."""
    features = (feature.secrets(settings_of(settings, feature)) for feature in FEATURES)
    own = (*provider_of(settings).secrets, *optional_secret_names(settings))
    return [*dict.fromkeys([*own, *(name for names in features for name in names)])]


def optional_secret_names(settings: Config) -> tuple[str, ...]:
    """Return the names of those that it does without where they are not given."""
    provider = provider_of(settings)
    return provider.optional(settings.of(provider.table))
