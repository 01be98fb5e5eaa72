"""What a session must know of its key, wherever that is from."""

from __future__ import annotations

from typing import Protocol

from device.secrets import Secret


class Keys(Protocol):
    """Where keys come from."""

    async def current(self) -> Secret:
        """Return the key for a session that is opened now. Raise LinkError when there is none."""

    def refuse(self, key: Secret) -> None:
        """Be told that the provider does not take a key."""

    def mask(self, text: str) -> str:
        """Return a text without what shows a part of a key."""

    async def aclose(self) -> None:
        """Let go of everything."""


class OwnKey:
    """The device's own, always the same."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    async def current(self) -> Secret:
        """See Keys."""
        return self._key

    def refuse(self, key: Secret) -> None:
        """There is no other."""

    def mask(self, text: str) -> str:
        """See Keys."""
        return self._key.mask(text)

    async def aclose(self) -> None:
        """There is nothing to let go of."""
