"""Whatever the order in which provider, person and tools act: the rules of the protocol hold.

The provider is a model of the API's rules; between it and the protocol lie two lines in which events are on their way,
so that every race of the real connection can happen.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from device.conversation.openai.protocol.protocol import Protocol
from device.conversation.openai.settings import OpenAI
from device.core import events as ev
from device.core.actions import TurnEnd
from tests.conversation.openai_types import check_client_event
from tests.conversation.talk import milliseconds

MOSTLY = st.sampled_from([True, True, True, False])
"""The generator is weighted towards what leads to answers with calls."""


@dataclass
class Answer:
    """A response as the provider knows it."""

    name: str
    began: int
    calls: list[str] = field(default_factory=list)
    status: str = "in_progress"


class Provider:
    """The API's rules for turns, responses and calls."""

    def __init__(self) -> None:
        self.says: deque[dict[str, Any]] = deque()
        self.clock = 0
        self.answers: list[Answer] = []
        self.running: Answer | None = None
        self.vad = True
        self.speaking = False
        self.configured = False
        self.answered: dict[str, list[int]] = {}
        self.buffered = 0
        self.say("session.created", session={})

    def say(self, kind: str, **fields: Any) -> None:
        self.says.append({"type": kind, **fields})

    def begin(self) -> None:
        self.clock += 1
        self.running = Answer(f"r{len(self.answers)}", self.clock)
        self.answers.append(self.running)
        self.say("response.created", response={"id": self.running.name})

    def end(self, status: str, told: bool = True) -> None:
        assert self.running is not None
        self.running.status = status
        if told:
            self.say("response.done", response={"id": self.running.name, "status": status, "output": []})
        self.running = None

    def call(self) -> None:
        assert self.running is not None
        name = f"c{len(self.answered)}"
        self.answered[name] = []
        self.running.calls.append(name)
        ids = {"response_id": self.running.name, "item_id": f"i{name}", "call_id": name}
        self.say("response.function_call_arguments.done", **ids, name="set_switch", arguments="{}")

    def hear_voice(self) -> None:
        self.speaking = True
        self.say("input_audio_buffer.speech_started")
        if self.running:
            self.end("cancelled")

    def hear_silence(self) -> None:
        self.speaking = False
        self.buffered = 0
        self.say("input_audio_buffer.speech_stopped")
        self.say("input_audio_buffer.committed", item_id="u")
        if self.running:
            self.refuse("conversation_already_has_active_response", None)
        else:
            self.begin()

    def refuse(self, code: str, event_id: str | None) -> None:
        self.say("error", error={"type": "invalid_request_error", "code": code, "message": "no", "event_id": event_id})

    def take(self, event: dict[str, Any]) -> None:
        self.clock += 1
        getattr(self, "on_" + event["type"].replace(".", "_"))(event)

    def on_session_update(self, event: dict[str, Any]) -> None:
        self.configured = True
        self.vad = event["session"]["audio"]["input"]["turn_detection"] is not None
        self.speaking = self.speaking and self.vad
        self.say("session.updated", session={})

    def on_input_audio_buffer_append(self, event: dict[str, Any]) -> None:
        assert self.configured
        self.buffered += 1

    def on_input_audio_buffer_clear(self, event: dict[str, Any]) -> None:
        self.buffered = 0
        self.speaking = False
        self.say("input_audio_buffer.cleared")

    def on_input_audio_buffer_commit(self, event: dict[str, Any]) -> None:
        assert self.buffered, "a commit without audio is refused"
        assert not self.vad
        self.buffered = 0
        self.say("input_audio_buffer.committed", item_id="u")

    def on_response_create(self, event: dict[str, Any]) -> None:
        if self.running:
            self.refuse("conversation_already_has_active_response", event["event_id"])
        else:
            self.begin()

    def on_response_cancel(self, event: dict[str, Any]) -> None:
        if self.running and self.running.name == event["response_id"]:
            self.end("cancelled")
        else:
            self.refuse("response_cancel_not_active", event.get("event_id"))

    def on_conversation_item_create(self, event: dict[str, Any]) -> None:
        self.answered[event["item"]["call_id"]].append(self.clock)
        self.say("conversation.item.added", item=event["item"])


