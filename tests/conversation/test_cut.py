"""What is on its way when the gate shuts for good: nothing of it is handed to the kernel, and none of it arrives."""

from __future__ import annotations

import asyncio
import errno
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from device.conversation.openai import link
from device.conversation.openai.wire import Wire
from device.core import events as ev
from device.core.status import Phase
from device.sim.realtime.tls import make_certificate, server_context
from tests.conversation.mutings import GOODBYE, PATIENCE_S, CountingServer, Mutable, counting_server, tapped
from tests.conversation.network import network, why_no_namespaces

ENDS: dict[str, Callable[[Mutable], None]] = {
    "click": Mutable.leave,
    "shutdown": lambda house: house.controller.post(ev.ShutdownRequested()),
    "microphone lost": lambda house: house.controller.post(ev.DeviceFailed(ev.Device.MICROPHONE, "unplugged")),
    "failed answer": lambda house: house.controller.post(ev.SessionFailed(1, ev.Failure.BUSY, "no")),
    "mute": Mutable.mute,
    "mute asked for": lambda house: house.controller.post(ev.MuteRequested()),
}
MUTES = {"mute", "mute asked for"}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a server on this machine shows of itself."""
    return make_certificate(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture
def trusting(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The device trusts that server."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    link._load.cache_clear()
    return certificate


@asynccontextmanager
async def talking(server: CountingServer) -> AsyncIterator[Mutable]:
    """A house in which it is the person's turn to speak; what was said before has arrived."""
    house = Mutable(server.url)
    house.wake()
    await house.phase(Phase.LISTENING)
    await settled()
    yield house
    await house.conversation.aclose()


async def settled() -> None:
    """Let everything happen that is still on its way through this machine."""
    await asyncio.sleep(0.1)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("end", ENDS)
async def test_sound_that_is_queued_when_a_conversation_ends_stays_here(end: str, secure: bool, trusting: Path) -> None:
    """A second of it, in the same turn of the loop; only a goodbye may follow, and a mute says none."""
    tls = server_context(trusting) if secure else None
    with tapped() as tap:
        async with counting_server(tls=tls) as server, talking(server) as house:
            house.hear(1.0)
            handed = tap.handed
            ENDS[end](house)
            arrived = server.arrived
            await settled()
            assert tap.handed - handed <= (0 if end in MUTES else GOODBYE)
            assert server.arrived - arrived <= GOODBYE
            assert house.controller.status.phase is Phase.IDLE


async def test_a_mute_lets_nothing_of_the_gate_s_filter_out() -> None:
    """What the resampler holds back is captured sound, too."""
    sent: list[bytes] = []
    async with counting_server() as server, talking(server) as house:
        house.frontend._gate._send = sent.append
        house.mute()
        await settled()
    assert sent == []


async def test_a_mute_resets_the_connection_and_a_goodbye_closes_it() -> None:
    """The server sees the difference."""
    async with counting_server() as server, talking(server) as house:
        house.leave()
        await settled()
        assert (server.goodbyes, server.resets) == (1, 0)
        house.wake()
        await house.phase(Phase.LISTENING)
        house.mute()
        await settled()
        assert (server.goodbyes, server.resets) == (1, 1)


async def test_a_goodbye_over_tls_is_one(trusting: Path) -> None:
    """asyncio's buffers under TLS are looked into: when they are empty the session is closed as it should be."""
    async with counting_server(tls=server_context(trusting)) as server, talking(server) as house:
        house.leave()
        await settled()
        assert (server.goodbyes, server.resets) == (1, 0)


async def test_a_process_that_dies_takes_with_it_what_the_kernel_holds() -> None:
    """Whatever ends it: the kernel is told beforehand."""
    async with counting_server() as server, talking(server) as house:
        wire = house.conversation._session._link._wire  # type: ignore[union-attr]
        linger = wire._socket.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        assert struct.unpack("ii", linger) == (1, 0)


