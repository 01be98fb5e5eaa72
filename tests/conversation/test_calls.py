"""Calls: each answered once, and one response after the last result."""

from __future__ import annotations

from typing import Any

import pytest

from device.conversation.openai.protocol.calls import CALL_CUT_OFF
from device.core import events as ev
from device.core.actions import TurnEnd
from tests.conversation.talk import Talk, milliseconds


@pytest.fixture
def talk() -> Talk:
    """A session in which the provider has begun a response."""
    talk = Talk().made_ready()
    talk.response("r")
    talk.facts()
    return talk


def call_item(call: str, **changes: Any) -> dict[str, Any]:
    names = {"call_id": call, "name": "set_switch", "arguments": "{}", "status": "completed"}
    return {"type": "function_call", "id": f"item_{call}", **names, **changes}


def outputs(events: list[dict[str, Any]]) -> list[str]:
    return [event["item"]["call_id"] for event in events if event["type"] == "conversation.item.create"]


def creates(events: list[dict[str, Any]]) -> int:
    return sum(event["type"] == "response.create" for event in events)


def called(talk: Talk) -> list[tuple[int, str, str]]:
    return [(fact.turn, fact.call_id, fact.name) for fact in talk.facts() if isinstance(fact, ev.ToolCalled)]


def test_a_call_is_told_once_however_often_the_server_mentions_it(talk: Talk) -> None:
    """It stands in three events."""
    talk.call("r", "c")
    talk.says("response.output_item.done", response_id="r", output_index=0, item=call_item("c"))
    talk.done("r", output=[call_item("c")])
    assert called(talk) == [(1, "c", "set_switch")]


def test_a_call_that_stands_only_in_the_finished_response_is_told(talk: Talk) -> None:
    """Not every server streams arguments."""
    talk.done("r", output=[{"id": "m", "type": "message", "content": [{"type": "text"}]}, call_item("c"), 7])
    assert called(talk) == [(1, "c", "set_switch")]


def test_a_call_without_its_name_takes_it_from_the_item(talk: Talk) -> None:
    """Older servers leave it out."""
    talk.says("response.output_item.added", response_id="r", output_index=0, item=call_item("c", arguments=""))
    talk.says("response.function_call_arguments.done", response_id="r", item_id="item_c", call_id="c", arguments="{}")
    assert called(talk) == [(1, "c", "set_switch")]


def test_the_response_is_asked_for_after_the_last_result_and_after_the_end(talk: Talk) -> None:
    """One for all the calls of a response, whichever comes last."""
    talk.call("r", "a")
    talk.call("r", "b")
    talk.protocol.send_tool_result("a", "ok")
    talk.done("r")
    sent = talk.sent()
    assert (outputs(sent), creates(sent)) == (["a"], 0)
    finished = talk.facts()[-1]
    assert isinstance(finished, ev.ResponseFinished)
    assert finished.more
    talk.protocol.send_tool_result("b", "ok")
    sent = talk.sent()
    assert (outputs(sent), creates(sent)) == (["b"], 1)


def test_results_that_come_before_the_end_wait_for_it(talk: Talk) -> None:
    """A response.create while one runs is refused."""
    talk.call("r", "a")
    talk.protocol.send_tool_result("a", "ok")
    assert creates(talk.sent()) == 0
    talk.done("r", output=[call_item("a")])
    assert creates(talk.sent()) == 1
    finished = talk.facts()[-1]
    assert isinstance(finished, ev.ResponseFinished)
    assert finished.more


def test_a_second_result_and_one_of_an_unknown_call_are_not_sent(talk: Talk) -> None:
    """The provider refuses both."""
    talk.call("r", "a")
    for call in ("a", "a", "unknown"):
        talk.protocol.send_tool_result(call, "ok")
    assert outputs(talk.sent()) == ["a"]


