"""When the loudspeaker is open: from shortly before there is something to play until a while after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from device.errors import AudioError
from device.ports.sound import Speaker

# An open loudspeaker costs about 1 % of a core even when it plays silence.
CLOSE_AFTER_S = 8.0
# What was warmed up waits longer: between the wake word and the answer lie a person, a network and a model.
WARM_S = 20.0
# How often it is looked at least whether the loudspeaker may be closed.
LOOK_S = 1.0


class Playing(Protocol):
    """What plays on the loudspeaker. Every method is called on the event loop's thread."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to be played."""

    @property
    def sounding_until(self) -> float:
        """When the last sound reaches the DAC (seconds of the clock)."""

    def note_open(self) -> None:
        """The loudspeaker takes sound from now on; its rate is settled."""

    def note_lost(self) -> None:
        """The loudspeaker cannot be opened, or its card went away: nothing that waits will be heard."""


class Standby:
    """Opens the loudspeaker when it is wanted, and closes it when nothing has sounded for CLOSE_AFTER_S.

    What is asked for while it opens or closes waits until it has, because the card decides the rate. Every method but
    `note_pull` is called on the event loop's thread. `clock` counts seconds as the speaker does.
    """

    def __init__(self, speaker: Speaker, playing: Playing, clock: Callable[[], float] = time.monotonic) -> None:
        self._speaker = speaker
        self._playing = playing
        self._clock = clock
        self._waiting: list[Callable[[], None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wanted_until = 0.0
        self._is_lost = False
        self.is_open = False
        """Whether what is played will be heard."""

    def warm_up(self) -> None:
        """Open it ahead of the first sound."""
        self._keep_open(WARM_S)
        self.when_open(lambda: None)

    def when_open(self, do: Callable[[], None]) -> None:
        """Open it if need be; then call `do`, even if it cannot be opened."""
        if not self.is_open and self._changing is None:
            self._changing = asyncio.create_task(self._open(), name="open the loudspeaker")
        self.when_ready(do)

    def when_ready(self, do: Callable[[], None]) -> None:
        """Call `do` once the loudspeaker neither opens nor closes, and after what waits already: at once, as a rule."""
        self._keep_open(CLOSE_AFTER_S)
        if self._changing is None:
            do()
        else:
            self._waiting.append(do)

    def forget_waiting(self) -> None:
        """Do not do what waits for the loudspeaker."""
        self._waiting.clear()

    def note_lost(self) -> None:
        """The card went away, or cannot be opened; it may come back by itself (see `note_pull`)."""
        self.is_open = False
        self._is_lost = True
        self._playing.note_lost()

    def note_pull(self) -> None:
        """In the sound card's thread: sound is wanted. The first time after a loss, the card has come back."""
        if self._is_lost and self._loop is not None:
            self._is_lost = False
            tell(self._loop, self._note_back)

    async def close(self) -> None:
        """Let the card go, and forget what waits for it. Harmless when it is closed."""
        self.forget_waiting()
        if self._changing and not self._changing.done():
            self._changing.cancel()
            await asyncio.gather(self._changing, return_exceptions=True)
        await self._close_speaker()

    def _keep_open(self, for_s: float) -> None:
        self._wanted_until = max(self._wanted_until, self._clock() + for_s)

    async def _open(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            await self._speaker.open()
            self._note_open()
        except AudioError:
            # The speaker has reported it; what was to be played goes by unheard.
            self.note_lost()
        finally:
            self._changing = None
        for do in self._all_waiting():
            do()
        self._look_after(CLOSE_AFTER_S)

    def _note_open(self) -> None:
        self._is_lost = False
        self.is_open = True
        self._playing.note_open()

    def _note_back(self) -> None:
        self._note_open()
        self._look_after(CLOSE_AFTER_S)

    def _all_waiting(self) -> list[Callable[[], None]]:
        waiting, self._waiting = self._waiting, []
        return waiting

    def _look_after(self, delay_s: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if not self.is_open:
            return
        left_s = max(self._wanted_until, self._playing.sounding_until + CLOSE_AFTER_S) - self._clock()
        if self._playing.is_idle and left_s <= 0:
            self._changing = asyncio.create_task(self._close_idle(), name="close the loudspeaker")
        else:
            self._look_after(max(LOOK_S, left_s))

    async def _close_idle(self) -> None:
        try:
            await self._close_speaker()
        finally:
            self._changing = None
        for do in self._all_waiting():
            self.when_open(do)

    async def _close_speaker(self) -> None:
        self.is_open = False
        if self._timer:
            self._timer.cancel()
        await self._speaker.close()


def tell(loop: asyncio.AbstractEventLoop, note: Callable[..., None], *arguments: object) -> None:
    """Cross over from the sound card's thread; nobody listens any more when the program has ended."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(note, *arguments)
