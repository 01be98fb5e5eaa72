"""The parts of a house that only do as they are told: for tests of what is decided, said and sent."""

from __future__ import annotations

import asyncio
from typing import Any

from device.core import events as ev
from device.core.actions import Cue
from device.units import Hz, Ms

DRY_S = 0.05
"""How long after its last piece an answer has run dry."""


class Parts:
    """The ear, the mouth, the microphone, the panel, the tools and the voice: they do as they are told, and say so."""

    input_rate = output_rate = rate = Hz(24_000)

    def __init__(self) -> None:
        self.post: Any = None
        self._item = ""
        self._turn = 0
        self._item_ended = False
        self._dry: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: None

    async def open(self) -> None:
        """Microphone."""

    async def close(self) -> None:
        """Microphone."""

    async def call(self, name: str, arguments: str, confirmed: bool = False) -> str:
        """Tools."""
        return "done"

    async def speak(self, text: str) -> bytes:
        """Voice."""
        return bytes(100)

    def play_cue(self, cue: Cue) -> None:
        """Mouth."""

    def play_answer(self, turn: int, item: str, pcm: bytes) -> None:
        """Mouth: sound is heard as soon as it is queued."""
        if not self._item:
            self.post(ev.PlaybackStarted(turn))
        self._item, self._turn, self._item_ended = item, turn, False
        self._empty_queue()
        self._dry = asyncio.get_running_loop().call_later(DRY_S, self._run_dry)

    def end_answer_item(self, turn: int, item: str) -> None:
        """Mouth."""
        self._item_ended = True

    def end_answer(self, turn: int) -> None:
        """Mouth: what was queued has been heard at once."""
        self._item = ""
        self._empty_queue()
        asyncio.get_running_loop().call_soon(self.post, ev.PlaybackFinished(turn))

    def stop(self) -> None:
        """Mouth."""
        item, self._item = self._item, ""
        self._empty_queue()
        self.post(ev.PlaybackStopped(self._turn, item, Ms(10), Ms(20)))

    def _empty_queue(self) -> None:
        if self._dry is not None:
            self._dry.cancel()

    def _run_dry(self) -> None:
        self.post(ev.PlaybackRanDry(self._turn, self._item_ended))
