"""What can be set about the tools."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from device.settings import Section

BUDGET_BYTES = 12_000
"""About 3,000 tokens: beside the device's own tools and those for a home there is room for about 15 of somebody
else's."""


class Tools(Section, frozen=True):
    """The home."""

    timeout_s: Annotated[float, Meta(ge=0.1, le=300.0)] = 20.0
    """How long a tool may take, in seconds, before the model is told that it failed."""
    confirm_s: Annotated[float, Meta(ge=3.0, le=60.0)] = 15.0
    """How long you are given to say yes, or to press the button, where something asks for that (`confirm`)."""
    budget_bytes: Annotated[int, Meta(ge=2_000, le=1_000_000)] = BUDGET_BYTES
    """How much the model is told of the tools, in bytes; it reads all of it in every turn (docs/tools.md)."""
