"""Configurations and keys as people write them wrong, and what is said of each."""

from __future__ import annotations

import tempfile
from pathlib import Path

from device.errors import ConfigError
from device.house import configuration
from device.secrets import find_secret

NAME = "config.toml"

WRONG = (
    "follow_up_s = 0",
    "[conversation]\nfolow_up_s = 0",
    '[conversation]\nbarge_in = "yes"',
    '[conversation.openai]\napi_key = "sk-..."',
    '[conversation.openai]\nurl = "https://api.openai.com/v1/realtime"',
    "[audio]\nvolume = 80",
    '[audio]\ncues = "yes"',
    '[wake]\nwords = "hey_jarvis"',
    '[wake]\nengine = "porcupine"',
    '[tools.relays.light]\npin = "GPIO17"',
    "[tools.relays.light]\npin = 40",
    "[tools.relays]\nlight = 17",
    "[hardware.led]\npin = 17\n[tools.relays.light]\npin = 17",
    "[audio\nvolume = 0.5",
)

KEYS = (None, "", '"sk-abcdefghijklmnop"', "OPENAI_API_KEY=sk-abcdefghijklmnop", "sk-abc def")


def refusal(text: str) -> str:
    """Return the line with which a configuration is refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        path.write_text(text, encoding="utf-8")
        try:
            configuration.load(path)
        except ConfigError as error:
            return str(error).replace(f"{folder}/", "")
    raise ValueError(f"this configuration is not refused: {text}")


def refusal_of_key(value: str | None) -> str:
    """Return the line with which a key is refused; None: there is none."""
    try:
        find_secret("OPENAI_API_KEY", {} if value is None else {"OPENAI_API_KEY": value})
    except ConfigError as error:
        return str(error)
    raise ValueError(f"this key is not refused: {value}")
