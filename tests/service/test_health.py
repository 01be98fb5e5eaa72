"""How the health of the house gets into the log."""

from __future__ import annotations

import logging

import pytest

from device.core import events as ev
from device.core.health import Health
from device.core.status import Status
from device.service.health import HealthLog
from device.units import Ms


def test_changes_of_health_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """With what to do, and how long it took."""
    caplog.set_level(logging.INFO)
    seconds = [0.0]
    log = HealthLog(clock=lambda: seconds[0])
    failed = ev.DeviceFailed(ev.Device.SPEAKER, "the card is gone")
    for second, what in enumerate([failed, failed, ev.VoiceConfirmed(), ev.DeviceRecovered(ev.Device.SPEAKER)]):
        seconds[0] = float(second)
        log.observe(what, Status())
    wrong, right = (record.getMessage() for record in caplog.records)
    assert wrong.startswith("health: the speaker is not well: the card is gone; what to do: look at its plug")
    assert right == "health: the speaker is well again, after 3 s"


def test_who_alone_knows_of_a_part_is_asked(caplog: pytest.LogCaptureFixture) -> None:
    """A feature's parts stand beside the house's own."""
    log = HealthLog([lambda: (Health("relay light", False, Ms(0), "stuck", "look at its wires"),)])
    assert log.facts[-1].part == "relay light"
    log.observe(ev.VoiceConfirmed(), Status())
    log.observe(ev.VoiceConfirmed(), Status())
    assert caplog.text.count("the relay light is not well: stuck; what to do: look at its wires") == 1
