"""Answers: one at a time, told with their turn, and cut at what was heard."""

from __future__ import annotations

import json

import pytest

from device.conversation.openai.protocol.facts import AnswerAudio, AnswerItemEnded, Ignored, UsageReported
from device.core import events as ev
from device.core.actions import TurnEnd
from tests.conversation.talk import Talk, base64_of, milliseconds


def asked(talk: Talk) -> None:
    """Ask for a response, as push-to-talk does."""
    talk.protocol.send_audio(milliseconds(120))
    talk.protocol.commit_turn()


def ready(turn_end: TurnEnd = TurnEnd.DEVICE) -> Talk:
    return Talk(turn_end=turn_end).made_ready()


def test_an_answer_is_told_with_its_turn() -> None:
    """Audio goes beside the facts; the words are told when they are complete."""
    talk = ready(TurnEnd.PROVIDER)
    talk.response("r")
    talk.audio("r", "i", 40)
    talk.audio_done("r", "i")
    ids = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
    talk.says("response.output_audio_transcript.done", **ids, transcript="Done.")
    talk.done("r")
    assert talk.facts() == [
        ev.ResponseStarted(1, "r"),
        AnswerAudio(1, "i", milliseconds(40)),
        AnswerItemEnded(1, "i"),
        ev.Said(1, "Done."),
        ev.ResponseFinished(1, "r"),
    ]


def test_the_names_of_the_beta_are_understood() -> None:
    """Some compatible servers still use them."""
    talk = ready(TurnEnd.PROVIDER)
    talk.response("r")
    talk.says("response.audio.delta", response_id="r", item_id="i", delta=base64_of(milliseconds(10)))
    talk.says("response.audio.done", response_id="r", item_id="i")
    talk.says("response.audio_transcript.done", response_id="r", transcript="Yes.")
    talk.says("response.text.done", response_id="r", text="Written.")
    assert talk.facts()[1:] == [
        AnswerAudio(1, "i", milliseconds(10)),
        AnswerItemEnded(1, "i"),
        ev.Said(1, "Yes."),
        ev.Said(1, "Written."),
    ]


def test_an_item_whose_end_was_not_told_ends_with_its_response() -> None:
    """Else playback would wait for more for ever."""
    talk = ready(TurnEnd.PROVIDER)
    talk.response("r")
    talk.audio("r", "i", 10)
    talk.facts()
    talk.done("r")
    assert talk.facts() == [AnswerItemEnded(1, "i"), ev.ResponseFinished(1, "r")]


def test_a_sample_cut_in_half_is_put_together() -> None:
    """Playback takes whole samples."""
    talk = ready(TurnEnd.PROVIDER)
    talk.response("r")
    for piece in (b"\x01\x02\x03", b"\x04\x05", b"\x06"):
        talk.says("response.output_audio.delta", response_id="r", item_id="i", delta=base64_of(piece))
    pieces = [fact.pcm for fact in talk.facts() if isinstance(fact, AnswerAudio)]
    assert pieces == [b"\x01\x02", b"\x03\x04", b"\x05\x06"]


def test_a_second_response_waits_for_the_first() -> None:
    """The API allows one at a time."""
    talk = ready()
    asked(talk)
    talk.sent()
    asked(talk)
    talk.response("r1")
    assert "response.create" not in talk.sent_types()
    talk.done("r1")
    assert talk.sent_types() == ["response.create"]
    finished = talk.facts()[-1]
    assert isinstance(finished, ev.ResponseFinished)
    assert finished.more


def test_a_response_refused_because_one_runs_is_asked_for_again() -> None:
    """A race with a response that the provider began by itself is nothing the person should hear of."""
    talk = ready()
    asked(talk)
    request = talk.sent()[-1]
    talk.response("its own")
    talk.error("conversation_already_has_active_response", event_id=request["event_id"])
    assert talk.sent() == []
    talk.done("its own")
    assert talk.sent_types() == ["response.create"]


def test_a_refusal_before_the_running_response_is_told_is_asked_for_again() -> None:
    """The queue keeps it until the running one is done."""
    talk = Talk().made_ready()
    talk.response("r1")
    talk.call("r1", "c")
    talk.done("r1")
    talk.protocol.send_tool_result("c", "ok")
    request = talk.sent()[-1]
    assert request["type"] == "response.create"
    talk.error("conversation_already_has_active_response", event_id=request["event_id"])
    talk.response("its own")
    talk.done("its own")
    assert talk.sent_types()[-1:] == ["response.create"]