@pytest.mark.parametrize("status", ["cancelled", "failed"])
def test_calls_of_a_response_that_was_cut_off_are_answered_without_asking_for_more(talk: Talk, status: str) -> None:
    """An open call would hang in the history; a new response would talk over the person."""
    talk.call("r", "a")
    talk.done("r", status)
    talk.protocol.send_tool_result("a", "ok")
    sent = talk.sent()
    assert (outputs(sent), creates(sent)) == (["a"], 0)


def test_a_call_of_an_interrupted_answer_carries_the_old_turn(talk: Talk) -> None:
    """So the core does not run it."""
    talk.protocol.drop_response()
    talk.protocol.begin_turn(2, TurnEnd.PROVIDER)
    talk.call("r", "a")
    assert called(talk) == [(1, "a", "set_switch")]
    talk.done("r", "completed", output=[call_item("a")])
    talk.protocol.send_tool_result("a", "not done")
    sent = talk.sent()
    assert (outputs(sent), creates(sent)) == (["a"], 0)


def test_a_call_that_was_cut_off_in_the_middle_is_answered_and_not_run(talk: Talk) -> None:
    """Half its arguments may look like other arguments."""
    talk.protocol.drop_response()
    talk.done("r", "cancelled", output=[call_item("a", status="incomplete", arguments='{"on"')])
    assert called(talk) == []
    (answer,) = talk.sent()
    assert answer["item"] == {"type": "function_call_output", "call_id": "a", "output": CALL_CUT_OFF}


def test_a_late_result_is_asked_about_when_the_running_response_is_done(talk: Talk) -> None:
    """A slow tool: the person went on talking meanwhile, and that answer is running."""
    talk.call("r", "slow")
    talk.done("r")
    talk.response("r2")
    talk.protocol.send_tool_result("slow", "ok")
    sent = talk.sent()
    assert (outputs(sent), creates(sent)) == (["slow"], 0)
    talk.done("r2")
    assert creates(talk.sent()) == 1


@pytest.mark.parametrize("told", ["conversation.item.added", "conversation.item.created"])
def test_a_result_that_comes_while_the_person_speaks_is_covered_by_the_answer_to_that(talk: Talk, told: str) -> None:
    """The provider answers the turn by itself, and has the result; asking too would make it speak twice."""
    talk.call("r", "slow")
    talk.done("r")
    talk.says("input_audio_buffer.speech_started", audio_start_ms=0, item_id="u")
    talk.protocol.send_tool_result("slow", "ok")
    talk.says(told, item={"type": "function_call_output", "id": "o", "call_id": "slow", "output": "ok"})
    talk.says("input_audio_buffer.speech_stopped", audio_end_ms=900, item_id="u")
    talk.response("r2")
    talk.done("r2")
    sent = talk.sent()
    assert (outputs(sent), creates(sent)) == (["slow"], 0)


def test_a_result_that_the_persons_answer_may_have_missed_gets_a_response_of_its_own(talk: Talk) -> None:
    """The provider had not confirmed it when it began to answer."""
    talk.call("r", "slow")
    talk.done("r")
    talk.says("input_audio_buffer.speech_started", audio_start_ms=0, item_id="u")
    talk.says("input_audio_buffer.speech_stopped", audio_end_ms=900, item_id="u")
    talk.protocol.send_tool_result("slow", "ok")
    talk.response("r2")
    assert creates(talk.sent()) == 0
    talk.done("r2")
    assert creates(talk.sent()) == 1


def test_a_server_with_a_response_we_never_saw_is_not_asked_again_and_again(talk: Talk) -> None:
    """Each refusal would bring the next."""
    talk.call("r", "a")
    talk.done("r")
    talk.protocol.send_tool_result("a", "ok")
    request = talk.sent()[-1]
    talk.error("conversation_already_has_active_response", event_id=request["event_id"])
    assert talk.sent() == []
    talk.done("never seen")
    assert creates(talk.sent()) == 1


