"""What subscribers are told."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args

import pytest

from device.control.feed import Feed
from device.core import events as ev
from device.core.indication import Indication, indication
from device.core.status import Phase, Status
from device.units import Ms, Samples

SECRET = "what somebody said at home"
OF_TYPE: dict[str, Any] = {
    "str": SECRET,
    "str | None": SECRET,
    "int": 1,
    "float": 0.5,
    "bool": True,
    "Ms": Ms(1),
    "Samples": Samples(1),
    "tuple[str, ...]": (SECRET,),
}


class Listener:
    """Keeps what is told."""

    def __init__(self, transcripts: bool = False) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.feed = Feed(lambda name, facts: self.told.append((name, facts)), transcripts)

    def note(self, status: Status) -> list[tuple[str, dict[str, Any]]]:
        """Note a status; return what has come of it."""
        before = len(self.told)
        self.feed.note(status, indication(status))
        return self.told[before:]


def any_fact(kind: type) -> Any:
    """Make one that holds the secret wherever it may hold a text."""
    given = {field.name: OF_TYPE[str(field.type)] for field in fields(kind) if str(field.type) in OF_TYPE}
    return kind(**{**{field.name: None for field in fields(kind)}, **given})


@pytest.mark.parametrize("transcripts", [False, True], ids=["as it is", "where asked for"])
@pytest.mark.parametrize("kind", get_args(ev.Event), ids=lambda kind: kind.__name__)
def test_what_people_say_is_told_only_where_it_is_asked_for(kind: type, transcripts: bool) -> None:
    """Of all facts there are: a transcript only then, and nothing else of what they hold."""
    listener = Listener(transcripts)
    listener.feed.observe(any_fact(kind), Status())
    told = SECRET in str([facts for name, facts in listener.told if name != "wake_word"])
    assert told is (transcripts and kind in (ev.Heard, ev.Said))


def test_phases_turns_and_indications_are_told_once_each() -> None:
    """In the order in which a display needs them."""
    listener = Listener()
    listening = Status(phase=Phase.LISTENING, turn=1)
    assert listener.note(listening) == [
        ("turn", {"turn": 1}),
        ("phase", {"phase": "listening", "turn": 1}),
        ("indication", {"indication": "listening"}),
    ]
    assert listener.note(listening) == []


@pytest.mark.parametrize("condition", ["muted", "ringing", "announcing", "confirming"])
def test_what_goes_on_beside_a_phase_is_told_though_the_lights_do_not_show_it(condition: str) -> None:
    """A muted house may ring; a display shows both."""
    listener = Listener()
    (told, _) = listener.note(Status(**{condition: True}))
    assert told[0] == "conditions"
    assert {name for name, holds in told[1].items() if holds} == {condition}
    assert listener.note(Status()) == [
        ("conditions", {"muted": False, "ringing": False, "announcing": False, "confirming": False}),
        ("indication", {"indication": Indication.IDLE.value}),
    ]


def test_a_choice_is_told() -> None:
    """By the names by which it is made."""
    listener = Listener()
    told = listener.note(Status(persona="butler"))
    assert told[0] == ("choices", {"persona": "butler", "wake_word": "all"})
    told = listener.note(Status(wake_word="alexa"))
    assert told == [("choices", {"persona": "default", "wake_word": "alexa"})]