def test_a_response_that_cannot_be_made_is_reported_as_failed() -> None:
    """The person is told now, not when waiting has become too long."""
    talk = ready()
    asked(talk)
    request = talk.sent()[-1]
    talk.error(None, "overloaded", type="server_error", event_id=request["event_id"])
    (finished,) = talk.facts()
    assert isinstance(finished, ev.ResponseFinished)
    assert finished.failure is ev.Failure.BUSY


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("rate_limit_exceeded", ev.Failure.BUSY),
        ("server_error", ev.Failure.BUSY),
        ("never_heard_of", ev.Failure.BUSY),
        ("insufficient_quota", ev.Failure.QUOTA),
    ],
)
def test_a_failed_response_says_why(code: str, failure: ev.Failure) -> None:
    """The reason decides what the person hears."""
    talk = ready(TurnEnd.PROVIDER)
    talk.response("r")
    talk.facts()
    talk.done("r", "failed", status_details={"type": "failed", "error": {"code": code, "message": "because"}})
    (finished,) = talk.facts()
    assert isinstance(finished, ev.ResponseFinished)
    assert finished.failure is failure
    assert "because" in finished.message


@pytest.mark.parametrize(
    "code",
    [
        "response_cancel_not_active",
        "input_audio_buffer_commit_empty",
        "item_truncate_invalid_item_id",
        "unsupported_content_type",
    ],
)
def test_races_are_not_reported(code: str) -> None:
    """They are nobody's fault."""
    talk = ready(TurnEnd.PROVIDER)
    talk.error(code)
    assert all(isinstance(fact, Ignored) for fact in talk.facts())


@pytest.mark.parametrize("code", ["cannot_update_voice", "invalid_value", None, "never_heard_of"])
def test_other_errors_leave_the_session_alive(code: str | None) -> None:
    """Most errors do."""
    talk = ready(TurnEnd.PROVIDER)
    talk.error(code)
    (complaint,) = talk.facts()
    assert isinstance(complaint, ev.ProviderComplained)
    assert talk.protocol.ready


def complaint_of(talk: Talk) -> ev.ProviderComplained:
    (fact,) = talk.facts()
    assert isinstance(fact, ev.ProviderComplained)
    return fact


def heard_the_question(turn_end: TurnEnd = TurnEnd.PROVIDER) -> Talk:
    """An answer is expected: the provider heard the end of the question, or was asked."""
    talk = ready(turn_end)
    if turn_end is TurnEnd.DEVICE:
        asked(talk)
    else:
        talk.says("input_audio_buffer.speech_stopped", audio_end_ms=900, item_id="u")
    talk.facts()
    return talk


@pytest.mark.parametrize("turn_end", TurnEnd)
@pytest.mark.parametrize(("kind", "code"), [("server_error", None), ("tokens", "rate_limit_exceeded")])
def test_trouble_of_the_servers_own_ends_an_answer_that_has_not_begun(
    turn_end: TurnEnd, kind: str, code: str | None
) -> None:
    """Nothing else will tell of it."""
    talk = heard_the_question(turn_end)
    talk.error(code, type=kind)
    (finished,) = talk.facts()
    assert isinstance(finished, ev.ResponseFinished)
    assert finished.failure is ev.Failure.BUSY


def test_an_unknown_error_while_an_answer_is_expected_leaves_it_in_doubt() -> None:
    """The core waits for a sign of it, but not long."""
    talk = heard_the_question()
    talk.error("never_heard_of", type="strange")
    assert complaint_of(talk).failure is ev.Failure.REFUSED


def test_trouble_while_a_response_runs_leaves_it_in_doubt() -> None:
    """It tells of its failure with its end, if it does."""
    talk = heard_the_question()
    talk.response("r")
    talk.facts()
    talk.error(None, type="server_error")
    assert complaint_of(talk).failure is ev.Failure.BUSY


def test_an_unknown_error_while_a_response_runs_is_no_reason_to_doubt_it() -> None:
    """It is about something else."""
    talk = heard_the_question()
    talk.response("r")
    talk.facts()
    talk.error("never_heard_of")
    assert complaint_of(talk).failure is None


