"""How much of what was handed to the sound card has been heard. Pure: the moments are the caller's."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass

from device.units import Hz, Samples

# Blocks handed over longer ago have been played: no card holds so much.
LONGEST_DELAY_S = 2.0


@dataclass(frozen=True, slots=True)
class _Block:
    item: Hashable
    count: int
    moment: float


class PlaybackTracker:
    """Counts, for each item, the samples whose DAC time has passed. Times are seconds of one clock."""

    def __init__(self, rate: Hz) -> None:
        self._rate = rate
        self._blocks: deque[_Block] = deque()
        self._played: dict[Hashable, int] = {}

    def hand_over(self, item: Hashable, count: int, moment: float) -> None:
        """Note that `count` samples of the item were given to the card, the first to reach the DAC at `moment`."""
        self._blocks.append(_Block(item, count, moment))
        while self._blocks[0].moment < moment - LONGEST_DELAY_S:
            self._settle(self._blocks.popleft(), moment)

    def get_played(self, item: Hashable, now: float) -> Samples:
        """Return how many samples of the item have left the card at `now`."""
        settled = self._played.get(item, 0)
        return Samples(settled + sum(self._passed(block, now) for block in self._blocks if block.item == item))

    def drop(self, now: float) -> None:
        """The card's buffer was dropped at `now`: what had not left it never will."""
        while self._blocks:
            self._settle(self._blocks.popleft(), now)

    def forget(self) -> None:
        """Begin anew."""
        self._blocks.clear()
        self._played.clear()

    def _settle(self, block: _Block, now: float) -> None:
        self._played[block.item] = self._played.get(block.item, 0) + self._passed(block, now)

    def _passed(self, block: _Block, now: float) -> int:
        # Rounded to a tenth of a sample first: 0.3 s is a little less than 0.1 s + 0.2 s.
        return min(block.count, max(0, int(round((now - block.moment) * self._rate, 1))))
