"""What the model is told of a home before anybody asks."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from device.ports.home import Place, Thing
from device.tools.home.overview import overview
from tests.tools.home.bighouse import PLACES, THINGS

KITCHEN, BED = Place("k", ("Kitchen",)), Place("b", ("Bedroom",))
FEW = (
    Thing("light.a", ("Kitchen Ceiling",), KITCHEN),
    Thing("light.b", ("Light",), KITCHEN),
    Thing("sensor.c", ("Pollen",), BED),
    Thing("switch.d", ("Fish Tank",), BED),
    Thing("scene.e", ("Movie Night",)),
)


def test_rooms_are_named_with_what_tells_their_things_apart() -> None:
    """Without the words that the room or the kind says already; what measures comes last."""
    assert overview(FEW, 500) == ("Here, among others: «Bedroom: Fish Tank, Pollen; Kitchen: Ceiling; Movie Night»")


def test_all_rooms_are_named_or_none() -> None:
    """Half of them would look like all."""
    whole = len(overview(FEW, 500).encode())
    assert overview(FEW, whole - 1) == "Here, among others: «Bedroom: Fish Tank; Kitchen: Ceiling; Movie Night»"
    assert (
        overview(FEW, len("Here, among others: «Bedroom; Kitchen»".encode()))
        == "Here, among others: «Bedroom; Kitchen»"
    )
    assert overview(FEW, len("Here, among others: «Bedroom; Kitchen»".encode()) - 1) == ""
    assert overview((), 500) == ""
    assert overview((Thing("light.a", ("Light",)),), 500) == ""


@given(st.integers(0, 3_000))
def test_it_is_as_long_as_it_may_be(longest: int) -> None:
    """In bytes of JSON; and all rooms of a large house are in it."""
    said = overview(THINGS, longest)
    assert len(msgspec.json.encode(said)) - 2 <= longest
    assert not said or all(place.name in said for place in PLACES.values())


@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=90), st.sampled_from([KITCHEN, BED, None]))), st.integers(0, 999)
)
def test_no_name_gets_out_of_the_marks(named: list[tuple[str, Place | None]], longest: int) -> None:
    """They are data."""
    things = [Thing(f"switch.{at}", (name,), place) for at, (name, place) in enumerate(named)]
    said = overview(things, longest)
    assert said == "" or (said.count("«"), said.count("»"), said[-1]) == (1, 1, "»")
    assert len(msgspec.json.encode(said)) - 2 <= longest
