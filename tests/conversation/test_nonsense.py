"""Whatever a server sends, the protocol raises nothing."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.core.actions import TurnEnd
from tests.conversation.openai_types import SERVER
from tests.conversation.talk import Talk

NAMES = st.sampled_from(
    [
        "id",
        "item",
        "response",
        "output",
        "status",
        "status_details",
        "error",
        "code",
        "message",
        "usage",
        "session",
        "call_id",
        "item_id",
        "response_id",
        "event_id",
        "delta",
        "transcript",
        "arguments",
        "name",
        "type",
        "input_token_details",
        "expires_at",
        "instructions",
        "content_index",
    ]
)
WORDS = st.sampled_from(["r", "i", "c", "function_call", "failed", "incomplete", "AAAA", "", "\ud800"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)
EVENTS = st.builds(
    lambda kind, fields: {**fields, "type": kind},
    st.sampled_from([*SERVER, "response.audio.delta", "response.text.done"]),
    st.dictionaries(NAMES, VALUES, max_size=6),
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EVENTS, max_size=6), st.booleans())
def test_no_event_of_a_server_raises(events: list[dict[str, Any]], ready: bool) -> None:
    """Known types with any fields at all."""
    talk = Talk().made_ready() if ready else Talk()
    for event in events:
        talk.protocol.receive_text(json.dumps(event))
        talk.protocol.truncate_item("i", 10)
        talk.protocol.send_tool_result("c", "ok")
    talk.protocol.begin_turn(2, TurnEnd.DEVICE)
    talk.sent()


@given(st.text() | st.binary())
def test_no_text_of_a_server_raises(text: str | bytes) -> None:
    """Not even what is no event."""
    Talk().protocol.receive_text(text)
