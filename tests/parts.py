"""The parts of a house that only do as they are told: for tests of what is decided, said and sent."""

from __future__ import annotations

import asyncio
from typing import Any

from device.core import events as ev
from device.core.actions import Cue
from device.units import Hz, Ms


class Parts:
    """The ear, the mouth, the microphone, the panel and the voice: they do as they are told, and say so."""

    input_rate = output_rate = rate = Hz(24_000)

    def __init__(self) -> None:
        self.post: Any = None
        self._item = ""
        self._turn = 0

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: None

    async def open(self) -> None:
        """Microphone."""

    async def close(self) -> None:
        """Microphone."""

    async def speak(self, text: str) -> bytes:
        """Voice."""
        return bytes(100)

    def play_cue(self, cue: Cue) -> None:
        """Mouth."""

    def play_reply(self, turn: int, item: str, pcm: bytes) -> None:
        """Mouth."""
        if not self._item:
            self.post(ev.PlaybackStarted(turn))
        self._item, self._turn = item, turn

    def end_reply(self, turn: int) -> None:
        """Mouth: what was queued has been heard at once."""
        self._item = ""
        asyncio.get_running_loop().call_soon(self.post, ev.PlaybackFinished(turn))

    def stop(self) -> None:
        """Mouth."""
        item, self._item = self._item, ""
        self.post(ev.PlaybackStopped(self._turn, item, Ms(10), Ms(20)))
