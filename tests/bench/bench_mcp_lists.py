"""What it takes to read the list of tools of an MCP server, in the process that reads it and on the house's event loop.

    .venv/bin/python -m tests.bench.bench_mcp_lists [--times 9]

Lists of 64 tools, as large as is read (1 MB), whose schemas are made to be slow. The house is given the very lines that
the process writes, and those that it could write if somebody had taken it over. Time is that of the
processor; nothing is put on a page.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import logging
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).parents[2]))

from mcp_types import Tool, ToolAnnotations
from msgspec import Raw

from device.tools.mcp import wire
from device.tools.mcp.bridge import Bridge
from device.tools.mcp.child import connection
from device.tools.mcp.settings import Server
from tests.bench.common import table

TOOLS = 64
DEFS = "#/$defs/"


def many(prefix: str, count: int, argument: Any) -> dict[str, Any]:
    """Return arguments that are all alike."""
    return {f"{prefix}{number}": argument for number in range(count)}


def wordy() -> dict[str, Any]:
    """90 arguments with words in another script."""
    return {"properties": {f"a{n}": {"type": "string", "description": "ü" * 60 + str(n)} for n in range(90)}}


def chained() -> dict[str, Any]:
    """170 arguments that refer to an object with 500 other keys, over seven others."""
    names = "zabcdefg"
    defs: dict[str, Any] = {"z": many("x", 500, 0)}
    for before, name in itertools.pairwise(names):
        defs[name] = {"$ref": DEFS + before, **many(name, 60, 0)}
    return {"$defs": defs, "properties": many("p", 170, {"$ref": f"{DEFS}g"})}


def listing() -> dict[str, Any]:
    """280 arguments that refer to one list of 100 values, of which the last one makes all of them useless."""
    values = {"enum": [*("ü" * 30 + str(n) for n in range(99)), "\u200b"]}
    return {"$defs": {"e": values}, "properties": many("p", 280, {"$ref": f"{DEFS}e"})}


def tool(number: int, schema: dict[str, Any]) -> Tool:
    """Return one that only reads."""
    hints = ToolAnnotations(read_only_hint=True)
    return Tool(name=f"tool{number}", description="x", input_schema={"type": "object", **schema}, annotations=hints)


def written(raw: bytes, more: int = 0) -> bytes:
    """Return the line of tools with this schema, and of others beside them that are not used."""
    schema = Raw(raw)
    words = "ü" * wire.LONGEST_SENTENCE
    used = [wire.Listed(name=f"t{n}", description=words, schema=schema, read_only=True) for n in range(TOOLS)]
    unused = [wire.Listed(name=f"u{n}{'ü' * 190}", description=words[:400], read_only=True) for n in range(more)]
    return wire.encode(wire.Tools("notes", (*used, *unused)))


def packed(value: Any, at_most: int = wire.LARGEST_SCHEMA) -> bytes:
    """Return a schema with as many arguments of this value as fit."""
    count = at_most
    while len(raw := _schema(value, count)) > at_most:
        count = count * at_most // len(raw)
    return raw


def _schema(value: Any, count: int) -> bytes:
    schema = {"type": "object", "properties": many("p", count, value)}
    return json.dumps(schema, separators=(",", ":")).encode()


def in_house(line: bytes, times: int) -> list[str]:
    """Return what the house takes for it (ms): the median, and the most."""
    bridge = Bridge({"notes": Server(command=("/x",))}, {})
    hear = cast(Callable[[None, bytes], None], bridge._hear)
    taken = []
    for _ in range(times):
        gc.collect()
        began = time.process_time()
        hear(None, line)
        taken.append((time.process_time() - began) * 1000)
    return [f"{statistics.median(taken):.1f}", f"{max(taken):.1f}"]


async def read(schema: dict[str, Any], times: int) -> list[str]:
    """Return what the process takes for such a list (s), and the house for what becomes of it (ms)."""
    tools = [tool(number, schema) for number in range(TOOLS)]
    taken = []
    for _ in range(times):
        began = time.process_time()
        kept = await connection.bearable(tools)
        taken.append(time.process_time() - began)
    line = wire.encode(wire.Tools("notes", kept))
    return [f"{statistics.median(taken):.2f}", *in_house(line, times)]


async def main(times: int) -> None:
    """Measure, and tell."""
    logging.disable(logging.CRITICAL)
    rows = [
        ["90 arguments each, with words", *await read(wordy(), times)],
        ["170 that refer to an object with 500 other keys", *await read(chained(), times)],
        ["280 that refer to one list of 100 values", *await read(listing(), times)],
        ["the largest that the house takes", "", *in_house(written(packed({"enum": list(range(10))}), 436), times)],
        ["of a process that was taken over", "", *in_house(written(packed([[[[[[[[1]]]]]]]])), times)],
    ]
    print(table(["a list of 64 tools", "the process, s", "the house, ms", "most"], rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=9)
    options = parser.parse_args()
    asyncio.run(main(options.times))
