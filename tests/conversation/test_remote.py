"""MCP servers that the provider calls by itself: what it is told of them, and what it asks for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from device.conversation.openai.protocol.protocol import Protocol
from device.conversation.openai.protocol.remote.reader import NOBODY_ASKED, what
from device.conversation.openai.provider import OPENAI
from device.conversation.openai.remoteservers import as_tools, token_name
from device.conversation.openai.settings import OpenAI, RemoteServer
from device.core import events as ev
from device.core.actions import Purpose, TurnEnd
from device.core.events import Way
from device.errors import ConfigError
from device.house import configuration
from device.secrets import Secret
from tests.conversation.openai_types import check_client_event
from tests.conversation.talk import INSTRUCTIONS, SWITCH, Talk

CALENDAR = RemoteServer(url="https://calendar.example/mcp", confirm="yes")
SETTINGS = OpenAI(mcp={"calendar": CALENDAR})
REQUEST = {
    "id": "mcpr_1",
    "type": "mcp_approval_request",
    "name": "add_event",
    "arguments": "{}",
    "server_label": "calendar",
}
RUNNING = {"id": "mcp_1", "type": "mcp_call", "name": "add_event", "arguments": "", "server_label": "calendar"}


@pytest.fixture
def talk() -> Talk:
    """A session in which the provider has begun a response."""
    talk = Talk(SETTINGS).made_ready()
    talk.response("r")
    talk.facts()
    return talk


def told(talk: Talk, kind: type) -> list[Any]:
    """Return what was told of a kind since the last call."""
    return [fact for fact in talk.facts() if isinstance(fact, kind)]


def configured(settings: OpenAI, secrets: dict[str, Secret], purpose: Purpose = Purpose.TALK) -> list[dict[str, Any]]:
    """Return the tools in the first configuration that is sent."""
    protocol = Protocol(settings, INSTRUCTIONS, (SWITCH,), purpose=purpose, remote_tools=as_tools(settings, secrets))
    protocol.begin_turn(1, TurnEnd.PROVIDER)
    protocol.receive_text(json.dumps({"type": "session.created", "session": {"id": "s"}}))
    message = protocol.next_message()
    assert message is not None
    tools: list[dict[str, Any]] = check_client_event(json.loads(message))["session"].get("tools", [])
    return tools


def test_the_session_names_each_server_and_what_it_may() -> None:
    """Beside the house's own tools; a yes is needed unless the settings say otherwise."""
    calendar = RemoteServer(
        url="https://calendar.example/mcp",
        description="The family's calendar",
        allowed_tools=("look", "add_event"),
        without_approval=("look",),
    )
    weather = RemoteServer(url="https://weather.example", require_approval="never")
    settings = OpenAI(
        mcp={"calendar": calendar, "weather": weather, "plain": RemoteServer(url="https://plain.example")}
    )
    own, *remote = configured(settings, {token_name("calendar"): Secret("token-of-the-calendar")})
    assert own["type"] == "function"
    assert remote == [
        {
            "type": "mcp",
            "server_label": "calendar",
            "server_url": "https://calendar.example/mcp",
            "authorization": "token-of-the-calendar",
            "server_description": "The family's calendar",
            "allowed_tools": ["look", "add_event"],
            "require_approval": {"never": {"tool_names": ["look"]}},
        },
        {
            "type": "mcp",
            "server_label": "weather",
            "server_url": "https://weather.example",
            "require_approval": "never",
        },
        {"type": "mcp", "server_label": "plain", "server_url": "https://plain.example", "require_approval": "always"},
    ]


@pytest.mark.parametrize("purpose", [Purpose.LISTEN, Purpose.RECITE])
def test_a_session_that_answers_nothing_gets_none(purpose: Purpose) -> None:
    """Nothing could be done with them, and a token stays here."""
    assert configured(SETTINGS, {}, purpose) == []


def test_no_token_is_shown() -> None:
    """Neither by the settings nor by what is about to be sent."""
    tools = as_tools(SETTINGS, {token_name("calendar"): Secret("token-of-the-calendar")})
    assert "token-of" not in repr(tools)
    assert OPENAI.optional(SETTINGS) == ("OPENAI_MCP_CALENDAR_TOKEN",)


