"""The list of tools: what a model is told about them, and where each call is checked."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from device.core.health import Health
from device.errors import ToolError
from device.kit.words import did_you_mean, nearest
from device.ports.tools import Arguments, Told, Tool, ToolSpec, UnconfirmedError
from device.tools import budget
from device.tools.settings import BUDGET_BYTES
from device.tools.telling import Telling

log = logging.getLogger(__name__)


Coming = Callable[[], tuple[Tool[Any], ...]]
"""Returns the tools that somebody has at this moment; the same tuple until something has changed."""


class Registry:
    """Implements ports.Tools over tools that stay and tools that come and go."""

    def __init__(
        self,
        tools: Sequence[Tool[Any]],
        timeout_s: float,
        coming: Sequence[Coming] = (),
        budget_bytes: int = BUDGET_BYTES,
    ) -> None:
        """Take the tools that stay, each name once, and whom to ask for more; a call may last `timeout_s`.

        Of those that come, one whose name is taken already is left out, and the log says so. Of all of them the model
        is told within `budget_bytes`.
        """
        self._staying = {tool.name: tool for tool in tools}
        if len(self._staying) != len(tools):
            raise ValueError("two tools have the same name")
        self._timeout_s = timeout_s
        self._coming = tuple(coming)
        self._came: list[tuple[Tool[Any], ...]] = [()] * len(coming)
        self._tools = self._staying
        self._specs = tuple(map(_spec, tools))
        self._plain = tuple(map(budget.plain, self._specs))
        """The same as a model is told of them; made once, since a session that is opened waits for it."""
        self._budget_bytes = budget_bytes
        self._telling = Telling()

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """All that could be told at this moment."""
        self._look()
        return self._specs

    def tell(self) -> Told:
        """Return what of it the model is told, and log what is lacking where that has changed."""
        self._look()
        told = budget.told(self._plain, self._budget_bytes)
        self._telling.note(told)
        return told

    def health(self) -> tuple[Health, ...]:
        """Return whether that was everything, when it was last told."""
        return self._telling.health()

    def _look(self) -> None:
        """See what has come and gone since."""
        came = [ask() for ask in self._coming]
        if all(now is before for now, before in zip(came, self._came, strict=True)):
            return
        self._came = came
        self._tools = by_name((*self._staying.values(), *(tool for tools in came for tool in tools)))
        self._specs = tuple(_spec(tool, comes=name not in self._staying) for name, tool in self._tools.items())
        self._plain = tuple(map(budget.plain, self._specs))

    async def call(self, name: str, arguments: str, confirmed: bool = False) -> str:
        """Run a tool with JSON text as arguments; return the text for the model. Raise ToolError.

        One that a person must say yes to is not run unless it is `confirmed`: UnconfirmedError.
        """
        tool = self._find(name)
        decoded = decode_arguments(tool, arguments, confirmed)
        if not confirmed and (needed := tool.confirm(decoded)):
            log.info("tool %s waits for a person to confirm it", name)
            raise UnconfirmedError(needed)
        began = time.monotonic()
        try:
            output = await self._run(tool, decoded)
        except ToolError as error:
            log.warning("tool %s failed after %.0f ms", name, _ms_since(began))
            log.debug("tool %s: %s", name, error)
            raise
        log.info("tool %s finished in %.0f ms", name, _ms_since(began))
        return output

    def _find(self, name: str) -> Tool[Any]:
        self._look()
        if tool := self._tools.get(name):
            return tool
        log.warning("a tool that does not exist was called")
        have = f"there are: {', '.join(self._tools)}" if self._tools else "there are none"
        raise ToolError(f'there is no tool called "{name[:60]}"; {have}')

    async def _run(self, tool: Tool[Any], arguments: Any) -> str:
        limit_s = self._timeout_s if tool.timeout_s is None else tool.timeout_s
        try:
            async with asyncio.timeout(limit_s) as limit:
                return await tool.run(arguments)
        except ToolError:
            raise
        except TimeoutError as error:
            if limit.expired():
                raise ToolError(f"{tool.name} did not finish within {limit_s:g} seconds") from error
            raise _unexpected(tool, error) from error
        except asyncio.CancelledError as error:
            if _is_being_cancelled():
                raise
            # What the tool waited for was cancelled, not the call: the model still waits for its answer.
            raise _unexpected(tool, error) from error
        except Exception as error:  # the boundary: a broken tool must not end the conversation
            raise _unexpected(tool, error) from error


def by_name(tools: Iterable[Tool[Any]]) -> dict[str, Tool[Any]]:
    """Return them by their names. Of two that are called the same the first one stays, and the log says so."""
    named: dict[str, Tool[Any]] = {}
    for tool in tools:
        if (taken := named.setdefault(tool.name, tool)) is not tool:
            log.error(
                "two tools are called %s: that of %s is left out, for %s has one", tool.name, tool.source, taken.source
            )
    return named


def decode_arguments(tool: Tool[Arguments], text: str, confirmed: bool = False) -> Arguments:
    """Decode JSON text into the tool's arguments. Raise ToolError saying what is wrong with them."""
    plain = _parse(tool, text)
    try:
        converted: Arguments = msgspec.convert(plain, (confirmed and tool.confirmed) or tool.arguments)
    except msgspec.ValidationError as error:
        raise ToolError(f"{tool.name}: {_explain(error, tool, plain)}") from error
    return converted


