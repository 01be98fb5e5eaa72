"""The folder for what must outlive the process."""

from __future__ import annotations

import os
from pathlib import Path

from device.kit.textfiles import expanded
from device.service.settings import Service

RESET_MARK = "factory-reset"
"""There while a factory reset is wanted: hearthside-factory-reset.path looks for it."""


def state_folder(settings: Service) -> Path:
    """Return it; it need not exist yet. Raise ConfigError when it is in the home folder of nobody."""
    if settings.state_dir:
        return expanded(settings.state_dir, "service.state_dir")
    if from_systemd := os.environ.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(from_systemd)
    return expanded("~/.local/state/hearthside", "service.state_dir")