def test_a_result_that_comes_while_the_button_is_held_waits_for_the_commit(talk: Talk) -> None:
    """The answer to the turn covers it."""
    talk.call("r", "slow")
    talk.done("r")
    talk.protocol.begin_turn(2, TurnEnd.DEVICE)
    talk.protocol.send_tool_result("slow", "ok")
    assert creates(talk.sent()) == 0
    talk.protocol.send_audio(milliseconds(200))
    talk.protocol.commit_turn()
    assert creates(talk.sent()) == 1


def test_a_result_that_is_not_unicode_is_sent_all_the_same(talk: Talk) -> None:
    """The name of a file may hold anything."""
    talk.call("r", "a")
    talk.protocol.send_tool_result("a", "caf\udce9")
    assert talk.sent()[0]["item"]["output"] == "caf?"


def test_a_server_that_names_every_response_alike_is_not_asked_for_ever(talk: Talk) -> None:
    """The calls of the first are not those of the second."""
    talk.call("r", "a")
    talk.done("r")
    talk.protocol.send_tool_result("a", "ok")
    assert creates(talk.sent()) == 1
    talk.response("r")
    talk.done("r")
    assert creates(talk.sent()) == 0
    finished = talk.facts()[-1]
    assert isinstance(finished, ev.ResponseFinished)
    assert not finished.more


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_a_call_that_never_gets_its_name_is_answered_with_the_end_of_its_response(talk: Talk, status: str) -> None:
    """As is one that was only begun: an open call would hang in the history."""
    talk.says("response.function_call_arguments.done", response_id="r", item_id="x", call_id="a", arguments="{}")
    talk.says("response.output_item.added", response_id="r", output_index=0, item=call_item("b", name=None))
    assert talk.sent() == []
    talk.done("r", status)
    sent = talk.sent()
    assert outputs(sent) == ["a", "b"]
    assert {event["item"]["output"] for event in sent if "item" in event} == {CALL_CUT_OFF}
    assert called(talk) == []


@pytest.mark.parametrize(("arguments", "text"), [({"on": True}, '{"on":true}'), (None, ""), (5, "")])
def test_arguments_that_are_no_text_are_made_one(talk: Talk, arguments: object, text: str) -> None:
    """Some servers send the object itself."""
    ids = {"response_id": "r", "item_id": "i", "call_id": "c"}
    talk.says("response.function_call_arguments.done", **ids, name="set_switch", arguments=arguments)
    assert [fact.arguments for fact in talk.facts() if isinstance(fact, ev.ToolCalled)] == [text]


def test_the_beginning_of_a_call_is_told_once(talk: Talk) -> None:
    """It may take the model long to write the rest."""
    for _ in range(2):
        talk.says("response.output_item.added", response_id="r", output_index=0, item=call_item("c", arguments=""))
    assert talk.facts() == [ev.CallBegun(1)]
    talk.call("r", "c")
    talk.says("response.output_item.added", response_id="r", output_index=0, item=call_item("c"))
    assert [type(fact) for fact in talk.facts()] == [ev.ToolCalled]


def test_a_response_whose_end_was_not_told_is_over_when_the_next_begins(talk: Talk) -> None:
    """There is one at a time: else no result would ever be spoken of again."""
    talk.response("r2")
    talk.call("r2", "c")
    talk.done("r2")
    talk.protocol.send_tool_result("c", "ok")
    assert creates(talk.sent()) == 1


def test_a_dropped_response_whose_end_was_not_told_is_over_when_its_cancel_is_refused() -> None:
    """The provider says that it does not run."""
    talk = Talk(turn_end=TurnEnd.DEVICE).made_ready()
    talk.response("r")
    talk.protocol.cancel_response()
    talk.protocol.send_audio(milliseconds(200))
    talk.protocol.commit_turn()
    assert creates(talk.sent()) == 0
    talk.error("response_cancel_not_active", event_id="cancel_1")
    assert creates(talk.sent()) == 1
