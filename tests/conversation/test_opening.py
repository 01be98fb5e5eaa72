"""How a session is configured, and what may not be said before that."""

from __future__ import annotations

from typing import Any

import pytest

from device.conversation.openai.settings import OpenAI
from device.core.actions import TurnEnd
from device.core.events import Failure, ProviderComplained, ResponseStarted, SessionFailed, SessionReady
from tests.conversation.talk import INSTRUCTIONS, Talk, milliseconds


def opened(settings: OpenAI | None = None, turn_end: TurnEnd = TurnEnd.PROVIDER) -> tuple[Talk, dict[str, Any]]:
    talk = Talk(settings, turn_end)
    talk.says("session.created", session={"type": "realtime", "instructions": "You are helpful.", "expires_at": 99})
    (update,) = talk.sent()
    return talk, update["session"]


def test_nothing_is_sent_before_the_server_has_created_the_session() -> None:
    """The first word is the server's."""
    assert Talk().sent() == []


def test_the_first_update_gives_every_value_that_matters() -> None:
    """Defaults differ between servers and their documentation, so none is relied on."""
    _, session = opened()
    assert session["type"] == "realtime"
    assert session["instructions"] == INSTRUCTIONS
    assert session["output_modalities"] == ["audio"]
    assert session["audio"]["input"] == {
        "format": {"type": "audio/pcm", "rate": 24000},
        "noise_reduction": {"type": "far_field"},
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.5,
            "prefix_padding_ms": 300,
            "silence_duration_ms": 500,
            "create_response": True,
            "interrupt_response": True,
        },
    }
    assert session["audio"]["output"] == {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"}
    assert session["tool_choice"] == "auto"
    assert session["tools"][0]["name"] == "set_switch"
    assert "model" not in session


def test_other_settings_find_their_way_into_the_first_update() -> None:
    """Semantic VAD, speed, transcription, and no noise reduction."""
    settings = OpenAI(
        vad="semantic_vad", eagerness="high", speed=1.2, noise_reduction="off", transcription_model="t", language="de"
    )
    _, session = opened(settings)
    heard = session["audio"]["input"]
    assert heard["turn_detection"]["eagerness"] == "high"
    assert heard["noise_reduction"] is None
    assert heard["transcription"] == {"model": "t", "language": "de"}
    assert session["audio"]["output"]["speed"] == 1.2


def test_a_push_to_talk_session_starts_without_vad() -> None:
    """The device ends the turn, so the provider must not."""
    _, session = opened(turn_end=TurnEnd.DEVICE)
    assert session["audio"]["input"]["turn_detection"] is None


def test_audio_is_dropped_until_the_configuration_is_acknowledged() -> None:
    """What is heard under an unknown configuration would be answered under it too."""
    talk, _ = opened()
    talk.protocol.send_audio(milliseconds(20))
    talk.protocol.commit_turn()
    assert talk.sent() == []
    talk.says("session.updated", session={"type": "realtime", "instructions": INSTRUCTIONS})
    assert talk.facts() == [SessionReady(1)]
    talk.protocol.send_audio(milliseconds(20))
    assert talk.sent_types() == ["input_audio_buffer.append"]


def test_an_update_that_is_not_about_our_configuration_does_not_count() -> None:
    """A server may report an update of its own while ours is on its way."""
    talk, _ = opened()
    talk.says("session.updated", session={"type": "realtime", "instructions": "You are helpful."})
    assert talk.facts() == []
    talk.says("session.updated", session={"type": "realtime", "instructions": INSTRUCTIONS})
    assert talk.facts() == [SessionReady(1)]


def test_an_update_before_the_session_was_created_does_not_count() -> None:
    """Nothing of ours can have been acknowledged by then."""
    talk = Talk()
    talk.says("session.updated", session={"type": "realtime"})
    assert talk.facts() == []


def test_a_server_that_does_not_repeat_the_instructions_is_believed() -> None:
    """Compatible servers are not all thorough."""
    talk, _ = opened()
    talk.says("session.updated", session={})
    assert talk.facts() == [SessionReady(1)]


def test_the_end_of_the_session_is_remembered() -> None:
    """Whoever recycles sessions needs to know when."""
    talk, _ = opened()
    assert talk.protocol.expires_at == 99


def test_a_turn_begun_while_waiting_is_configured_before_any_audio() -> None:
    """A button held while the session is being opened."""
    talk, _ = opened()
    talk.protocol.begin_turn(2, TurnEnd.DEVICE)
    (update,) = talk.sent()
    assert update["session"]["audio"] == {"input": {"turn_detection": None}}
    talk.says("session.updated", session={"type": "realtime"})
    assert talk.facts() == [SessionReady(2)]


@pytest.mark.parametrize(
    ("code", "kind", "failure"),
    [
        ("unknown_parameter", "invalid_request_error", Failure.REFUSED_CONFIG),
        ("invalid_value", "invalid_request_error", Failure.REFUSED_CONFIG),
        (None, "invalid_request_error", Failure.REFUSED_CONFIG),
        ("never_heard_of", "odd_error", Failure.REFUSED_CONFIG),
        ("invalid_api_key", "invalid_request_error", Failure.REFUSED_KEY),
        (None, "authentication_error", Failure.REFUSED_KEY),
        ("insufficient_quota", "insufficient_quota", Failure.QUOTA),
        ("model_not_found", "invalid_request_error", Failure.UNKNOWN_MODEL),
        ("beta_api_shape_disabled", "invalid_request_error", Failure.WRONG_ADDRESS),
        (None, "server_error", Failure.BUSY),
        ("rate_limit_exceeded", "requests", Failure.BUSY),
    ],
)
def test_an_error_in_the_opening_ends_it_with_its_reason(code: str | None, kind: str, failure: Failure) -> None:
    """Without a configuration there is nothing to go on with."""
    talk, _ = opened()
    talk.error(code, type=kind, event_id="configuration")
    (failed,) = talk.facts()
    assert isinstance(failed, SessionFailed)
    assert failed.failure is failure
    talk.protocol.send_audio(milliseconds(20))
    talk.says("session.updated", session={"type": "realtime"})
    assert (talk.sent(), talk.facts()) == ([], [])


def test_voice_and_speed_are_never_sent_again() -> None:
    """Once the answer was heard, an update that names the voice is refused as a whole."""
    talk = Talk(OpenAI(speed=1.1)).made_ready()
    talk.protocol.begin_turn(2, TurnEnd.DEVICE)
    talk.protocol.begin_turn(3, TurnEnd.PROVIDER)
    updates = [event["session"] for event in talk.sent() if event["type"] == "session.update"]
    assert [list(update["audio"]) for update in updates] == [["input"], ["input"]]


def test_push_to_talk_on_a_live_session_forgets_what_was_heard_before() -> None:
    """On the wire: VAD off, buffer cleared, then the audio of the turn, and nothing unsent from before."""
    talk = Talk().made_ready()
    talk.protocol.send_audio(milliseconds(20))
    talk.sent()
    talk.protocol.send_audio(milliseconds(40))
    talk.protocol.begin_turn(2, TurnEnd.DEVICE)
    talk.protocol.send_audio(milliseconds(120))
    talk.protocol.commit_turn()
    talk.protocol.begin_turn(2, TurnEnd.PROVIDER)
    assert talk.sent_types() == [
        "session.update",
        "input_audio_buffer.clear",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "response.create",
        "session.update",
    ]


def test_what_a_push_to_talk_turn_left_uncommitted_is_cleared() -> None:
    """Else the provider's VAD would take it for the beginning of the next turn."""
    talk = Talk(turn_end=TurnEnd.DEVICE).made_ready()
    talk.protocol.send_audio(milliseconds(120))
    talk.sent()
    talk.protocol.begin_turn(2, TurnEnd.PROVIDER)
    assert talk.sent_types() == ["session.update", "input_audio_buffer.clear"]


def test_a_turn_too_short_to_commit_is_discarded_and_reported_as_over() -> None:
    """The API refuses under 100 ms; nobody should wait for an answer to it."""
    talk = Talk(turn_end=TurnEnd.DEVICE).made_ready()
    talk.protocol.send_audio(milliseconds(60))
    talk.protocol.commit_turn()
    assert talk.sent_types() == ["input_audio_buffer.clear"]
    (over,) = talk.facts()
    assert (over.cancelled, over.more, over.failure) == (True, False, None)


def test_a_burst_goes_out_in_large_pieces_and_a_live_frame_alone() -> None:
    """Ten seconds of pre-roll in 50 messages; a frame that finds the line empty is not held up."""
    talk = Talk().made_ready()
    for _ in range(500):
        talk.protocol.send_audio(milliseconds(20))
    assert len(talk.sent()) == 50
    talk.protocol.send_audio(milliseconds(20))
    assert len(talk.sent()) == 1


def test_audio_stays_in_its_place_among_the_orders() -> None:
    """A commit between two pieces of audio divides them."""
    talk = Talk(turn_end=TurnEnd.DEVICE).made_ready()
    talk.protocol.send_audio(milliseconds(500))
    talk.protocol.commit_turn()
    talk.protocol.send_audio(milliseconds(20))
    kinds = [kind.removeprefix("input_audio_buffer.") for kind in talk.sent_types()]
    assert kinds == ["append", "append", "append", "commit", "response.create", "append"]


def test_a_backlog_too_long_for_a_talk_ends_the_session() -> None:
    """Half a minute of unsent audio is a dead network."""
    talk = Talk().made_ready()
    for _ in range(31):
        talk.protocol.send_audio(milliseconds(1000))
    (failed,) = talk.facts()
    assert isinstance(failed, SessionFailed)
    assert failed.failure is Failure.DROPPED


@pytest.mark.parametrize("text", ["", "hello", "{", '{"type": "error", '])
def test_what_is_not_json_ends_the_session(text: str) -> None:
    """That is another protocol."""
    talk = Talk().made_ready()
    talk.protocol.receive_text(text)
    (failed,) = talk.facts()
    assert isinstance(failed, SessionFailed)
    assert failed.failure is Failure.PROTOCOL


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "3",
        '{"type": "x", "a": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"typ": "error"}',
        '{"type": 3}',
        '{"type": "response.created"}',
        '{"type": "response.output_audio.delta", "item_id": {}, "delta": "AAAA"}',
        '{"type": "response.function_call_arguments.done", "call_id": 5, "arguments": "{}"}',
    ],
)
def test_a_malformed_event_is_complained_of_once_and_survived(text: str) -> None:
    """One server's slip must not end a conversation, nor fill the log."""
    talk = Talk().made_ready()
    talk.protocol.receive_text(text)
    talk.protocol.receive_text(text)
    (complaint,) = talk.facts()
    assert isinstance(complaint, ProviderComplained)
    talk.response("r")
    assert len(talk.facts()) == 1


