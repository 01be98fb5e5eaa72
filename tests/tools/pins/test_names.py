"""What things may be called."""

from __future__ import annotations

from device.tools.pins.names import clashes, listed, spoken_forms, spoken_name
from device.tools.pins.settings import Relay


def lamp(room: str = "", *aliases: str) -> Relay:
    """Return something with a room and aliases."""
    return Relay(pin=4, room=room, aliases=aliases)


def test_names_are_spoken_as_words() -> None:
    """Underscores, hyphens and capitals are for the file."""
    assert spoken_name("Living_room-Lamp") == "living room lamp"


def test_a_thing_is_called_by_name_or_alias_alone_or_with_its_room() -> None:
    """But the room is not said twice."""
    forms = spoken_forms({"desk_lamp": lamp("Study", "Reading light"), "study_fan": lamp("study")})
    assert forms == {
        "desk lamp": "desk_lamp",
        "study desk lamp": "desk_lamp",
        "desk lamp in the study": "desk_lamp",
        "reading light": "desk_lamp",
        "study reading light": "desk_lamp",
        "reading light in the study": "desk_lamp",
        "study fan": "study_fan",
    }


def test_what_two_are_called_needs_the_room_with_it() -> None:
    """ "The lamp" alone could be either."""
    things = {"lamp_1": lamp("kitchen", "lamp"), "lamp_2": lamp("hall", "lamp")}
    forms = spoken_forms(things)
    assert "lamp" not in forms
    assert (forms["kitchen lamp"], forms["lamp in the hall"]) == ("lamp_1", "lamp_2")
    assert list(clashes(things)) == []


def test_an_alias_that_no_room_tells_apart_is_refused() -> None:
    """The message says what it is, and the way out."""
    for things, way_out in (
        ({"lamp_1": lamp("", "lamp"), "lamp_2": lamp("", "lamp")}, "give both their room"),
        ({"lamp_1": lamp("hall", "lamp"), "lamp_2": lamp("hall", "lamp")}, "give one of them another name"),
    ):
        first, second = clashes(things)
        assert (first.key, second.key) == ("lamp_1", "lamp_2")
        assert 'something else is called "lamp", too' in first.text
        assert way_out in first.text


def test_the_model_is_told_rooms_and_aliases() -> None:
    """In few words."""
    things = {"desk_lamp": lamp("study", "reading light"), "fan": lamp(), "tv": lamp("", "telly")}
    assert listed(things) == "desk lamp (study; also: reading light), fan, tv (also: telly)"
