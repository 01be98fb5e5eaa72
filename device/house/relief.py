"""The wing that lets the house do less while it falls behind, and everything again when there is room."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from device.audio.echo.loading import LateLoader
from device.core.events import LoadShed
from device.core.status import Phase
from device.core.strain import Burden, Strain, StrainSettings
from device.house.listening import WakeWing
from device.house.site import Site
from device.house.sound import Sound
from device.ports.facts import Post
from device.units import Ms, ms_from_seconds
from device.wake.worker import WakeWorker


@dataclass(frozen=True, slots=True)
class Remedy:
    """How to do without something."""

    is_running: Callable[[], bool]
    """Whether it costs something at the moment."""
    do_without: Callable[[bool], None]
    """True: do without it; False: have it again."""


class Relief:
    """Is told how long each piece of sound has waited, and acts on what `Strain` decides; on the event loop's thread.

    Only waiting inside the house counts: when sound was captured is not known well enough. On a busy machine it came
    up to 1.7 s late from a sound server, and of blocks of 280 ms by a way that grew to 240 ms and began anew.
    """

    def __init__(
        self,
        remedies: dict[Burden, Remedy],
        overdue_s: Callable[[], float],
        is_free: Callable[[], bool],
        post: Post,
        settings: StrainSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`overdue_s`: how late those are who work in threads of their own; `is_free`: nobody is in a conversation."""
        self.behind_s = 0.0
        """How late the newest piece of sound was, on its way to the conversation or to the wake word."""
        self.most_behind_s = 0.0
        """The same of the latest one so far."""
        self._remedies = remedies
        self._overdue_s = overdue_s
        self._is_free = is_free
        self._post = post
        self._strain = Strain(settings)
        self._clock = clock

    @property
    def given_up(self) -> tuple[Burden, ...]:
        """What the house does without at the moment."""
        return self._strain.given_up

    def note(self, waited_s: float) -> None:
        """Note how long the newest piece of sound has waited for the event loop."""
        self.behind_s = max(waited_s, self._overdue_s())
        self.most_behind_s = max(self.most_behind_s, self.behind_s)
        now = ms_from_seconds(self._clock())
        if self._strain.note(ms_from_seconds(self.behind_s), now):
            self._act(now)

    def _act(self, now: Ms) -> None:
        running = [burden for burden, remedy in self._remedies.items() if remedy.is_running()]
        change = self._strain.decide(running, self._is_free(), now)
        if change is not None:
            self._remedies[change.burden].do_without(change.given_up)
            self._post(LoadShed(self.given_up))


def open_relief(site: Site, sound: Sound, wake: WakeWing, clock: Callable[[], float] = time.monotonic) -> Relief:
    """Name what this house can do without."""
    controller, worker, loader = site.controller, wake.worker, sound.loader
    remedies = _remedies_of_hearing(worker)
    if loader is not None:
        remedies |= _remedies_of_echoes(loader)

    def overdue_s() -> float:
        return max(worker.overdue_s, 0.0 if loader is None else loader.worker.overdue_s)

    def is_free() -> bool:
        return controller.status.phase is Phase.IDLE

    return Relief(remedies, overdue_s, is_free, controller.post, clock=clock)


def _remedies_of_hearing(worker: WakeWorker) -> dict[Burden, Remedy]:
    return {
        Burden.OTHER_WORDS: Remedy(lambda: worker.can_narrow and worker.is_scoring, worker.narrow),
        Burden.WAKEFULNESS: Remedy(lambda: worker.can_doze and worker.is_awake, worker.hurry_to_doze),
    }


def _remedies_of_echoes(loader: LateLoader) -> dict[Burden, Remedy]:
    canceller = loader.canceller
    return {
        Burden.ECHO_FILTER: Remedy(lambda: canceller.is_running, canceller.be_light),
        Burden.ECHO_CANCELLER: Remedy(lambda: canceller.is_running, loader.rest),
    }
