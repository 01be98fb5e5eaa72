"""What may be asked about timers from outside of a conversation."""

from __future__ import annotations

from typing import Any, Protocol


class TimerDesk(Protocol):
    """The timers, alarms and reminders of the house."""

    async def table(self) -> list[dict[str, Any]]:
        """Return all of them, the next one first: see docs/control.md. Raise ToolError."""

    async def cancel(self, name: str) -> str:
        """Call off the one that is meant ("pasta", "#3"); say so. Raise ToolError when it is not clear which."""
