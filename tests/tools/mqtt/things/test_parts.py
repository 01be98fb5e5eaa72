"""What all dialects have in common."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.ports.home import Call, Thing
from device.tools.mqtt.things.parts import Label, called, is_answer, is_level, is_levels, number, simple, word


@pytest.mark.parametrize(
    ("own", "suffix", "label", "known"),
    [
        ("sofa_lamp", "", None, ("light.sofa_lamp", "sofa lamp", "")),
        ("kitchen/ceiling", "", None, ("light.kitchen_ceiling", "ceiling", "kitchen")),
        ("up_stairs/bed/lamp", "left", None, ("light.up_stairs_bed_lamp_left", "lamp left", "up stairs")),
        ("0x00", "", Label("desk", room="Office"), ("light.desk", "desk", "Office")),
        ("Küche/Licht", "", None, ("light.kuche_licht", "Licht", "Küche")),
        ("...", "", None, None),
        ("\u200b", "", None, None),
    ],
)
def test_a_thing_is_called_as_on_the_broker(own: str, suffix: str, label: Label | None, known: Any) -> None:
    """A folder is a room, unless a person has said otherwise."""
    thing = called("light", own, suffix, label)
    assert known == (thing and (thing.id, thing.name, thing.place.name if thing.place else ""))


@pytest.mark.parametrize(
    ("state", "brightness", "call", "answered"),
    [
        ("on", None, Call("switch", "turn_on"), True),
        ("off", None, Call("switch", "turn_on"), False),
        ("unknown", None, Call("switch", "turn_off"), False),
        ("unlocked", None, Call("lock", "lock"), False),
        ("open", None, Call("cover", "close_cover"), True),
        ("heat", None, Call("climate", "turn_on"), True),
        ("on", 255.0, Call("light", "turn_on", {"brightness_pct": 40}), False),
        ("on", 104.0, Call("light", "turn_on", {"brightness_pct": 40}), True),
        ("on", None, Call("light", "turn_on", {"brightness_pct": 40}), True),
        ("off", None, Call("light", "toggle"), True),
    ],
)
def test_an_answer_is_what_tells_the_new_state(
    state: str, brightness: float | None, call: Call, answered: bool
) -> None:
    """What still tells the old one has not answered."""
    attributes = {} if brightness is None else {"brightness": brightness}
    assert is_answer(Thing("light.a", ("a",), None, state, attributes), call) is answered


@given(st.text(max_size=200))
def test_levels_of_a_topic_are_levels(text: str) -> None:
    """Neither wildcards, nor empty ones, nor what is too long."""
    if is_levels(text):
        assert not {"+", "#", "\x00", "\n"} & set(text)
        assert all(text.split("/"))
        assert len(text.encode()) <= 120
    assert not is_level(text) or ("/" not in text and is_levels(text))
    assert is_levels("kitchen/Decken Lampe")
    assert not is_level(5)


@pytest.mark.parametrize(
    ("value", "said"),
    [(True, "on"), (21.0, "21"), (21.456, "21.46"), ("a\nb", "a b"), (None, ""), ([1], ""), (10**400, ""), (1e300, "")],
)
def test_a_value_is_said_as_a_word(value: Any, said: str) -> None:
    """Or not at all."""
    assert word(value) == said
    assert not isinstance(simple(value), (list, dict))
    assert number(value) is None or abs(number(value) or 0) < 1e9
