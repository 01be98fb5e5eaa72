"""What can be set about the process."""

from __future__ import annotations

from typing import Literal

from device.settings import Section


class Service(Section, frozen=True):
    """The process."""

    state_dir: str = ""
    """Where the mute state is kept; empty: $STATE_DIRECTORY, else ~/.local/state/hearthside."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much is logged."""
