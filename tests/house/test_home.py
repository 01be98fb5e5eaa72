"""Features at work: what they bring, what they are given, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from device.controller import Controller
from device.core.health import Health
from device.core.machine import Machine
from device.core.memory import Settings
from device.errors import ConfigError
from device.foreign.gpio import MockBoard
from device.house import catalogue
from device.house.closing import Closing
from device.house.configuration import parse
from device.house.home import Home, open_home
from device.house.site import Site
from device.ports.feature import Feature, Fitted, Outside
from device.ports.tools import Tool
from device.secrets import Secret
from device.tools.clock import CLOCK, clock_tool
from device.tools.own import own
from device.tools.pins.feature import RELAYS
from device.tools.volume import VOLUME
from device.units import Ms
from tests.tools.home.sources import FakeSource

VOLUME_OF_NOBODY: Any = None
CLOCK_TOOL = clock_tool()
BROKEN = Health("lamp", False, Ms(0), "stuck", "look at it")


def opened(closing: Closing, secrets: dict[str, Secret], folder: Path) -> Home:
    """Put the features of the catalogue to work, with the settings that are built in."""
    controller = Controller(Machine(Settings()))
    return open_home(Site(parse({}), controller, closing, secrets, folder), VOLUME_OF_NOBODY, ())


def feature(open_feature: Callable[[Any, Outside], Fitted], *secrets: str) -> Feature[Any]:
    """Return one that has no settings."""
    return Feature("lamp", open_feature, secrets=lambda settings: secrets)


async def test_features_bring_their_tools_in_the_order_of_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No relay is configured: no set_switch."""
    monkeypatch.setattr(catalogue, "FEATURES", (CLOCK, RELAYS, VOLUME))
    async with Closing() as closing:
        home = opened(closing, {}, tmp_path)
        assert [spec.name for spec in home.registry.specs] == ["get_time", "set_volume"]


async def test_what_comes_later_is_told_with_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside what is there from the start, whose source is the feature that brings it."""
    came: list[tuple[Tool[Any], ...]] = [()]
    fitted = Fitted(coming=lambda: came[0])
    monkeypatch.setattr(catalogue, "FEATURES", (CLOCK, feature(lambda settings, outside: fitted)))
    async with Closing() as closing:
        registry = opened(closing, {}, tmp_path).registry
        assert [(spec.name, spec.source) for spec in registry.specs] == [("get_time", "clock")]
        came[0] = (replace(clock_tool(), name="other_time", source="other"),)
        assert [(spec.name, spec.source) for spec in registry.specs] == [("get_time", "clock"), ("other_time", "other")]


async def test_things_of_all_features_are_used_by_the_same_tools(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made once, before what anybody else calls so."""
    features = [feature(lambda settings, outside, name=name: Fitted(home=FakeSource(name))) for name in ("A", "B")]
    other = feature(lambda settings, outside: Fitted(tools=(replace(CLOCK_TOOL, name="home_find"),)))
    named = [replace(one, name=name) for one, name in zip((*features, other), ("a", "b", "c"), strict=True)]
    monkeypatch.setattr(catalogue, "FEATURES", (CLOCK, *named))
    async with Closing() as closing:
        home = opened(closing, {}, tmp_path)
        told = [(spec.name, spec.source) for spec in home.registry.specs]
        assert told == [("home_find", "a, b"), ("home_control", "a, b"), ("get_time", CLOCK.name)]


async def test_a_feature_is_given_its_own_secrets_and_the_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nobody else's."""
    given: list[Outside] = []

    def open_feature(settings: None, outside: Outside) -> Fitted:
        given.append(outside)
        return Fitted()

    monkeypatch.setattr(catalogue, "FEATURES", (feature(open_feature, "LAMP_TOKEN"),))
    async with Closing() as closing:
        opened(closing, {"LAMP_TOKEN": Secret("of-the-lamp"), "OTHER_TOKEN": Secret("of-another")}, tmp_path)
    assert list(given[0].secrets) == ["LAMP_TOKEN"]
    assert given[0].state_dir == tmp_path


