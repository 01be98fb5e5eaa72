"""What can be set about the control socket."""

from __future__ import annotations

from device.settings import Section


class Control(Section, frozen=True):
    """The local socket through which `hearthside status`, `mute` and the like speak to the service."""

    transcripts: bool = False
    """Whether those who subscribe to events are also told what was said, by the person and by the answer."""
