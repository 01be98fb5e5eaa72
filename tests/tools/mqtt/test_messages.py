"""Topics and payloads."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.tools.mqtt.messages import (
    LONGEST_TOPIC,
    Message,
    PayloadError,
    json_of,
    matches,
    pattern_mistake,
    text_of,
    topic_mistake,
)


@pytest.mark.parametrize(
    ("pattern", "topic", "fits"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/b/c", False),
        ("a/b/c", "a/b", False),
        ("a/+/c", "a/b/c", True),
        ("a/+", "a/b/c", False),
        ("+", "/a", False),
        ("+/+", "/a", True),
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("#", "a/b", True),
        ("#", "$SYS/uptime", False),
        ("+/uptime", "$SYS/uptime", False),
        ("$SYS/#", "$SYS/uptime", True),
        ("A", "a", False),
    ],
)
def test_patterns_match_as_the_standard_says(pattern: str, topic: str, fits: bool) -> None:
    """MQTT 5.0, section 4.7."""
    assert matches(pattern, topic) is fits


@pytest.mark.parametrize(
    ("topic", "wrong"),
    [
        ("hearthside/kitchen", ""),
        ("", "1 to 512 bytes"),
        ("x" * (LONGEST_TOPIC + 1), "1 to 512 bytes"),
        ("a\0b", "control characters"),
        ("\ud800", "must be text"),
        ("a/#", "must be one topic"),
        ("a/+/b", "must be one topic"),
    ],
)
def test_wrong_topics_are_refused(topic: str, wrong: str) -> None:
    """In words that follow the key's name."""
    assert wrong in topic_mistake(topic)
    assert bool(wrong) is bool(topic_mistake(topic))


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [("a/#", ""), ("#", ""), ("+/b/+", ""), ("a/#/b", "last level"), ("a#", "last level"), ("a/b+", "whole level")],
)
def test_wrong_patterns_are_refused(pattern: str, wrong: str) -> None:
    """Where the wildcards stand matters."""
    assert wrong in pattern_mistake(pattern)
    assert bool(wrong) is bool(pattern_mistake(pattern))


def test_a_text_is_one_short_line() -> None:
    """Whatever somebody wrote."""
    assert text_of(Message("t", "Küche\nist\x1b[31m heiß".encode())) == "Küche ist heiß"
    assert text_of(Message("t", b"\xff\xfe")) is None
    assert text_of(Message("t", b"")) == ""
    assert len(text_of(Message("t", b"x" * 10_000), 100) or "") == 100


def nested(depth: int) -> bytes:
    """Return lists in lists."""
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"\xff", nested(18), nested(30_000), b'{"a":' * 20_000, b"NaN", b"9" * 60_000]
)
def test_what_is_no_harmless_json_is_refused(payload: bytes) -> None:
    """Broken, binary, deep, or a number without end."""
    with pytest.raises(PayloadError):
        json_of(Message("t", payload))


def test_json_is_read() -> None:
    """Up to a depth."""
    assert json_of(Message("t", b'{"a": [1, null, "x"]}')) == {"a": [1, None, "x"]}
    assert json_of(Message("t", nested(16)))


@given(st.binary(max_size=200))
def test_no_payload_does_anything_else(payload: bytes) -> None:
    """A text or none, JSON or none."""
    message = Message("t", payload)
    assert (text := text_of(message)) is None or text.isprintable()
    with contextlib.suppress(PayloadError):
        json_of(message)
