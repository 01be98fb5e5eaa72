"""The features as the house knows them."""

from __future__ import annotations

import subprocess
import sys

LOADS = """
import sys
from pathlib import Path
from device.house import catalogue
from device.ports.feature import Outside
from device.tools.pins.feature import LIGHTS, RELAYS, SENSORS

outside = Outside(print, None, Path("/nowhere"), {}, None)
for feature in (RELAYS, LIGHTS, SENSORS):
    fitted = feature.open({}, outside)
    assert not fitted.tools
    if fitted.make_safe:
        fitted.make_safe()
for name in ("device.tools.pins.lights", "device.tools.pins.sensors", "gpiozero"):
    assert name not in sys.modules, name
"""


def test_what_is_not_configured_is_not_loaded() -> None:
    """Nor any library for pins: an idle device pays for nothing that it does not have."""
    subprocess.run((sys.executable, "-c", LOADS), check=True)
