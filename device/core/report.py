"""What is told outside of how the house is doing: one shape for the file, the socket and the commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from device.core.health import Health
from device.core.standing import Standing
from device.core.status import Status
from device.units import Ms


@dataclass(frozen=True, slots=True)
class Report:
    """How the house was doing at a moment."""

    standing: Standing
    status: Status
    parts: tuple[Health, ...]
    scored_frames: int
    """How many frames of 80 ms the wake word has heard since the start."""

    def table(self, since_1970: Callable[[Ms], float]) -> dict[str, object]:
        """Return it for a file. `since_1970` turns the monotonic clock's time into seconds since 1970, as of now."""
        standing = self.standing
        return {
            "state": standing.state.value,
            "since": since_1970(standing.since),
            "why": standing.why,
            "what_to_do": standing.what_to_do,
            "phase": self.status.phase.value,
            "scored_frames": self.scored_frames,
            "parts": list(_tables(self.parts, since_1970)),
        }

    def is_like(self, other: Report) -> bool:
        """Tell whether nothing has changed since the other but what always does."""
        return (self.standing, self.status.phase, self.parts) == (other.standing, other.status.phase, other.parts)


def _tables(parts: Iterable[Health], since_1970: Callable[[Ms], float]) -> Iterable[dict[str, object]]:
    for part in parts:
        yield {
            "part": part.part,
            "ok": part.ok,
            "since": since_1970(part.since),
            "why": part.why,
            "what_to_do": part.what_to_do,
        }
