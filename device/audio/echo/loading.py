"""Loads the echo canceller when it is first needed: it takes 9 MB and some tenths of a second."""

from __future__ import annotations

import asyncio

from device.audio.echo.canceller import WebRtcCanceller
from device.audio.echo.farend import FarEnd
from device.audio.echo.worker import EchoWorker
from device.core.actions import Announce, OpenSession, Ring, SayAnnouncement
from device.core.events import EchoCancellationLost, EchoCancellationRecovered
from device.core.status import Status
from device.errors import AudioError
from device.kit.threads import Threads
from device.ports.facts import Post


class LateLoader:
    """Loads its canceller when something first sounds, and posts EchoCancellationLost when it cannot be used.

    An observer of the controller. Until it is loaded, the canceller returns the sound unchanged.
    """

    def __init__(self, far_end: FarEnd, post: Post, loading: Threads, only_rings: bool = False) -> None:
        """`only_rings`: it is needed while it rings, and for nothing else."""
        self._only_rings = only_rings
        self.canceller = WebRtcCanceller(far_end, self._note_failure)
        self.worker = EchoWorker(self.canceller, Threads("echo-canceller"))
        """What the sound goes through."""
        self._post = post
        self._loading = loading
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_lost = False

    def observe(self, what: object, status: Status) -> None:
        """Load the canceller at the first order after which something sounds for longer than a cue."""
        if self._only_rings:
            self.canceller.pause(not status.ringing)
        needs = isinstance(what, Ring if self._only_rings else OpenSession | Announce | SayAnnouncement | Ring)
        if needs and self._task is None:
            self._loop = asyncio.get_running_loop()
            self._task = self._loop.create_task(self._load())

    def rest(self, rests: bool) -> None:
        """Cancel nothing while this machine is too slow for it; then begin again, if there is nothing else."""
        self.canceller.rest(rests)
        if self._is_lost:
            return
        if rests:
            self._post(EchoCancellationLost("this machine is too slow for it at the moment", for_good=False))
        else:
            self._post(EchoCancellationRecovered())

    async def _load(self) -> None:
        try:
            await self._loading.call(self.canceller.load)
        except AudioError as error:
            self._give_up(str(error))

    def _note_failure(self) -> None:
        """In the canceller's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._give_up, "it failed too often; see the log")

    def _give_up(self, reason: str) -> None:
        self._is_lost = True
        self._post(EchoCancellationLost(reason))
