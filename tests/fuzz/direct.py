"""Mutated events through protocol and machine, without a socket: a house that performs every order at once."""

from __future__ import annotations

import json
import random
from collections import deque
from dataclasses import dataclass
from typing import Any

from device.conversation.openai.protocol.facts import AnswerAudio, AnswerItemEnded, Ignored, UsageReported
from device.conversation.openai.protocol.protocol import Protocol
from device.conversation.openai.settings import OpenAI
from device.core import actions as order
from device.core import events as ev
from device.core.actions import Action, TurnEnd
from device.core.machine import Machine
from device.core.memory import Settings
from device.core.status import Phase
from device.ports.tools import ToolSpec
from device.units import Ms, Samples
from tests.conversation.openai_types import check_client_event
from tests.fuzz.mutation import mutated, shuffled
from tests.fuzz.shapes import INSTRUCTIONS, Event, Provider, as_text, call_of

MUTATED = 0.35
"""The share of events that are mutated; with more no conversation gets anywhere."""

CHECKED = 0.05
"""The share of what is sent that is held against the API's types: that is slow."""

LONGEST_HOUSE = 3_000
"""Events after which a new house begins: each can be run alone."""

SWITCH = ToolSpec("set_switch", "Switch something", {"type": "object", "properties": {"on": {"type": "boolean"}}})


class BrokenError(Exception):
    """Something does not hold."""


def hold(condition: bool, what: str) -> None:
    """Raise BrokenError when it does not."""
    if not condition:
        raise BrokenError(what)


@dataclass
class Tally:
    """What happened, so that a run which did nothing is seen."""

    events: int = 0
    sessions: int = 0
    ready: int = 0
    calls: int = 0
    answered: int = 0
    failed: int = 0
    audio_bytes: int = 0


