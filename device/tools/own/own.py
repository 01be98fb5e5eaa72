"""The feature: the files of a folder become tools, each of which runs its command."""

from __future__ import annotations

import logging
import os
import pwd
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.core.events import Way
from device.core.health import Health
from device.errors import ConfigError, ToolError
from device.kit import programs
from device.kit.outsiders import are_data, printed
from device.kit.textfiles import NotTextError, read_text
from device.ports.feature import Feature, Fitted, Outside
from device.ports.tools import Tool
from device.settings import Table
from device.tools.own import definition as of
from device.tools.own.definition import Definition
from device.tools.own.settings import OwnTools
from device.units import ms_from_seconds

log = logging.getLogger(__name__)

LONGEST_OUTPUT = 4_000
"""In characters, of up to 4 bytes each: what a model is told of what a command printed."""

MOST = 64
"""So many files are read, by their names: each is told to the model in every session."""

_LONGEST_COMPLAINT = 200
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Found:
    """What is in a folder: the tools, by their files, and for each file that is none why."""

    definitions: tuple[tuple[Path, Definition], ...]
    wrong: tuple[tuple[Path, str], ...]

    @property
    def tools(self) -> tuple[Tool[Any], ...]:
        """Return what the model may call."""
        return tuple(tool_of(found, str(file)) for file, found in self.definitions)


def look_into(folder: Path) -> Found:
    """Read the files of a folder, which need not exist. Never raises."""
    definitions: list[tuple[Path, Definition]] = []
    wrong: list[tuple[Path, str]] = []
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix == ".toml" and not file.name.startswith("."))
    except FileNotFoundError:
        return Found((), ())
    except OSError as error:
        return Found((), ((folder, f"cannot be read: {error.strerror}"),))
    for file in files[:MOST]:
        try:
            definitions.append((file, load(file)))
        except ConfigError as error:
            wrong.append((file, str(error)))
    wrong += [(file, f"left out: there are more than {MOST} tools in the folder") for file in files[MOST:]]
    return Found(tuple(definitions), tuple(wrong))


def load(file: Path) -> Definition:
    """Read a tool's file, which nobody else may be able to change. Raise ConfigError."""
    try:
        state = file.stat()
        text = read_text(file)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}") from error
    except NotTextError as error:
        raise ConfigError(str(error)) from error
    if state.st_uid not in (0, os.geteuid()) or state.st_mode & _WRITABLE_BY_OTHERS:
        raise ConfigError("others may change it, and with it what runs here; `chown root` it, and `chmod go-w` it")
    found = of.parse(text)
    _refuse_user(found.user)
    return found


def _refuse_user(user: str | None) -> None:
    if user is None:
        return
    try:
        wanted = pwd.getpwnam(user).pw_uid
    except KeyError:
        raise ConfigError(f'user: there is no user "{user[:60]}" on this machine') from None
    if os.geteuid() not in (0, wanted):
        raise ConfigError("user: only a daemon that runs as root can run it as somebody else; the service does not")


def tool_of(found: Definition, source: str) -> Tool[Any]:
    """Return the tool that runs a definition's command."""

    async def run(arguments: Any) -> str:
        return await _run(found, of.command_line(found, _given(found, arguments)))

    return Tool(
        name=found.name,
        description=f"{found.description} {are_data('Its answers', 'a program')}",
        arguments=of.arguments_type(found),
        run=run,
        phrases=of.phrases(found),
        timeout_s=found.timeout_s,
        source=source,
        confirm=lambda arguments: of.confirmation(found, _given(found, arguments)),
        is_foreign=True,
    )


def _given(found: Definition, arguments: Any) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in found.arguments}


async def _run(found: Definition, command: list[str]) -> str:
    ran = await programs.run(
        *command,
        limit_s=None,
        environment=programs.bare_environment(),
        user=found.user,
        apart=True,
        longest=4 * LONGEST_OUTPUT,
    )
    if ran is None:
        raise ToolError(f"{found.name}: its program cannot be started")
    if ran.code != 0:
        said = printed(ran.complaint).splitlines()
        raise ToolError(f"{found.name} failed" + (f": {said[-1][:_LONGEST_COMPLAINT]}" if said else ""))
    return printed(ran.output, LONGEST_OUTPUT) or "Done"


def _open(settings: OwnTools, outside: Outside) -> Fitted:
    found = look_into(Path(settings.folder))
    for file, why in found.wrong:
        log.error("%s is no tool: %s", file, why)
    now = ms_from_seconds(time.monotonic())
    health = tuple(
        Health(
            f"tool file {file.name}",
            ok=False,
            since=now,
            why=why,
            what_to_do=f"correct it (hearthside tools check {file}), then restart the service",
        )
        for file, why in found.wrong
    )
    confirms = {f"{file}: confirm": Way(one.confirm) for file, one in found.definitions if one.confirm}
    return Fitted(tools=found.tools, health=lambda: health, confirms=confirms)


TABLE = Table("tools.own", OwnTools)
OWN = Feature("own", _open, TABLE)
