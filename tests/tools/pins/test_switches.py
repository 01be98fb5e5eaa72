"""set_switch on gpiozero's mock pins."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gpiozero.pins.mock import MockPin

from device.core.events import Way
from device.core.health import Health
from device.errors import ConfigError, PanelError, ToolError
from device.foreign.gpio import MockBoard
from device.house.configuration import parse
from device.ports.tools import Confirmation, UnconfirmedError
from device.tools.pins import switches, switching
from device.tools.pins.ontimes import OnTimes
from device.tools.pins.settings import Relay
from device.tools.pins.switches import Relays, confirmation, relay_tools
from device.tools.registry import Registry
from device.units import Ms
from tests.waiting import until

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


# -- what must never be

UP, DOWN, HEATER, LOCK = 19, 20, 21, 22
SHUTTER = {
    "shutter_up": Relay(pin=UP, never_with=("shutter_down",), dead_time_s=0.05),
    "shutter_down": Relay(pin=DOWN),
}
HEATING = {"heater": Relay(pin=HEATER, longest_on_s=2)}
DOOR = {
    "front_door": Relay(
        pin=LOCK, confirm="press", longest_on_s=5, on_means="unlock the front door", off_means="lock the front door"
    )
}


@pytest.fixture
def boot_id(tmp_path: Path) -> Path:
    """What the kernel calls this boot."""
    file = tmp_path / "boot_id"
    file.write_text("this-boot")
    return file


async def test_a_motor_never_gets_both_directions(board: MockBoard) -> None:
    """The first is off before the second is on, and the answer comes when it is."""
    with Relays(SHUTTER) as relays:
        registry = Registry(relay_tools(relays), 10)
        order: list[tuple[str, bool]] = []
        relays._on_change = lambda name, on: order.append((name, on))
        await registry.call("set_switch", '{"name": "shutter_up", "on": true}')
        said = await registry.call("set_switch", '{"name": "shutter_down", "on": true}')
        assert said == "The shutter down is on"
        assert relays.states == {"shutter_up": False, "shutter_down": True}
        assert order == [("shutter_up", True), ("shutter_up", False), ("shutter_down", True)]


async def test_who_is_called_back_while_it_waits_is_told_so(board: MockBoard) -> None:
    """Down, and at once up again: down never moves."""
    with Relays(SHUTTER) as relays:
        await relays.switch("shutter_up", True)
        down = asyncio.create_task(relays.switch("shutter_down", True))
        await asyncio.sleep(0)
        await relays.switch("shutter_up", True)
        with pytest.raises(PanelError, match="was switched otherwise meanwhile"):
            await down
        assert 1.0 not in board.levels_seen(DOWN)
        assert relays.states["shutter_up"]


async def test_a_partner_that_cannot_be_switched_off_keeps_the_other_off(
    board: MockBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For good: it does not move later, when nobody expects it any more. The model is told."""
    with Relays(SHUTTER) as relays:
        registry = Registry(relay_tools(relays), 10)
        await relays.switch("shutter_up", True)
        monkeypatch.setattr(switching, "PATIENCE_S", 0.1)
        board.break_output(UP)
        with pytest.raises(ToolError, match="the shutter down could not be switched"):
            await registry.call("set_switch", '{"name": "shutter_down", "on": true}')
        assert not relays._board.is_due("shutter_down")
        assert 1.0 not in board.levels_seen(DOWN)
        assert not relays.health()[0].ok
        board.mend_output(UP)


async def test_it_goes_off_by_itself(board: MockBoard, tmp_path: Path, boot_id: Path) -> None:
    """The answer says when, and what was granted is kept only for so long."""
    times = OnTimes(tmp_path, "relays", boot_id)
    with Relays(HEATING, on_times=times) as relays:
        registry = Registry(relay_tools(relays), 10)
        said = await registry.call("set_switch", '{"name": "heater", "on": true}')
        assert said == "The heater is on. It goes off by itself after 2 seconds"
        assert list(times.load()) == ["heater"]
        await until(lambda: not relays.states["heater"], "the end of its time")
        assert board.level(HEATER) == 0
        await until(lambda: times.load() == {}, "the note on the disk")


async def test_after_a_crash_no_more_time_is_granted_than_was_left(
    board: MockBoard, tmp_path: Path, boot_id: Path
) -> None:
    """Who comes back is off, and has what was left; who ended in order begins anew."""
    now = [1_000.0]
    settings = {"heater": Relay(pin=HEATER, longest_on_s=600)}
    crashed = Relays(settings, clock=lambda: now[0], on_times=OnTimes(tmp_path, "relays", boot_id))
    await crashed.switch("heater", True)
    crashed._stop_timer()
    crashed._outputs["heater"].close()
    now[0] = 1_400.0
    back = Relays(settings, clock=lambda: now[0], on_times=OnTimes(tmp_path, "relays", boot_id))
    assert back.states == {"heater": False}
    await back.switch("heater", True)
    assert back.on_for("heater") == 200.0
    back.close()
    await until(lambda: OnTimes(tmp_path, "relays", boot_id).load() == {}, "the end of what was kept")
    with Relays(settings, clock=lambda: now[0], on_times=OnTimes(tmp_path, "relays", boot_id)) as anew:
        await anew.switch("heater", True)
        assert anew.on_for("heater") == 600.0


