"""What agents may do: this, and nothing else."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.control import messages
from device.control.agents.offers import OFFERS, ArgumentsError, find

READ_ONLY = {"get_status", "list_timers"}
TAKES_AWAY = {"cancel_timer", "stop", "mute"}
ORDERS = {"say", "ask", "status", "volume", "timers", "call_tool", "cancel_timer", "stop", "mute"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
ARGUMENTS = st.dictionaries(
    st.sampled_from(["text", "percent", "name", "seconds", "label", "urgent", "voice", "do", "id", "arguments", "to"])
    | st.text(),
    JSON,
    max_size=3,
)


def test_nothing_is_offered_that_agents_may_not_do() -> None:
    """Neither to unmute, nor to call any tool, nor to read what was said."""
    assert [offer.name for offer in OFFERS] == [
        "say",
        "ask",
        "get_status",
        "set_volume",
        "list_timers",
        "set_timer",
        "cancel_timer",
        "stop",
        "mute",
    ]
    with pytest.raises(ArgumentsError, match='no tool called "unmute"'):
        find("unmute")


@given(st.sampled_from(OFFERS), ARGUMENTS)
def test_no_arguments_make_another_order_of_a_tool(offer: Any, arguments: dict[str, Any]) -> None:
    """Whatever an agent gives: one of these orders, which the control socket takes; none of them is urgent."""
    with contextlib.suppress(ArgumentsError, messages.BadRequestError):
        order = offer.order_of(arguments)
        assert order["do"] in ORDERS
        assert order.get("name") == "set_timer" or order["do"] != "call_tool"
        request = messages.decode(json.dumps({"id": 1, **order}).encode())
        assert not getattr(request, "urgent", False)
        assert getattr(request, "voice", "own") == "own"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("say", {"text": "hello"}),
        ("ask", {"text": "shall I?"}),
        ("get_status", {}),
        ("set_volume", {"percent": 0}),
        ("list_timers", {}),
        ("set_timer", {"seconds": 1, "label": "tea"}),
        ("cancel_timer", {"name": "#3"}),
        ("stop", {}),
        ("mute", {}),
    ],
)
def test_every_tool_is_an_order_of_the_control_socket(name: str, arguments: dict[str, Any]) -> None:
    """Its schema names what it takes, and all else is refused."""
    offer = find(name)
    messages.decode(json.dumps({"id": 1, **offer.order_of(arguments)}).encode())
    assert offer.schema["type"] == "object"
    assert set(arguments) <= set(offer.schema["properties"])
    with pytest.raises(ArgumentsError, match=name):
        offer.order_of({**arguments, "urgent": True})


def test_hints_say_what_takes_something_away() -> None:
    """So that a client asks its person first."""
    assert {offer.name for offer in OFFERS if offer.hints.read_only} == READ_ONLY
    assert {offer.name for offer in OFFERS if offer.hints.destructive} == TAKES_AWAY
    assert {offer.name for offer in OFFERS if offer.speaks} == {"say", "ask"}


def test_of_the_house_an_agent_learns_no_more_than_it_needs() -> None:
    """Neither what was said, nor its process, nor what each part says."""
    told = dict.fromkeys(find("get_status").facts({**dict.fromkeys(_STATUS), "pid": 1, "parts": [], "heard": "x"}))
    assert set(told) == set(_STATUS)
    timer = dict.fromkeys(("id", "kind", "name", "state", "when", "due", "left_s", "label", "weekdays"), 0)
    assert "label" not in find("list_timers").facts({"timers": [timer]})["timers"][0]


_STATUS = ("state", "why", "what_to_do", "phase", "muted", "ringing", "announcing", "confirming", "volume", "version")
