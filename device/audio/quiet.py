"""Looks at the clock, and tells when the quiet hours begin and end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from device.core.events import QuietHoursChanged
from device.core.quiethours import QuietHours
from device.ports.facts import Post

LOOK_S = 20.0
"""How often it looks. A clock that is set, another time zone and daylight saving need no case of their own."""


class QuietWatch:
    """Posts QuietHoursChanged: at the start where it is quiet already, and whenever it changes."""

    def __init__(self, hours: QuietHours, post: Post, now: Callable[[], datetime] = datetime.now) -> None:
        self._hours = hours
        self._post = post
        self._now = now
        self._quiet = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look, and go on looking."""
        self._look()
        self._task = asyncio.create_task(self._watch(), name="quiet hours")

    def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self._look()

    def _look(self) -> None:
        now = self._now()
        quiet = self._hours.cover(now.hour * 60 + now.minute)
        if quiet is not self._quiet:
            self._quiet = quiet
            self._post(QuietHoursChanged(quiet))
