"""How long people waited, in the log."""

from __future__ import annotations

import logging

import pytest

from device.core import actions as order
from device.core import events as ev
from device.core.status import Phase, Status
from device.service import journal
from device.service.turnlog import TurnLog


def test_each_answer_says_how_long_it_was_waited_for(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the end of the person's words; and the journal knows phase and turn from then on."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(journal, "_context", {})
    seconds = [0.0]
    log = TurnLog(clock=lambda: seconds[0])
    status = Status(phase=Phase.THINKING, turn=4)
    for second, what in ((1.0, ev.SpeechStopped(4)), (1.5, order.Duck()), (1.64, ev.PlaybackStarted(4))):
        seconds[0] = second
        log.observe(what, status)
    assert caplog.messages == ["turn 4: the answer began after 640 ms"]
    assert (caplog.records[0].reason, caplog.records[0].latency_ms) == ("reply", 640)
    assert journal._context == {"phase": "thinking", "turn": 4}
