"""How the house is doing as a whole, in one word: for whoever asks from outside, be it a person, systemd or an update.

The lights say the same of a house that is idle (indication.py); beside them stands here what only time can tell, that
no sound is scored any more though every part seems well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from device.core.events import Device
from device.core.health import PROVIDER, Health, part_name
from device.core.status import Status
from device.units import Ms

LONGEST_SILENCE = Ms(10_000)
"""So long no sound may be scored by an open microphone. A card may sleep for some seconds, and the longest blocks are
of 280 ms."""
LONGEST_START = Ms(30_000)
"""The same from the start on: a machine that boots is slow."""


class State(Enum):
    """The states of a house, those that hide the ones after them first."""

    MUTED = "muted"
    DEAF = "deaf"
    """It cannot hear the wake word."""
    STARTING = "starting"
    FAULT = "fault"
    """Something else does not work."""
    OFFLINE = "offline"
    """Nothing is wrong but that the provider was not reached."""
    LISTENING = "listening"


@dataclass(frozen=True, slots=True)
class Standing:
    """A state, `since` when (of the monotonic clock), and if all is not well why, and what to do."""

    state: State
    since: Ms
    why: str = ""
    what_to_do: str = ""


class Watch:
    """Follows the standing of a house that is starting."""

    def __init__(self, now: Ms) -> None:
        self.standing = Standing(State.STARTING, now)
        """The newest."""
        self._scored = 0
        self._heard_at: Ms | None = None
        """When sound was scored last; a muted house counts as if it heard. None: not yet."""
        self._began = now
        """When the first sound began to be waited for."""

    def look(self, status: Status, parts: Iterable[Health], scored: int, now: Ms) -> Standing:
        """Return how it stands now. `scored` counts what the wake word has heard, in any unit."""
        self._note_sound(status.muted, scored, now)
        state, why, what_to_do = self._judge(status, tuple(parts), now)
        since = self.standing.since if state is self.standing.state else now
        self.standing = Standing(state, since, why, what_to_do)
        return self.standing

    def _note_sound(self, muted: bool, scored: int, now: Ms) -> None:
        if scored > self._scored or (muted and self._heard_at is not None):
            self._heard_at = now
        if muted:
            self._began = now
        self._scored = max(self._scored, scored)

    def _judge(self, status: Status, parts: tuple[Health, ...], now: Ms) -> tuple[State, str, str]:
        unwell = {part.part: part for part in parts if not part.ok}
        if status.muted:
            return State.MUTED, *_judge_mute(status)
        if deafness := next((unwell[name] for name in _NEEDED_TO_HEAR if name in unwell), None):
            return State.DEAF, _told(deafness), deafness.what_to_do
        if silence := self._silence(now):
            return State.DEAF, silence, "restart the service; if that does not help, look at audio.input"
        if self._heard_at is None:
            return State.STARTING, "no sound has been heard yet", ""
        return _judge_rest(status, unwell)

    def _silence(self, now: Ms) -> str:
        """Return that no sound has been scored for too long, "" when it has.

        In steps of 10 s, for whoever looks more often: what is told is told again whenever it changes.
        """
        since, limit = (self._began, LONGEST_START) if self._heard_at is None else (self._heard_at, LONGEST_SILENCE)
        passed = now - since
        return f"no sound has been scored for {passed // 10_000 * 10:.0f} s" if passed > limit else ""


def _judge_mute(status: Status) -> tuple[str, str]:
    if holders := told_holders(status):
        return f"the microphone is closed, by its {holders}", f"unmute: move or press the {holders} again"
    return "the microphone is closed", "unmute: hold the button, or `hearthside unmute`"


def told_holders(status: Status) -> str:
    """Return what keeps it muted whatever anybody asks for, in words; "" when nothing does."""
    return " and its ".join(sorted(holder.value for holder in status.mute_held))


def _judge_rest(status: Status, unwell: dict[str, Health]) -> tuple[State, str, str]:
    provider = unwell.pop(PROVIDER, None)
    if not status.online and provider is None:
        provider = Health(
            PROVIDER, ok=False, since=Ms(0), why="the last session failed", what_to_do="check the network"
        )
    if provider is not None and status.online:
        # It was reached, and refuses.
        unwell[PROVIDER] = provider
    if unwell:
        first = min(unwell.values(), key=lambda part: part.since)
        others = f" (and {len(unwell) - 1} more)" if len(unwell) > 1 else ""
        return State.FAULT, _told(first) + others, first.what_to_do
    if provider is not None:
        return State.OFFLINE, _told(provider), provider.what_to_do
    return State.LISTENING, "", ""


_NEEDED_TO_HEAR = (part_name(Device.MICROPHONE), part_name(Device.WAKE_WORD))


def _told(part: Health) -> str:
    return f"{part.part}: {part.why}"
