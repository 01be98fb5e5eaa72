"""Where the control socket is. Light to import: every command asks."""

from __future__ import annotations

import os
from pathlib import Path

NAME = "control.sock"
AGENTS = "agents"
"""The folder beside it, with a socket of the same name for agents: their process is shown this one and not the rest."""

SERVICE = Path("/run/hearthside")
"""What systemd makes for hearthside.service, which a person's own environment does not name."""


def own_folder() -> Path | None:
    """Return where this process would serve; None where nobody has made a place for it."""
    # There may be several; the first is ours.
    if from_systemd := os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]:
        return Path(from_systemd)
    if of_user := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(of_user) / "hearthside"
    return None


def sockets() -> list[Path]:
    """Return where a socket may be, in the order in which to look."""
    return [folder / NAME for folder in _folders()]


def sockets_for_agents() -> list[Path]:
    """Return where that for agents may be, in the same order."""
    return [folder / AGENTS / NAME for folder in _folders()]


def _folders() -> list[Path]:
    return list(dict.fromkeys(folder for folder in (own_folder(), SERVICE) if folder is not None))
