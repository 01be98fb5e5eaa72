"""How the house is, in a line for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from device.core.events import Device
from device.core.health import PROVIDER, Health
from device.core.standing import told_holders
from device.core.status import Phase, Status
from device.units import Ms

_OF_PHASE = {
    Phase.WAKING: "woken: opening a conversation",
    Phase.LISTENING: "in a conversation: listening",
    Phase.THINKING: "in a conversation: waiting for the answer",
    Phase.SPEAKING: "in a conversation: speaking",
}
_EARS = tuple(device.value.replace("_", " ") for device in (Device.MICROPHONE, Device.WAKE_WORD))


def status_line(status: Status, parts: Iterable[Health], words: Iterable[str], time_of_day: Callable[[Ms], str]) -> str:
    """Return the line. `parts` is the health of all, `words` the wake words.

    What hides what is as with the lights: mute, then a conversation, then what does not work.
    """
    if status.muted:
        holders = told_holders(status)
        return "muted: the microphone is closed" + (f", by its {holders}" if holders else "")
    if status.confirming:
        return "in a conversation: waiting for a person to confirm something"
    if status.phase is not Phase.IDLE:
        return _OF_PHASE[status.phase]
    unwell = {part.part: part for part in parts if not part.ok}
    if deaf := next((unwell[name] for name in _EARS if name in unwell), None):
        return f"deaf since {time_of_day(deaf.since)}: {_told(deaf)}"
    listening = f"listening for {' or '.join(map(_spoken, listened_for(status, words)))}"
    troubles = [_trouble(part, time_of_day) for part in unwell.values()]
    return "; but ".join([listening, *troubles])


def listened_for(status: Status, words: Iterable[str]) -> tuple[str, ...]:
    """Return those of the wake words that wake."""
    return (status.wake_word,) if status.wake_word else tuple(words)


def _spoken(word: str) -> str:
    """Return a word as it is said; one of a person's own is a file."""
    return word.rpartition("/")[2].partition(".")[0].replace("_", " ")


def _told(part: Health) -> str:
    return f"the {part.part} does not work ({part.why}); {part.what_to_do}"


def _trouble(part: Health, time_of_day: Callable[[Ms], str]) -> str:
    since = time_of_day(part.since)
    if part.part == PROVIDER:
        # What it said may be long, and stands in the log.
        return f"no answer could be had since {since}; {part.what_to_do}"
    return f"since {since} {_told(part)}"
