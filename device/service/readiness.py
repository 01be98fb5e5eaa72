"""Says when the device listens: in the log, and to the systemd that waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from device.service.systemd import ServiceManager

log = logging.getLogger(__name__)


class Listening(Protocol):
    """What is known of a microphone that was opened."""

    @property
    def works(self) -> bool:
        """Whether sound comes from it."""

    async def settle(self) -> bool:
        """Wait until it is known whether it works; tell whether it does."""


class Readiness:
    """Tells when sound comes from the microphone, or it is muted: then all is as it was asked for.

    systemd is told in any case that the service is up, and how it is: a device that is deaf shows its fault, obeys its
    button and goes on looking for its microphone, which it would not do better for being started again.
    """

    def __init__(self, microphone: Listening, is_muted: Callable[[], bool], words: Callable[[], Iterable[str]]) -> None:
        """`words` returns what is listened for."""
        self.on_ready: Callable[[], None] = lambda: None
        """Called when it is so."""
        self._microphone = microphone
        self._is_muted = is_muted
        self._words = words
        self._news = asyncio.Event()

    def observe(self, what: object, status: object) -> None:
        """Take in a fact or an order: the microphone may work again, or be muted now."""
        self._news.set()

    async def tell(self, manager: ServiceManager) -> None:
        """Log `ready` and tell systemd, as soon as it is so. Returns then."""
        if not self._is_muted():
            await self._microphone.settle()
        if not self._is_as_wanted():
            log.warning("not ready: the microphone does not work, as said above; it is tried again and again")
            manager.notify_ready()
            await self._until_as_wanted()
        self.on_ready()
        log.info("ready: %s", "muted" if self._is_muted() else f"listening for {', '.join(self._words())}")
        manager.notify_ready()

    def _is_as_wanted(self) -> bool:
        return self._is_muted() or self._microphone.works

    async def _until_as_wanted(self) -> None:
        while not self._is_as_wanted():
            self._news.clear()
            await self._news.wait()
