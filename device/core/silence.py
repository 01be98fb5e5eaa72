"""What is done about a provider that says nothing when it should: it is asked whether it is there, and a dead session
is left.

A network may die without a word. What the machine hears of the provider is not all that it says, since the sound of an
answer goes around the machine: so it does not judge by itself, but asks.
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
    ev.ProviderComplained,
    ev.Heard,
    ev.Said,
    ev.LinkAnswered,
)

# The server has the ping when the network has taken it; what is sent before it needs its time.
_MARGIN = Ms(1_000)


def watch(memory: Memory, fact: Any) -> None:
    """Take in a fact, after its rule: keep the time since the provider last said something while it should."""
    if isinstance(fact, ev.VoiceStarted):
        memory.unheard = True
    if memory.status.hearing:
        # Somebody goes on after all.
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
    memory.called = None
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
    """It has been silent for long enough."""
    return [_check(memory, _patience(memory))]


def call(memory: Memory, fact: ev.WakeWordDetected) -> list[Action]:
    """Somebody says the wake word to an open session: perhaps because nothing happens. Is it dead?"""
    memory.called, memory.leaving = fact, False
    return [_check(memory, memory.settings.answer_call)]


def call_listening(memory: Memory, fact: ev.WakeWordDetected) -> list[Action]:
    """The same while the person has the word."""
    return [*do.attend(memory, fact), *call(memory, fact)]


def call_interrupting(memory: Memory, fact: ev.WakeWordDetected) -> list[Action]:
    """The same over an answer, or instead of waiting for it."""
    return [*do.interrupt_by_voice(memory, fact), *call(memory, fact)]


def ask_before_leaving(memory: Memory, fact: Any) -> list[Action]:
    """We heard a voice and the provider did not: it had time, but perhaps not the words."""
    memory.leaving = True
    memory.window = Ms(memory.settings.answer_check + _MARGIN)
    return [] if memory.asked else ask(memory, fact)


def call_again(memory: Memory, fact: ev.SessionFailed) -> list[Action]:
    """It is dead: what was said after the wake word goes to a new session."""
    called = memory.called
    assert called is not None, "see was_called"
    return [*end.leave(memory, fact), *do.open_session_by_voice(memory, called)]


def _check(memory: Memory, within: Ms) -> Action:
    memory.asked = True
    memory.stop(Timer.SILENCE)
    return order.CheckLink(within)


def _patience(memory: Memory) -> Ms:
    listening = memory.status.phase is Phase.LISTENING
    return memory.settings.answer_check if listening else memory.settings.answer_check_busy
