"""python -m device.tools.mcp.child PARENT: obeys the lines on its stdin, and answers on its stdout."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import sys

from device.tools.mcp import wire
from device.tools.mcp.child import leash

MOST_MEMORY = 256 * 1024 * 1024
"""In bytes, of data: a server may send what it likes, and shall not take the machine's memory with it."""
_NICENESS = 5
_LONGEST_FAREWELL_S = 0.4


def main() -> None:
    """Run until stdin ends, or the parent does."""
    leash.end_with(int(sys.argv[1]))
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    # What a library prints is not for the house.
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s", stream=sys.stderr)
    asyncio.run(_obey(out))
    # Whatever still waits for a server that does not end.
    sys.stderr.flush()
    os._exit(0)


async def _obey(out: int) -> None:
    lines = asyncio.StreamReader(limit=wire.LONGEST_LINE)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    transport, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(out, "wb"))

    def tell(message: wire.ToHouse) -> None:
        transport.write(wire.encode(message))

    begin = wire.to_child.decode(await lines.readline())
    assert isinstance(begin, wire.Begin)
    try:
        from device.tools.mcp.child.servers import Servers
    except ImportError as error:
        tell(wire.Unable(f"the package mcp is not installed ({error.name} is missing)"))
        return
    servers = Servers(begin, tell)
    tell(wire.Ready())
    try:
        while line := await lines.readline():
            match wire.to_child.decode(line):
                case wire.Ping(number):
                    tell(wire.Pong(number))
                case wire.Call() as call:
                    servers.call(call)
                case wire.Cancel(number):
                    servers.cancel(number)
    finally:
        await servers.aclose(_LONGEST_FAREWELL_S)


if __name__ == "__main__":
    main()
