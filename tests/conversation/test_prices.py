"""What a response costs."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.conversation.openai.messages.server_events import TokenDetails, Usage
from device.conversation.openai.prices import PRICES, priced
from device.conversation.openai.settings import OpenAI

USED = {
    "total_tokens": 1_000,
    "input_tokens": 700,
    "output_tokens": 300,
    "input_token_details": {
        "text_tokens": 400,
        "audio_tokens": 300,
        "cached_tokens": 250,
        "cached_tokens_details": {"text_tokens": 150, "audio_tokens": 100},
    },
    "output_token_details": {"text_tokens": 50, "audio_tokens": 250},
}


def usage(table: object) -> Usage:
    """Return it as it is read from the wire."""
    return msgspec.convert(table, Usage)


def test_every_kind_of_token_has_its_price() -> None:
    """What was cached counts once, and less."""
    cost = priced(usage(USED), "gpt-realtime-2.1")
    assert cost.tokens == {
        "input_text": 250,
        "input_audio": 200,
        "input_cached": 250,
        "output_text": 50,
        "output_audio": 250,
    }
    dollars = (250 * 4 + 200 * 32 + 250 * 0.4 + 50 * 24 + 250 * 64) / 1e6
    assert cost.usd == pytest.approx(dollars)


def test_where_it_is_not_said_what_was_cached_it_costs_rather_more() -> None:
    """Text first, which saves less."""
    details = {**USED["input_token_details"], "cached_tokens_details": "what?"}  # type: ignore[dict-item]
    cost = priced(usage({**USED, "input_token_details": details}), "gpt-realtime-2.1")
    assert cost.tokens["input_text"] == 150
    assert cost.tokens["input_audio"] == 300
    known = priced(usage(USED), "gpt-realtime-2.1")
    assert cost.usd is not None
    assert known.usd is not None
    assert cost.usd > known.usd


def test_a_model_of_somebody_else_s_has_tokens_and_no_price() -> None:
    """No guess is told as a fact."""
    cost = priced(usage(USED), "my-own")
    assert cost.usd is None
    assert cost.tokens["output_audio"] == 250


def test_the_model_that_is_built_in_has_a_price() -> None:
    """Whoever sets another one there looks it up."""
    assert OpenAI().model in PRICES


COUNTS = st.none() | st.integers(-5, 10_000)
DETAILS = st.builds(
    TokenDetails,
    text_tokens=COUNTS,
    audio_tokens=COUNTS,
    cached_tokens=COUNTS,
    cached_tokens_details=st.none() | st.just({"text_tokens": 99_999}) | st.just([]),
)


@given(st.builds(Usage, input_token_details=st.none() | DETAILS, output_token_details=st.none() | DETAILS))
def test_whatever_a_server_counts_no_figure_is_negative(counted: Usage) -> None:
    """A counter that goes back is none."""
    cost = priced(counted, "gpt-realtime-2.1")
    assert all(count >= 0 for count in cost.tokens.values())
    assert cost.usd is not None
    assert cost.usd >= 0
