"""Events made wrong: fields that are missing, null, of another type, huge, deep or long, and messages that are none."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.fuzz.shapes import Event, as_text

DEEP = 2_000
DEEPEST_PLACE = 8
LONG = 20_000

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, -(2**64), 10**30, 10**400, 1.5, -0.0, 1e308),
    *(
        float("nan"),
        float("inf"),
        "",
        " ",
        "0",
        "null",
        "\ud800",
        "\ud83d",
        "\x00\x1b[2J",
        "\u202e",
        "resp_0",
        "item_0",
    ),
    *([], {}, [None], [[]], {"": None}, {"type": "error"}, [{"error": "x"}]),
)
UNKNOWN = ("response.thought.delta", "session.error", "ERROR", "error ", "", "response", "x" * 300)

Place = tuple[Any, Any]
"""A container and a key or an index in it."""


def places(value: Any, depth: int = 0) -> Iterator[Place]:
    """Yield every place in an event down to a depth, the event's own fields first."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = list(inside)
    yield from ((value, key) for key, _ in found)
    for _, part in found if depth < DEEPEST_PLACE else ():
        yield from places(part, depth + 1)


def mutated(event: Event, rng: random.Random) -> str | bytes:
    """Return a message that is this event with one to three things wrong."""
    wrong = copy.deepcopy(event)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        spots = list(places(wrong))
        if spots:
            container, key = rng.choice(spots)
            rng.choice(_CHANGES)(container, key, rng)
    text = as_text(wrong)
    return rng.choice(_TEXT_CHANGES)(text, rng) if rng.random() < 0.02 else text


def _drop(container: Any, key: Any, rng: random.Random) -> None:
    del container[key]


def _odd(container: Any, key: Any, rng: random.Random) -> None:
    container[key] = copy.deepcopy(rng.choice(ODD_VALUES))


def _null(container: Any, key: Any, rng: random.Random) -> None:
    container[key] = None


def _wrap(container: Any, key: Any, rng: random.Random) -> None:
    value = container[key]
    container[key] = rng.choice(([value], {"value": value}, [value, value], str(value)[:LONG]))


def _deep(container: Any, key: Any, rng: random.Random) -> None:
    value: Any = container[key]
    # Deeper is refused by Python's own encoder; `_deeper` goes on from there.
    for _ in range(rng.choice((3, 30, 150))):
        value = [value] if rng.random() < 0.5 else {"error": value}
    container[key] = value


def _long(container: Any, key: Any, rng: random.Random) -> None:
    container[key] = rng.choice(("x", "\ud800", "é", "<", "{")) * rng.choice((300, LONG))


def _rename(container: Any, key: Any, rng: random.Random) -> None:
    if isinstance(container, dict):
        container[rng.choice(("", "Type", "id", "error", "message", "x" * 100))] = container.pop(key)


def _unknown(container: Any, key: Any, rng: random.Random) -> None:
    container[key] = rng.choice(UNKNOWN)


_CHANGES: tuple[Callable[[Any, Any, random.Random], None], ...] = (
    *(_drop, _drop, _null, _null, _odd, _odd, _odd, _wrap, _rename, _unknown, _deep, _long),
)


def _cut(text: str, rng: random.Random) -> str:
    return text[: rng.randrange(len(text) + 1)]


def _deeper(text: str, rng: random.Random) -> str:
    return f'{text[:-1]}, "more": {"[" * DEEP}{"]" * DEEP}}}'


def _twice(text: str, rng: random.Random) -> str:
    return f'{text[:-1]}, "type": "error", "type": null}}'


def _foreign(text: str, rng: random.Random) -> str:
    return rng.choice(("", "null", "[]", "3", '"text"', "\ufeff" + text, f"[{text}]", "<html><title>x</title>"))


def _binary(text: str, rng: random.Random) -> bytes:
    return rng.choice((b"\x00\xff", text.encode(errors="replace"), b'{"type": "\xff"}'))


_TEXT_CHANGES: tuple[Callable[[str, random.Random], str | bytes], ...] = (_cut, _deeper, _twice, _foreign, _binary)


def shuffled(events: list[Event], rng: random.Random) -> list[Event]:
    """Return the events with some twice, some missing and some in another place."""
    result = [event for event in events if rng.random() > 0.02]
    for _ in range(rng.randrange(3)):
        if result:
            event = rng.choice(result) if rng.random() < 0.5 else result.pop(rng.randrange(len(result)))
            result.insert(rng.randrange(len(result) + 1), event)
    return result