class Conversation(RuleBasedStateMachine):
    """Provider, person and tools act in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.provider = Provider()
        self.protocol = Protocol(OpenAI(), "", ())
        self.on_the_way: deque[dict[str, Any]] = deque()
        self.open_calls: list[str] = []
        self.known_running: set[str] = set()
        self.turn = 0
        self.holding = False
        self.wanted: set[str] = set()
        """Responses that were told of and not interrupted since."""

    @initialize(turn_end=st.sampled_from(TurnEnd), ready=MOSTLY)
    def begin(self, turn_end: TurnEnd, ready: bool) -> None:
        self.begin_turn(turn_end)
        if turn_end is TurnEnd.DEVICE:
            self.holding = True
        if ready:
            self.everything_arrives()

    def begin_turn(self, turn_end: TurnEnd) -> None:
        self.turn += 1
        self.protocol.begin_turn(self.turn, turn_end)
        self.collect()

    def collect(self) -> None:
        """Take what the protocol sends and tells; check what it could know."""
        for message in iter(self.protocol.next_message, None):
            event = check_client_event(json.loads(message))
            if event["type"] == "input_audio_buffer.append":
                assert self.protocol.ready, "audio before the configuration was acknowledged"
            if event["type"] == "response.create":
                assert not self.known_running, "a second response while one is known to run"
                assert not self.holding, "a response in the person's turn"
            self.on_the_way.append(event)
        for fact in self.protocol.take_facts():
            assert not isinstance(fact, ev.SessionFailed | ev.ProviderComplained)
            if isinstance(fact, ev.ResponseStarted):
                self.wanted.add(fact.response)
            if isinstance(fact, ev.ToolCalled):
                assert fact.call_id not in self.open_calls
                self.open_calls.append(fact.call_id)

    # -- the connection

    @precondition(lambda self: self.on_the_way)
    @rule(count=st.integers(1, 4))
    def events_reach_the_provider(self, count: int) -> None:
        for _ in range(min(count, len(self.on_the_way))):
            self.provider.take(self.on_the_way.popleft())

    @precondition(lambda self: self.provider.says)
    @rule(count=st.integers(1, 4))
    def events_reach_the_device(self, count: int) -> None:
        for _ in range(min(count, len(self.provider.says))):
            event = self.provider.says.popleft()
            if event["type"] == "response.created":
                # There is one at a time: an earlier one is over, though its end was not told.
                self.known_running = {event["response"]["id"]}
            if event["type"] == "error" and event["error"]["code"] == "response_cancel_not_active":
                self.known_running &= self.wanted
            if event["type"] == "response.done":
                self.known_running.discard(event["response"]["id"])
            self.protocol.receive_text(json.dumps(event))
            self.collect()

    @rule()
    def everything_arrives(self) -> None:
        while self.on_the_way or self.provider.says:
            if self.on_the_way:
                self.events_reach_the_provider(1)
            else:
                self.events_reach_the_device(1)

    # -- the provider

    @precondition(lambda self: self.provider.running and len(self.provider.running.calls) < 3)
    @rule(then_ends=MOSTLY)
    def the_model_calls_a_tool(self, then_ends: bool) -> None:
        self.provider.call()
        if then_ends:
            self.provider.end("completed")

    @precondition(lambda self: self.provider.running)
    @rule(status=st.sampled_from(["completed", "completed", "completed", "incomplete", "failed"]))
    def the_response_ends(self, status: str) -> None:
        self.provider.end(status)

    @precondition(lambda self: self.provider.running)
    @rule(really=st.sampled_from([True, False, False, False]))
    def the_provider_forgets_to_tell_the_end(self, really: bool) -> None:
        if really:
            self.provider.end("completed", told=False)

    @rule(really=st.sampled_from([True, False, False, False]))
    def the_core_takes_the_response_for_complete(self, really: bool) -> None:
        """Whether its end is forgotten, on its way, or still to come."""
        if really:
            self.known_running.clear()
            self.protocol.abandon_response()
            self.collect()

    @precondition(lambda self: self.provider.buffered and self.provider.vad and not self.provider.speaking)
    @rule(then_silence=st.booleans())
    def the_provider_hears_a_voice(self, then_silence: bool) -> None:
        self.provider.hear_voice()
        if then_silence:
            self.provider.hear_silence()

    @precondition(lambda self: self.provider.speaking)
    @rule()
    def the_provider_hears_silence(self) -> None:
        self.provider.hear_silence()

    # -- the house

    @precondition(lambda self: self.open_calls)
    @rule(data=st.data())
    def a_tool_finishes(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(self.open_calls))
        self.open_calls.remove(call)
        self.protocol.send_tool_result(call, "ok")
        self.collect()

    @rule()
    def a_tool_finishes_twice(self) -> None:
        for call in self.provider.answered:
            if call not in self.open_calls and self.provider.answered[call]:
                self.protocol.send_tool_result(call, "again")
        self.collect()

    @rule()
    def the_microphone_hears(self) -> None:
        self.protocol.send_audio(milliseconds(150))
        self.collect()

    @precondition(lambda self: self.provider.vad and self.protocol.ready and not self.provider.running)
    @rule()
    def the_person_asks(self) -> None:
        self.the_microphone_hears()
        self.everything_arrives()
        if self.provider.buffered and self.provider.vad and not self.provider.speaking:
            self.provider.hear_voice()
            self.provider.hear_silence()

    @rule(by_provider=st.booleans(), really=st.sampled_from([True, False, False]))
    def the_person_interrupts(self, by_provider: bool, really: bool) -> None:
        if not really:
            return
        self.wanted.clear()
        if by_provider:
            self.protocol.drop_response()
        else:
            self.protocol.cancel_response()
        self.holding = False
        self.begin_turn(TurnEnd.PROVIDER)

    @precondition(lambda self: not self.holding)
    @rule(really=st.sampled_from([True, False, False]))
    def the_button_is_held(self, really: bool) -> None:
        if not really:
            return
        self.wanted.clear()
        self.protocol.cancel_response()
        self.holding = True
        self.begin_turn(TurnEnd.DEVICE)

    @precondition(lambda self: self.holding and self.protocol.ready)
    @rule(spoken=MOSTLY)
    def the_button_is_let_go(self, spoken: bool) -> None:
        if spoken:
            self.the_microphone_hears()
        self.holding = False
        self.protocol.commit_turn()
        self.collect()
        self.begin_turn(TurnEnd.PROVIDER)

    # -- what holds

    @invariant()
    def no_call_is_answered_twice(self) -> None:
        assert all(len(times) <= 1 for times in self.provider.answered.values())

    def teardown(self) -> None:
        """Let everything come to its end, and look at what remains."""
        for _ in range(1000):
            if not self.step_towards_the_end():
                break
        else:
            raise AssertionError("it never comes to rest")
        assert all(len(times) == 1 for times in self.provider.answered.values()), "a call hangs in the history"
        for answer in self.provider.answers:
            if answer.calls and answer.status in ("completed", "incomplete") and answer.name in self.wanted:
                last = max(self.provider.answered[call][0] for call in answer.calls)
                assert any(later.began > last for later in self.provider.answers), "a result was never spoken of"

    def step_towards_the_end(self) -> bool:
        if self.on_the_way:
            self.events_reach_the_provider(1)
        elif self.provider.says:
            self.events_reach_the_device(1)
        elif self.provider.speaking:
            self.provider.hear_silence()
        elif self.provider.running:
            self.provider.end("completed")
        elif self.holding:
            self.the_button_is_let_go(True)
        elif self.open_calls:
            self.protocol.send_tool_result(self.open_calls.pop(), "ok")
            self.collect()
        elif self.known_running:
            self.known_running.clear()
            self.protocol.abandon_response()
            self.collect()
        else:
            return False
        return True


TestConversation = Conversation.TestCase
TestConversation.settings = settings(
    max_examples=150, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
