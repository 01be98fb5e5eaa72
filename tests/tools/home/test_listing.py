"""What may be used, and what two sources both have."""

from __future__ import annotations

from device.ports.home import Place, Thing
from device.tools.home.listing import chosen, is_guarded, slug, united

KITCHEN, ALSO_KITCHEN, BED = Place("k", ("Kitchen",)), Place("kueche", ("Küche", "kitchen")), Place("b", ("Bedroom",))


def test_what_is_denied_stays_so_whatever_allows_it() -> None:
    """By thing, kind and room; an empty list allows all."""
    things, rooms = ["light.a", "light.b", "lock.c"], {"light.b": "kitchen"}
    assert chosen(things, (), (), rooms) == things
    assert chosen(things, ("light",), ("kitchen",), rooms) == ["light.a"]
    assert chosen(things, ("lock", "kitchen"), ("lock.c",), rooms) == ["light.b"]


def test_one_source_may_have_a_name_twice_and_two_sources_have_it_once() -> None:
    """Unless it is of another kind, or in another room."""
    mine = [Thing("light.1", ("Lamp",), KITCHEN), Thing("light.2", ("Lamp",), KITCHEN)]
    theirs = [
        Thing("light.3", ("LAMP",)),
        Thing("light.4", ("Lamp",), ALSO_KITCHEN),
        Thing("light.5", ("Lamp",), BED),
        Thing("switch.6", ("Lamp",), KITCHEN),
    ]
    assert [thing.id for thing in united([mine, theirs])] == ["light.1", "light.2", "light.5", "switch.6"]
    assert united([]) == []


def test_what_is_guarded_cannot_be_spelt_differently() -> None:
    """By kind, id, name or room, whatever case and signs they are written in."""
    door = Thing("lock.front_door", ("Front Door", "Haustür"), Place("hall", ("Hall", "Flur")), device="Entrance")
    for name in ("lock", "lock.front_door", "front door", "FRONT-DOOR", "Haustur", "hall", "flur", "entrance"):
        assert is_guarded(door, (name,)), name
    for name in ("", "door", "light", "front", "."):
        assert not is_guarded(door, (name,)), name
    assert slug("Küche/Decken_Lampe 2") == "kuche_decken_lampe_2"
