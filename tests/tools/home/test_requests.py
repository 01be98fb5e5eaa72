"""A hundred written requests in a house of 150 things: the right ones do what was wanted."""

from __future__ import annotations

import json

import pytest

from device.ports.home import Rules
from tests.tools.home.bighouse import REQUESTS, THINGS, House, outcome, sent, tools_at
from tests.tools.home.brain import Brain

LEAST_RIGHT = 95
MOST_BYTES = 6_000


def test_there_are_a_hundred_requests_in_a_large_house() -> None:
    """In 12 rooms."""
    assert len(REQUESTS) == 100
    assert len(THINGS) == 150
    assert len({thing.place for thing in THINGS if thing.place}) == 12


async def test_nearly_all_requests_are_understood() -> None:
    """The right things with the right action, or the right question, or the right states."""
    came = [(request["says"], await outcome(request)) for request in REQUESTS]
    wrong = [f"{says}: {what.called}: {what.answer}" for says, what in came if not what.right]
    assert len(came) - len(wrong) >= LEAST_RIGHT, "\n".join(wrong)


def test_what_a_session_is_told_is_small() -> None:
    """With the overview of the house, and all that every device has."""
    told = sent(tools_at(House(Rules(area="Kitchen"))))
    assert len(told) <= MOST_BYTES
    assert b"Kitchen: " in told


@pytest.mark.parametrize(
    ("said", "call"),
    [
        ("Could you please turn on the lamp", ("home_control", {"what": "the lamp", "action": "on"})),
        ("is the window open", ("home_find", {"what": "the window"})),
        ("xyzzy to 20 percent", ("home_control", {"what": "xyzzy", "action": "set", "brightness": 20})),
        (
            "turn on the xyzzy in the kitchen",
            ("home_control", {"what": "the xyzzy", "room": "kitchen", "action": "on"}),
        ),
    ],
)
def test_the_model_takes_words_and_resolves_nothing(said: str, call: object) -> None:
    """It has the person's own words for a thing, also for one that it cannot know."""
    assert Brain(json.loads(sent(tools_at(House(Rules()))))).call(said) == call
