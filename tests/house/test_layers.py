"""Tables laid over each other: what holds, and where it is from."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from device.house.layers import Layer, Layered, dotted, lay
from device.settings import Key

NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.integers() | st.booleans() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
TABLES = st.dictionaries(
    NAMES, st.recursive(VALUES, lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=8), max_size=3
)
STACKS = st.lists(TABLES, max_size=4).map(
    lambda tables: [Layer(str(place), table) for place, table in enumerate(tables)]
)


def every(table: Mapping[str, Any], path: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Yield every key of a table, and of those in it."""
    for name, value in table.items():
        yield (*path, name), value
        if isinstance(value, dict):
            yield from every(value, (*path, name))


def at(table: Any, key: Key) -> Any:
    """Return what a table has at a key; None where it has nothing."""
    for name in key:
        table = table.get(name) if isinstance(table, dict) else None
    return table


def is_hidden(key: Key, above: list[Layer]) -> bool:
    """Tell whether a later layer has a value where the key, or a table around it, was."""
    parts = [key[:length] for length in range(1, len(key))]
    return any(
        at(layer.table, part) is not None and not isinstance(at(layer.table, part), dict)
        for layer in above
        for part in parts
    ) or any(at(layer.table, key) is not None for layer in above)


@given(STACKS)
def test_the_last_that_says_something_wins(layers: list[Layer]) -> None:
    """Of every key by itself."""
    laid = lay(layers)
    for key, value in every(laid.table):
        if not isinstance(value, dict):
            saying = [layer for layer in layers if at(layer.table, key) is not None]
            assert at(saying[-1].table, key) == value
            assert laid.origins[key] == laid.place(key) == saying[-1].place


@given(STACKS)
def test_no_key_is_lost_unless_a_later_value_takes_its_place(layers: list[Layer]) -> None:
    """Tables merge."""
    laid = lay(layers)
    for number, layer in enumerate(layers):
        for key, value in every(layer.table):
            if not isinstance(value, dict) and not is_hidden(key, layers[number + 1 :]):
                assert at(laid.table, key) == value


@given(STACKS)
def test_nothing_is_there_that_nobody_has_said(layers: list[Layer]) -> None:
    """And every key that is there has an origin, and no other."""
    laid = lay(layers)
    said = {key for layer in layers for key, _ in every(layer.table)}
    there = {key for key, _ in every(laid.table)}
    assert there == set(laid.origins) <= said


@given(TABLES)
def test_a_table_over_or_under_nothing_stays_what_it_is(table: dict[str, Any]) -> None:
    """As does one over itself."""
    assert lay([Layer("x", table)]).table == table
    assert lay([Layer("x", {}), Layer("y", table), Layer("z", {})]).table == table
    assert lay([Layer("x", table), Layer("y", table)]).table == table


@given(STACKS, st.integers(0, 4))
def test_layers_may_be_laid_in_parts(layers: list[Layer], at_layer: int) -> None:
    """What lies under a layer may have been laid before."""
    below, above = layers[:at_layer], layers[at_layer:]
    assert lay([Layer("below", lay(below).table), *above]).table == lay(layers).table


@given(STACKS)
def test_the_layers_themselves_stay_as_they_are(layers: list[Layer]) -> None:
    """Nothing is shared with what comes out."""
    before = copy.deepcopy(layers)
    laid = lay(layers)
    for _, value in every(laid.table):
        if isinstance(value, dict):
            value["more"] = 1
    assert layers == before


def test_what_is_not_set_is_told_of_the_table_around_it() -> None:
    """A key that is lacking is to be put where its table was last written."""
    laid = lay([Layer("one", {"a": {"b": {"c": 1}}}), Layer("two", {"a": {"b": {"d": 1}, "e": 2}})])
    assert laid.place(("a", "b", "c")) == "one"
    assert laid.place(("a", "b", "x", "y")) == "two"
    assert laid.place(("z",)) == ""
    assert laid.has(("a", "b"))
    assert not laid.has(("a", "b", "x"))


def test_a_value_in_the_place_of_a_table_hides_all_that_was_in_it() -> None:
    """And the other way round: complaints are about what holds."""
    table, value = {"a": {"b": {"c": 1}}}, {"a": 3}
    assert lay([Layer("one", table), Layer("two", value)]) == Layered({"a": 3}, {("a",): "two"})
    back = lay([Layer("one", value), Layer("two", table)])
    assert back.table == table
    assert set(back.origins.values()) == {"two"}


def test_a_very_deep_table_is_laid_as_well() -> None:
    """No file can exhaust the stack."""
    deep: dict[str, Any] = {}
    for _ in range(3_000):
        deep = {"a": deep}
    laid = lay([Layer("one", deep), Layer("two", deep)])
    assert laid.place(("a",) * 3_000) == "two"


def test_a_key_is_written_with_dots_and_quotes_where_it_needs_them() -> None:
    """As TOML has it."""
    assert dotted(("wake", "thresholds", "/my/word.onnx")) == 'wake.thresholds."/my/word.onnx"'