class DirectHouse:
    """A machine, a protocol while a session is open, a person and a clock: all driven by one random number."""

    def __init__(self, seed: str, tally: Tally) -> None:
        self.rng = random.Random(seed)
        self.tally = tally
        self.last: Any = None
        """The message that was taken in last, for whoever reports what broke."""
        settings = Settings(
            barge_in=self.rng.choice(("voice", "wake_word", "off")),
            turn_end=self.rng.choice(tuple(TurnEnd)),
            follow_up=Ms(self.rng.choice((0, 8_000))),
            wake_cue=self.rng.random() < 0.5,
        )
        self.machine = Machine(settings)
        self.now = 0.0
        self.protocol: Protocol | None = None
        self.provider = Provider(self.rng)
        self._waiting: deque[Event] = deque()
        self._tools: list[str] = []
        self._owed: set[str] = set()
        """Calls that came whole and in time: none of them may stay without an answer."""
        self._answers: dict[str, int] = {}
        self._item = ""
        self._facts: deque[Any] = deque()

    # -- what drives it

    def run(self, events: int) -> None:
        """Take in so many messages of a server, and what a person does meanwhile."""
        done = 0
        while done < events:
            self._person()
            if self.protocol is None:
                self._tell(ev.WakeWordDetected("hey_jarvis", 0.9, self._position()))
            if self.protocol is not None:
                self._server()
                done += 1
                self.tally.events += 1
        self._settle()

    def _server(self) -> None:
        assert self.protocol is not None
        if not self._waiting:
            self._settle()
            if self.protocol is None:
                return
            self._waiting.extend(shuffled(self.provider.turn(), self.rng))
        event = self._waiting.popleft()
        # The opening mostly succeeds, or nothing after it would be reached.
        share = MUTATED if self.protocol.ready else MUTATED / 4
        wrong = self.rng.random() < share
        message = mutated(event, self.rng) if wrong else as_text(event)
        if not wrong and (call := call_of(event)) and event["name"] and self.protocol.ready:
            self._owed.add(call)
            self.tally.calls += 1
        self._hear(message)

    def _hear(self, message: str | bytes) -> None:
        assert self.protocol is not None
        self.last = message
        if isinstance(message, bytes):
            self.protocol.receive_binary(message)
        else:
            self.protocol.receive_text(message)
        self._flush()

    def _person(self) -> None:
        chance = self.rng.random()
        if chance < 0.02:
            self._tell(self.rng.choice(self._whims()))
        elif chance < 0.06:
            self._wait(self.rng.choice((10, 200, 3_000)))
        elif chance < 0.07:
            self._wait(self.rng.choice((9_000, 130_000)))
        if self._tools and self.rng.random() < 0.2:
            self._finish_tool()
        if self.machine.status.gate_open and self.protocol and self.rng.random() < 0.1:
            self.protocol.send_audio(bytes(960))
            self._flush()

    def _whims(self) -> tuple[ev.Event, ...]:
        at = self._position()
        turn = self.machine.status.turn
        return (
            ev.WakeWordDetected("hey_jarvis", 0.9, at),
            *(ev.VoiceStarted(at), ev.VoiceStopped(at), ev.VoiceConfirmed(), ev.ButtonClicked(at), ev.ButtonHeld(at)),
            *(ev.ButtonReleased(at), ev.ButtonReleased(at), ev.ButtonLongPressed(), ev.PlaybackStarted(turn)),
            *(
                ev.PlaybackFinished(turn),
                ev.PlaybackRanDry(turn, ended=False),
                ev.DeviceFailed(ev.Device.SPEAKER, "gone"),
                ev.DeviceRecovered(ev.Device.SPEAKER),
            ),
            *(ev.DeviceFailed(ev.Device.MICROPHONE, "gone"), ev.DeviceRecovered(ev.Device.MICROPHONE)),
            *(ev.MuteRequested(), ev.UnmuteRequested(), ev.StopRequested(), ev.MuteToggleRequested()),
            *(ev.MuteHeld(ev.MuteHolder.SWITCH), ev.MuteLetGo(ev.MuteHolder.SWITCH), ev.VolumeStepRequested(10)),
        )

    def _position(self) -> Samples:
        return Samples(int(self.now * 16))

    def _wait(self, duration: float) -> None:
        end = self.now + duration
        while (at := self.machine.get_timer()) is not None and at <= end:
            self.now = max(self.now, at)
            self._perform(self.machine.handle_timer(Ms(self.now)))
        self.now = end

    def _finish_tool(self) -> None:
        call = self._tools.pop(self.rng.randrange(len(self._tools)))
        self._tell(ev.ToolFinished(call, self.rng.choice(("done", "", "\ud800", "x" * 5_000))))

    def _settle(self) -> None:
        """Finish every tool; of a session that is still open no whole call may then be without its one answer."""
        while self._tools:
            self._finish_tool()
        if self.protocol is not None and not self.protocol.failed:
            missing = sorted(self._owed - self._answers.keys())
            hold(not missing, f"calls without an answer: {missing}")
        hold(all(count == 1 for count in self._answers.values()), f"answered twice: {self._answers}")
        self.tally.answered += len(self._owed & self._answers.keys())
        self._owed.clear()

    # -- the house

    def _tell(self, fact: ev.Event) -> None:
        self._facts.append(fact)
        while self._facts:
            self._take(self._facts.popleft())
        self._check()

    def _take(self, fact: Any) -> None:
        if isinstance(fact, AnswerAudio):
            hold(len(fact.pcm) % 2 == 0, "half a sample")
            self.tally.audio_bytes += len(fact.pcm)
            self._item = fact.item
        elif not isinstance(fact, AnswerItemEnded | UsageReported | Ignored):
            self.tally.ready += isinstance(fact, ev.SessionReady)
            self.tally.failed += isinstance(fact, ev.SessionFailed)
            self.now += 1
            self._perform(self.machine.handle_event(fact, Ms(self.now)))

    def _flush(self) -> None:
        """Take what the protocol has to send and to tell."""
        if self.protocol is None:
            return
        while self.protocol is not None and (message := self.protocol.next_message()) is not None:
            self._sent(json.loads(message))
        if self.protocol is not None:
            self._facts.extend(self.protocol.take_facts())
        while self._facts:
            self._take(self._facts.popleft())
        self._check()

    def _sent(self, event: Event) -> None:
        if self.rng.random() < CHECKED:
            check_client_event(event)
        item = event.get("item") or {}
        if item.get("type") == "function_call_output":
            call = item["call_id"]
            self._answers[call] = self._answers.get(call, 0) + 1

    def _perform(self, actions: list[Action]) -> None:
        for action in actions:
            handler = getattr(self, f"_do_{type(action).__name__}", None)
            if handler:
                handler(action)
            elif self.protocol is not None:
                self._order(self.protocol, action)
        self._flush()

    def _order(self, protocol: Protocol, action: Action) -> None:
        match action:
            case order.BeginTurn():
                protocol.begin_turn(action.turn, action.turn_end)
            case order.CommitTurn():
                protocol.commit_turn()
            case order.CancelResponse():
                protocol.cancel_response(action.keeps_due)
            case order.DropResponse():
                protocol.drop_response()
            case order.AbandonResponse():
                protocol.abandon_response()
            case order.TruncateItem():
                protocol.truncate_item(action.item, action.played)
            case order.DeleteItem():
                protocol.delete_item(action.item)
            case order.SendToolResult():
                protocol.send_tool_result(action.call_id, action.output)
            case order.AnswerApproval():
                protocol.answer_approval(action.call_id, action.approve, action.reason)

    def _do_OpenSession(self, action: order.OpenSession) -> None:
        hold(self.protocol is None, "a second session")
        self.protocol = Protocol(OpenAI(), INSTRUCTIONS, (SWITCH,))
        self.protocol.begin_turn(action.turn, action.turn_end)
        self._answers.clear()
        self._owed.clear()
        self._waiting = deque(self.provider.opening())
        self.tally.sessions += 1

    def _do_CloseSession(self, action: order.CloseSession) -> None:
        hold(self.protocol is not None, "closed twice")
        self.protocol = None
        self._owed.clear()
        self._tools.clear()

    def _do_RunTool(self, action: order.RunTool) -> None:
        self._tools.append(action.call_id)

    def _do_StopPlayback(self, action: order.StopPlayback) -> None:
        if self._item:
            played = Ms(self.rng.choice((-5.0, 0.0, 20.0, 1e9)))
            self._facts.append(ev.PlaybackStopped(self.machine.status.turn, self._item, played, Ms(2_000)))
            self._item = ""

    def _do_ReadAloud(self, action: order.ReadAloud) -> None:
        if self.rng.random() < 0.1:
            self._facts.append(ev.ReadingFailed(action.turn, "no voice"))
        else:
            self._do_EndAnswer(order.EndAnswer(action.turn))

    def _do_EndAnswer(self, action: order.EndAnswer) -> None:
        self._facts.append(ev.PlaybackStarted(action.turn))
        self._facts.append(ev.PlaybackFinished(action.turn))

    def _check(self) -> None:
        status = self.machine.status
        idle = status.phase is Phase.IDLE
        hold(idle == (self.protocol is None), "a session without a conversation, or the other way round")
        hold(not (status.gate_open and (idle or status.muted)), "the gate is open for nobody")
        hold(idle or self.machine.get_timer() is not None, "a phase that waits for ever")
