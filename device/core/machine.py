"""The machine: facts in, orders out. Time is an argument; it owns no clock and does no I/O."""

from __future__ import annotations

from dataclasses import replace

from device.core import confirmation
from device.core import events as ev
from device.core.actions import Action, CloseGate, OpenGate
from device.core.announcing import go_on
from device.core.awaiting import awaits_word
from device.core.darkness import sound_instead
from device.core.endings import say_not_kept
from device.core.gating import gate_wanted, voiced_only_wanted
from device.core.memory import Memory, Settings, Timer, deadline, limit_turn
from device.core.ringing import attend
from device.core.silence import watch
from device.core.status import Phase, Status
from device.core.stopping import heeds_stop
from device.core.transitions import TABLE, Row, Trigger
from device.units import Ms

# These are about the session as a whole, so they count after an interruption too. Each is still dropped when it comes
# from an earlier session.
_OF_THE_SESSION = (
    ev.SessionReady,
    ev.SessionFailed,
    ev.LinkAnswered,
    ev.SpeechStarted,
    ev.SpeechStopped,
    ev.Understood,
    ev.ToolCalled,
    ev.ApprovalRequested,
    ev.PlaybackStopped,
)


class Machine:
    """Decides what the house does.

    Call `handle_event` with every fact and `handle_timer` when the time that `get_timer` gives has come; perform the
    actions they return, in order. `now` is any clock in milliseconds that never goes back.
    """

    def __init__(self, settings: Settings, muted: bool = False) -> None:
        self._memory = Memory(settings, Status(muted=muted), turn_end=settings.turn_end, mute_asked=muted)
        self._left = False

    @property
    def status(self) -> Status:
        """What the rest of the house may see."""
        return self._memory.status

    def handle_event(self, event: ev.Event, now: Ms) -> list[Action]:
        """Handle a fact; return the orders to give."""
        self._memory.now = now
        self._note_voice(event)
        if self._left or self._is_stale(event):
            return []
        self._left = isinstance(event, ev.ShutdownRequested)
        return self._follow(type(event), event)

    def get_timer(self) -> Ms | None:
        """Return when `handle_timer` wants to be called, or None."""
        if self._left:
            return None
        return min(self._memory.timers.values(), default=None)

    def handle_timer(self, now: Ms) -> list[Action]:
        """Do what has become due; call it again when `get_timer` is still not after `now`."""
        self._memory.now = now
        due = [timer for timer, at in self._memory.timers.items() if at <= now]
        if not due:
            return []
        timer = min(due, key=lambda timer: self._memory.timers[timer])
        self._memory.stop(timer)
        return self._follow(timer, timer)

    def _follow(self, trigger: Trigger, fact: object) -> list[Action]:
        before = self._memory.status.phase
        actions = [*confirmation.give_up(self._memory, fact), *self._apply(trigger, fact)]
        watch(self._memory, fact)
        extra = [*sound_instead(self._memory, before, fact, actions), *say_not_kept(self._memory)]
        extra += attend(self._memory, fact)
        extra += go_on(self._memory, fact, actions)
        self._memory.note(heeds_stop=heeds_stop(self._memory), awaits_word=awaits_word(self._memory))
        return [*actions, *extra]

    def _note_voice(self, event: ev.Event) -> None:
        """Keep what the segmenter hears; it matters in every phase."""
        if isinstance(event, ev.VoiceStarted):
            self._memory.voice = event.at
            self._memory.spoke_in_hold = True
        elif isinstance(event, ev.VoiceStopped):
            self._memory.voice = None
            self._memory.voice_ended = event.at

    def _is_stale(self, event: ev.Event) -> bool:
        turn: int | None = getattr(event, "turn", None)
        if turn is None:
            return False
        if isinstance(event, _OF_THE_SESSION):
            return self._memory.session is None or turn < self._memory.session
        return turn != self._memory.status.turn or self._memory.session is None

    def _apply(self, trigger: Trigger, fact: object) -> list[Action]:
        row = self._find(trigger, fact)
        if row is None:
            return []
        before = self._memory.status.phase
        actions = row.effect(self._memory, fact)
        self._memory.note(phase=row.target)
        if row.rearm or row.target is not before:
            self._arm(row.target)
        limit_turn(self._memory, row.target)
        return actions + self._move_gate(row.target)

    def _find(self, trigger: Trigger, fact: object) -> Row | None:
        rows = TABLE.get((self._memory.status.phase, trigger), ())
        return next((row for row in rows if row.guard(self._memory, fact)), None)

    def _arm(self, phase: Phase) -> None:
        duration = deadline(self._memory, phase)
        if duration is None:
            self._memory.stop(Timer.DEADLINE)
        else:
            self._memory.start(Timer.DEADLINE, duration)

    def _move_gate(self, phase: Phase) -> list[Action]:
        wanted = gate_wanted(self._memory, phase)
        voiced_only = wanted and voiced_only_wanted(self._memory, phase)
        unchanged = voiced_only == self._memory.voiced_only or not wanted
        if wanted == self._memory.status.gate_open and unchanged:
            return []
        self._memory.status = replace(self._memory.status, gate_open=wanted)
        if not wanted:
            return [CloseGate()]
        self._memory.voiced_only = voiced_only
        since, self._memory.since = self._memory.since, None
        return [OpenGate(since, voiced_only=voiced_only)]
