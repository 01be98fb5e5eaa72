"""May what the microphone hears leave the device? The one place where this is decided."""

from __future__ import annotations

from device.core.actions import TurnEnd
from device.core.events import Device
from device.core.memory import Memory, Timer
from device.core.status import Phase


def unlit(memory: Memory) -> bool:
    """Say whether the light is broken without which nobody may be listened to."""
    return memory.settings.light_required and Device.LIGHT in memory.status.faults


def gate_wanted(memory: Memory, phase: Phase) -> bool:
    """Say whether microphone audio may leave the device: the one place where this is decided.

    In the person's turn, yes; with the button down, as soon as there is a voice (a long press for mute is silent, and
    nothing of it should be sent). While an answer is waited for or sounds, only where the provider listens for the
    person: always before the answer is audible (the person may only have paused), and over the answer only where voice
    barge-in is on.
    """
    if memory.status.muted or memory.session is None or unlit(memory):
        return False
    if phase is Phase.LISTENING:
        return _person_may_speak(memory)
    if memory.turn_end is TurnEnd.DEVICE:
        return False
    return phase is Phase.THINKING or (phase is Phase.SPEAKING and memory.settings.barge_in == "voice")


def voiced_only_wanted(memory: Memory, phase: Phase) -> bool:
    """Say whether only voices should pass the open gate.

    Yes where our own segmenter ends the turn: what it does not hear is not part of a turn. Where the provider ends it,
    only in the follow-up window, in which the person may not mean to speak, and only until the provider has heard a
    voice: from then on it needs the silence too, to find the end. Never after a wake word or a click, nor while the
    button is down. Always over an answer: our own detector knows what is being played, while the provider would take
    the rest of an echo for a person.
    """
    if phase is Phase.SPEAKING:
        return True
    if phase is not Phase.LISTENING or memory.by_button:
        return False
    if memory.turn_end is TurnEnd.DEVICE:
        return True
    return memory.in_follow_up and not memory.status.hearing


def _person_may_speak(memory: Memory) -> bool:
    if memory.in_follow_up and rest_goes_on(memory):
        return False
    return memory.spoke_in_hold or not memory.button_down


def rest_goes_on(memory: Memory) -> bool:
    """Say whether the voice heard now is still the sentence in which the button was released."""
    return Timer.REST in memory.timers and memory.voice is not None and memory.voice < memory.let_go
