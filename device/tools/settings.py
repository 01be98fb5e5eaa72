"""What can be set about the tools."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from device.settings import Section


class Tools(Section, frozen=True):
    """The home."""

    timeout_s: Annotated[float, Meta(ge=0.1, le=300.0)] = 20.0
    """How long a tool may take, in seconds, before the model is told that it failed."""
    confirm_s: Annotated[float, Meta(ge=3.0, le=60.0)] = 15.0
    """How long you are given to say yes, or to press the button, where something asks for that (`confirm`)."""
