"""Loads the wake-word engine that the configuration names; imports only that one."""

from __future__ import annotations

from device.errors import ConfigError
from device.ports.wake import WakeWord
from device.wake.decision import rules
from device.wake.settings import Wake


def load_engine(wake: Wake) -> WakeWord:
    """Make the engine and load its models. Reads files: call it in a thread. Raise ConfigError."""
    match wake.engine:
        case "openwakeword":
            from device.wake.openwakeword.engine import OpenWakeWord

            return OpenWakeWord(wake.words, rules(wake))
        case "microwakeword":
            from device.wake.microwakeword.engine import MicroWakeWord

            return MicroWakeWord(wake.words, rules(wake))
    raise ConfigError(f'wake.engine: there is no "{wake.engine}"; give "openwakeword" or "microwakeword"')
