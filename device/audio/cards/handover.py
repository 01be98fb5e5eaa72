"""Sound on its way from the threads of a card to the event loop's: in order, and never more than a second of it."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from device.audio.cards.capture import Piece
from device.units import BYTES_PER_SAMPLE

Source = TypeVar("Source")

MOST_S = 1.0
"""How long sound may wait for the event loop. What then still waits is dropped, all but the newest piece: an answer to
the rest would come too late, and the loop would never catch up."""


@dataclass(frozen=True, slots=True)
class Taken(Generic[Source]):
    """A piece of sound, from which stream it is, and how long (s) it waited."""

    source: Source
    piece: Piece
    waited_s: float
    lost: Mapping[Source, int]
    """How many samples of each stream were dropped before it."""


class Handover(Generic[Source]):
    """A queue between threads: `put` in those of the card, `take` on the event loop's."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Source, Piece, float]] = deque()
        self._lost: Counter[Source] = Counter()
        self._takes = 0
        """How often it will be taken from."""

    def put(self, source: Source, piece: Piece) -> bool:
        """Add a piece; return whether `take` must be called once more than it would be anyway."""
        now = self._clock()
        with self._lock:
            self._waiting.append((source, piece, now))
            if now - self._waiting[0][2] > MOST_S:
                self._drop_all_but_newest()
            is_wanting = self._takes < len(self._waiting)
            self._takes += is_wanting
        return is_wanting

    def take(self) -> Taken[Source] | None:
        """Return the oldest piece; None: it was dropped."""
        with self._lock:
            self._takes -= 1
            if not self._waiting:
                return None
            source, piece, since = self._waiting.popleft()
            lost, self._lost = self._lost, Counter()
        return Taken(source, piece, self._clock() - since, lost)

    def _drop_all_but_newest(self) -> None:
        while len(self._waiting) > 1:
            source, piece, _ = self._waiting.popleft()
            self._lost[source] += len(piece.pcm) // BYTES_PER_SAMPLE
