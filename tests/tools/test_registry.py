"""The boundary at which every call of a tool is checked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from device.errors import ToolError
from device.ports.tools import Tool
from device.tools.registry import Registry, parameters_schema


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where; a nested table."""

    title: str
    floor: int = 0
    side: Literal["left", "right"] = "left"


class Lamp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of the tool in these tests."""

    colour: Annotated[str, Meta(description="what it shall look like")]
    level: Annotated[int, Meta(ge=0, le=10)] | None = None
    place: Place | None = None


async def describe(arguments: Lamp) -> str:
    """Say what was understood."""
    return f"{arguments.colour} {arguments.level}"


def registry_of(run: Any = describe, timeout_s: float = 10) -> Registry:
    """Return a registry with one tool."""
    return Registry([Tool("set_lamp", "Set the lamp.", Lamp, run)], timeout_s)


async def test_a_call_reaches_its_tool_with_typed_arguments() -> None:
    """JSON text in, the tool's text out."""
    assert await registry_of().call("set_lamp", '{"colour": "red", "level": 3}') == "red 3"


def test_the_model_is_told_a_plain_schema() -> None:
    """One object: no references, no titles, no nulls, nothing else allowed; a field named "title" survives."""
    assert registry_of().specs[0].parameters == {
        "type": "object",
        "properties": {
            "colour": {"type": "string", "description": "what it shall look like"},
            "level": {"type": "integer", "minimum": 0, "maximum": 10},
            "place": {
                "type": "object",
                "description": "Where; a nested table.",
                "properties": {
                    "title": {"type": "string"},
                    "floor": {"type": "integer", "default": 0},
                    "side": {"enum": ["left", "right"], "default": "left"},
                },
                "required": ["title"],
                "additionalProperties": False,
            },
        },
        "required": ["colour"],
        "additionalProperties": False,
    }
    json.dumps(registry_of().specs[0].parameters)


def test_a_tool_without_arguments_has_an_empty_object_as_schema() -> None:
    """Providers insist on an object."""

    class Nothing(msgspec.Struct, forbid_unknown_fields=True):
        pass

    schema = parameters_schema(Nothing)
    assert (schema["type"], schema["properties"]) == ("object", {})


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ('{"colour": "red"', "not valid JSON"),
        ('["red"]', "object"),
        ("", "missing required field `colour`"),
        ('{"colour": 3}', '"colour": expected `str`, got `int`'),
        ('{"colour": "red", "level": 11}', '"level"'),
        ('{"colour": "red", "level": "high"}', '"level"'),
        ('{"colour": "red", "size": 1}', "unknown field `size`"),
        ('{"colour": "red", "place": {"title": "hall", "flor": 1}}', "flor"),
        ('{"colour": "red", "place": {"title": "hall", "side": "up"}}', "place.side"),
        ('{"colour": "\ud800", "level": 11}', "level"),
        pytest.param('{"colour": ' + "[" * 100_000, "nested too deeply", id="deep"),
    ],
)
async def test_bad_arguments_are_explained_to_the_model(arguments: str, complaint: str) -> None:
    """It can correct itself: the message names the field and what is wrong with it."""
    with pytest.raises(ToolError) as caught:
        await registry_of().call("set_lamp", arguments)
    assert str(caught.value).startswith("set_lamp: ")
    assert complaint in str(caught.value)


