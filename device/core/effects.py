"""Effects of the transition table in a conversation: each changes the memory and returns the orders to give.

The gate and the deadlines are not handled here: they follow from the phase that a row leads to (see machine.py).
"""

from __future__ import annotations

from typing import Any

from device.core import actions as order
from device.core import events as ev
from device.core import failures
from device.core.actions import Action, Cue, Purpose, TurnEnd
from device.core.gating import rest_goes_on
from device.core.memory import AnswerProgress, Memory, Timer
from device.units import CAPTURE_RATE, Ms, Samples, samples_from_ms


def nothing(memory: Memory, fact: Any) -> list[Action]:
    """Change nothing."""
    return []


# -- opening a session


def open_session_by_voice(memory: Memory, fact: ev.WakeWordDetected) -> list[Action]:
    """Open a session for what follows the wake word."""
    return open_session(memory, fact.end, memory.settings.turn_end, word=fact.word)


def open_session_by_button(memory: Memory, fact: ev.ButtonClicked) -> list[Action]:
    """Open a session for what follows the press."""
    return open_session(memory, fact.at, memory.settings.turn_end)


def open_session_by_hold(memory: Memory, fact: ev.ButtonHeld) -> list[Action]:
    """Open a session for what is said while the button is down."""
    press_button(memory, fact)
    return open_session(memory, fact.at, TurnEnd.DEVICE)


def open_session(
    memory: Memory, since: Samples, turn_end: TurnEnd, purpose: Purpose = Purpose.TALK, word: str = ""
) -> list[Action]:
    """Open a session for what is said from sample `since` of the capture stream on; `word`: what has woken it.

    A wake word that is some persona's own has that one answer, whoever is chosen.
    """
    turn = memory.status.turn + 1
    persona = memory.settings.personas.get(word, memory.status.persona)
    memory.session = turn
    memory.turn_end = turn_end
    memory.by_button = memory.button_down
    memory.since = memory.began = since
    memory.until = None
    memory.window = memory.settings.listen
    memory.in_follow_up = False
    memory.answer = AnswerProgress()
    memory.start(Timer.LONGEST_SESSION, memory.settings.longest_session)
    memory.stop(Timer.FAILURE_SHOWN)
    memory.note(turn=turn, failing=False, hearing=False)
    return [order.StopPlayback(), order.OpenSession(turn, turn_end, purpose, persona)]


def press_button(memory: Memory, fact: ev.ButtonHeld) -> list[Action]:
    """Remember that the button is down, and whether somebody is speaking already."""
    memory.button_down = True
    memory.stop(Timer.HOLD_TAIL)
    memory.spoke_in_hold = memory.voice is not None
    memory.start(Timer.LONGEST_HOLD, memory.settings.longest_hold)
    return []


def hold_while_waking(memory: Memory, fact: ev.ButtonHeld) -> list[Action]:
    """Make the turn that is being opened a push-to-talk turn."""
    press_button(memory, fact)
    memory.since = fact.at
    memory.until = None
    return [_begin_turn(memory, TurnEnd.DEVICE)]


def begin_listening(memory: Memory, fact: ev.SessionReady) -> list[Action]:
    """The session is ready: it is the person's turn to speak."""
    goes_on = memory.turn_end is TurnEnd.DEVICE and memory.voice is not None
    memory.note(online=True, hearing=memory.button_down or goes_on)
    if memory.button_down or not memory.settings.wake_cue:
        return []
    memory.cue_until = Samples(memory.began + memory.settings.shortest_turn)
    # The voice heard now may be the end of the wake word itself: the segmenter reports that end only after a pause.
    silent = memory.voice is None and memory.voice_ended < memory.cue_until
    return play_wake_cue(memory, fact) if silent else []


def play_wake_cue(memory: Memory, fact: Any) -> list[Action]:
    """Only the wake word has been said: tell the person to go on. Never played while somebody speaks."""
    memory.cue_until = Samples(0)
    return [*listen_on(memory, fact), *cue(memory, Cue.WAKE)]


def listen_on(memory: Memory, fact: Any) -> list[Action]:
    """The voice was only the end of the wake word: the person has not begun yet.

    A provider that ends the turn goes on hearing that voice for longer than we do, and does not report a new one when
    the person begins.
    """
    if memory.turn_end is TurnEnd.DEVICE:
        memory.note(hearing=False)
    return []


# -- push-to-talk


def remember_end(memory: Memory, fact: ev.VoiceStopped) -> list[Action]:
    """The person finished before the session was ready: note where the words end."""
    memory.until = fact.at
    return []


def remember_release(memory: Memory, fact: ev.ButtonReleased) -> list[Action]:
    """The button was released before the session was ready; the sound card still holds the last words."""
    actions = release_button(memory, fact)
    memory.until = memory.let_go
    return actions


def forget_end(memory: Memory, fact: ev.VoiceStarted) -> list[Action]:
    """The person goes on speaking: the turn is not over."""
    memory.until = None
    return []


