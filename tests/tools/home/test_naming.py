"""From a person's words to the things that are meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.ports.home import Place, Thing
from device.tools.home.naming import Nothing, One, Several, find_place, resolve, telling_words, words

KITCHEN = Place("kitchen", ("Kitchen",), ("Ground Floor",))
LIVING = Place("living", ("Living Room", "Lounge"), ("Ground Floor",))
BED = Place("bed", ("Bedroom",), ("Upstairs",))
THINGS = (
    Thing("light.ceiling", ("Kitchen Ceiling Light",), KITCHEN),
    Thing("light.counter", ("Counter", "Worktop"), KITCHEN),
    Thing("light.sofa", ("Sofa Lamp",), LIVING),
    Thing("light.living_ceiling", ("Ceiling Light",), LIVING),
    Thing("light.bedside", ("Bedside",), BED),
    Thing("cover.blind", ("Blind",), BED),
    Thing("switch.coffee", ("Coffee Machine",), KITCHEN),
    Thing("climate.heating", ("Heizkörper",), BED),
    Thing("scene.movie", ("Movie Night",)),
    Thing("sensor.outside", ("Outside",), None, "7", {"device_class": "temperature"}),
)


def meant(phrase: str, place: str = "", here: str = "") -> list[str] | str:
    """Return the ids that are meant; "?" and the ids that could be; what is near."""
    match resolve(phrase, THINGS, place, here):
        case One(found):
            return sorted(thing.id for thing in found)
        case Several(found):
            return f"? {' '.join(sorted(thing.id for thing in found))}"
        case Nothing(near):
            return f"near {' '.join(thing.id for thing in near)}"


@pytest.mark.parametrize(
    ("phrase", "place", "here", "ids"),
    [
        ("coffee machine", "", "", ["switch.coffee"]),
        ("the coffee machines", "", "", ["switch.coffee"]),
        ("kitchen ceiling light", "", "", ["light.ceiling"]),
        ("kitchin seiling light", "", "", ["light.ceiling"]),
        ("kitchin lights", "", "", ["light.ceiling", "light.counter"]),
        ("ceiling light", "kitchen", "", ["light.ceiling"]),
        ("ceiling light", "lounge", "", ["light.living_ceiling"]),
        ("worktop", "", "", ["light.counter"]),
        ("kitchen lights", "", "", ["light.ceiling", "light.counter"]),
        ("all lights", "kitchen", "", ["light.ceiling", "light.counter"]),
        (
            "all the lights",
            "everywhere",
            "",
            ["light.bedside", "light.ceiling", "light.counter", "light.living_ceiling", "light.sofa"],
        ),
        (
            "all lights",
            "",
            "bed",
            ["light.bedside", "light.ceiling", "light.counter", "light.living_ceiling", "light.sofa"],
        ),
        ("lights", "", "", "? light.bedside light.ceiling light.counter light.living_ceiling light.sofa"),
        ("lights", "upstairs", "", ["light.bedside"]),
        ("lights", "", "living", ["light.living_ceiling", "light.sofa"]),
        ("light", "", "bed", ["light.bedside"]),
        ("light", "", "", "? light.bedside light.ceiling light.counter light.living_ceiling light.sofa"),
        ("sofa lamp", "", "", ["light.sofa"]),
        ("sofa light", "", "", ["light.sofa"]),
        ("blinds", "", "", ["cover.blind"]),
        ("heizkorper", "", "", ["climate.heating"]),
        ("bedroom heating", "", "", ["climate.heating"]),
        ("movie night", "", "", ["scene.movie"]),
        ("outside temperature", "", "", ["sensor.outside"]),
        ("temperature", "outside", "", ["sensor.outside"]),
        ("lights", "outside", "", "near sensor.outside light.bedside light.counter"),
        ("garage door", "", "", "near "),
        ("coffee maker", "", "", "near switch.coffee"),
    ],
)
def test_what_people_say(phrase: str, place: str, here: str, ids: list[str] | str) -> None:
    """Names, kinds, rooms, floors, plurals, misheard words, and what must be asked."""
    assert meant(phrase, place, here) == ids


def test_rooms_are_found_by_name_alias_and_floor() -> None:
    """And by their ids."""
    places = [KITCHEN, LIVING, BED]
    assert find_place("the lounge", places) == [LIVING]
    assert find_place("living rooms", places) == [LIVING]
    assert find_place("ground floor", places) == [KITCHEN, LIVING]
    assert find_place("bed", places) == [BED]
    assert find_place("garage", places) == []


@given(st.text(max_size=120), st.text(max_size=60), st.sampled_from(["", "kitchen", "bed"]))
def test_no_words_break_it_or_bring_about_what_is_not_there(phrase: str, place: str, here: str) -> None:
    """Whatever is said, only things of the house are meant."""
    found = resolve(phrase, THINGS, place, here)
    things = found.near if isinstance(found, Nothing) else found.things
    assert {thing.id for thing in things} <= {thing.id for thing in THINGS}
    assert not (isinstance(found, Several) and len(things) < 2)


@given(st.sampled_from(THINGS))
def test_a_thing_is_meant_by_each_of_its_names_in_its_room(thing: Thing) -> None:
    """With or without an article."""
    for name in thing.names:
        for phrase in (name, f"the {name}", name.upper()):
            found = resolve(phrase, THINGS, thing.place.name if thing.place else "")
            assert isinstance(found, One)
            assert thing.id in {one.id for one in found.things}


def test_articles_accents_and_plurals_do_not_count() -> None:
    """On either side."""
    assert words("The Fernseher in my Küche's") == words("fernseher Kuche")
    assert words("glass") == ["glass"]


MORE = (
    Thing("cover.shutter", ("Bedroom Shutter",), BED),
    Thing("cover.skylight", ("Skylight",), BED),
    Thing("cover.curtains", ("Curtains",), LIVING),
    Thing("cover.left", ("Left Blind",), LIVING),
    Thing("cover.right", ("Right Blind",), LIVING),
    Thing("media_player.tv", ("TV",), LIVING),
    Thing("media_player.stereo", ("Stereo",), LIVING),
    Thing("light.stairs", ("Stairs",), Place("hall", ("Hallway",), ("Ground Floor",))),
    Thing("light.bed", ("Bedside",), BED),
    Thing("light.night", ("Night Light",), BED),
    Thing("light.bar", ("Screenbar",), LIVING),
    Thing("automation.wake", ("Wake-up Light",)),
    Thing("switch.tree", ("Christmas Tree",), LIVING),
    Thing("switch.charger", ("Car Charger",)),
    Thing("climate.living", ("Living Room Radiator",), LIVING),
    Thing("climate.bed", ("Underfloor Heating",), BED),
    Thing("climate.bed2", ("Towel Radiator",), BED),
)


@pytest.mark.parametrize(
    ("phrase", "place", "here", "found"),
    [
        ("shutter", "", "bed", One((MORE[0],))),
        ("shutters", "bedroom", "", One((MORE[0],))),
        ("curtains", "", "living", One((MORE[2],))),
        ("blinds", "", "living", One((MORE[3], MORE[4]))),
        ("blind", "", "living", Several((MORE[3], MORE[4]))),
        ("telly", "lounge", "", One((MORE[5],))),
        ("stair lights", "", "", One((MORE[7],))),
        ("all lights", "", "", One((MORE[7], MORE[8], MORE[9], MORE[10]))),
        ("nite light", "", "living", One((MORE[9],))),
        ("screen bar", "", "", One((MORE[10],))),
        ("nightlight", "", "", One((MORE[9],))),
        ("wake up light", "", "", One((MORE[11],))),
        ("charging the car", "", "", One((MORE[13],))),
        ("light above the bedside", "", "", One((MORE[8],))),
        ("heating", "upstairs", "", One((MORE[15], MORE[16]))),
    ],
)
def test_what_people_say_in_other_words(phrase: str, place: str, here: str, found: object) -> None:
    """Other words for a kind, words that sound alike, words in one piece or two."""
    assert resolve(phrase, MORE, place, here) == found


def test_a_name_is_shown_without_its_room() -> None:
    """And not at all where only its kind is left."""
    assert telling_words(Thing("light.a", ("Kitchen Ceiling Light",), KITCHEN)) == ["Ceiling", "Light"]
    assert telling_words(Thing("light.a", ("Kitchen Light",), KITCHEN)) == []


@pytest.mark.parametrize(
    ("phrase", "nearest"),
    [
        ("christmas lights", "switch.tree"),
        ("christmas fan", "switch.tree"),
        ("bedside curtain", "light.bed"),
    ],
)
def test_a_thing_of_another_kind_is_offered_and_not_used(phrase: str, nearest: str) -> None:
    """The "freezer light" must not switch the freezer off, nor "Tom's fan" Tom's lamp."""
    found = resolve(phrase, MORE)
    assert isinstance(found, Nothing)
    assert found.near[0].id == nearest


@pytest.mark.parametrize("phrase", ["power", "fire", "upstairs light", "land"])
def test_what_only_looks_alike_is_not_meant(phrase: str) -> None:
    """It begins with another sound, or sounds otherwise."""
    things = (
        Thing("vacuum.mower", ("Mower",)),
        Thing("light.fairy", ("Fairy",)),
        Thing("light.stairs", ("Stairs",)),
        Thing("light.lamp", ("Lamp",)),
    )
    assert isinstance(resolve(phrase, things), Nothing)
