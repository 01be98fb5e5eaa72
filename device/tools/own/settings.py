"""What can be set about a person's own tools."""

from __future__ import annotations

from device.settings import Section


class OwnTools(Section, frozen=True):
    """Tools of your own: commands that the model may run (docs/tools.md)."""

    folder: str = "/etc/hearthside/tools.d"
    """Where their files are: every .toml file in it is a tool. It need not exist."""