def send_whole_turn(memory: Memory, fact: ev.SessionReady) -> list[Action]:
    """Send what was said while the session was being opened, and commit it."""
    memory.note(online=True)
    span = order.OpenGate(memory.since, memory.until)
    memory.until = None
    return [span, *commit(memory, fact)]


def release_button(memory: Memory, fact: ev.ButtonReleased) -> list[Action]:
    """The button was released: wait for the last words, which the sound card still holds."""
    let_go(memory, fact)
    memory.let_go = Samples(fact.at + samples_from_ms(memory.settings.hold_tail, CAPTURE_RATE))
    memory.start(Timer.HOLD_TAIL, memory.settings.hold_tail)
    memory.start(Timer.REST, memory.settings.longest_rest)
    return []


def let_go(memory: Memory, fact: Any) -> list[Action]:
    """The button is up again."""
    memory.button_down = False
    memory.stop(Timer.LONGEST_HOLD)
    return []


def commit(memory: Memory, fact: Any) -> list[Action]:
    """End the person's turn ourselves. Nothing more is sent until the answer was heard."""
    memory.stop(Timer.HOLD_TAIL)
    memory.answering = True
    memory.answer = AnswerProgress()
    shut: list[Action] = [order.CloseGate()] if memory.status.gate_open else []
    memory.note(hearing=False, gate_open=False)
    memory.since = memory.until = None
    return [*shut, order.CommitTurn()]


# -- the person's turn


def hear(memory: Memory, fact: Any) -> list[Action]:
    """The person is speaking."""
    memory.answer = AnswerProgress()
    memory.note(hearing=True)
    return []


def attend(memory: Memory, fact: ev.WakeWordDetected) -> list[Action]:
    """The wake word was said although the device listens already: what follows is certainly meant for it."""
    memory.in_follow_up = False
    return []


def stop_hearing(memory: Memory, fact: ev.SpeechStopped) -> list[Action]:
    """The provider heard the end and answers by itself."""
    memory.answering = True
    memory.answer = AnswerProgress()
    memory.note(hearing=False)
    return []


def give_grace(memory: Memory, fact: Any) -> list[Action]:
    """Wait a little longer for a person who has just begun to speak."""
    memory.grace_given = True
    memory.window = Ms(2_000)
    return []


# -- the answer


def follow_up(memory: Memory, fact: ev.PlaybackFinished) -> list[Action]:
    """The person may go on without the wake word."""
    usual = memory.settings.turn_end
    turn = [] if memory.turn_end is usual else [_begin_turn(memory, usual)]
    _listen_again(memory, memory.settings.follow_up)
    memory.in_follow_up = True
    return [*turn, *give_volume_back(memory)]


def give_turn(memory: Memory, window: Ms) -> list[Action]:
    """It is the person's turn, a new one, for as long as `window` without a word."""
    turn = _begin_turn(memory, memory.settings.turn_end)
    _listen_again(memory, window)
    memory.in_follow_up = False
    return [turn, *give_volume_back(memory)]


def _listen_again(memory: Memory, window: Ms) -> None:
    memory.answer = AnswerProgress()
    memory.window = window
    memory.by_button = memory.button_down
    memory.grace_given = False
    memory.since = None
    memory.began = Samples(0)
    usual = memory.settings.turn_end
    memory.note(hearing=usual is TurnEnd.DEVICE and memory.voice is not None and not rest_goes_on(memory))


def duck(memory: Memory, fact: ev.VoiceStarted) -> list[Action]:
    """A voice over the answer: play quietly until it is clear whether it is meant."""
    memory.note(ducked=True)
    return [order.Duck()]


def unduck(memory: Memory, fact: ev.VoiceStopped) -> list[Action]:
    """The voice has ended without interrupting the answer."""
    return give_volume_back(memory)


def give_volume_back(memory: Memory) -> list[Action]:
    """Play at full volume again, if it was not."""
    if not memory.status.ducked:
        return []
    memory.note(ducked=False)
    return [order.Unduck()]


# -- interruptions


def yield_to_provider(memory: Memory, fact: ev.SpeechStarted) -> list[Action]:
    """The provider heard the person and has cancelled its response by itself."""
    actions = _interrupt(memory, order.DropResponse(), memory.settings.turn_end)
    memory.start(Timer.INTERRUPTED, memory.settings.interrupted)
    memory.note(hearing=True)
    return actions


def go_on_listening(memory: Memory, fact: ev.VoiceStarted) -> list[Action]:
    """Our own segmenter mistook a pause for the end of the turn: what was committed stays, the rest follows."""
    return _listen_from_voice(memory, fact.at, order.CancelResponse())


def interrupt_by_confirmed_voice(memory: Memory, fact: Any) -> list[Action]:
    """The voice over the answer went on: the person wants to interrupt.

    On a busy machine the provider may have heard all of the person's words by now: its answer to them must be kept.
    """
    memory.start(Timer.INTERRUPTED, memory.settings.interrupted)
    return _listen_from_voice(memory, memory.voice, order.CancelResponse(keeps_due=True))


