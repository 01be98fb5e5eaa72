"""Sessions that are no conversation: one that only listens, and one that only says a text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from device.conversation.openai.protocol.outbox import BYTES_PER_MS
from device.conversation.openai.protocol.protocol import Protocol
from device.conversation.openai.settings import OpenAI
from device.core import events as ev
from device.core.actions import Purpose, TurnEnd
from device.ports.tools import ToolSpec

TOOL = ToolSpec("get_time", "Tells the time.", {"type": "object"})


def opened(purpose: Purpose, turn_end: TurnEnd, **settings: Any) -> tuple[Protocol, dict[str, Any]]:
    """Return a session that is ready, and what it was configured with."""
    protocol = Protocol(OpenAI(**settings), "Be kind.", (TOOL,), purpose=purpose)
    protocol.begin_turn(1, turn_end)
    protocol.receive_text(json.dumps({"type": "session.created", "session": {}}))
    (update,) = sent(protocol)
    protocol.receive_text(json.dumps({"type": "session.updated", "session": {}}))
    assert protocol.take_facts() == [ev.SessionReady(1)]
    return protocol, update["session"]


def sent(protocol: Protocol) -> list[dict[str, Any]]:
    """Return what it sends."""
    messages = []
    while (message := protocol.next_message()) is not None:
        messages.append(json.loads(message))
    return messages


@pytest.mark.parametrize(("named", "used"), [("", "gpt-4o-mini-transcribe"), ("whisper", "whisper")])
def test_one_that_listens_asks_for_words_and_for_no_answer(named: str, used: str) -> None:
    """Nor does it offer anything to call."""
    _, config = opened(Purpose.LISTEN, TurnEnd.PROVIDER, transcription_model=named)
    assert config["audio"]["input"]["transcription"]["model"] == used
    assert config["audio"]["input"]["turn_detection"]["create_response"] is False
    assert "tools" not in config


def test_a_conversation_is_as_it_was() -> None:
    """It transcribes nothing unless it is told to, and answers."""
    _, config = opened(Purpose.TALK, TurnEnd.PROVIDER)
    assert "transcription" not in config["audio"]["input"]
    assert config["audio"]["input"]["turn_detection"]["create_response"] is True
    assert len(config["tools"]) == 1


def test_a_turn_that_the_device_ends_is_committed_and_not_answered() -> None:
    """And its words are no words of a conversation."""
    protocol, _ = opened(Purpose.LISTEN, TurnEnd.DEVICE)
    protocol.send_audio(bytes(200 * BYTES_PER_MS))
    protocol.commit_turn()
    assert [message["type"] for message in sent(protocol)] == ["input_audio_buffer.append", "input_audio_buffer.commit"]
    protocol.receive_text(json.dumps({"type": "input_audio_buffer.committed", "item_id": "i"}))
    kind = "conversation.item.input_audio_transcription.completed"
    protocol.receive_text(json.dumps({"type": kind, "item_id": "i", "content_index": 0, "transcript": "yes"}))
    assert protocol.take_facts() == [ev.Understood(1, "yes")]
    assert sent(protocol) == []


def test_one_that_recites_asks_once_for_the_text() -> None:
    """Word for word."""
    protocol, config = opened(Purpose.RECITE, TurnEnd.DEVICE)
    assert config["audio"]["input"]["turn_detection"] is None
    assert "tools" not in config
    protocol.recite("Dinner: now.")
    (message,) = sent(protocol)
    assert message["type"] == "response.create"
    assert message["response"]["instructions"].endswith("\n\nDinner: now.")
