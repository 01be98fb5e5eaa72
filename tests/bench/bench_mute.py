"""What leaves after a mute: mutes at random moments, with sound queued in the same moment, over TLS, on a dead network.

`python tests/bench/bench_mute.py [--mutes 500]` prints a Markdown table: for each kind the mutes, the bytes that were
handed to the kernel after them, and those that arrived at the server more than 50 ms later. It ends with 1 unless all
of them are 0. Told apart is what a connection says that is still being opened. The dead network needs root, for its
namespace.

Machine, gate and session are the daemon's, the sockets real; nothing is played, and the microphone is a noise.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import common

sys.path.insert(0, str(common.ROOT))

from device.core.status import Phase
from device.sim.realtime.tls import make_certificate, server_context
from tests.conversation.mutings import CountingServer, Mutable, TappedSocket, counting_server, tapped
from tests.conversation.network import Network, network, why_no_namespaces

LATER_S = 0.05
"""What arrives sooner was on its way."""
AT_ONCE = 10
"""Houses on the dead network: each of its mutes takes seconds."""
TRIES_AGAIN_S = 2.0
"""For how long a kernel that still had something is given time to send it."""


@dataclass
class Row:
    """One kind of mute."""

    kind: str
    mutes: int = 0
    handed: int = 0
    arrived: int = 0
    opening: int = 0
    """Bytes of those handed over by connections that were still being opened: there was no sound in them."""


async def at_random(row: Row, mutes: int, server: CountingServer, queued: Callable[[], float]) -> None:
    """Mute one house again and again, up to 0.3 s after the word; some mutes follow a click."""
    house = Mutable(server.url)
    for _ in range(mutes):
        house.wake()
        await house.listen_for(random.uniform(0.0, 0.3))
        house.hear(queued())
        if random.random() < 0.1:
            house.leave()
        handed, connecting = TappedSocket.handed, not house.is_connected
        house.mute()
        await asyncio.sleep(LATER_S)
        if connecting:
            # No sound has ever been there; what is left is what TLS says while it makes up its keys.
            row.opening += TappedSocket.handed - handed
            handed = TappedSocket.handed
        arrived = server.arrived
        await asyncio.sleep(LATER_S)
        row.mutes += 1
        row.handed += TappedSocket.handed - handed
        row.arrived += server.arrived - arrived
        house.mute()
        house.hear(0.5)
    await house.conversation.aclose()


async def on_a_dead_network(row: Row, mutes: int, wires: Network, server: CountingServer) -> None:
    """Mute several houses at once, each some time after their network died in the middle of the words."""
    while row.mutes < mutes:
        houses = [Mutable(server.url) for _ in range(min(AT_ONCE, mutes - row.mutes))]
        await asyncio.gather(*(said(house) for house in houses))
        wires.stall()
        handed = sum(await asyncio.gather(*(muted_later(house) for house in houses)))
        arrived = server.arrived
        wires.heal()
        await asyncio.sleep(TRIES_AGAIN_S)
        row.mutes += len(houses)
        row.handed += handed
        row.arrived += server.arrived - arrived
        await asyncio.gather(*(house.conversation.aclose() for house in houses))


async def said(house: Mutable) -> None:
    """Get as far as the middle of the words."""
    house.wake()
    await house.phase(Phase.LISTENING)
    await house.listen_for(0.1)


async def muted_later(house: Mutable) -> int:
    """Mute at a random moment, with sound queued or not; return what this house handed over after it."""
    await house.listen_for(random.uniform(0.0, 1.0))
    house.hear(random.choice((0.0, 0.3, 1.0)))
    mine = house.socket()
    handed = mine.own
    house.mute()
    await asyncio.sleep(LATER_S)
    return mine.own - handed


async def measured(mutes: int, certificate: Path) -> list[Row]:
    """Return a row for each kind."""
    plain, queued, secure = Row("at random moments"), Row("with up to 1 s queued in the same moment"), Row("over TLS")
    dead = Row("on a network that had died")
    with tapped():
        async with counting_server() as server:
            await at_random(plain, mutes, server, lambda: 0.0)
            await at_random(queued, mutes, server, lambda: random.uniform(0.02, 1.0))
        async with counting_server(tls=server_context(certificate)) as server:
            await at_random(secure, mutes, server, lambda: random.choice((0.0, 0.3)))
        if why := why_no_namespaces():
            print(f"no dead network: {why}", file=sys.stderr)
            return [plain, queued, secure]
        with network() as wires:
            async with counting_server(wires.listener(), host=wires.host) as server:
                await on_a_dead_network(dead, mutes, wires, server)
    return [plain, queued, secure, dead]


def main() -> int:
    """Measure, print, and say whether nothing left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutes", type=int, default=500, help="of each kind (default: 500)")
    parser.add_argument("--write", action="store_true", help="put the table on docs/figures.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KeyboardInterrupt):
        certificate = make_certificate(Path(folder), "localhost")
        os.environ["SSL_CERT_FILE"] = str(certificate)
        rows = asyncio.run(measured(options.mutes, certificate))
    lines = [[row.kind, *map(str, (row.mutes, row.handed, row.arrived, row.opening))] for row in rows]
    head = ["mutes", "number", "bytes handed over afterwards", "bytes that arrived after 50 ms"]
    common.publish("bench_mute", common.table([*head, "bytes of connections still being opened"], lines), options.write)
    return 0 if all(row.mutes and not row.handed and not row.arrived for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
