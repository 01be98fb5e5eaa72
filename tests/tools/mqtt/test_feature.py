"""What the house must know of MQTT."""

from __future__ import annotations

import subprocess
import sys

from device.tools.mqtt.feature import MQTT, PASSWORD
from device.tools.mqtt.settings import Mqtt


def test_without_a_broker_nothing_is_loaded() -> None:
    """The whole house is, and neither the library nor what uses it."""
    program = "import sys, device.house.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "device.tools.mqtt.feature" in loaded
    assert not {"paho", "device.tools.mqtt.link", "device.tools.mqtt.wire"} & set(loaded)


def test_a_password_is_asked_for_where_there_is_a_name() -> None:
    """And not where there is no broker."""
    assert MQTT.secrets(Mqtt()) == ()
    assert MQTT.secrets(Mqtt(username="speaker")) == ()
    assert MQTT.secrets(Mqtt(host="broker", username="speaker")) == (PASSWORD,)
    assert MQTT.secrets(Mqtt(host="broker")) == ()