class Switch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments with a name out of a list, as the relays have."""

    name: Literal["light", "fan"]
    on: bool


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ('{"name": "lamp", "on":tru', "not valid JSON"),
        ('{"name": "lamp", "on": true}', 'name "lamp" is unknown; there are: fan, light'),
        ('{"name": "\ud800", "on": true}', 'name "?" is unknown'),
    ],
)
async def test_a_wrong_name_is_explained_also_where_the_rest_is_no_json(arguments: str, complaint: str) -> None:
    """The name is judged only when all has been read: a call that nothing answers would hang in the history."""

    async def switch(arguments: Switch) -> str:
        return ""

    registry = Registry([Tool("set_switch", "Switch.", Switch, switch)], 10)
    with pytest.raises(ToolError) as caught:
        await registry.call("set_switch", arguments)
    assert complaint in str(caught.value)


async def test_an_unknown_tool_is_answered_with_those_that_exist() -> None:
    """Models invent names."""
    with pytest.raises(ToolError, match='there is no tool called "set_lmap"; there are: set_lamp'):
        await registry_of().call("set_lmap", "{}")
    with pytest.raises(ToolError, match="there are none"):
        await Registry([], 1).call("anything", "{}")


async def test_a_tool_that_hangs_is_stopped_and_said_to_have_failed() -> None:
    """The call is cancelled at its timeout; the model hears how long it was given."""
    cancelled = asyncio.Event()

    async def hang(arguments: Lamp) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return ""

    with pytest.raises(ToolError, match=r"set_lamp did not finish within 0\.05 seconds"):
        await registry_of(hang, 0.05).call("set_lamp", '{"colour": "red"}')
    assert cancelled.is_set()


async def test_a_timeout_inside_a_tool_is_not_taken_for_ours() -> None:
    """It is a fault of the tool: it should have said what did not answer."""

    async def time_out(arguments: Lamp) -> str:
        raise TimeoutError

    with pytest.raises(ToolError, match="fault in the device"):
        await registry_of(time_out).call("set_lamp", '{"colour": "red"}')


async def test_a_cancellation_inside_a_tool_is_answered() -> None:
    """What the tool waited for was cancelled by somebody else: the model still waits for a result."""

    async def wait_in_vain(arguments: Lamp) -> str:
        other = asyncio.ensure_future(asyncio.Event().wait())
        asyncio.get_running_loop().call_soon(other.cancel)
        await other
        return ""

    with pytest.raises(ToolError, match="fault in the device"):
        await registry_of(wait_in_vain).call("set_lamp", '{"colour": "red"}')


async def test_a_tools_own_error_reaches_the_model_word_for_word() -> None:
    """The tool knows best."""

    async def refuse(arguments: Lamp) -> str:
        raise ToolError("the lamp is unplugged")

    with pytest.raises(ToolError, match=r"^the lamp is unplugged$"):
        await registry_of(refuse).call("set_lamp", '{"colour": "red"}')


async def test_a_broken_tool_fails_alone_and_its_log_quotes_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The log shows where it broke; not the exception's text, which may hold what a person said."""

    async def crash(arguments: Lamp) -> str:
        raise ValueError(f"cannot parse {arguments.colour}")

    caplog.set_level(logging.INFO)
    with pytest.raises(ToolError, match="ValueError") as caught:
        await registry_of(crash).call("set_lamp", '{"colour": "my secret"}')
    assert "in crash" in caplog.text
    assert "secret" not in caplog.text + str(caught.value)


async def test_ordinary_calls_log_name_and_duration_only(caplog: pytest.LogCaptureFixture) -> None:
    """What was asked and answered stays private."""
    caplog.set_level(logging.INFO)
    await registry_of().call("set_lamp", '{"colour": "my secret"}')
    assert "tool set_lamp finished in" in caplog.text
    assert "secret" not in caplog.text


