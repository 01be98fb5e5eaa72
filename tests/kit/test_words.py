"""Words for people: what was meant, and what is not shown."""

from __future__ import annotations

import pytest

from device.kit.words import did_you_mean, hint, masked, nearest


def test_the_nearest_name_is_found_whatever_the_case() -> None:
    """And is told as it is written."""
    assert nearest("europe/berlin", ["Europe/Berlin", "Asia/Tokyo"]) == ["Europe/Berlin"]
    assert nearest("xyz", ["Europe/Berlin"]) == []
    assert did_you_mean(["a", "b"]) == 'did you mean "a" or "b"?'
    assert did_you_mean([]) == ""
    assert hint("lihgt", ["light"]) + "known: light" == 'did you mean "light"? known: light'
    assert hint("xyz", ["light"]) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sk-proj-ab", "********"),
        ("my key is sk_live-4.", "my key is ********."),
        ("0123456789abcdef0123456789abcdef", "********"),
        ("123e4567-e89b-12d3-a456-426614174000", "********"),
        ("wss://me:mine@host/x?model=m&api-key=zz&b=1", "wss://********@host/x?model=m&api-key=********&b=1"),
        ("wss://host/x?Token=zz", "wss://host/x?Token=********"),
    ],
)
def test_what_may_be_secret_is_masked(text: str, shown: str) -> None:
    """By its form, and the rest stays."""
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "gpt-4o-mini-transcribe-2025-12-15",
        "respeaker_usb_mic_array_v2",
        "/var/lib/hearthside/models/hey_jarvis_v0.1.onnx",
        "wss://name.openai.azure.com/openai/v1/realtime",
        "Use the tools to do what you are asked; keywords = none. A risk-free life.",
    ],
)
def test_what_is_no_secret_is_shown(text: str) -> None:
    """Names of models and boards, paths, addresses, sentences."""
    assert masked(text) == text
