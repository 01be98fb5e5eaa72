"""set_switch on gpiozero's mock pins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gpiozero.pins.mock import MockPin

from device.core.health import Health
from device.errors import ConfigError, PanelError, ToolError
from device.foreign.gpio import MockBoard
from device.tools.registry import Registry
from device.tools.relays import Relays, relay_tools, spoken_name
from device.tools.settings import Relay
from device.units import Ms

LIGHT, FAN, PUMP = 5, 6, 13
SETTINGS = {
    "light": Relay(pin=LIGHT),
    "desk_fan": Relay(pin=FAN, active_high=False),
    "pump": Relay(pin=PUMP, safe=True),
}


@pytest.fixture
def board() -> Iterator[MockBoard]:
    """Put mock pins in the place of the real ones."""
    board = MockBoard(pwm=False)
    yield board
    board.close()


@pytest.fixture
def relays(board: MockBoard) -> Iterator[Relays]:
    """Open three relays: one active low, one that is safe when on."""
    with Relays(SETTINGS) as relays:
        yield relays


@pytest.fixture
def registry(relays: Relays) -> Registry:
    """Return their tool."""
    return Registry(relay_tools(relays), 10)


async def test_a_call_switches_the_pin(board: MockBoard, relays: Relays, registry: Registry) -> None:
    """On and off again, and the answer says so."""
    assert await registry.call("set_switch", '{"name": "light", "on": true}') == "The light is on"
    assert (board.level(LIGHT), relays.states["light"]) == (1, True)
    assert await registry.call("set_switch", '{"name": "light", "on": false}') == "The light is off"
    assert (board.level(LIGHT), relays.states["light"]) == (0, False)


async def test_an_active_low_relay_is_on_when_its_pin_is_low(board: MockBoard, registry: Registry) -> None:
    """And its name is spoken without the underscore."""
    assert board.level(FAN) == 1
    assert await registry.call("set_switch", '{"name": "desk_fan", "on": true}') == "The desk fan is on"
    assert board.level(FAN) == 0


async def test_an_unknown_relay_is_refused_with_a_suggestion(relays: Relays, registry: Registry) -> None:
    """Nothing is switched; the model learns the names."""
    with pytest.raises(ToolError, match='name "lihgt" is unknown; did you mean "light"'):
        await registry.call("set_switch", '{"name": "lihgt", "on": true}')
    with pytest.raises(ToolError, match='did you mean "desk_fan"'):
        await registry.call("set_switch", '{"name": "Desk fan", "on": true}')
    with pytest.raises(ToolError, match="there are: desk_fan, light, pump"):
        await registry.call("set_switch", '{"name": "oven", "on": true}')
    assert relays.states == {"light": False, "desk_fan": False, "pump": True}


@pytest.mark.parametrize("on", ["1", '"true"', '"on"', "null"])
async def test_on_is_a_boolean_and_nothing_like_it(registry: Registry, on: str) -> None:
    """A string "false" must not switch something on."""
    with pytest.raises(ToolError, match='"on": expected `bool`'):
        await registry.call("set_switch", f'{{"name": "light", "on": {on}}}')


def test_relays_start_safe_without_a_blip(board: MockBoard, relays: Relays) -> None:
    """The first level each pin drives is its safe one."""
    assert relays.states == {"light": False, "desk_fan": False, "pump": True}
    assert 1.0 not in board.levels_seen(LIGHT)
    assert board.levels_seen(FAN)[-1] == 1
    assert board.levels_seen(PUMP)[-1] == 1


def crash_with_everything_switched(relays: Relays) -> None:
    """Leave every relay in its unsafe state."""
    relays.set("light", True)
    relays.set("desk_fan", True)
    relays.set("pump", False)
    raise RuntimeError("crash")


def test_relays_end_safe_also_after_an_exception(board: MockBoard) -> None:
    """The context manager closes on any way out; closing again is harmless."""
    relays = Relays(SETTINGS)
    with pytest.raises(RuntimeError, match="crash"), relays:
        crash_with_everything_switched(relays)
    assert [board.levels_seen(pin)[-1] for pin in (LIGHT, FAN, PUMP)] == [0, 1, 1]
    assert not any(board.is_output(pin) for pin in (LIGHT, FAN, PUMP))
    relays.close()
    assert relays.states == {}


async def test_one_broken_relay_does_not_keep_the_others_from_safety(
    board: MockBoard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first one fails at the end; the pump is put back on all the same, and the log names the culprit."""
    relays = Relays(SETTINGS)
    relays.set("pump", False)
    set_state = MockPin._set_state

    def refuse(pin: MockPin, value: bool) -> None:
        if pin.info.name == f"GPIO{LIGHT}":
            raise OSError("line is gone")
        set_state(pin, value)

    monkeypatch.setattr(MockPin, "_set_state", refuse)
    with pytest.raises(ToolError, match="the light could not be switched"):
        await Registry(relay_tools(relays), 10).call("set_switch", '{"name": "light", "on": true}')
    relays.close()
    assert board.levels_seen(PUMP)[-1] == 1
    assert "relay light may not be safe" in caplog.text


