"""How adapters tell what has happened, and how they are told."""

from __future__ import annotations

from collections.abc import Callable

from device.core.actions import Action
from device.core.events import Event
from device.core.status import Status

Post = Callable[[Event], None]
"""Hand a fact to the controller; on the event loop's thread only. Returns at once and never raises."""

Observer = Callable[[Event | Action, Status], None]
"""Told of every fact and order, with the status after it. Must be quick."""
