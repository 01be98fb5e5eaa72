"""How a configuration is refused."""

from __future__ import annotations

from collections.abc import Callable

from device.errors import ConfigError


def complaint(read: Callable[[], object]) -> str:
    """Return the message of the ConfigError that comes out, "" when none does. It is one line."""
    try:
        read()
    except ConfigError as error:
        return str(error) if "\n" not in str(error) else "it has several lines"
    return ""
