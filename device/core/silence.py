"""A provider that is silent when it should say something is asked whether it is there; a dead session is closed.

A network may fail without an error. The machine cannot conclude that from silence alone, since it is not told of
everything the provider sends (the sound of an answer goes around the machine): so it asks.
"""

from __future__ import annotations

from typing import Any

from device.core import actions as order
from device.core import effects as do
from device.core import endings as end
from device.core import events as ev
from device.core.actions import Action
from device.core.memory import Memory, Timer
from device.core.status import Phase
from device.units import Ms

_SIGNS_OF_LIFE = (
    ev.SessionReady,
    ev.SpeechStarted,
    ev.SpeechStopped,
    ev.ResponseStarted,
    ev.ResponseFinished,
    ev.WordsWritten,
    ev.WordsFollowed,
    ev.CallBegun,
    ev.ToolCalled,
    ev.ApprovalRequested,
    ev.ProviderComplained,
    ev.Heard,
    ev.Understood,
    ev.Said,
    ev.LinkAnswered,
)

# Added to the wait for an answer: what was sent before the ping must arrive first.
_MARGIN = Ms(1_000)


def watch(memory: Memory, fact: Any) -> None:
    """Note a fact whose row has been applied; measure how long the provider has been silent when it should not be."""
    if isinstance(fact, ev.VoiceStarted):
        memory.unheard = True
    if memory.status.hearing:
        # Somebody speaks again.
        memory.leaving = False
    if isinstance(fact, _SIGNS_OF_LIFE):
        _note_life(memory, fact)
    if not _is_due(memory):
        memory.stop(Timer.SILENCE)
    elif Timer.SILENCE not in memory.timers and not memory.asked:
        memory.start(Timer.SILENCE, memory.settings.silence)


def _note_life(memory: Memory, fact: Any) -> None:
    memory.asked = memory.leaving = False
    memory.unheard = isinstance(fact, ev.SessionReady) and _spoke_already(memory)
    memory.wake_word = None
    memory.stop(Timer.SILENCE)


def _spoke_already(memory: Memory) -> bool:
    """Say whether more than the wake word was said while the session was being opened."""
    return memory.voice is not None or memory.voice_ended - memory.began >= memory.settings.shortest_turn


def _is_due(memory: Memory) -> bool:
    """Say whether the provider should have something to say: somebody speaks to it, or it owes an answer."""
    phase = memory.status.phase
    if phase is Phase.LISTENING:
        return memory.status.hearing or memory.unheard
    return phase is Phase.THINKING or (phase is Phase.SPEAKING and memory.answering)


def ask(memory: Memory, fact: Any) -> list[Action]:
    """The provider has been silent for too long: ask whether it is there."""
    return [_check(memory, _patience(memory))]


def check_session(memory: Memory, fact: ev.WakeWordDetected) -> list[Action]:
    """The wake word was said while a session is open, perhaps because nothing happens: find out whether it is dead."""
    memory.wake_word, memory.leaving = fact, False
    return [_check(memory, memory.settings.answer_check_wake_word)]


def check_while_listening(memory: Memory, fact: ev.WakeWordDetected) -> list[Action]:
    """The same while it is the person's turn to speak."""
    return [*do.attend(memory, fact), *check_session(memory, fact)]


def interrupt_and_check(memory: Memory, fact: ev.WakeWordDetected) -> list[Action]:
    """The same while an answer sounds or is waited for, which it interrupts."""
    return [*do.interrupt_by_voice(memory, fact), *check_session(memory, fact)]


def ask_before_leaving(memory: Memory, fact: Any) -> list[Action]:
    """We heard a voice that the provider has not reported: perhaps the words did not reach it."""
    memory.leaving = True
    memory.window = Ms(memory.settings.answer_check + _MARGIN)
    return [] if memory.asked else ask(memory, fact)


def open_again(memory: Memory, fact: ev.SessionFailed) -> list[Action]:
    """The session is dead: open a new one for what was said after the wake word."""
    wake_word = memory.wake_word
    assert wake_word is not None, "see session_was_dead"
    return [*end.leave(memory, fact), *do.open_session_by_voice(memory, wake_word)]


def _check(memory: Memory, within: Ms) -> Action:
    memory.asked = True
    memory.stop(Timer.SILENCE)
    return order.CheckLink(within)


def _patience(memory: Memory) -> Ms:
    listening = memory.status.phase is Phase.LISTENING
    return memory.settings.answer_check if listening else memory.settings.answer_check_busy
