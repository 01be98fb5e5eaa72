"""The share of what was heard that stayed in the house."""

from __future__ import annotations

import logging

import pytest

from device.audio.ear.traffic import Traffic, TrafficReport
from device.core.actions import CloseGate, CloseSession
from device.core.status import Status
from device.units import Samples


def test_the_share_is_that_of_what_was_heard_while_listening() -> None:
    """Nothing heard: nothing withheld."""
    assert Traffic(Samples(1_000), Samples(3_000)).share_withheld == 0.75
    assert Traffic().share_withheld == 0.0


def test_each_session_is_reported_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    """In seconds, at the level that everybody sees, when it ends."""
    now = Traffic(Samples(16_000), Samples(16_000))
    report = TrafficReport(lambda: now)
    with caplog.at_level(logging.INFO):
        now = Traffic(Samples(32_000), Samples(64_000))
        report.observe(CloseGate(), Status())
        assert caplog.messages == []
        report.observe(CloseSession(), Status())
        now = Traffic(Samples(48_000), Samples(64_000))
        report.observe(CloseSession(), Status())
    assert [message.partition(": ")[2] for message in caplog.messages] == [
        "heard 4.0 s while listening, sent 1.0 s, withheld 75 %",
        "heard 1.0 s while listening, sent 1.0 s, withheld 0 %",
    ]
    assert report.newest == Traffic(Samples(16_000), Samples(0))
