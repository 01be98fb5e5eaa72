"""Whatever happens in whatever order, these things hold."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from device.core import actions as order
from device.core import events as ev
from device.core.actions import Action, Cue, Outcome, TurnEnd
from device.core.failures import MOST_WAITING
from device.core.machine import Machine
from device.core.memory import Settings, Timer
from device.core.status import Phase, Status
from device.units import Ms, Samples

WAITING = set(Phase) - {Phase.IDLE}


class Conversations(RuleBasedStateMachine):
    """A house that performs every order and checks what it must never see.

    Rules that lead on towards SPEAKING are offered more than once, so that the generator really gets there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.position = 0
        self.session_open = False
        self.session_ready = False
        self.gate_open = False
        self.voiced_only = False
        self.microphone_open = True
        self.running: set[str] = set()
        self.unanswered: set[str] = set()
        self.complete = False
        self.ducked = False
        self.calls = 0
        self.down = False
        self.holders: set[ev.MuteHolder] = set()
        self.opened_at = 0.0
        self.saying = 0
        """The number of the announcement that sounds; 0: none."""
        self.tickets = 0
        self.owed: set[int] = set()
        """Who is still to be told what became of an announcement."""
        self.barge_in = ""
        self.cancels_echoes = True
        self.person_acts = False
        """The person presses the button, or speaks."""
        self.ring: order.Ring | None = None
        self.rung_until = 0.0
        self.quiet_since: float | None = None
        """Since when it has been the person's turn, or an answer has been waited for."""

    @initialize(
        barge_in=st.sampled_from(["voice", "wake_word", "off"]),
        turn_end=st.sampled_from(TurnEnd),
        follow_up=st.sampled_from([0, 8_000]),
        wake_cue=st.booleans(),
        limits=st.sampled_from([(20_000, 60_000), (90_000, 200_000)]),
        light_required=st.booleans(),
    )
    def build(
        self,
        barge_in: str,
        turn_end: TurnEnd,
        follow_up: int,
        wake_cue: bool = False,
        limits: tuple[int, int] = (300_000, 1_800_000),
        light_required: bool = False,
    ) -> None:
        turn, session = limits
        self.barge_in = barge_in
        settings = Settings(
            barge_in=barge_in,
            turn_end=turn_end,
            follow_up=Ms(follow_up),
            wake_cue=wake_cue,
            longest_turn=Ms(turn),
            longest_session=Ms(session),
            light_required=light_required,
        )
        self.settings = settings
        self.machine = Machine(settings)

    # -- the house

    def tell(self, fact: ev.Event) -> None:
        self.position += 1_600
        if isinstance(fact, ev.SessionReady) and fact.turn == self.machine.status.turn:
            self.session_ready = True
        self.perform(self.machine.handle_event(fact, Ms(self.now)))

    def perform(self, actions: list[Action]) -> None:
        for action in actions:
            handler = getattr(self, f"do_{type(action).__name__}", None)
            if handler:
                handler(action)

    def do_OpenSession(self, action: order.OpenSession) -> None:
        assert not self.session_open, "a second session"
        assert self.microphone_open, "a session while muted"
        self.session_open, self.session_ready = True, False
        self.opened_at = self.now

    def do_CloseSession(self, action: order.CloseSession) -> None:
        assert self.session_open, "closed twice"
        assert not self.gate_open, "closed before the gate was shut"
        self.session_open = self.session_ready = False
        self.unanswered.clear()
        self.running.clear()

    def do_OpenGate(self, action: order.OpenGate) -> None:
        assert self.session_ready, "audio before the session was configured"
        assert self.microphone_open, "audio while muted"
        assert not self.gate_open or action.voiced_only != self.voiced_only, "opened twice"
        assert not (action.voiced_only and action.until is not None), "what was said before is sent whole"
        self.gate_open = action.until is None
        self.voiced_only = action.voiced_only

    def do_CloseGate(self, action: order.CloseGate) -> None:
        assert self.gate_open, "shut twice"
        self.gate_open = False

    def do_CutGate(self, action: order.CutGate) -> None:
        assert self.gate_open, "shut twice"
        self.gate_open = False

    def do_CutConnection(self, action: order.CutConnection) -> None:
        assert not self.gate_open, "cut before the gate was shut"
        assert not self.microphone_open, "cut before the microphone was shut"

    def do_CheckLink(self, action: order.CheckLink) -> None:
        assert self.session_ready, "asked before there was a session"

    def do_OpenMicrophone(self, action: order.OpenMicrophone) -> None:
        self.microphone_open = True

    def do_CloseMicrophone(self, action: order.CloseMicrophone) -> None:
        self.microphone_open = False

    def do_CommitTurn(self, action: order.CommitTurn) -> None:
        assert self.session_ready

    def do_RunTool(self, action: order.RunTool) -> None:
        assert action.call_id not in self.running, "run twice"
        if action.confirmed:
            assert self.person_acts, "nobody said yes"
            assert action.call_id in self.unanswered, "confirmed for nobody"
        self.running.add(action.call_id)

    def do_AnswerApproval(self, action: order.AnswerApproval) -> None:
        assert self.session_open
        assert action.call_id in self.unanswered, "answered twice or never asked"
        if action.approve:
            assert self.person_acts, "nobody said yes"
        self.unanswered.discard(action.call_id)

    def do_SendToolResult(self, action: order.SendToolResult) -> None:
        assert self.session_open
        assert action.call_id in self.unanswered, "answered twice or never asked"
        self.unanswered.discard(action.call_id)

    def do_Duck(self, action: order.Duck) -> None:
        self.ducked = True

    def do_Unduck(self, action: order.Unduck) -> None:
        self.ducked = False

    def do_PlayCue(self, action: order.PlayCue) -> None:
        if action.cue is Cue.WAKE:
            memory = self.machine._memory
            dark = ev.Device.LIGHT in memory.status.faults
            assert memory.settings.wake_cue or dark
            assert self.in_phase(Phase.LISTENING) or (dark and self.in_phase(Phase.THINKING))
            assert memory.voice is None or self.in_phase(Phase.THINKING), "a cue into somebody's words"
            assert not self.machine._memory.button_down, "a cue while somebody is about to speak"

    def do_EndAnswer(self, action: order.EndAnswer) -> None:
        self.complete = True

    def do_ReadAloud(self, action: order.ReadAloud) -> None:
        assert action.text or action.note, "nothing to say"
        assert self.in_phase(Phase.THINKING, Phase.SPEAKING)
        self.complete = True

    def do_AbandonResponse(self, action: order.AbandonResponse) -> None:
        assert self.session_open
        assert self.in_phase(Phase.THINKING, Phase.SPEAKING)
        assert not self.machine._memory.awaited, "a tool is waited for"

    def do_Ring(self, action: order.Ring) -> None:
        assert action != self.ring, "told twice"
        self.ring = action

    def do_StopRinging(self, action: order.StopRinging) -> None:
        assert self.ring is not None, "nothing rings"
        assert action.unheeded == (self.now >= self.rung_until)
        self.ring = None

    # -- what may happen

    @property
    def turn(self) -> int:
        return self.machine.status.turn

    @property
    def is_asking(self) -> bool:
        return self.machine._memory.announcements.said

    def in_phase(self, *phases: Phase) -> bool:
        return self.machine.status.phase in phases

    @rule()
    def wake_word(self) -> None:
        self.tell(ev.WakeWordDetected("hey_jarvis", 0.9, Samples(self.position)))

    @precondition(lambda self: self.in_phase(Phase.WAKING))
    @rule()
    def session_ready_now(self) -> None:
        self.tell(ev.SessionReady(self.turn))

    @precondition(lambda self: self.in_phase(Phase.LISTENING, Phase.THINKING, Phase.SPEAKING))
    @rule(stop=st.booleans())
    def provider_hears(self, stop: bool) -> None:
        self.tell(ev.SpeechStarted(self.turn))
        if stop:
            self.tell(ev.SpeechStopped(self.turn))

    @precondition(lambda self: self.in_phase(Phase.LISTENING, Phase.THINKING, Phase.SPEAKING))
    @rule(alive=st.booleans())
    def provider_is_asked(self, alive: bool) -> None:
        lost = ev.SessionFailed(self.turn, ev.Failure.DROPPED, "dead")
        self.tell(ev.LinkAnswered(self.turn) if alive else lost)

    @precondition(lambda self: self.in_phase(Phase.THINKING))
    @rule()
    def answer_begins(self) -> None:
        self.complete = False
        self.tell(ev.ResponseStarted(self.turn, "r"))
        self.tell(ev.PlaybackStarted(self.turn))

    @precondition(lambda self: self.in_phase(Phase.SPEAKING, Phase.THINKING))
    @rule(
        more=st.booleans(),
        sound=st.booleans(),
        text=st.sampled_from(["", "Words."]),
        lack=st.sampled_from([None, None, *ev.Shortfall]),
    )
    def answer_completes(self, more: bool, sound: bool, text: str, lack: ev.Shortfall | None) -> None:
        self.complete = False
        self.tell(ev.ResponseFinished(self.turn, "r", more=more, sound=sound, text=text, lack=lack))

    @precondition(lambda self: self.in_phase(Phase.SPEAKING))
    @rule(ended=st.booleans(), goes_on=st.booleans())
    def answer_runs_dry(self, ended: bool, goes_on: bool) -> None:
        self.tell(ev.PlaybackRanDry(self.turn, ended))
        if goes_on:
            self.tell(ev.PlaybackStarted(self.turn))

    @rule(muted=st.booleans())
    def mute_is_asked_for(self, muted: bool) -> None:
        self.tell(ev.MuteRequested() if muted else ev.UnmuteRequested())
        if muted or not self.holders:
            assert self.machine.status.muted is muted
        assert self.microphone_open is not self.machine.status.muted

    @rule()
    def mute_button_is_pressed(self) -> None:
        before = self.machine.status.muted
        self.tell(ev.MuteToggleRequested())
        assert self.machine.status.muted is (not before or bool(self.holders))

    @rule(holder=st.sampled_from(ev.MuteHolder), mutes=st.booleans(), moved=st.booleans())
    def mute_switch_is_moved(self, holder: ev.MuteHolder, mutes: bool, moved: bool) -> None:
        self.holders = self.holders | {holder} if mutes else self.holders - {holder}
        self.tell(ev.MuteHeld(holder, moved) if mutes else ev.MuteLetGo(holder))

    @rule(by=st.sampled_from([-10, 10]))
    def volume_is_stepped(self, by: int) -> None:
        if self.ring is not None:
            self.stops_the_ring_only(ev.VolumeStepRequested(by))
        before = self.machine.status
        self.tell(ev.VolumeStepRequested(by))
        assert self.machine.status == before

    @rule(button=st.sampled_from(["a", "b"]), down=st.booleans())
    def finger_comes_or_goes(self, button: str, down: bool) -> None:
        before = self.machine.status.phase
        self.tell(ev.ButtonPressed(button) if down else ev.ButtonLifted(button))
        assert self.machine.status.phase is before

    @rule()
    def quiet_is_asked_for(self) -> None:
        if self.ring is not None:
            self.stops_the_ring_only(ev.StopRequested())
        self.tell(ev.StopRequested())
        assert self.in_phase(Phase.IDLE)

    @property
    def but_for_the_ring(self) -> Status:
        """The status, without what follows from whether something sounds."""
        return replace(self.machine.status, heeds_stop=False)

    @rule(which=st.sampled_from("abc"), kind=st.sampled_from(ev.AlarmKind), label=st.sampled_from(["", "pasta"]))
    def alarm_is_due(self, which: str, kind: ev.AlarmKind, label: str) -> None:
        before = self.machine.status
        self.rung_until = self.now + self.settings.longest_ringing
        self.tell(ev.AlarmDue(which, kind, label))
        assert self.but_for_the_ring == replace(before, ringing=True, heeds_stop=False), "a ring changed something else"

    @rule(which=st.sampled_from("abcd"), missed=st.booleans())
    def alarm_is_silenced_or_missed(self, which: str, missed: bool) -> None:
        before = self.machine.status
        self.tell(ev.AlarmMissed(which, ev.AlarmKind.ALARM) if missed else ev.AlarmSilenced(which))
        assert replace(self.but_for_the_ring, ringing=before.ringing) == replace(before, heeds_stop=False)

    def stops_the_ring_only(self, fact: ev.Event) -> None:
        """While it rings a click, or being told to stop, ends the ringing and nothing else."""
        before = self.machine.status
        assert before.ringing
        self.tell(fact)
        assert self.ring is None
        assert self.but_for_the_ring == replace(before, ringing=False, heeds_stop=False)

    @rule()
    def stop_word(self) -> None:
        """A ringing is ended and nothing else, or what else sounds."""
        before = self.machine.status
        self.tell(ev.StopWordHeard("stop"))
        if before.ringing:
            assert self.machine.status.phase is before.phase
            assert not self.machine.status.ringing
        elif before.heeds_stop or before.phase is Phase.SPEAKING:
            assert self.in_phase(Phase.IDLE)
            assert not self.machine.status.heeds_stop

    @precondition(lambda self: self.session_open)
    @rule(failure=st.sampled_from([None, ev.Failure.BUSY]))
    def provider_complains(self, failure: ev.Failure | None) -> None:
        self.tell(ev.ProviderComplained(self.turn, "odd", failure))

    @precondition(lambda self: self.in_phase(Phase.THINKING, Phase.SPEAKING, Phase.LISTENING))
    @rule(how=st.sampled_from(["written", "of a call", "late", "unreadable"]))
    def words_come(self, how: str) -> None:
        facts = {
            "written": ev.WordsWritten(self.turn),
            "of a call": ev.CallBegun(self.turn),
            "late": ev.WordsFollowed(self.turn, "Words."),
            "unreadable": ev.ReadingFailed(self.turn, "no voice"),
        }
        self.tell(facts[how])

    @precondition(lambda self: self.session_ready)
    @rule(times=st.integers(1, 60), every=st.sampled_from([100, 2_000]), stops=st.booleans())
    def provider_hears_for_ever(self, times: int, every: int, stops: bool) -> None:
        """A radio, or a server that is out of its mind: no such fact keeps a session open."""
        for _ in range(times):
            if not self.session_open:
                break
            self.tell(ev.SpeechStarted(self.turn))
            if stops:
                self.tell(ev.SpeechStopped(self.turn))
            self.time_passes(every)

    @precondition(lambda self: self.in_phase(Phase.SPEAKING, Phase.THINKING) and not self.is_asking)
    @rule()
    def everything_comes_to_its_end(self) -> None:
        """Every result given and the last response complete: the answer must be let end."""
        self.tell(ev.Heard(self.turn, "no"))
        for call in sorted(self.running):
            self.tell(ev.ToolFinished(call, "done"))
        self.running.clear()
        self.complete = False
        self.tell(ev.ResponseFinished(self.turn, "last"))
        assert self.complete, "nobody waits for the sound card"

    @precondition(lambda self: self.in_phase(Phase.SPEAKING, Phase.THINKING))
    @rule()
    def sound_card_drains(self) -> None:
        turn = self.turn
        was = self.machine.status.phase
        self.tell(ev.PlaybackFinished(turn))
        if self.machine.status.phase is not was:
            assert self.complete, "speaking ended before the response was complete"

    @precondition(lambda self: self.in_phase(Phase.SPEAKING))
    @rule(goes_on=st.booleans())
    def voice_over_the_answer(self, goes_on: bool) -> None:
        self.tell(ev.VoiceStarted(Samples(self.position)))
        self.tell(ev.VoiceConfirmed() if goes_on else ev.VoiceStopped(Samples(self.position)))

    @precondition(lambda self: self.session_open)
    @rule(stale=st.booleans())
    def tool_is_called(self, stale: bool) -> None:
        self.calls += 1
        call = f"c{self.calls}"
        if self.in_phase(Phase.WAKING):
            return
        self.unanswered.add(call)
        opened = self.machine._memory.session or 0
        turn = opened if stale else self.turn
        self.tell(ev.ToolCalled(turn, call, "get_time", "{}"))
        assert call in self.running or call not in self.unanswered, "a call was neither run nor answered"

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def tool_finishes(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(sorted(self.running)))
        self.running.discard(call)
        self.tell(ev.ToolFinished(call, "done"))
        assert call not in self.unanswered

    @rule(
        kind=st.sampled_from(
            [ev.ResponseStarted, ev.ResponseFinished, ev.PlaybackStarted, ev.PlaybackFinished, ev.Said]
        )
    )
    def stale_fact(self, kind: type) -> None:
        before = self.machine.status
        names = {ev.ResponseStarted: ("old",), ev.ResponseFinished: ("old",), ev.Said: ("old",)}
        assert self.machine.handle_event(kind(self.turn - 1, *names.get(kind, ())), Ms(self.now)) == []
        assert self.machine.status == before

    @precondition(lambda self: self.machine.status.turn > 0)
    @rule(kind=st.sampled_from([ev.SessionReady, ev.SpeechStarted, ev.SpeechStopped]))
    def fact_of_an_earlier_session(self, kind: type) -> None:
        first = self.machine._memory.session or self.turn + 1
        before = self.machine.status
        assert self.machine.handle_event(kind(first - 1), Ms(self.now)) == []
        assert self.machine.status == before

    @rule(stopped=st.booleans())
    def voice(self, stopped: bool) -> None:
        kind = ev.VoiceStopped if stopped else ev.VoiceStarted
        self.tell(kind(Samples(self.position)))

    @rule()
    def click(self) -> None:
        """Also while another button is held."""
        click = ev.ButtonClicked(Samples(self.position))
        if self.ring is not None:
            self.stops_the_ring_only(click)
            return
        self.person_acts = True
        self.tell(click)
        self.person_acts = False

    @precondition(lambda self: not self.down)
    @rule()
    def hold(self) -> None:
        self.down = True
        if self.ring is not None and self.machine.status.confirming:
            self.stops_the_ring_only(ev.ButtonHeld(Samples(self.position)))
            return
        self.tell(ev.ButtonHeld(Samples(self.position)))

    @precondition(lambda self: self.down)
    @rule()
    def long_press(self) -> None:
        self.tell(ev.ButtonLongPressed())

    @precondition(lambda self: self.down)
    @rule()
    def release(self) -> None:
        self.down = False
        self.person_acts = True
        self.tell(ev.ButtonReleased(Samples(self.position)))
        self.person_acts = False

    @precondition(lambda self: self.running)
    @rule(data=st.data(), way=st.sampled_from(ev.Way))
    def tool_needs_a_yes(self, data: st.DataObject, way: ev.Way) -> None:
        call = data.draw(st.sampled_from(sorted(self.running)))
        self.running.discard(call)
        self.tell(ev.ConfirmationNeeded(call, "get_time", "{}", way, "unlock the door"))
        asked = self.machine._memory.confirming
        assert call not in self.unanswered or (asked and asked.wanted.call_id == call), "neither asked nor answered"

    @precondition(lambda self: self.session_open)
    @rule(stale=st.booleans(), way=st.sampled_from(ev.Way))
    def provider_needs_a_yes(self, stale: bool, way: ev.Way) -> None:
        self.calls += 1
        call = f"c{self.calls}"
        if self.in_phase(Phase.WAKING):
            return
        self.unanswered.add(call)
        opened = self.machine._memory.session or 0
        self.tell(ev.ApprovalRequested(opened if stale else self.turn, call, way, "let the calendar do that"))
        asked = self.machine._memory.confirming
        assert call not in self.unanswered or (asked and asked.wanted.call_id == call), "neither asked nor answered"

    @precondition(lambda self: self.session_open)
    @rule(text=st.sampled_from(["yes", "no", "perhaps"]))
    def person_is_understood(self, text: str) -> None:
        self.person_acts = True
        self.tell(ev.Heard(self.turn, text))
        self.person_acts = False

    @precondition(lambda self: self.session_open)
    @rule(failure=st.sampled_from(ev.Failure))
    def session_fails(self, failure: ev.Failure) -> None:
        self.tell(ev.SessionFailed(self.turn, failure, "why"))
        # A wake word said to a session that was dead opens another.
        called = failure is ev.Failure.DROPPED and self.in_phase(Phase.WAKING)
        assert called or self.in_phase(Phase.IDLE)

    @rule(device=st.sampled_from(ev.Device), recovers=st.booleans())
    def device_changes(self, device: ev.Device, recovers: bool) -> None:
        self.tell(ev.DeviceRecovered(device) if recovers else ev.DeviceFailed(device, "gone"))

    @rule(recovers=st.booleans())
    def echo_cancellation_changes(self, recovers: bool) -> None:
        """It may be there for stop words alone."""
        self.cancels_echoes = recovers
        self.tell(ev.EchoCancellationRecovered() if recovers else ev.EchoCancellationLost("too slow", for_good=False))

    @invariant()
    def without_echo_cancellation_nothing_is_sent_over_an_answer(self) -> None:
        if self.in_phase(Phase.SPEAKING) and not self.cancels_echoes:
            assert not self.gate_open
            assert not self.ducked

    @rule(played=st.floats(-5, 5_000), item=st.sampled_from(["", "item"]))
    def playback_stopped(self, played: float, item: str) -> None:
        orders = self.machine.handle_event(ev.PlaybackStopped(self.turn, item, Ms(played), Ms(2_000)), Ms(self.now))
        for action in orders:
            if isinstance(action, order.TruncateItem):
                assert 0 < action.played <= 2_000

    @rule(duration=st.sampled_from([10, 200, 600, 3_000, 9_000, 130_000]))
    def time_passes(self, duration: int) -> None:
        end = self.now + duration
        while (at := self.machine.get_timer()) is not None and at <= end:
            self.now = max(self.now, at)
            self.perform(self.machine.handle_timer(Ms(self.now)))
            self.note_quiet()
        self.now = end

    def note_quiet(self) -> None:
        """Keep since when nothing of an answer was audible in the session."""
        if not self.in_phase(Phase.LISTENING, Phase.THINKING):
            self.quiet_since = None
        elif self.quiet_since is None:
            self.quiet_since = self.now

    # -- announcements

    def do_SayAnnouncement(self, action: order.SayAnnouncement) -> None:
        assert self.in_phase(Phase.IDLE)
        assert not self.saying, "two at once"
        self.saying = action.serial

    def do_StopPlayback(self, action: order.StopPlayback) -> None:
        self.saying = 0

    def do_TellOutcome(self, action: order.TellOutcome) -> None:
        assert action.ticket in self.owed, "told twice, or to nobody"
        assert not action.words or action.outcome is Outcome.ANSWERED
        self.owed.discard(action.ticket)

    @rule(asks=st.booleans(), urgent=st.booleans(), by_provider=st.booleans())
    def announcement_is_wanted(self, asks: bool, urgent: bool, by_provider: bool = False) -> None:
        self.tickets += 1
        self.owed.add(self.tickets)
        self.tell(ev.AnnouncementRequested("Text.", self.tickets, asks, urgent, by_provider))

    @precondition(lambda self: self.saying)
    @rule(heard=st.booleans())
    def announcement_ends(self, heard: bool) -> None:
        serial, self.saying = self.saying, 0
        at = Samples(self.position)
        self.tell(ev.AnnouncementSaid(serial, at) if heard else ev.AnnouncementUnsaid(serial, "no voice"))

    @precondition(lambda self: self.is_asking)
    @rule(earlier=st.booleans())
    def answer_is_understood(self, earlier: bool) -> None:
        if not self.in_phase(Phase.WAKING):
            opened = self.machine._memory.session or 0
            self.tell(ev.Understood(opened if earlier else self.turn, "yes"))

    @precondition(lambda self: self.owed)
    @rule(data=st.data())
    def who_asked_leaves(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(sorted(self.owed)))
        self.tell(ev.AnnouncementWithdrawn(ticket))
        self.owed.discard(ticket)

    @rule(quiet=st.booleans())
    def hours_change(self, quiet: bool) -> None:
        self.tell(ev.QuietHoursChanged(quiet))

    @invariant()
    def nobody_is_listened_to_while_the_house_speaks_of_its_own_accord(self) -> None:
        if self.saying:
            assert self.in_phase(Phase.IDLE)
            assert not self.gate_open
            assert self.machine.status.announcing

    def do_Recite(self, action: order.Recite) -> None:
        assert self.session_ready
        assert not self.gate_open

    @invariant()
    def nobody_is_listened_to_while_the_provider_recites(self) -> None:
        if self.machine._memory.announcements.reciting:
            assert not self.in_phase(Phase.IDLE, Phase.LISTENING)
            assert not self.gate_open

    @invariant()
    def what_waits_is_bounded_and_has_its_time(self) -> None:
        memory = self.machine._memory
        queue = memory.announcements
        assert len(queue.waiting) <= 2 * MOST_WAITING
        assert memory.status.announcing == (queue.current is not None)
        assert not queue.said or memory.session is not None, "an answer is waited for without a session"
        sayable = any(one.urgent or one.asks or not queue.quiet for one in queue.waiting)
        free = self.in_phase(Phase.IDLE) and queue.current is None and not memory.button_down
        if sayable and free and not memory.status.ringing:
            assert Timer.ANNOUNCEMENT in memory.timers, "it would never be said"
        if self.in_phase(Phase.IDLE) and queue.current is not None:
            assert Timer.LONGEST_ANNOUNCEMENT in memory.timers, "it would be waited for for ever"

    # -- what always holds

    @invariant()
    def muted_or_idle_means_the_gate_is_shut(self) -> None:
        status = self.machine.status
        if status.muted or status.phase in (Phase.IDLE, Phase.WAKING):
            assert not self.gate_open
        assert status.gate_open == self.gate_open

    @invariant()
    def over_an_answer_only_voice_barge_in_listens(self) -> None:
        if self.in_phase(Phase.SPEAKING) and self.machine._memory.settings.barge_in != "voice":
            assert not self.gate_open

    @invariant()
    def voices_only_where_nobody_may_have_been_addressed(self) -> None:
        """Nothing is withheld from the button, from a provider that hears a voice, or before the answer sounds."""
        if self.gate_open and self.voiced_only:
            memory = self.machine._memory
            assert self.in_phase(Phase.LISTENING, Phase.SPEAKING)
            if self.in_phase(Phase.LISTENING):
                assert not memory.by_button
            if self.in_phase(Phase.LISTENING) and memory.settings.turn_end is TurnEnd.PROVIDER:
                assert memory.turn_end is TurnEnd.PROVIDER
                assert not memory.status.hearing

    @invariant()
    def a_switch_that_says_mute_is_obeyed(self) -> None:
        """Whatever else comes."""
        assert self.machine.status.mute_held == self.holders
        assert self.machine.status.muted or not self.holders

    @invariant()
    def muted_means_the_microphone_is_closed(self) -> None:
        assert self.microphone_open != self.machine.status.muted

    @invariant()
    def where_the_light_is_required_nobody_is_listened_to_without_it(self) -> None:
        if self.settings.light_required and ev.Device.LIGHT in self.machine.status.faults:
            assert not self.gate_open
            assert self.in_phase(Phase.IDLE) or self.machine._memory.announcements.reciting

    @invariant()
    def in_the_dark_who_is_listened_to_hears_it(self) -> None:
        memory = self.machine._memory
        if memory.darkness.cue_owed:
            speaking = memory.voice is not None or memory.status.hearing or memory.button_down
            assert self.in_phase(Phase.LISTENING)
            assert speaking, "nobody speaks, and no cue was played"

    @invariant()
    def every_waiting_phase_has_a_deadline(self) -> None:
        assert (Timer.DEADLINE in self.machine._memory.timers) == self.in_phase(*WAITING)

    @invariant()
    def no_session_is_longer_than_the_longest(self) -> None:
        """Whatever comes."""
        if self.session_open:
            assert self.now - self.opened_at <= self.settings.longest_session

    @invariant()
    def nobody_is_heard_for_longer_than_the_longest_turn_without_an_answer(self) -> None:
        self.note_quiet()
        if self.quiet_since is not None:
            assert self.now - self.quiet_since <= self.settings.longest_turn

    @invariant()
    def no_more_calls_run_than_may(self) -> None:
        assert len(self.machine._memory.calls) <= self.settings.calls

    @invariant()
    def who_is_asked_for_a_yes_is_asked_in_a_session_and_not_for_ever(self) -> None:
        memory = self.machine._memory
        assert memory.status.confirming == (memory.confirming is not None) == (Timer.CONFIRMATION in memory.timers)
        if memory.confirming is not None:
            assert self.session_open
            assert memory.confirming.wanted.call_id in self.unanswered

    @invariant()
    def what_is_due_rings_and_quietly_during_a_conversation(self) -> None:
        """Muted or not, whatever is broken."""
        assert self.machine.status.ringing == bool(self.machine._memory.ringing.alarms)
        wanted = order.Ring(ducked=not self.in_phase(Phase.IDLE)) if self.machine.status.ringing else None
        assert self.ring == wanted
        assert wanted is None or self.now <= self.rung_until

    @invariant()
    def idle_means_no_session(self) -> None:
        assert self.session_open == (not self.in_phase(Phase.IDLE))

    @invariant()
    def only_an_answer_that_may_be_interrupted_is_quiet(self) -> None:
        assert self.ducked == self.machine.status.ducked
        assert not self.ducked or self.in_phase(Phase.SPEAKING)


Conversations.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestConversations = Conversations.TestCase


def test_the_generator_reaches_speaking() -> None:
    """The rules above can lead to an audible answer: the properties are not about idle houses only."""
    house = Conversations()
    house.build(barge_in="voice", turn_end=TurnEnd.PROVIDER, follow_up=8_000)
    house.wake_word()
    house.session_ready_now()
    house.provider_hears(stop=True)
    house.answer_begins()
    assert house.in_phase(Phase.SPEAKING)


def test_the_generator_reaches_an_answer_to_an_announcement() -> None:
    """The same for the house that asks."""
    house = Conversations()
    house.build(barge_in="voice", turn_end=TurnEnd.PROVIDER, follow_up=8_000)
    house.announcement_is_wanted(asks=True, urgent=False)
    house.time_passes(600)
    house.announcement_ends(heard=True)
    house.session_ready_now()
    house.provider_hears(stop=True)
    house.answer_is_understood(earlier=False)
    assert house.in_phase(Phase.IDLE)
    assert not house.owed
