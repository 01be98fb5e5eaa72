"""Whether the wake word is waited for while the house answers: then its engine must not be behind."""

from __future__ import annotations

from device.core.memory import Memory
from device.core.status import Phase


def awaits_word(memory: Memory) -> bool:
    """Say whether an answer sounds, or is to come, that a wake word might have to interrupt.

    By a voice an answer is interrupted before any word is known. Only where the echo canceller has lost a part it may
    suppress a voice, and the word must be heard soon.
    """
    status = memory.status
    if status.muted or status.phase not in (Phase.THINKING, Phase.SPEAKING):
        return False
    barge_in = memory.settings.barge_in
    return barge_in == "wake_word" or (barge_in == "voice" and memory.canceller_is_light)