async def test_what_a_feature_brings_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its observers, its health, and what spectators may look at."""
    fitted = Fitted(observers=(lambda what, status: None,), health=lambda: (BROKEN,), part="a lamp")
    monkeypatch.setattr(catalogue, "FEATURES", (feature(lambda settings, outside: fitted),))
    async with Closing() as closing:
        home = opened(closing, {}, tmp_path)
    assert home.observers == fitted.observers
    assert [health for ask in home.health for health in ask()] == [BROKEN]
    assert home.part(str) == "a lamp"


async def test_all_features_are_made_safe_before_any_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when one after them cannot start."""
    ends: list[str] = []
    fitted = Fitted(make_safe=lambda: ends.append("safe"), close=lambda: ends.append("closed"))

    def fail(settings: None, outside: Outside) -> Fitted:
        raise ConfigError("no lamp")

    healthy = feature(lambda settings, outside: fitted)
    monkeypatch.setattr(catalogue, "FEATURES", (healthy, healthy, feature(fail)))

    async def live() -> None:
        async with Closing() as closing:
            opened(closing, {}, tmp_path)

    with pytest.raises(ConfigError, match="no lamp"):
        await live()
    assert ends == ["safe", "safe", "closed", "closed"]


@pytest.mark.parametrize(
    ("confirm", "more", "words"),
    [
        ("press", {}, ['tools.relays.door.confirm = "press"', "hardware.button.pin"]),
        ("press", {"hardware": {"button": {"pin": 23}}}, []),
        ("press", {"hardware": {"button": {"pin": 23, "click": "stop", "hold": "mute"}}}, ['click = "talk"']),
        ("press", {"hardware": {"buttons": {"yes": {"pin": 23, "click": "talk"}}}}, []),
        ("yes", {}, ["conversation.openai.transcription_model", 'confirm = "press"']),
        ("yes", {"conversation": {"openai": {"transcription_model": "gpt-transcribe"}}}, []),
    ],
)
async def test_what_nobody_could_confirm_is_refused_at_the_start(
    confirm: str, more: dict[str, Any], words: list[str], tmp_path: Path
) -> None:
    """A button that is not there, or a yes that nobody would understand."""
    settings = parse({"tools": {"relays": {"door": {"pin": 5, "confirm": confirm}}}, **more})
    board = MockBoard()
    async with Closing() as closing:
        site = Site(settings, Controller(Machine(Settings())), closing, {}, tmp_path)
        if not words:
            open_home(site, VOLUME_OF_NOBODY, ())
        else:
            with pytest.raises(ConfigError) as caught:
                open_home(site, VOLUME_OF_NOBODY, ())
            assert all(word in str(caught.value) for word in words)
    board.close()


@pytest.mark.parametrize(
    ("confirm", "words"), [("press", "hardware.button.pin"), ("yes", "conversation.openai.transcription_model")]
)
async def test_what_nobody_could_let_the_provider_do_is_refused_at_the_start(
    confirm: str, words: str, tmp_path: Path
) -> None:
    """As for things in the home."""
    server = {"url": "https://calendar.example", "confirm": confirm}
    settings = parse({"conversation": {"openai": {"mcp": {"calendar": server}}}})
    async with Closing() as closing:
        site = Site(settings, Controller(Machine(Settings())), closing, {}, tmp_path)
        with pytest.raises(ConfigError, match=rf"conversation\.openai\.mcp\.calendar\.confirm .*{words}"):
            open_home(site, VOLUME_OF_NOBODY, ())


@pytest.mark.parametrize("button", [True, False])
async def test_a_file_is_read_once_and_may_need_a_yes(
    button: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tool of one's own: refused where nobody could give it, and named."""
    file = tmp_path / "gate.toml"
    file.write_text(
        'name = "gate"\ndescription = "d"\ncommand = ["/bin/true"]\nconfirm = "press"\nmeans = "open the gate"\n'
    )
    file.chmod(0o644)
    read: list[Path] = []
    load = own.load
    monkeypatch.setattr(own, "load", lambda path: [read.append(path), load(path)][1])
    hardware = {"hardware": {"button": {"pin": 23}}} if button else {}
    settings = parse({"tools": {"own": {"folder": str(tmp_path)}}, **hardware})
    async with Closing() as closing:
        site = Site(settings, Controller(Machine(Settings())), closing, {}, tmp_path)
        if button:
            assert "gate" in [spec.name for spec in open_home(site, VOLUME_OF_NOBODY, ()).registry.specs]
        else:
            with pytest.raises(ConfigError, match=r'gate\.toml: confirm = "press": no button'):
                open_home(site, VOLUME_OF_NOBODY, ())
    assert read == [file]
