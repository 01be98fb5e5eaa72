"""What this process takes."""

from __future__ import annotations

from pathlib import Path

from device.tools.mqtt.presence.machine import Machine


def test_it_takes_something(tmp_path: Path) -> None:
    """A Python with its tests has 10 MB at least; one without a thermometer is not hot."""
    thermal = tmp_path / "temp"
    machine = Machine(thermal)
    assert not machine.has_temperature
    figures = machine.figures()
    assert figures["temperature_c"] is None
    assert 10 < (figures["memory_mb"] or 0) < 10_000
    assert (figures["cpu_percent"] or 0) >= 0
    thermal.write_text("48312\n")
    assert machine.has_temperature
    assert machine.figures()["temperature_c"] == 48.3
    thermal.write_text("")
    assert machine.figures()["temperature_c"] is None
