"""Effects of the transition table at the end of a conversation, and for what may happen in every phase (mute, faults).

As in effects.py, each changes the memory and returns the orders to give.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from device.core import actions as order
from device.core import effects as do
from device.core import events as ev
from device.core import failures
from device.core.actions import Action, Cue
from device.core.gating import unlit
from device.core.memory import Memory, Timer
from device.core.status import Phase
from device.core.strain import Burden

# Failures in which the provider is not reached, or not any more.
_OFFLINE = frozenset(
    {
        ev.Failure.UNREACHABLE,
        ev.Failure.PROXY,
        ev.Failure.INSECURE,
        ev.Failure.WEB_PAGE,
        ev.Failure.SILENT,
        ev.Failure.DROPPED,
    }
)


def leave(memory: Memory, fact: Any) -> list[Action]:
    """The person ended the conversation."""
    return _end_session(memory)


def leave_quietly(memory: Memory, fact: Any) -> list[Action]:
    """The person has said nothing more: end the conversation."""
    return [*_end_session(memory), *do.cue(memory, Cue.DONE)]


def fail_by_session(memory: Memory, fact: ev.SessionFailed) -> list[Action]:
    """The session is gone: say why."""
    memory.note(online=fact.failure not in _OFFLINE)
    return _fail(memory, failures.OF_CONVERSATION[fact.failure])


def fail_by_response(memory: Memory, fact: ev.ResponseFinished) -> list[Action]:
    """The model could not answer: say why."""
    return _fail(memory, failures.OF_CONVERSATION[fact.failure or ev.Failure.BUSY])


def fail_by_device(memory: Memory, fact: ev.DeviceFailed) -> list[Action]:
    """A part failed without which the conversation cannot go on."""
    add_fault(memory, fact)
    return _fail(memory, failures.OF_DEVICE[fact.device])


def give_up_connecting(memory: Memory, fact: Any) -> list[Action]:
    """The session did not become ready in time."""
    memory.note(online=False)
    return _fail(memory, failures.OF_CONVERSATION[ev.Failure.SILENT], "the session did not become ready in time")


def give_up_answer(memory: Memory, fact: Any) -> list[Action]:
    """The answer did not come, or did not end, in time."""
    return _fail(memory, failures.TOO_SLOW, "no answer, or no end of one, came in time (see conversation.think_s)")


def give_up_doubtful_answer(memory: Memory, fact: Any) -> list[Action]:
    """Something went wrong at the provider, and no answer has come since: say what it was."""
    why = "the provider gave no answer after its error"
    return _fail(memory, failures.OF_CONVERSATION[memory.answer.suspected or ev.Failure.BUSY], why)


def give_up_listening(memory: Memory, fact: Any) -> list[Action]:
    """A voice, or a noise taken for one, went on for longer than anybody speaks."""
    return _fail(memory, failures.NO_END_OF_SPEECH, "somebody was heard for too long, and no end of it")


def give_up_session(memory: Memory, fact: Any) -> list[Action]:
    """The session has been open for as long as is allowed."""
    return _fail(memory, failures.OF_CONVERSATION[ev.Failure.EXPIRED], "the session was open for half an hour")


def give_up_tools(memory: Memory, fact: ev.ResponseStarted) -> list[Action]:
    """The model calls tools without end."""
    return _fail(memory, failures.NO_END_OF_TOOLS, "the model called tools without end, and was stopped")


def _fail(memory: Memory, text: str, why: str = "") -> list[Action]:
    actions = _end_session(memory)
    memory.note(failing=True)
    memory.start(Timer.FAILURE_SHOWN, memory.settings.show_failure)
    return [*actions, *do.cue(memory, Cue.ERROR), order.Announce(text, why)]


def stop_showing_failure(memory: Memory, fact: Any) -> list[Action]:
    """The lights may show something else again."""
    memory.note(failing=False)
    return []


def _end_session(memory: Memory) -> list[Action]:
    return [*_shut_gate(memory), *_leave_session(memory), order.StopPlayback(), *do.give_volume_back(memory)]


def _shut_gate(memory: Memory) -> list[Action]:
    """Shut the gate and drop what it still holds, which belongs to no turn any more."""
    shut: list[Action] = [order.CutGate()] if memory.status.gate_open else []
    memory.note(hearing=False, gate_open=False)
    return shut


def _leave_session(memory: Memory) -> list[Action]:
    close: list[Action] = [] if memory.session is None else [order.CloseSession()]
    memory.session = None
    memory.answering = False
    memory.until = None
    memory.calls.clear()
    memory.awaited.clear()
    memory.end_confirmation()
    memory.stop(Timer.HOLD_TAIL)
    memory.stop(Timer.LONGEST_SESSION)
    memory.stop(Timer.INTERRUPTED)
    return close


# -- conditions


def say_muted(memory: Memory, fact: Any) -> list[Action]:
    """A press while muted: the person should know why nothing happens, or why it stays muted."""
    return do.cue(memory, Cue.MUTED)


def say_deaf(memory: Memory, fact: Any) -> list[Action]:
    """Somebody wants to talk to a microphone that does not work, or without the light that is required."""
    broken = ev.Device.LIGHT if unlit(memory) else ev.Device.MICROPHONE
    return [*do.cue(memory, Cue.ERROR), order.Announce(failures.OF_DEVICE[broken])]


def answer_call(memory: Memory, fact: ev.WakeWordDetected) -> list[Action]:
    """The same to a wake word, instead of whatever is being said."""
    return [*hush(memory, fact), *say_deaf(memory, fact)]


def hold_deaf(memory: Memory, fact: ev.ButtonHeld) -> list[Action]:
    """Push-to-talk with a microphone that does not work; a long press may still mute."""
    do.press_button(memory, fact)
    return say_deaf(memory, fact)


def hush(memory: Memory, fact: Any) -> list[Action]:
    """Stop saying what went wrong: the person does not want to hear more of it."""
    memory.stop(Timer.FAILURE_SHOWN)
    memory.note(failing=False)
    return [order.StopPlayback()]


def mute(memory: Memory, fact: Any) -> list[Action]:
    """Mute, keep the state, play a cue."""
    memory.mute_asked = True
    return [*_close_microphone(memory, fact), order.RememberMute(True), *do.cue(memory, Cue.MUTED)]


def mute_too(memory: Memory, fact: Any) -> list[Action]:
    """A switch has muted it already: it is to stay muted when the switch lets go."""
    memory.mute_asked = True
    return [order.RememberMute(True)]


def unmute(memory: Memory, fact: Any) -> list[Action]:
    """Listen for the wake word again."""
    memory.mute_asked = False
    return [*_open_microphone(memory, fact), order.RememberMute(False), *do.cue(memory, Cue.UNMUTED)]


def hold_mute(memory: Memory, fact: ev.MuteHeld) -> list[Action]:
    """A switch mutes. Its position is the memory of it: nothing is kept on the disk."""
    orders = [] if memory.status.muted else _close_microphone(memory, fact)
    memory.note(mute_held=memory.status.mute_held | {fact.by})
    return [*orders, *(do.cue(memory, Cue.MUTED) if fact.moved else [])]


def let_mute_go(memory: Memory, fact: ev.MuteLetGo) -> list[Action]:
    """A switch does not mute any more: listen, unless another does, or the person has muted it otherwise, too."""
    memory.note(mute_held=memory.status.mute_held - {fact.by})
    if memory.status.mute_held or memory.mute_asked:
        return do.cue(memory, Cue.MUTED)
    return [*_open_microphone(memory, fact), *do.cue(memory, Cue.UNMUTED)]


def _close_microphone(memory: Memory, fact: Any) -> list[Action]:
    """Shut microphone, gate and connection, in this order; then close the session."""
    shut = [order.CloseMicrophone(), *_shut_gate(memory), order.CutConnection()]
    do.let_go(memory, fact)
    memory.voice = None
    memory.note(muted=True)
    return [*shut, *_end_session(memory)]


def _open_microphone(memory: Memory, fact: Any) -> list[Action]:
    do.let_go(memory, fact)
    memory.note(muted=False)
    return [order.OpenMicrophone()]


def add_fault(memory: Memory, fact: ev.DeviceFailed) -> list[Action]:
    """Show that a part of the house does not work."""
    if fact.device is ev.Device.MICROPHONE:
        memory.voice = None
    memory.note(faults=memory.status.faults | {fact.device})
    return []


def note_not_kept(memory: Memory, fact: ev.DeviceFailed) -> list[Action]:
    """The person relies on a mute state that would end with the next restart, and is told outside of conversations."""
    memory.not_kept = True
    return add_fault(memory, fact)


def say_not_kept(memory: Memory) -> list[Action]:
    """Return the sentence about a mute state that is not kept, as soon as no conversation is in the way."""
    if not memory.not_kept or memory.status.phase is not Phase.IDLE:
        return []
    memory.not_kept = False
    return [order.Announce(failures.MUTE_NOT_KEPT if memory.status.muted else failures.UNMUTE_NOT_KEPT)]


def remove_fault(memory: Memory, fact: ev.DeviceRecovered) -> list[Action]:
    """It works again."""
    memory.not_kept = memory.not_kept and fact.device is not ev.Device.DISK
    memory.note(faults=memory.status.faults - {fact.device})
    return []


def give_up_voice_barge_in(memory: Memory, fact: ev.EchoCancellationLost) -> list[Action]:
    """Without echo cancellation it would interrupt itself: from now on only the wake word interrupts an answer."""
    memory.echo_remains = True
    if memory.settings.barge_in != "voice":
        return []
    memory.voice_barged_in = True
    memory.settings = replace(memory.settings, barge_in="wake_word")
    return do.give_volume_back(memory)


def take_voice_barge_in_back(memory: Memory, fact: ev.EchoCancellationRecovered) -> list[Action]:
    """A voice may interrupt again, if it could before."""
    memory.echo_remains = False
    if memory.voice_barged_in:
        memory.settings = replace(memory.settings, barge_in="voice")
    return []


def note_load(memory: Memory, fact: ev.LoadShed) -> list[Action]:
    """What the house does without has changed."""
    memory.canceller_is_light = Burden.ECHO_FILTER in fact.without
    return []


def shut_down(memory: Memory, fact: ev.ShutdownRequested) -> list[Action]:
    """Close everything and end the program."""
    memory.not_kept = False
    return [order.CloseMicrophone(), *_end_session(memory), order.Exit()]
