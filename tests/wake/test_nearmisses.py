"""Near misses in the log."""

from __future__ import annotations

import pytest

from device.ports.wake import NearMiss
from device.units import Samples
from device.wake.nearmisses import NearMisses

RATE = 16_000


def test_near_misses_are_counted_and_logged_with_word_and_score(caplog: pytest.LogCaptureFixture) -> None:
    """Not more often than every ten seconds of sound: the next line has the number."""
    misses = NearMisses()
    with caplog.at_level("INFO"):
        for second in (0, 3, 9, 10, 11):
            misses.note(NearMiss("alexa", 0.3 + second / 100, 0.5, Samples(second * RATE)))
    assert misses.counts == {"alexa": 5}
    assert [record.getMessage() for record in caplog.records] == [
        "near miss: alexa 0.30 (threshold 0.50), number 1",
        "near miss: alexa 0.40 (threshold 0.50), number 4",
    ]
