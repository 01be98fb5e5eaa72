"""Whether the wake word is waited for while the house answers: then its engine must not be behind."""

from __future__ import annotations

from device.core.memory import Memory
from device.core.status import Phase


def awaits_word(memory: Memory) -> bool:
    """Say whether an answer sounds, or is to come, that of what a person says only a wake word would interrupt.

    By a voice an answer is interrupted before any word is known.
    """
    status = memory.status
    is_answering = status.phase in (Phase.THINKING, Phase.SPEAKING)
    return is_answering and memory.settings.barge_in == "wake_word" and not status.muted
