"""How detections and near misses are reported."""

from __future__ import annotations

from typing import Any

from device.core.events import Event, WakeWordDetected
from device.ports.wake import Detection, NearMiss
from device.units import Samples
from device.wake.report import WakeReport

HEARD = Detection("alexa", 0.9, Samples(16_000))
MISS = NearMiss("alexa", 0.4, 0.5, Samples(16_000))


class Keeper:
    """A fake of the ClipKeeper."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.keep_detection = self.keep_near_miss = self.kept.append


def test_a_detection_is_posted_and_a_near_miss_is_not() -> None:
    """Without a ClipKeeper."""
    facts: list[Event] = []
    report = WakeReport(facts.append)
    report.on_detection(HEARD)
    report.on_near_miss(MISS)
    assert facts == [WakeWordDetected("alexa", 0.9, Samples(16_000))]


def test_the_sound_of_both_is_kept_where_that_is_asked_for() -> None:
    """By the ClipKeeper."""
    keeper: Any = Keeper()
    report = WakeReport(lambda fact: None)
    report.clips = keeper
    report.on_detection(HEARD)
    report.on_near_miss(MISS)
    assert keeper.kept == [HEARD, MISS]