def _parse(tool: Tool[Any], text: str) -> Any:
    """Return JSON as plain values: all of it is parsed before anything in it is checked."""
    try:
        # Some servers send nothing at all for a call without arguments.
        return msgspec.json.decode((text if text.strip() else "{}").encode(errors="replace"))
    except msgspec.DecodeError as error:
        raise ToolError(f"{tool.name}: the arguments are not valid JSON: {error}") from error
    except RecursionError as error:
        raise ToolError(f"{tool.name}: the arguments are nested too deeply") from error


def _spec(tool: Tool[Any], comes: bool = False) -> ToolSpec:
    parameters = parameters_schema(tool.arguments) if tool.parameters is None else tool.parameters
    foreign = comes or tool.is_foreign
    return ToolSpec(tool.name, tool.description, parameters, tool.phrases, tool.source, foreign, tool.overview)


def parameters_schema(arguments: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON schema of a Struct as one plain object: references inlined, no titles, no null alternatives."""
    schema = msgspec.json.schema(arguments)
    plain = _plain(schema, schema.get("$defs", {}))
    assert isinstance(plain, dict)
    # A Struct's docstring is for us; the model is told the tool's own description.
    plain.pop("description", None)
    return plain


def _plain(node: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_plain(entry, definitions) for entry in node]
    if not isinstance(node, dict):
        return node
    node = _without_null(node)
    if "$ref" in node:
        rest = {key: value for key, value in node.items() if key != "$ref"}
        return _plain({**definitions[node["$ref"].rpartition("/")[2]], **rest}, definitions)
    return {key: _plain_entry(key, value, definitions) for key, value in node.items() if key not in ("$defs", "title")}


def _plain_entry(key: str, value: Any, definitions: Mapping[str, Any]) -> Any:
    # The keys of `properties` are names of ours, not of the schema language: a field may be called "title".
    if key == "properties":
        return {name: _plain(schema, definitions) for name, schema in value.items()}
    return _plain(value, definitions)


def _without_null(node: dict[str, Any]) -> dict[str, Any]:
    """Say "optional" by not requiring a field instead of allowing null: models then leave it out."""
    choices = [choice for choice in node.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) != 1 or len(choices) == len(node["anyOf"]):
        return node
    rest = {key: value for key, value in node.items() if key not in ("anyOf", "default")}
    return {**choices[0], **rest}


def _explain(error: msgspec.ValidationError, tool: Tool[Any], plain: Any) -> str:
    """Turn msgspec's "Invalid enum value 'x' - at `$.name`" into a sentence that lists the choices."""
    problem, _, path = str(error).partition(" - at `$.")
    field = path.rstrip("`")
    if not field:
        return str(error)
    choices = [str(value) for value in parameters_schema(tool.arguments)["properties"].get(field, {}).get("enum", [])]
    if not choices or not problem.startswith("Invalid enum value"):
        return f'"{field}": {problem[:1].lower()}{problem[1:]}'
    given = str(plain[field])[:60]
    return f'{field} "{given}" is unknown{suggestion(given, choices)}'


def suggestion(given: str, choices: Sequence[str]) -> str:
    """Return "; did you mean X?" or "; there are: X, Y", to be put behind a complaint."""
    return f"; {did_you_mean(nearest(given, choices)) or 'there are: ' + ', '.join(choices)}"


def _unexpected(tool: Tool[Any], error: BaseException) -> ToolError:
    """Log where a tool broke. Not the exception's text: it may quote what a person said."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("tool %s broke with %s\n%s", tool.name, type(error).__name__, frames)
    return ToolError(f"{tool.name} failed because of a fault in the device ({type(error).__name__})")


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _ms_since(began: float) -> float:
    return (time.monotonic() - began) * 1000