async def test_cancelling_a_call_cancels_the_tool() -> None:
    """On SIGTERM nothing is turned into an answer."""
    started = asyncio.Event()

    async def hang(arguments: Lamp) -> str:
        started.set()
        await asyncio.Event().wait()
        return ""

    task = asyncio.create_task(registry_of(hang).call("set_lamp", '{"colour": "red"}'))
    await asyncio.wait_for(started.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_calls_run_side_by_side() -> None:
    """A slow tool does not keep a quick one waiting."""
    release = asyncio.Event()

    async def wait_if_slow(arguments: Lamp) -> str:
        if arguments.colour == "slow":
            await release.wait()
        return arguments.colour

    registry = registry_of(wait_if_slow)
    slow = asyncio.create_task(registry.call("set_lamp", '{"colour": "slow"}'))
    assert await registry.call("set_lamp", '{"colour": "quick"}') == "quick"
    assert not slow.done()
    release.set()
    assert await slow == "slow"


def test_two_tools_of_one_name_are_a_mistake_in_the_program() -> None:
    """One of them could never be called."""
    tool = Tool("set_lamp", "Set the lamp.", Lamp, describe)
    with pytest.raises(ValueError, match="same name"):
        Registry([tool, tool], 1)


async def anything(arguments: dict[str, Any]) -> str:
    """Take what the model gives as it is."""
    return json.dumps(arguments)


def visitor(name: str, source: str = "the visitor") -> Tool[dict[str, Any]]:
    """Return a tool whose arguments are checked elsewhere."""
    schema = {"type": "object", "properties": {"path": {"type": "string"}}}
    return Tool(name, "From elsewhere.", dict[str, Any], anything, parameters=schema, source=source)


async def test_tools_come_and_go() -> None:
    """Behind those that stay; who calls one that has gone is told what there is."""
    present: tuple[Tool[Any], ...] = ()
    registry = Registry([Tool("set_lamp", "Set the lamp.", Lamp, describe)], 10, [lambda: present])
    assert [spec.name for spec in registry.specs] == ["set_lamp"]
    present = (visitor("files_read"), visitor("files_write"))
    assert [(spec.name, spec.source) for spec in registry.specs] == [
        ("set_lamp", ""),
        ("files_read", "the visitor"),
        ("files_write", "the visitor"),
    ]
    assert await registry.call("files_write", '{"path": "a", "more": [1]}') == '{"path": "a", "more": [1]}'
    present = present[:1]
    with pytest.raises(ToolError, match='no tool called "files_write"; there are: set_lamp, files_read'):
        await registry.call("files_write", "{}")
    assert [spec.name for spec in registry.specs] == ["set_lamp", "files_read"]


def test_nothing_is_made_anew_while_nothing_changes() -> None:
    """Specs are asked for at every session, and looked at at every call."""
    present = (visitor("files_read"),)
    registry = Registry([], 10, [lambda: present])
    assert registry.specs is registry.specs


def test_who_comes_takes_nobodys_name(caplog: pytest.LogCaptureFixture) -> None:
    """Neither that of a tool that stays nor that of another that came before; it is told once."""
    lamp = Tool("set_lamp", "Set the lamp.", Lamp, describe, source="the lamp")
    first, second = (visitor("set_lamp"), visitor("look", "the first")), (visitor("look", "the second"),)
    registry = Registry([lamp], 10, [lambda: first, lambda: second])
    for _ in range(3):
        assert [(spec.name, spec.source) for spec in registry.specs] == [
            ("set_lamp", "the lamp"),
            ("look", "the first"),
        ]
    assert [record.getMessage() for record in caplog.records] == [
        "two tools are called set_lamp: that of the visitor is left out, for the lamp has one",
        "two tools are called look: that of the second is left out, for the first has one",
    ]


async def test_arguments_that_are_checked_elsewhere_are_still_an_object() -> None:
    """The model is told the schema as it came."""
    registry = Registry([visitor("look")], 10)
    assert registry.specs[0].parameters == {"type": "object", "properties": {"path": {"type": "string"}}}
    for wrong in ("[1]", "3", '"x"', "nul"):
        with pytest.raises(ToolError, match="look"):
            await registry.call("look", wrong)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["colour", "level", "place"]), inner),
    max_leaves=8,
)


@given(json_values.map(json.dumps) | st.text(max_size=40))
def test_whatever_a_model_sends_is_answered_or_refused(arguments: str) -> None:
    """Never another exception than ToolError."""
    with contextlib.suppress(ToolError):
        assert isinstance(asyncio.run(registry_of().call("set_lamp", arguments)), str)