@pytest.mark.parametrize("kind", ["invalid_request_error", "server_error"])
def test_an_error_about_a_harmless_event_of_ours_is_no_reason_to_doubt_the_answer(kind: str) -> None:
    """A truncation that came too late, say: every such event has an id by which the error can be known."""
    talk = ready(TurnEnd.PROVIDER)
    talk.response("r")
    talk.audio("r", "i", 500)
    talk.protocol.truncate_item("i", 100)
    message = talk.protocol.next_message()
    assert message is not None
    event_id = json.loads(message)["event_id"]
    talk.says("input_audio_buffer.speech_stopped", audio_end_ms=900, item_id="u")
    talk.done("r", "cancelled")
    talk.facts()
    talk.error("never_heard_of", type=kind, event_id=event_id)
    assert complaint_of(talk).failure is None


@pytest.mark.parametrize(
    ("code", "failure"),
    [("session_expired", ev.Failure.EXPIRED), ("invalid_api_key", ev.Failure.REFUSED_KEY)],
)
def test_fatal_errors_end_the_session(code: str, failure: ev.Failure) -> None:
    """Nothing more can come of it."""
    talk = ready(TurnEnd.PROVIDER)
    talk.error(code)
    (failed,) = talk.facts()
    assert isinstance(failed, ev.SessionFailed)
    assert failed.failure is failure


def test_what_a_response_cost_is_told() -> None:
    """Odd usage of a compatible server is left out rather than refused."""
    talk = ready(TurnEnd.PROVIDER)
    for name, usage in (("r1", {"total_tokens": 5}), ("r2", {"total_tokens": "five"}), ("r3", None)):
        talk.response(name)
        talk.done(name, usage=usage)
    (report,) = [fact for fact in talk.facts() if isinstance(fact, UsageReported)]
    assert report.usage.total_tokens == 5


def test_the_persons_words_carry_the_turn_they_were_said_in() -> None:
    """Transcripts come late."""
    talk = ready(TurnEnd.PROVIDER)
    talk.says("input_audio_buffer.speech_started", audio_start_ms=0, item_id="u")
    talk.says("input_audio_buffer.speech_stopped", audio_end_ms=900, item_id="u")
    talk.says("input_audio_buffer.committed", item_id="u", previous_item_id=None)
    talk.protocol.begin_turn(2, TurnEnd.PROVIDER)
    talk.says("conversation.item.input_audio_transcription.completed", item_id="u", content_index=0, transcript="Hi")
    assert talk.facts() == [ev.SpeechStarted(1), ev.SpeechStopped(1), ev.Heard(1, "Hi")]


@pytest.mark.parametrize("named", [{}, {"item_id": None}])
def test_a_turn_that_is_committed_without_a_name_is_no_nonsense(named: dict[str, None]) -> None:
    """Some servers say no more than that they have it; its transcript comes all the same."""
    talk = ready(TurnEnd.PROVIDER)
    talk.says("input_audio_buffer.committed", **named)
    talk.says("conversation.item.input_audio_transcription.completed", item_id="u", content_index=0, transcript="Hi")
    assert talk.facts() == [ev.Heard(1, "Hi")]


# -- interruptions


def test_a_cancelled_response_is_told_to_the_provider_once_and_heard_no_more() -> None:
    """Late deltas must not reach the loudspeaker."""
    talk = ready(TurnEnd.PROVIDER)
    talk.response("r")
    talk.audio("r", "i", 20)
    talk.facts()
    talk.protocol.cancel_response()
    talk.protocol.cancel_response()
    assert talk.sent() == [{"type": "response.cancel", "response_id": "r"}]
    talk.audio("r", "i", 20)
    talk.audio_done("r", "i")
    assert talk.facts() == []
    talk.done("r", "cancelled")
    assert talk.facts() == [ev.ResponseFinished(1, "r", cancelled=True)]


def test_a_response_that_the_provider_cancelled_is_only_dropped() -> None:
    """To cancel it again would be an error."""
    talk = ready(TurnEnd.PROVIDER)
    talk.response("r")
    talk.facts()
    talk.protocol.drop_response()
    talk.audio("r", "i", 20)
    assert (talk.sent(), talk.facts()) == ([], [])


def test_cancelling_nothing_sends_nothing() -> None:
    """There may be no response by then."""
    talk = ready(TurnEnd.PROVIDER)
    talk.protocol.cancel_response()
    assert talk.sent() == []


def test_a_response_asked_for_and_interrupted_before_it_began_is_never_heard() -> None:
    """It would be an answer to the past, given the new turn's number."""
    talk = ready()
    asked(talk)
    talk.protocol.cancel_response()
    talk.protocol.begin_turn(2, TurnEnd.PROVIDER)
    talk.sent()
    talk.response("r")
    talk.audio("r", "i", 20)
    assert talk.sent() == [{"type": "response.cancel", "response_id": "r"}]
    talk.done("r", "cancelled")
    assert talk.facts() == []


