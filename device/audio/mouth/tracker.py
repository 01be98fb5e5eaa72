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


@dataclass(slots=True)
class _Item:
    """`since`: when its first sample was handed over; `settled`: samples of blocks that are no longer kept; `told`:
    what was last said of it."""

    since: float
    settled: int = 0
    told: int = 0


class PlaybackTracker:
    """Counts, for each item, the samples whose DAC time has passed. Times are seconds of one clock.

    Cards were seen to tell wrong times. Whatever they say, no more is counted than was handed over, nor than can have
    sounded in the time since the first sample was, nor less than before.
    """

    def __init__(self, rate: Hz) -> None:
        self._rate = rate
        self._blocks: deque[_Block] = deque()
        self._items: dict[Hashable, _Item] = {}

    def hand_over(self, item: Hashable, count: int, moment: float, now: float) -> None:
        """Note that `count` samples of the item were given to the card `now`; the first reaches the DAC at `moment`."""
        self._items.setdefault(item, _Item(now))
        self._blocks.append(_Block(item, count, max(moment, now)))
        while self._blocks[0].moment < now - LONGEST_DELAY_S:
            self._settle(self._blocks.popleft(), now)

    def get_played(self, item: Hashable, now: float) -> Samples:
        """Return how many samples of the item have left the card at `now`."""
        known = self._items.get(item)
        if known is None:
            return Samples(0)
        passed = known.settled + sum(self._passed(block, now) for block in self._blocks if block.item == item)
        known.told = max(known.told, min(passed, self._in_time(now - known.since)))
        return Samples(known.told)

    def drop(self, now: float) -> None:
        """The card's buffer was dropped, or ran dry, at `now`: what had not left it never will."""
        while self._blocks:
            self._settle(self._blocks.popleft(), now)

    def forget(self) -> None:
        """Begin anew."""
        self._blocks.clear()
        self._items.clear()

    def _settle(self, block: _Block, now: float) -> None:
        self._items[block.item].settled += self._passed(block, now)

    def _passed(self, block: _Block, now: float) -> int:
        return min(block.count, max(0, self._in_time(now - block.moment)))

    def _in_time(self, seconds: float) -> int:
        # Rounded to a tenth of a sample first: 0.3 s is a little less than 0.1 s + 0.2 s.
        return int(round(seconds * self._rate, 1))