@pytest.mark.parametrize(
    ("seconds", "said"), [(5, "5 seconds"), (89, "89 seconds"), (90, "2 minutes"), (60, "60 seconds")]
)
def test_for_how_long_is_said_in_words(seconds: float, said: str) -> None:
    """Roughly."""
    assert switches._for_how_long(seconds).endswith(f"after {said}")


# -- what needs a yes


async def test_a_call_that_needs_a_yes_is_not_made(board: MockBoard) -> None:
    """However often it is made; with one it is. Back into the safe state it goes without."""
    with Relays(DOOR) as relays:
        registry = Registry(relay_tools(relays), 10)
        call = '{"name": "front_door", "on": true}'
        for _ in range(3):
            with pytest.raises(UnconfirmedError) as caught:
                await registry.call("set_switch", call)
            assert caught.value.confirmation == Confirmation(Way.PRESS, "unlock the front door")
        assert 1.0 not in board.levels_seen(LOCK)
        assert await registry.call("set_switch", '{"name": "front_door", "on": false}') == "The front door is off"
        await registry.call("set_switch", call, confirmed=True)
        assert board.level(LOCK) == 1


async def test_no_argument_of_the_models_counts_as_a_yes(board: MockBoard) -> None:
    """The arguments have no place for one."""
    with Relays(DOOR) as relays:
        registry = Registry(relay_tools(relays), 10)
        for word in ("confirmed", "confirm", "yes", "pressed"):
            with pytest.raises(ToolError, match="unknown field"):
                await registry.call("set_switch", f'{{"name": "front_door", "on": true, "{word}": true}}')
        assert board.level(LOCK) == 0


def test_what_is_asked_is_what_it_does() -> None:
    """In the words of the configuration, or in ours; of what is safe when on, switching off needs the yes."""
    settings = {"oven": Relay(pin=4, confirm="yes"), "fridge": Relay(pin=5, safe=True, confirm="press")}
    assert confirmation("oven", True, settings) == Confirmation(Way.YES, "switch on the oven")
    assert confirmation("oven", False, settings) is None
    assert confirmation("fridge", False, settings) == Confirmation(Way.PRESS, "switch off the fridge")
    assert confirmation("fridge", True, settings) is None


def test_what_it_means_is_said_to_the_model_and_by_people(board: MockBoard) -> None:
    """ "Unlock the front door" is a phrase of its own."""
    with Relays(DOOR) as relays:
        spec = Registry(relay_tools(relays), 10).specs[0]
    assert "front door on: unlock the front door; front door off: lock the front door" in spec.description
    meant = {phrase.text: phrase.arguments for phrase in spec.phrases if not phrase.slots}
    assert meant == {
        "unlock the front door": {"name": "front_door", "on": True},
        "lock the front door": {"name": "front_door", "on": False},
    }


@pytest.mark.parametrize(
    ("relays", "words"),
    [
        ({"a": {"pin": 4, "never_with": ["b"]}}, ["tools.relays.a: never_with", '"b"', "no relay"]),
        ({"lamp": {"pin": 4}, "a": {"pin": 5, "never_with": ["lmp"]}}, ['"lmp"', 'did you mean "lamp"?']),
        ({"a": {"pin": 4, "never_with": ["a"]}}, ["the relay itself"]),
        ({"a": {"pin": 4, "never_with": ["b"]}, "b": {"pin": 5, "safe": True}}, ['"b"', "on where it is safe"]),
        ({"a": {"pin": 4, "safe": True, "longest_on_s": 5}}, ["tools.relays.a.longest_on_s", "safe = true"]),
        ({"a": {"pin": 4, "longest_on_s": 0}}, ["tools.relays.a.longest_on_s", "seconds, from 0.1"]),
        ({"a": {"pin": 4, "confirm": "shout"}}, ["tools.relays.a.confirm", '"press"', '"yes"']),
        ({"a": {"pin": 4, "aliases": ["b"]}, "b": {"pin": 5}}, ["tools.relays.", 'called "b", too']),
    ],
)
def test_what_makes_no_sense_is_refused(relays: dict[str, Any], words: list[str]) -> None:
    """With the key, what is wrong and what to do."""
    with pytest.raises(ConfigError) as caught:
        parse({"tools": {"relays": relays}})
    for word in words:
        assert word in str(caught.value)


async def test_what_takes_too_long_does_not_move_later(board: MockBoard) -> None:
    """The tool's time is over before the dead time is: the model is told that it failed, and so it has."""
    settings = {"up": Relay(pin=UP, never_with=("down",), dead_time_s=0.3), "down": Relay(pin=DOWN)}
    with Relays(settings) as relays:
        with pytest.raises(ToolError, match="did not finish within"):
            await Registry(relay_tools(relays), 0.05).call("set_switch", '{"name": "up", "on": true}')
        assert not relays._board.is_due("up")
        await asyncio.sleep(0.4)
        assert 1.0 not in board.levels_seen(UP)
