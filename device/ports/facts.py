"""How adapters tell what has happened."""

from __future__ import annotations

from collections.abc import Callable

from device.core.events import Event

Post = Callable[[Event], None]
"""Hand a fact to the controller."""