async def test_a_mute_cuts_a_connection_of_which_nothing_can_be_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that does not say what it holds is no reason to let it out."""

    def refuse(wire: Wire) -> bool:
        raise OSError(errno.ENOTTY, "no such question")

    async with counting_server() as server, talking(server) as house:
        house.hear(1.0)
        arrived = server.arrived
        monkeypatch.setattr(Wire, "holds_unsent", refuse)
        house.mute()
        await settled()
        assert (server.resets, server.arrived - arrived) == (1, 0)


async def test_a_mute_while_the_session_is_being_opened() -> None:
    """Nothing of what was kept for it leaves."""
    with tapped() as tap:
        async with counting_server() as server:
            server.patient.clear()
            house = Mutable(server.url)
            house.wake()
            async with asyncio.timeout(PATIENCE_S):
                while not server.arrived:
                    await house.listen_for(0.02)
            await house.listen_for(0.1)
            handed = tap.handed
            house.mute()
            server.patient.set()
            await settled()
            assert tap.handed == handed
            assert house.controller.status.muted
            assert server.resets == 1
            await house.conversation.aclose()


async def test_a_mute_while_another_session_is_closing() -> None:
    """The goodbye is broken off, and the new session, of which nobody has heard yet, is never opened."""
    with tapped() as tap:
        async with counting_server() as server, talking(server) as house:
            house.conversation.close()
            assert house.conversation._ending
            house.leave()
            house.wake()
            handed = tap.handed
            house.mute()
            await settled()
            assert tap.handed == handed
            assert not house.conversation._ending
            assert server.goodbyes == 0


async def test_a_reset_reaches_through_a_proxy_and_its_tls(trusting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a CONNECT proxy the library makes the socket, and TLS lies over it."""
    tunnels: list[asyncio.StreamReader] = []

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                target.write(data)
        except ConnectionResetError:
            target.transport.abort()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = int((await reader.readuntil(b"\r\n\r\n")).split()[1].rpartition(b":")[2])
        there, back = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        tunnels.append(reader)
        await asyncio.gather(carry(reader, back), carry(there, writer))

    proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    async with proxy, counting_server(tls=server_context(trusting)) as server:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setattr(link, "is_loopback", lambda host: False)
        async with talking(server) as house:
            assert tunnels
            house.hear(1.0)
            house.mute()
            arrived = server.arrived
            await settled()
            assert server.arrived == arrived
            assert server.resets == 1
            assert isinstance(tunnels[0].exception(), ConnectionResetError)


@pytest.mark.parametrize("queued_s", [0.0, 0.3])
async def test_mutes_at_random_moments(queued_s: float) -> None:
    """Before the session is ready, while what was kept goes out, and in the middle of words; bench_mute.py has more."""
    chance = random.Random(8)
    with tapped() as tap:
        async with counting_server() as server:
            house = Mutable(server.url)
            for _ in range(10):
                house.wake()
                await house.listen_for(chance.uniform(0.0, 0.2))
                house.hear(queued_s)
                handed = tap.handed
                house.mute()
                await settled()
                assert tap.handed == handed
                house.mute()
                house.hear(0.5)
            await house.conversation.aclose()


async def test_nothing_arrives_after_a_mute_when_the_network_comes_back() -> None:
    """It had died in the middle of the words: a kernel goes on trying for a quarter of an hour."""
    if why := why_no_namespaces():
        pytest.skip(why)
    with network() as wires, tapped() as tap:
        async with counting_server(wires.listener(), host=wires.host) as server, talking(server) as house:
            await house.listen_for(0.1)
            wires.stall()
            await house.listen_for(0.5)
            house.hear(1.0)
            await house.listen_for(0.1)
            handed, arrived = tap.handed, server.arrived
            assert handed > arrived
            house.mute()
            wires.heal()
            await asyncio.sleep(2.0)  # in which the kernel sends again what was held back
            assert tap.handed == handed
            assert server.arrived == arrived