def test_the_answer_to_the_words_that_interrupted_is_heard() -> None:
    """The provider heard them to their end before the device had made up its mind that they were meant."""
    talk = ready(TurnEnd.PROVIDER)
    talk.response("old")
    talk.says("input_audio_buffer.speech_started", audio_start_ms=100, item_id="u")
    talk.says("input_audio_buffer.speech_stopped", audio_end_ms=900, item_id="u")
    talk.protocol.cancel_response(keeps_due=True)
    talk.protocol.begin_turn(2, TurnEnd.PROVIDER)
    talk.done("old", "cancelled")
    talk.facts()
    talk.response("new")
    assert talk.facts() == [ev.ResponseStarted(2, "new")]


def test_the_providers_late_answer_to_an_interrupted_turn_is_never_heard() -> None:
    """The wake word was said between the end of a turn and the response to it."""
    talk = ready(TurnEnd.PROVIDER)
    talk.says("input_audio_buffer.speech_stopped", audio_end_ms=900, item_id="u")
    talk.protocol.cancel_response()
    talk.protocol.begin_turn(2, TurnEnd.PROVIDER)
    talk.facts()
    talk.response("r")
    assert talk.facts() == []
    assert talk.sent_types() == ["response.cancel"]


def test_an_answer_the_provider_began_while_the_button_is_held_is_never_heard() -> None:
    """Only what is said into the button counts."""
    talk = ready(TurnEnd.PROVIDER)
    talk.protocol.begin_turn(2, TurnEnd.DEVICE)
    talk.sent()
    talk.response("late")
    assert talk.sent_types() == ["response.cancel"]
    assert talk.facts() == []


def test_after_an_interruption_the_next_response_has_the_new_turn() -> None:
    """The old one's end keeps the old turn."""
    talk = ready(TurnEnd.PROVIDER)
    talk.response("r1")
    talk.protocol.drop_response()
    talk.protocol.begin_turn(2, TurnEnd.PROVIDER)
    talk.done("r1", "cancelled")
    talk.response("r2")
    assert talk.facts() == [
        ev.ResponseStarted(1, "r1"),
        ev.ResponseFinished(1, "r1", cancelled=True, sound=False),
        ev.ResponseStarted(2, "r2"),
    ]


@pytest.mark.parametrize(
    ("received", "complete", "played", "expected"),
    [
        (1000, True, 400.7, ("truncate", 400)),
        (1000, False, 400, ("truncate", 400)),
        (1000, False, 1500, ("truncate", 1000)),
        (1000, False, 1000, ("truncate", 1000)),
        (1000, True, 1000, None),
        (1000, True, 1200, None),
        (1000, True, 0, ("delete", None)),
        (1000, True, 0.9, ("delete", None)),
        (1000, True, -5, ("delete", None)),
    ],
)
def test_an_item_is_cut_at_what_was_heard(
    received: int, complete: bool, played: float, expected: tuple[str, int | None] | None
) -> None:
    """Clamped to what was received; deleted when nothing was heard; left alone when all was."""
    talk = ready(TurnEnd.PROVIDER)
    talk.response("r")
    talk.audio("r", "i", received)
    if complete:
        talk.audio_done("r", "i")
    talk.protocol.drop_response()
    talk.protocol.truncate_item("i", played)
    talk.protocol.truncate_item("i", played)
    cuts = [(event["type"].rpartition(".")[2], event.get("audio_end_ms")) for event in talk.sent()]
    assert cuts == ([] if expected is None else [expected])


def test_items_behind_the_one_that_was_cut_are_deleted() -> None:
    """They were waiting to be played, and nothing of them was heard."""
    talk = ready(TurnEnd.PROVIDER)
    talk.response("r")
    for item in ("i1", "i2", "i3"):
        talk.audio("r", item, 500)
    talk.protocol.truncate_item("i2", 100)
    assert [(event["type"], event["item_id"]) for event in talk.sent()] == [
        ("conversation.item.truncate", "i2"),
        ("conversation.item.delete", "i3"),
    ]


def test_an_item_of_which_nothing_was_received_is_not_spoken_of() -> None:
    """It may belong to another session."""
    talk = ready(TurnEnd.PROVIDER)
    talk.protocol.truncate_item("i", 100)
    talk.protocol.delete_item("i")
    assert talk.sent() == []
