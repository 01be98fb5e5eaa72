"""Another player on this machine is quieter while this device listens or speaks: two commands of the configuration."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from device.audio.settings import Others
from device.core.others import ducks_others
from device.core.status import Status
from device.errors import ConfigError
from device.kit import programs

log = logging.getLogger(__name__)

PASSED_ON = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY", "MPD_HOST", "MPD_PORT", "PULSE_SERVER", "PIPEWIRE_RUNTIME_DIR", "ALSA_CONFIG_PATH",
)  # fmt: skip
"""What a command finds in its environment: what leads to players, and nothing that could be a key."""


class NeighbourDucker:
    """Runs each command once a conversation, never both at once. Belongs to the event loop's thread.

    A mark in the state folder says that a player was made quieter: whoever finds it after a crash restores.
    """

    def __init__(self, settings: Others, mark: Path, environment: Mapping[str, str] = os.environ) -> None:
        """Raise ConfigError for what is no command."""
        self._duck = _words("duck", settings.duck)
        self._restore = _words("restore", settings.restore)
        self._limit_s = settings.timeout_s
        self._mark = mark
        self._environment = {name: environment[name] for name in PASSED_ON if name in environment}
        self._wanted = False
        self._ducked = False
        self._working: asyncio.Task[None] | None = None
        self._complained: set[str] = set()
        """The keys whose command failed the last time."""

    def start(self) -> None:
        """Give its volume back to a player that an earlier process has left quiet."""
        self._ducked = self._mark.exists()
        self._work()

    def observe(self, what: object, status: Status) -> None:
        """An observer of the controller."""
        self._wanted = ducks_others(status)
        self._work()

    async def close(self) -> None:
        """Give the player its volume back."""
        self._wanted = False
        self._work()
        if self._working is not None:
            await self._working

    def _work(self) -> None:
        if self._wanted is not self._ducked and (self._working is None or self._working.done()):
            self._working = asyncio.create_task(self._follow(), name="other players")

    async def _follow(self) -> None:
        while (wanted := self._wanted) is not self._ducked:
            if wanted:
                self._note_mark(True)
                await self._run("duck", self._duck)
                self._ducked = True
            else:
                restored = await self._run("restore", self._restore)
                self._ducked = False
                if restored:
                    self._note_mark(False)

    async def _run(self, key: str, command: list[str]) -> bool:
        ran = await programs.run(*command, limit_s=self._limit_s, environment=self._environment, apart=True)
        if ran is not None and ran.code == 0:
            self._complained.discard(key)
            return True
        if key not in self._complained:
            self._complained.add(key)
            why = "it could not be run, or did not end in time" if ran is None else f"it ended with {ran.code}"
            log.warning("audio.others.%s: %s; other players may be too loud, or too quiet", key, why)
        return False

    def _note_mark(self, ducked: bool) -> None:
        with contextlib.suppress(OSError):
            if ducked:
                self._mark.parent.mkdir(parents=True, exist_ok=True)
                self._mark.touch()
            else:
                self._mark.unlink(missing_ok=True)


def _words(key: str, command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"audio.others.{key}: {error} in the command; quote it as a shell wants it") from error