@pytest.mark.parametrize("event", ["item", "output", "conversation"])
def test_a_request_for_a_yes_is_told_once_however_often_the_server_mentions_it(talk: Talk, event: str) -> None:
    """It stands in up to five events, and each of them is enough."""
    if event == "conversation":
        talk.says("conversation.item.added", item=REQUEST)
    if event == "item":
        for kind in ("added", "done"):
            talk.says(f"response.output_item.{kind}", response_id="r", output_index=0, item=REQUEST)
    talk.done("r", output=[REQUEST])
    facts = talk.facts()
    asked = [fact for fact in facts if isinstance(fact, ev.ApprovalRequested)]
    assert asked == [ev.ApprovalRequested(1, "mcpr_1", Way.YES, "let calendar do add event")]
    (finished,) = [fact for fact in facts if isinstance(fact, ev.ResponseFinished)]
    assert finished.more
    assert talk.sent() == []


@pytest.mark.parametrize(("approve", "reason"), [(True, ""), (False, "Not done: the person said no.")])
def test_the_answer_is_sent_once_and_the_provider_goes_on_by_itself(talk: Talk, approve: bool, reason: str) -> None:
    """Nothing is asked for; the response that follows is the answer."""
    talk.done("r", output=[REQUEST])
    talk.facts()
    talk.protocol.answer_approval("mcpr_1", approve, reason)
    talk.protocol.answer_approval("mcpr_1", True, "")
    talk.protocol.answer_approval("mcpr_never_asked", True, "")
    (sent,) = talk.sent()
    item = sent["item"]
    assert (item["type"], item["approval_request_id"], item["approve"]) == ("mcp_approval_response", "mcpr_1", approve)
    assert item.get("reason", "") == reason
    talk.response("s")
    talk.audio("s", "m", 300)
    talk.done("s")
    (finished,) = told(talk, ev.ResponseFinished)
    assert not finished.more
    talk.protocol.note_alive()
    assert talk.sent() == []


def test_a_provider_that_stays_silent_after_the_answer_is_asked_to_go_on(talk: Talk) -> None:
    """Once, and only when it is there; should it have begun by itself meanwhile, that is its answer."""
    talk.done("r", output=[REQUEST])
    talk.protocol.answer_approval("mcpr_1", True, "")
    talk.sent()
    talk.protocol.note_alive()
    (asked,) = talk.sent()
    assert asked["type"] == "response.create"
    error = {"type": "invalid_request_error", "code": "conversation_already_has_active_response", "message": "busy"}
    talk.says("error", error={**error, "event_id": asked["event_id"]})
    talk.response("s")
    talk.audio("s", "m", 300)
    talk.done("s")
    assert talk.sent() == []


def test_a_provider_that_calls_the_tool_first_is_not_hurried(talk: Talk) -> None:
    """While the call runs it is not asked for a response; afterwards it is, where it gives none by itself."""
    talk.done("r", output=[REQUEST])
    talk.protocol.answer_approval("mcpr_1", True, "")
    talk.sent()
    talk.says("response.mcp_call.in_progress", item_id="mcp_1", output_index=0)
    talk.protocol.note_alive()
    assert talk.sent() == []
    talk.says("response.mcp_call.completed", item_id="mcp_1", output_index=0)
    talk.protocol.note_alive()
    assert [event["type"] for event in talk.sent()] == ["response.create"]


def test_a_call_under_way_is_told_so_that_it_may_take_its_time(talk: Talk) -> None:
    """As when the model writes a call of the house's tools; its deltas and its end disturb nothing."""
    place = {"item_id": "mcp_1", "output_index": 0}
    talk.says("response.output_item.added", response_id="r", output_index=0, item=RUNNING)
    talk.says("response.mcp_call_arguments.delta", response_id="r", **place, delta="{}")
    talk.says("response.mcp_call_arguments.done", response_id="r", **place, arguments="{}")
    talk.says("response.mcp_call.in_progress", **place)
    talk.says("response.mcp_call.completed", **place)
    talk.says("response.output_item.done", response_id="r", output_index=0, item={**RUNNING, "output": "done"})
    assert set(map(type, talk.facts())) == {ev.CallBegun}
    talk.audio("r", "m", 300)
    talk.done("r", output=[{**RUNNING, "output": "done"}])
    assert len(told(talk, ev.ResponseFinished)) == 1
    assert talk.sent() == []


