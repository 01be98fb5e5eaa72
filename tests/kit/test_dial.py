"""From a name to a connected socket, with real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device.kit import dial
from device.kit.threads import Threads

NOBODY = ("127.0.0.1", 1)
OUTSIDE = ("203.0.113.7", 80)


def info(address: tuple[str, int]) -> Any:
    """Return an address as getaddrinfo does."""
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Somebody who accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def mute() -> Iterator[tuple[str, int]]:
    """An address that never answers: its queue of connections is full, so the kernel drops what else arrives."""
    with contextlib.ExitStack() as opened:
        server = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        waiting = opened.enter_context(socket.socket())
        waiting.connect(server.getsockname())
        yield server.getsockname()


def open_sockets() -> int:
    """Return how many this process has."""
    links = Path("/proc/self/fd").iterdir()
    return sum(str(link.resolve()).rpartition("/")[2].startswith("socket:") for link in links)


async def test_a_name_leads_to_its_addresses() -> None:
    """Found in another thread."""
    found = await dial.resolve(Threads("dial"), "localhost", 80)
    assert {address[4][0] for address in found} <= {"127.0.0.1", "::1"}
    assert found


async def test_a_name_that_does_not_exist_is_an_error() -> None:
    """RFC 2606 keeps .invalid free for this."""
    with pytest.raises(OSError, match=r"\[Errno -\d+\]"):
        await dial.resolve(Threads("dial"), "nobody.invalid", 80)


@pytest.mark.parametrize("name", ["two..dots.local", f"{'x' * 64}.local"])
async def test_what_can_be_no_name_is_the_same_error(name: str) -> None:
    """Python says it otherwise, and whoever tries again and again would end by that."""
    with pytest.raises(OSError, match=r"\[Errno -\d+\]"):
        await dial.resolve(Threads("dial"), name, 80)


@pytest.mark.parametrize(
    ("host", "kept"), [("nas.example.com", [NOBODY]), ("nas.local", [NOBODY, OUTSIDE]), ("203.0.113.7", [NOBODY])]
)
def test_addresses_outside_are_left_out_unless_the_name_is_of_the_house(host: str, kept: list[Any]) -> None:
    """What such a name means is the network's own affair."""
    assert dial.at_home(host, [info(NOBODY), info(OUTSIDE)]) == [info(address) for address in kept]


async def test_an_address_that_never_answers_holds_up_the_next_only_for_a_moment(
    listener: socket.socket, mute: tuple[str, int]
) -> None:
    """Both are being tried then, and the one that lost is closed."""
    before = open_sockets()
    with await dial.connect([info(mute), info(listener.getsockname())]) as connected:
        assert connected.getpeername() == listener.getsockname()
        assert open_sockets() == before + 1


async def test_an_address_that_refuses_is_followed_by_the_next(listener: socket.socket) -> None:
    """Without an error."""
    with await dial.connect([info(NOBODY), info(listener.getsockname())]) as connected:
        assert connected.getpeername() == listener.getsockname()


@pytest.mark.parametrize("count", [1, 2])
async def test_the_error_of_addresses_that_all_refuse_has_its_number(count: int) -> None:
    """By which the log says it in words."""
    with pytest.raises(ConnectionRefusedError):
        await dial.connect([info(NOBODY)] * count)


@pytest.mark.parametrize("count", [1, 2])
async def test_a_wait_that_is_given_up_leaves_nothing_open(mute: tuple[str, int], count: int) -> None:
    """As when the button is pressed, or the time for it is over."""
    before = open_sockets()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(dial.connect([info(mute)] * count), 0.4)
    assert open_sockets() == before
