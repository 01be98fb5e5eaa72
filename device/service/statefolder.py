"""The folder for what must outlive the process."""

from __future__ import annotations

import os
from pathlib import Path

from device.kit.textfiles import expanded
from device.service.settings import Service

OF_THE_UNIT = Path("/var/lib/hearthside")
"""Where systemd makes it for an installed house."""
RESET_MARK = "factory-reset"
"""There while a factory reset is wanted: hearthside-factory-reset.path looks for it."""


def state_folder(settings: Service) -> Path:
    """Return it; it need not exist yet. Raise ConfigError when it is in the home folder of nobody."""
    if settings.state_dir:
        return expanded(settings.state_dir, "service.state_dir")
    if from_systemd := os.environ.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(from_systemd)
    return expanded("~/.local/state/hearthside", "service.state_dir")


def state_folder_of_house(settings: Service, of_the_unit: Path = OF_THE_UNIT) -> Path:
    """Return that of the house on this machine, for a command that looks into it. Raise ConfigError, as above."""
    own = settings.state_dir or os.environ.get("STATE_DIRECTORY")
    return of_the_unit if not own and of_the_unit.is_dir() else state_folder(settings)
