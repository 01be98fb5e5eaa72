"""The commands' side of the control socket."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.control import client, paths
from device.control.client import ControlError, NotAllowedError, NotRunningError, ask
from tests.control.house import FakeHouse, serving
from tests.waiting import until


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the environment names, and no other."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
    monkeypatch.setattr(paths, "SERVICE", folder / "service")
    return folder


async def in_thread(request: dict[str, object]) -> dict[str, object]:
    """Ask without keeping the server from answering."""
    return await asyncio.to_thread(ask, request)


async def test_a_command_asks_and_is_answered(here: Path) -> None:
    """Or told why not."""
    house = FakeHouse()
    async with serving(here, house):
        assert await in_thread({"do": "volume", "to": 33}) == {"volume": 33}
        with pytest.raises(ControlError, match="Expected `int` <= 100"):
            await in_thread({"do": "volume", "to": 333})


async def test_events_come_until_the_house_closes(here: Path) -> None:
    """Also one that comes right behind the answer."""
    told: list[dict[str, object]] = []

    def listen() -> None:
        with client.connected() as house:
            house.ask({"do": "subscribe"})
            for event in house.events():
                told.append(event)

    async with serving(here, FakeHouse()) as server:
        listening = asyncio.create_task(asyncio.to_thread(listen))
        await until(lambda: server.has_subscribers, "a subscription")
        server.publish("phase", {"phase": "waking"})
        server.publish("phase", {"phase": "listening"})
        await until(lambda: len(told) == 2, "both events")
    await listening
    assert [event["phase"] for event in told] == ["waking", "listening"]


def test_without_a_house_it_is_told_how_to_start_one(here: Path) -> None:
    """Also where a killed one has left its socket."""
    with pytest.raises(NotRunningError, match=r"hearthside is not running .*sudo systemctl start hearthside"):
        ask({"do": "status"})
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(here / "control.sock"))
    with pytest.raises(NotRunningError, match=str(here)):
        ask({"do": "status"})


def test_who_may_not_is_told_how_to_be_let_in(here: Path) -> None:
    """A stranger to the group."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    here.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(here / "control.sock"))
        (here / "control.sock").chmod(0o660)
        listener.listen()
        program = "from device.control.client import ask; ask({'do': 'status'})"
        done = subprocess.run(
            [sys.executable, "-c", program], user=23_456, group=23_456, capture_output=True, text=True
        )
    assert NotAllowedError.__name__ in done.stderr
    assert "sudo adduser $USER hearthside" in done.stderr


@pytest.fixture
def silent(here: Path) -> Iterator[socket.socket]:
    """A house that takes a connection and does nothing."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(here / "control.sock"))
        listener.listen()
        yield listener


def test_a_house_that_does_not_answer_is_not_waited_for_for_ever(silent: socket.socket) -> None:
    """It may hang."""
    with pytest.raises(ControlError, match="does not answer"):
        ask({"do": "status"}, patience_s=0.05)


def test_a_house_that_ends_in_the_middle_is_told_of(silent: socket.socket) -> None:
    """Between question and answer."""

    def end() -> None:
        connection, _ = silent.accept()
        connection.recv(1)
        connection.close()

    threading.Thread(target=end).start()
    with pytest.raises(NotRunningError, match="ended before it answered"):
        ask({"do": "status"})


def test_a_house_of_the_person_s_own_is_found_before_the_service_s(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the service's without any environment."""
    assert paths.sockets() == [Path("/run/hearthside/control.sock")]
    assert paths.own_folder() is None
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    assert paths.sockets() == [folder / "hearthside/control.sock", Path("/run/hearthside/control.sock")]
    of_agents = [folder / "hearthside/agents/control.sock", Path("/run/hearthside/agents/control.sock")]
    assert paths.sockets_for_agents() == of_agents
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/hearthside:/run/other")
    assert paths.sockets() == [Path("/run/hearthside/control.sock")]


def test_the_client_is_light(here: Path) -> None:
    """No event loop, no decoder of the configuration, nothing of the house."""
    program = "import sys, device.control.client; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"asyncio", "msgspec", "numpy", "device.core"} & set(loaded)
