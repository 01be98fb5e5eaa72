"""What Home Assistant is told of this device, in one message. Computes only.

Home Assistant's documentation, "MQTT", "MQTT discovery" (the device form), as of 2026.11: a device, who says so
(`origin`), and its components, each with what its integration asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from device.ports.home import MAKER
from device.tools.mqtt.presence.states import BUTTON_EVENTS, LONG_PRESS, STATES, Answered

LONGEST_ASKED = 255
"""In characters: what Home Assistant lets a person write into a text."""

Component = dict[str, Any]


@dataclass(frozen=True, slots=True)
class About:
    """What there is to tell."""

    id: str
    topic: str
    """What its topics begin with."""
    availability: str
    name: str
    version: str
    words: tuple[str, ...]
    """Its wake words."""
    personas: tuple[str, ...]
    """Who may be chosen to answer."""
    choices_of_words: tuple[str, ...]
    """What it may be chosen to wake on."""
    has_buttons: bool
    has_temperature: bool


def config_topic(prefix: str, identifier: str) -> str:
    """Return where it is told."""
    return f"{prefix}/device/{identifier}/config"


def message(about: About) -> dict[str, Any]:
    """Return what is told."""
    return {
        "device": {
            "identifiers": [f"hearthside_{about.id}"],
            "name": about.name,
            "manufacturer": MAKER,
            "model": "Smart speaker",
            "sw_version": about.version,
        },
        "origin": {"name": "Hearthside", "sw_version": about.version},
        "availability_topic": about.availability,
        "components": dict(_components(about)),
    }


def _components(about: About) -> Iterator[tuple[str, Component]]:
    topic = about.topic
    entities = (*_listening(topic), *_speaking(topic), *_choices(about), *_events(about), *_figures(about))
    for key, component in entities:
        common = {
            "unique_id": f"hearthside_{about.id}_{key}",
            "default_entity_id": f"{component['platform']}.{_slug(about.id)}_{key}",
        }
        yield key, {**component, **common}
    yield from _triggers(about)


def _listening(topic: str) -> Iterator[tuple[str, Component]]:
    """What it does, whether it hears, and how loud it is."""
    yield (
        "state",
        {
            "platform": "sensor",
            "name": "State",
            "device_class": "enum",
            "options": list(STATES),
            "state_topic": f"{topic}/state",
            "icon": "mdi:account-voice",
        },
    )
    yield (
        "mute",
        {
            "platform": "switch",
            "name": "Mute",
            "state_topic": f"{topic}/mute",
            "command_topic": f"{topic}/mute/set",
            "icon": "mdi:microphone-off",
        },
    )
    yield (
        "volume",
        {
            "platform": "number",
            "name": "Volume",
            "state_topic": f"{topic}/volume",
            "command_topic": f"{topic}/volume/set",
            "min": 0,
            "max": 100,
            "step": 1,
            "unit_of_measurement": "%",
            "mode": "slider",
            "icon": "mdi:volume-high",
        },
    )


def _speaking(topic: str) -> Iterator[tuple[str, Component]]:
    """What it is to say, and to stop."""
    yield "say", {"platform": "notify", "name": "Say", "command_topic": f"{topic}/say", "icon": "mdi:bullhorn"}
    yield (
        "ask",
        {
            "platform": "text",
            "name": "Ask",
            "command_topic": f"{topic}/ask",
            "max": LONGEST_ASKED,
            "icon": "mdi:chat-question",
        },
    )
    yield "stop", {"platform": "button", "name": "Stop", "command_topic": f"{topic}/stop", "icon": "mdi:stop"}


def _choices(about: About) -> Iterator[tuple[str, Component]]:
    """What can be chosen, where there is a choice: between "all" wake words and the only one there is none."""
    if len(about.personas) > 1:
        yield "persona", _select("Persona", f"{about.topic}/persona", about.personas, "mdi:account-switch")
    if len(about.choices_of_words) > 2:
        yield "wakes_on", _select("Wakes on", f"{about.topic}/wakes_on", about.choices_of_words, "mdi:ear-hearing")


def _select(name: str, topic: str, options: tuple[str, ...], icon: str) -> Component:
    return {
        "platform": "select",
        "name": name,
        "state_topic": topic,
        "command_topic": f"{topic}/set",
        "options": list(options),
        "icon": icon,
    }


def _events(about: About) -> Iterator[tuple[str, Component]]:
    yield (
        "answer",
        {
            "platform": "event",
            "name": "Answer",
            "state_topic": f"{about.topic}/answer",
            "event_types": [kind.value for kind in Answered],
            "icon": "mdi:chat-processing",
        },
    )
    yield (
        "wake_word",
        {
            "platform": "event",
            "name": "Wake word",
            "state_topic": f"{about.topic}/wake_word",
            "event_types": list(about.words),
            "icon": "mdi:ear-hearing",
        },
    )
    if about.has_buttons:
        yield (
            "button",
            {
                "platform": "event",
                "name": "Button",
                "state_topic": f"{about.topic}/button",
                "event_types": list(BUTTON_EVENTS),
                "device_class": "button",
            },
        )


def _figures(about: About) -> Iterator[tuple[str, Component]]:
    yield (
        "next_timer",
        {
            "platform": "sensor",
            "name": "Next timer",
            "device_class": "timestamp",
            "state_topic": f"{about.topic}/timers",
            "value_template": "{{ value_json.next }}",
            "json_attributes_topic": f"{about.topic}/timers",
            "icon": "mdi:timer",
        },
    )
    yield (
        "problem",
        {
            "platform": "binary_sensor",
            "name": "Problem",
            "device_class": "problem",
            "state_topic": f"{about.topic}/health",
            "value_template": "{{ value_json.problem }}",
            "json_attributes_topic": f"{about.topic}/health",
            "entity_category": "diagnostic",
        },
    )
    yield (
        "update",
        {
            "platform": "update",
            "name": "Update",
            "state_topic": f"{about.topic}/update",
            "entity_category": "diagnostic",
        },
    )
    yield "cpu", _figure(about, "CPU", "cpu_percent", "%", icon="mdi:cpu-64-bit")
    yield "memory", _figure(about, "Memory", "memory_mb", "MB", device_class="data_size")
    yield "cost", _figure(about, "Cost today", "cost_usd", "USD", icon="mdi:cash", state_class="total_increasing")
    if about.has_temperature:
        yield "temperature", _figure(about, "Temperature", "temperature_c", "°C", device_class="temperature")


def _figure(about: About, name: str, field: str, unit: str, **more: str) -> Component:
    return {
        "platform": "sensor",
        "name": name,
        "state_topic": f"{about.topic}/diagnostics",
        "value_template": f"{{{{ value_json.{field} }}}}",
        "unit_of_measurement": unit,
        "state_class": "measurement",
        "entity_category": "diagnostic",
        **more,
    }


def _triggers(about: About) -> Iterator[tuple[str, Component]]:
    """What automations can begin with, without an entity."""
    for number, word in enumerate(about.words, start=1):
        yield f"heard_{number}", _trigger(f"{about.topic}/wake_word", word, "wake_word", word)
    if about.has_buttons:
        for event, kind in (("click", "button_short_press"), (LONG_PRESS, "button_long_press")):
            yield f"button_{event}", _trigger(f"{about.topic}/button", event, kind, "button")


def _trigger(topic: str, event: str, kind: str, which: str) -> Component:
    return {
        "platform": "device_automation",
        "automation_type": "trigger",
        "topic": topic,
        "value_template": "{{ value_json.event_type }}",
        "payload": event,
        "type": kind,
        "subtype": which,
    }


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