def test_what_an_interrupted_answer_asks_is_answered_with_no(talk: Talk) -> None:
    """Without asking a person, and at once."""
    talk.protocol.cancel_response()
    talk.sent()
    talk.says("response.output_item.done", response_id="r", output_index=0, item=REQUEST)
    (sent,) = talk.sent()
    assert (sent["item"]["approve"], sent["item"]["reason"]) == (False, NOBODY_ASKED)
    assert told(talk, ev.ApprovalRequested) == []


def test_nobody_waits_for_what_a_cancelled_answer_had_asked(talk: Talk) -> None:
    """It may still be answered."""
    talk.done("r", output=[REQUEST])
    talk.protocol.cancel_response()
    talk.facts()
    talk.protocol.abandon_response()
    (finished,) = told(talk, ev.ResponseFinished)
    assert not finished.more
    talk.protocol.answer_approval("mcpr_1", False, "")
    assert talk.sent()[-1]["item"]["approve"] is False


def test_a_failed_list_and_a_failed_call_are_told_once_in_our_words(talk: Talk) -> None:
    """Neither ends anything, nor quotes what the server said."""
    listed = {"id": "mcpl_1", "type": "mcp_list_tools", "server_label": "calendar", "tools": []}
    talk.says("conversation.item.added", item=listed)
    for _ in range(3):
        talk.says("mcp_list_tools.failed", item_id="mcpl_1")
        talk.says("response.output_item.added", response_id="r", output_index=0, item=RUNNING)
        talk.says("response.mcp_call.failed", item_id="mcp_1", output_index=0)
    complaints = [fact.message for fact in talk.facts() if isinstance(fact, ev.ProviderComplained)]
    assert len(complaints) == 2
    assert all('the MCP server "calendar"' in words for words in complaints)
    assert talk.protocol.ready


def test_a_server_that_we_did_not_name_needs_a_press(talk: Talk) -> None:
    """Whatever it calls itself; and its names are spoken as plain words."""
    talk.done("r", output=[{**REQUEST, "server_label": "Say yes! \u202e", "name": "x" * 500}])
    (asked,) = told(talk, ev.ApprovalRequested)
    assert asked.way is Way.PRESS
    assert asked.what == f"let say yes do {'x' * 60}"
    assert what("", None) == "let a server do a tool"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"calendar": {}}, "url"),
        ({"calendar": {"url": "http://calendar.example"}}, "mcp: calendar.url must begin with https://"),
        ({"calendar": {"url": "https://"}}, "must begin with https://"),
        ({"calendar": {"url": "https://me:secret@calendar.example"}}, "must begin with https://"),
        ({"My Calendar": {"url": "https://calendar.example"}}, "cannot be a name"),
        (
            {"calendar": {"url": "https://c.example", "require_approval": "never", "without_approval": ["look"]}},
            "has no meaning",
        ),
        ({"calendar": {"url": "https://c.example", "require_approval": "sometimes"}}, "always"),
    ],
)
def test_a_wrong_setting_is_refused(table: dict[str, Any], words: str) -> None:
    """With what to do."""
    with pytest.raises(ConfigError, match=words):
        configuration.parse({"conversation": {"openai": {"mcp": table}}})


def test_a_yes_that_nobody_could_give_is_refused() -> None:
    """See house/home.py; servers that need none ask for none."""
    assert OPENAI.confirms(SETTINGS) == {"conversation.openai.mcp.calendar.confirm": Way.YES}
    assert OPENAI.confirms(OpenAI(mcp={"weather": RemoteServer(url="https://w", require_approval="never")})) == {}
