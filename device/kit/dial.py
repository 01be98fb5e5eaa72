"""From a name to a connected socket: looked up in a thread, then "Happy Eyeballs" (RFC 8305) over all its addresses."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from device.errors import HearthsideError
from device.kit.addresses import is_home_address, is_home_name
from device.kit.threads import Threads

if TYPE_CHECKING:
    from aiohappyeyeballs import AddrInfoType


class OutsideError(HearthsideError):
    """A host that was to be in the house is not."""


# RFC 8305 asks for 250 ms before the next address is tried beside the first.
_NEXT_ADDRESS_S = 0.25


def load() -> None:
    """Import what `connect` needs: 8 ms on a desktop, so in a thread."""
    import aiohappyeyeballs  # noqa: F401 - only to have it loaded


async def resolve(threads: Threads, host: str, port: int) -> list[AddrInfoType]:
    """Return the TCP addresses of a host, as `socket.getaddrinfo` does. Raise OSError.

    A lookup can hang for minutes. It does so in one of `threads`, which neither the event loop nor the end of the
    program waits for.
    """
    try:
        return list(await threads.call(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)))
    except UnicodeError:
        # A part between two dots that is empty, or longer than 63 letters: no name server is even asked.
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None


def at_home(host: str, addresses: Sequence[AddrInfoType]) -> list[AddrInfoType]:
    """Return those of a host's addresses that are this machine or in its own network."""
    return [found for found in addresses if is_home_name(host) or is_home_address(found[4][0])]


async def reach(threads: Threads, host: str, port: int, must_stay: bool) -> socket.socket:
    """Return a socket connected to a host; with `must_stay` only to an address in the house.

    Raise OutsideError where it has none there, or OSError.
    """
    await threads.call(load)
    found = await resolve(threads, host, port)
    addresses = at_home(host, found) if must_stay else found
    if not addresses:
        raise OutsideError(f"{host} is not in your own network ({found[0][4][0]})")
    return await connect(addresses)


async def connect(addresses: Sequence[AddrInfoType]) -> socket.socket:
    """Return a socket connected to whichever address answers first; IPv6 and IPv4 take turns.

    The sockets that lost are closed, and all of them when the wait is cancelled. Raise OSError when no address answers.
    """
    from aiohappyeyeballs import start_connection

    return await start_connection(addresses, happy_eyeballs_delay=_NEXT_ADDRESS_S)