def _listen_from_voice(memory: Memory, onset: Samples | None, with_response: Action) -> list[Action]:
    memory.began = Samples(0)
    if onset is not None:
        memory.since = Samples(max(memory.let_go, onset - memory.settings.onset_padding))
    actions = _interrupt(memory, with_response, memory.settings.turn_end)
    memory.note(hearing=memory.turn_end is TurnEnd.DEVICE)
    return actions


def interrupt_by_voice(memory: Memory, fact: ev.WakeWordDetected) -> list[Action]:
    """The wake word was said over the answer, or instead of waiting for it."""
    memory.since = memory.began = fact.end
    return _interrupt(memory, order.CancelResponse(), memory.settings.turn_end)


def interrupt_by_hold(memory: Memory, fact: ev.ButtonHeld) -> list[Action]:
    """Push-to-talk in a running conversation: only what is said while the button is down counts."""
    press_button(memory, fact)
    shut: list[Action] = [order.CloseGate()] if memory.status.gate_open else []
    memory.note(gate_open=False)
    memory.since = fact.at
    actions = shut + _interrupt(memory, order.CancelResponse(), TurnEnd.DEVICE)
    memory.note(hearing=True)
    return actions


def _interrupt(memory: Memory, with_response: Action, turn_end: TurnEnd) -> list[Action]:
    memory.answering = False
    memory.answer = AnswerProgress()
    memory.awaited.clear()
    memory.grace_given = memory.in_follow_up = False
    memory.window = memory.settings.listen
    memory.stop(Timer.HOLD_TAIL)
    memory.note(hearing=False)
    return [order.StopPlayback(), with_response, _begin_turn(memory, turn_end), *give_volume_back(memory)]


def _begin_turn(memory: Memory, turn_end: TurnEnd) -> Action:
    memory.turn_end = turn_end
    memory.by_button = memory.button_down
    memory.note(turn=memory.status.turn + 1)
    return order.BeginTurn(memory.status.turn, turn_end)


def account_for_heard(memory: Memory, fact: ev.PlaybackStopped) -> list[Action]:
    """Tell the provider how much of its answer was heard, so that the model knows what was not."""
    if not fact.item:
        return []
    if fact.played <= 0:
        return [order.DeleteItem(fact.item)]
    return [order.TruncateItem(fact.item, Ms(min(fact.played, fact.received)))]


# -- tools


def run_tool(memory: Memory, fact: ev.ToolCalled) -> list[Action]:
    """Start the tool; the conversation goes on meanwhile."""
    memory.calls.add(fact.call_id)
    memory.awaited.add(fact.call_id)
    memory.answer.suspected = None
    return [order.RunTool(fact.call_id, fact.name, fact.arguments)]


def refuse_stale_call(memory: Memory, fact: ev.ToolCalled) -> list[Action]:
    """Answer a call of an interrupted response without running the tool: no call may stay unanswered."""
    return [order.SendToolResult(fact.call_id, failures.CALL_INTERRUPTED)]


def refuse_excess_call(memory: Memory, fact: ev.ToolCalled) -> list[Action]:
    """Answer a call without running the tool: too many are open."""
    return [order.SendToolResult(fact.call_id, failures.TOO_MANY_CALLS)]


def send_result(memory: Memory, fact: ev.ToolFinished) -> list[Action]:
    """Give the provider the result."""
    forget_call(memory, fact.call_id)
    return [order.SendToolResult(fact.call_id, fact.output)]


def forget_call(memory: Memory, call_id: str) -> None:
    """Note that the provider waits for this call no more."""
    memory.calls.discard(call_id)
    memory.awaited.discard(call_id)


def step_volume(memory: Memory, fact: ev.VolumeStepRequested) -> list[Action]:
    """Louder, or quieter."""
    return [order.StepVolume(fact.by)]


def choose_persona(memory: Memory, fact: ev.PersonaChosen) -> list[Action]:
    """Somebody else answers, from the next session on: the one that is open goes on as it is."""
    memory.note(persona=fact.name)
    return []


def choose_wake_word(memory: Memory, fact: ev.WakeWordChosen) -> list[Action]:
    """Another wake word wakes, or all of them do."""
    memory.note(wake_word=fact.word)
    return []


def note_press(memory: Memory, fact: ev.ButtonPressed) -> list[Action]:
    """Show that the press was felt."""
    memory.pressed.add(fact.button)
    memory.note(pressed=True)
    return []


def note_lift(memory: Memory, fact: ev.ButtonLifted) -> list[Action]:
    """The finger has gone."""
    memory.pressed.discard(fact.button)
    memory.note(pressed=bool(memory.pressed))
    return []


def cue(memory: Memory, sound: Cue) -> list[Action]:
    """Play a short sound, unless the person wants none."""
    return [order.PlayCue(sound)] if memory.settings.cues else []