def test_a_relay_is_as_well_as_its_last_switching(board: MockBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says since when, why and what to do; the others are well."""
    now = [1.0]
    relays = Relays(SETTINGS, clock=lambda: now[0])

    def refuse(pin: MockPin, value: bool) -> None:
        raise OSError("line is gone")

    with monkeypatch.context() as patch:
        patch.setattr(MockPin, "_set_state", refuse)
        for now[0] in (2.0, 3.0):
            with pytest.raises(PanelError):
                relays.set("light", True)
    light, *others = relays.health()
    assert (light.part, light.ok, light.since) == ("relay light", False, 2_000)
    assert "line is gone" in light.why
    assert "tools.relays.light" in light.what_to_do
    assert all(health.ok for health in others)
    now[0] = 4.0
    relays.set("light", True)
    assert relays.health()[0] == Health("relay light", True, Ms(4_000))
    relays.close()


def test_a_relay_that_cannot_open_lets_the_others_go(board: MockBoard) -> None:
    """The message names the key of the culprit."""
    with Relays({"lamp": Relay(pin=FAN)}):
        with pytest.raises(ConfigError, match=r"tools\.relays\.desk_fan\.pin: GPIO 6"):
            Relays(SETTINGS)
        assert not board.is_output(LIGHT)


def test_changes_are_observed(board: MockBoard) -> None:
    """The demo shows the relay."""
    seen: list[tuple[str, bool]] = []
    with Relays(SETTINGS, lambda name, on: seen.append((name, on))) as relays:
        relays.set("light", True)
    assert seen == [("light", True)]


def test_the_grammar_has_every_relay_and_both_directions(registry: Registry) -> None:
    """Phrases are lower case, with the spoken name standing for the configured one."""
    phrases = registry.specs[0].phrases
    assert {phrase.text for phrase in phrases} >= {"turn on the {name}", "turn the {name} off"}
    for phrase in phrases:
        assert phrase.slots["name"] == {"light": "light", "desk fan": "desk_fan", "pump": "pump"}
        assert phrase.arguments == {"on": " on" in phrase.text}


async def test_every_phrase_is_a_valid_call(registry: Registry) -> None:
    """What a recogniser makes of a phrase passes the tool's own check."""
    for phrase in registry.specs[0].phrases:
        for value in phrase.slots["name"].values():
            on = str(phrase.arguments["on"]).lower()
            assert await registry.call("set_switch", f'{{"name": "{value}", "on": {on}}}')


def test_no_relay_no_tool() -> None:
    """The model is not told of switches that do not exist."""
    assert relay_tools(Relays({})) == []


def test_names_are_spoken_as_words() -> None:
    """Underscores, hyphens and capitals are for the file."""
    assert spoken_name("Living_room-Lamp") == "living room lamp"
