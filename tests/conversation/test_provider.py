"""What the house is told of OpenAI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from device.conversation.openai.conversation import RealtimeConversation
from device.conversation.openai.provider import OPENAI
from device.conversation.openai.settings import OpenAI
from device.ports.provider import Ends
from device.secrets import Secret


@pytest.mark.parametrize(
    ("settings", "silence", "padding"),
    [
        ({}, 500, 300),
        ({"silence_duration_ms": 700, "prefix_padding_ms": 800}, 700, 800),
        ({"vad": "semantic_vad"}, 4_000, 300),
        ({"vad": "semantic_vad", "eagerness": "low"}, 8_000, 300),
    ],
)
def test_how_long_it_waits_follows_from_who_hears_the_end(settings: dict[str, Any], silence: int, padding: int) -> None:
    """Semantic VAD waits as long as is documented, whatever silence server VAD would take."""
    traits = OPENAI.traits(OpenAI(**settings))
    assert (traits.longest_silence, traits.padding) == (silence, padding)


def test_the_house_knows_its_limits() -> None:
    """That of a connection is a setting, that of a session is OpenAI's."""
    traits = OPENAI.traits(OpenAI(connect_timeout_s=5))
    assert (traits.connect_limit, traits.session_limit) == (5_000, 3_600_000)


async def test_it_opens_a_conversation_with_its_key_and_at_its_rates(tmp_path: Path) -> None:
    """By the name under which the configuration chooses it."""
    secrets = {name: Secret("sk-of-nobody") for name in OPENAI.secrets}
    ends = Ends("Be brief.", tuple, secrets, tmp_path, lambda fact: None, lambda *sound: None, lambda *item: None)
    conversation = OPENAI.open(OpenAI(), ends)
    assert OPENAI.name == "openai"
    assert isinstance(conversation, RealtimeConversation)
    assert (conversation.input_rate, conversation.output_rate) == (OPENAI.input_rate, OPENAI.output_rate)
    await conversation.aclose()
