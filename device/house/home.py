"""The wing of what the house can do when it is asked: the features of the catalogue, at work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from device.core.events import Way
from device.core.health import Health
from device.errors import ConfigError
from device.house import catalogue
from device.house.catalogue import settings_of, traits_of
from device.house.configuration import Config
from device.house.site import Site
from device.ports.choices import Choices
from device.ports.facts import Observer
from device.ports.feature import Feature, Fitted, Outside
from device.ports.sound import VolumeOfHouse
from device.ports.tools import Tool
from device.service.choices import ChosenByPeople
from device.tools.registry import Registry, by_name

Part = TypeVar("Part")


@dataclass(frozen=True)
class Home:
    """What was fitted, and its tools."""

    registry: Registry
    fitted: tuple[Fitted, ...]
    choices: Choices
    """Who answers, and which wake words wake: for people, not for the model."""

    @property
    def observers(self) -> tuple[Observer, ...]:
        """Those of all features."""
        return tuple(observer for one in self.fitted for observer in one.observers)

    @property
    def health(self) -> tuple[Callable[[], tuple[Health, ...]], ...]:
        """Those who know of the parts of features."""
        return (*(one.health for one in self.fitted), self.registry.health)

    def part(self, kind: type[Part]) -> Part:
        """Return what the feature that works with a `kind` shows to spectators."""
        return next(fitted.part for fitted in self.fitted if isinstance(fitted.part, kind))


def _open_choices(site: Site, words: Sequence[str]) -> Choices:
    """Let hold what people have chosen."""
    talk, controller, file = site.settings.conversation, site.controller, site.state_dir / "choices.json"
    choices = ChosenByPeople(tuple(talk.personas), words, file, site.loading.call, lambda: controller.status)
    choices.start(controller.post, talk.persona)
    return choices


def open_home(site: Site, volume: VolumeOfHouse, words: Sequence[str]) -> Home:
    """Put every feature to work; `words`: the wake words, as detections name them. Raise ConfigError."""
    provider = catalogue.provider_of(site.settings)
    _refuse_unconfirmable(site.settings, provider.confirms(site.settings.of(provider.table)))
    for feature in catalogue.FEATURES:
        _refuse_unconfirmable(site.settings, feature.confirms(settings_of(site.settings, feature)))
    choices = _open_choices(site, words)
    fitted = {feature.name: _fit(site, feature, volume, choices) for feature in catalogue.FEATURES}
    for one in fitted.values():
        _refuse_unconfirmable(site.settings, one.confirms)
    tools = by_name(replace(tool, source=tool.source or name) for name, brought in _offered(fitted) for tool in brought)
    coming = [one.coming for one in fitted.values()]
    rules = site.settings.tools
    registry = Registry(tuple(tools.values()), rules.timeout_s, coming, rules.budget_bytes)
    return Home(registry, tuple(fitted.values()), choices)


def _offered(fitted: dict[str, Fitted]) -> list[tuple[str, tuple[Tool[Any], ...]]]:
    """Return the tools of all features, beginning with those for what several of them may have in the home."""
    offered = [(name, one.tools) for name, one in fitted.items()]
    having = {name: one.home for name, one in fitted.items() if one.home is not None}
    if not having:
        return offered
    from device.tools.home.tools import home_tools

    return [(", ".join(having), tuple(home_tools(tuple(having.values())))), *offered]


def _fit(site: Site, feature: Feature[Any], volume: VolumeOfHouse, choices: Choices) -> Fitted:
    settings = settings_of(site.settings, feature)
    secrets = {name: site.secrets[name] for name in feature.secrets(settings)}
    outside = Outside(site.controller.post, volume, site.state_dir, secrets, choices, site.desk)
    fitted = feature.open(settings, outside)
    if fitted.make_safe is not None:
        site.closing.add_safety(feature.name, fitted.make_safe)
    if fitted.close is not None:
        site.closing.add(feature.name, fitted.close)
    return fitted


def _refuse_unconfirmable(settings: Config, confirms: Mapping[str, Way]) -> None:
    """Refuse what is only to be done after a yes that nobody could give."""
    for key, way in confirms.items():
        if lacking := _lacking(settings, way):
            raise ConfigError(f'{key} = "{way.value}": {lacking}')


def _lacking(settings: Config, way: Way) -> str:
    """Return what is missing for a person to confirm something in this way, and what to do; "" when nothing is."""
    if way is Way.PRESS and not any(button.talks for button in settings.hardware.wired.values()):
        return (
            'no button is configured whose press could mean yes; set hardware.button.pin, or click = "talk" on a button'
        )
    if way is Way.YES and not traits_of(settings).transcribes:
        where = f"conversation.{settings.conversation.provider}.transcription_model"
        return f'a spoken yes cannot be understood unless your words are transcribed; set {where}, or confirm = "press"'
    return ""
