"""Topics, and what comes on them. Computes only.

What a topic and a pattern of topics may be: MQTT 5.0, section 4.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from device.errors import HearthsideError
from device.kit.outsiders import LONGEST_SENTENCE, one_line

LARGEST_PAYLOAD = 64 * 1024
"""In bytes, unless who subscribes says otherwise. What is told by hand, or by a thing, needs a tenth of it."""
LONGEST_TOPIC = 512
"""In bytes; the standard allows 65,535."""
DEEPEST = 16
"""So many lists and objects in each other are followed in a JSON text."""


class PayloadError(HearthsideError):
    """What came is not what was expected."""


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody has published."""

    topic: str
    payload: bytes
    """As it came: whatever somebody wrote, at most as much as was subscribed to (LARGEST_PAYLOAD)."""
    retained: bool = False
    """An old one, which the broker keeps for whoever subscribes."""


def text_of(message: Message, longest: int = LONGEST_SENTENCE) -> str | None:
    """Return its text as one line of at most `longest` characters; None for what is no text, "" for an empty one."""
    try:
        return one_line(message.payload.decode(), longest)
    except UnicodeDecodeError:
        return None


def json_of(message: Message) -> Any:
    """Return what its JSON text holds. Raise PayloadError for what is none, or is nested too deep."""
    try:
        found = msgspec.json.decode(message.payload)
    # A UnicodeDecodeError is a ValueError, as are msgspec's own.
    except (ValueError, RecursionError):
        raise PayloadError("not JSON") from None
    if _is_deeper(found, DEEPEST):
        raise PayloadError(f"nested deeper than {DEEPEST}")
    return found


def _is_deeper(found: Any, than: int) -> bool:
    if not isinstance(found, dict | list):
        return False
    within = found.values() if isinstance(found, dict) else found
    return than == 0 or any(_is_deeper(each, than - 1) for each in within)


def matches(pattern: str, topic: str) -> bool:
    """Say whether a topic is one of a pattern's: "+" stands for one level, "#" at the end for all that follow."""
    if topic.startswith("$") and pattern[:1] in ("+", "#"):
        return False
    wanted, given = pattern.split("/"), topic.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(given) or level not in ("+", given[place]):
            return False
    return len(wanted) == len(given)


def topic_mistake(topic: str) -> str:
    """Return what is wrong with a topic that something is published on, as the end of a sentence; "" for nothing."""
    if "+" in topic or "#" in topic:
        return "must be one topic, without + and #"
    return pattern_mistake(topic)


def pattern_mistake(pattern: str) -> str:
    """Return what is wrong with a topic, or a pattern of topics; "" for nothing."""
    try:
        size = len(pattern.encode())
    except UnicodeEncodeError:
        return "must be text"
    if not 0 < size <= LONGEST_TOPIC:
        return f"must have 1 to {LONGEST_TOPIC} bytes"
    if not pattern.isprintable():
        return "must not hold control characters"
    levels = pattern.split("/")
    if "#" in pattern and ("#" in "/".join(levels[:-1]) or levels[-1] != "#"):
        return 'may have "#" as its last level only'
    if any("+" in level and level != "+" for level in levels):
        return 'may have "+" only as a whole level'
    return ""