@pytest.mark.parametrize("value", ['"\\ud83d"', "NaN", "-Infinity", "1e999", "9" * 400, "9" * 5_000])
def test_json_that_is_nearly_right_is_read(value: str) -> None:
    """Half of an emoji in a delta, what Python's encoder writes, numbers beyond all: none of it ends a conversation."""
    talk = Talk().made_ready()
    talk.protocol.receive_text(f'{{"type": "response.output_audio_transcript.delta", "delta": {value}}}')
    talk.protocol.receive_text(f'{{"type": "response.created", "response": {{"id": "r", "odd": {value}}}}}')
    (begun,) = talk.facts()
    assert isinstance(begun, ResponseStarted)


def test_a_binary_message_is_refused_politely() -> None:
    """The protocol has none."""
    talk = Talk().made_ready()
    talk.protocol.receive_binary()
    (complaint,) = talk.facts()
    assert isinstance(complaint, ProviderComplained)


def test_unknown_events_and_fields_are_ignored() -> None:
    """The API grows."""
    talk = Talk().made_ready()
    talk.says("response.thought.delta", delta="hm")
    talk.says("conversation.item.created", item={"id": "i"}, previous_item_id=None)
    talk.says("conversation.item.added", item={"id": "i"}, previous_item_id=None)
    talk.says("input_audio_buffer.speech_started", audio_start_ms=1, item_id="i", colour="red")
    assert len(talk.facts()) == 1


@pytest.mark.parametrize(
    "expiry",
    [
        *("1" + "0" * 400, "1" + "0" * 5_000, "1e400", "-1e400", "-5", "0", "NaN", "Infinity"),
        *('"soon"', "true", "null", "{}", "[" * 200 + "]" * 200),
    ],
)
def test_a_strange_moment_of_expiry_does_not_matter(expiry: str) -> None:
    """It is nice to have; the session is configured all the same."""
    talk = Talk()
    talk.protocol.receive_text(f'{{"type": "session.created", "session": {{"expires_at": {expiry}}}}}')
    assert talk.sent_types() == ["session.update"]
    assert talk.facts() == []
    assert talk.protocol.expires_at is None
