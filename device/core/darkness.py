"""What replaces a light that cannot be lit: a sound whenever the device begins to listen, and a sentence about it.

Where the light is required (hardware.led.required) nothing replaces it but the sentence: nobody is listened to.

The sound is the wake cue, whatever the settings say about cues. It becomes due when the person's turn to speak begins,
and is played as soon as nobody speaks: at once, after the wake word, or after the person's first words.
"""

from __future__ import annotations

from typing import Any

from device.core import actions as order
from device.core import events as ev
from device.core import failures
from device.core.actions import Action, Cue
from device.core.gating import unlit
from device.core.memory import Memory
from device.core.status import Phase
from device.units import Ms

BEGUN = Ms(1_000)
"""So long after the order the sentence can be heard."""


def sound_instead(memory: Memory, before: Phase, fact: Any, orders: list[Action]) -> list[Action]:
    """Return the orders that replace the light. The row for `fact` has been applied; the phase was `before`."""
    dark = memory.darkness
    dark.now = ev.Device.LIGHT in memory.status.faults
    if isinstance(fact, ev.ShutdownRequested):
        return []
    return [*_cue(memory, before, fact, orders), *_sentence(memory, before, memory.status.phase, orders)]


def _cue(memory: Memory, before: Phase, fact: Any, orders: list[Action]) -> list[Action]:
    dark, phase = memory.darkness, memory.status.phase
    if _begins_to_listen(phase, before, fact, orders):
        dark.cue_owed = dark.now
    # No cue at the end of a conversation, which has a sound or a sentence of its own, nor over an answer. While a new
    # session replaces a dead one, the person's turn to speak is still to begin.
    if not dark.now or phase in (Phase.IDLE, Phase.WAKING, Phase.SPEAKING) or order.PlayCue(Cue.WAKE) in orders:
        dark.cue_owed = False
    if not dark.cue_owed or (phase is Phase.LISTENING and not _is_silent(memory, fact)):
        return []
    dark.cue_owed = False
    # Whoever holds the button is about to speak: no cue until the device begins to listen the next time.
    return [] if memory.button_down else [order.PlayCue(Cue.WAKE)]


def _begins_to_listen(phase: Phase, before: Phase, fact: Any, orders: list[Action]) -> bool:
    if phase is Phase.LISTENING:
        return before is not phase or (isinstance(fact, ev.DeviceFailed) and fact.device is ev.Device.LIGHT)
    # A whole turn was said while the session was being opened.
    return before is Phase.WAKING and any(isinstance(action, order.OpenGate) for action in orders)


def _is_silent(memory: Memory, fact: Any) -> bool:
    """Say whether nobody speaks, as far as the device knows. What the provider hears lasts until it reports the end."""
    if memory.button_down or memory.voice is not None:
        return False
    ends_wake_word = isinstance(fact, ev.VoiceStopped) and fact.at - memory.began < memory.settings.shortest_turn
    return ends_wake_word or not memory.status.hearing


def _sentence(memory: Memory, before: Phase, phase: Phase, orders: list[Action]) -> list[Action]:
    """Say it once, outside of conversations; again only after a whole conversation in which the light worked.

    A conversation that begins before it could be heard silences it: then it is said once more.
    """
    dark = memory.darkness
    if before is Phase.IDLE and phase is not before:
        dark.seen = False
        dark.told = dark.told and memory.now - dark.told_at >= BEGUN
    dark.seen = dark.seen or dark.now
    if phase is not Phase.IDLE:
        return []
    if before is not phase and not dark.seen:
        dark.told = False
    if not dark.now or dark.told:
        return []
    dark.told, dark.told_at = True, memory.now
    said = order.Announce(failures.OF_DEVICE[ev.Device.LIGHT] if unlit(memory) else failures.DARK)
    return [] if said in orders else [said]
