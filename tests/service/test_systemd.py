"""What systemd hears, on a real datagram socket."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.service.systemd import ServiceManager, is_service, watchdog_s


@pytest.fixture
def manager_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket on which systemd listens."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        yield listener


@pytest.fixture
def without_systemd_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing it fails as where it is not installed."""
    monkeypatch.setitem(sys.modules, "systemd.daemon", None)


@pytest.mark.parametrize(
    ("environment", "expected"), [({}, False), ({"NOTIFY_SOCKET": "x"}, True), ({"INVOCATION_ID": "x"}, True)]
)
def test_a_process_knows_whether_systemd_started_it(
    environment: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Type=notify, or of another type."""
    for name in ("NOTIFY_SOCKET", "INVOCATION_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert is_service() is expected


def test_systemd_hears_that_the_service_listens(manager_socket: socket.socket) -> None:
    """Type=notify waits for exactly this."""
    ServiceManager().notify_ready()
    assert manager_socket.recv(100) == b"READY=1"


def test_systemd_hears_that_the_service_stops(manager_socket: socket.socket) -> None:
    """The time allowed for stopping counts from here."""
    ServiceManager().notify_stopping()
    assert manager_socket.recv(100) == b"STOPPING=1"


def test_a_status_stays_on_one_line(manager_socket: socket.socket) -> None:
    """A second line would be an assignment of its own."""
    ServiceManager().notify_status("listening\nREADY=1")
    assert manager_socket.recv(100) == b"STATUS=listening READY=1"


def test_systemd_hears_that_the_service_is_alive(manager_socket: socket.socket) -> None:
    """Else it ends it."""
    ServiceManager().notify_alive()
    assert manager_socket.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    ("usec", "pid", "expected"),
    [("20000000", "own", 20.0), ("20000000", None, 20.0), ("20000000", "1", 0.0), (None, None, 0.0), ("x", "own", 0.0)],
)
def test_it_is_known_how_often_systemd_wants_a_sign_of_life(
    usec: str | None, pid: str | None, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From this process, and not from one that has started it (sd_watchdog_enabled(3))."""
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", str(os.getpid()) if pid == "own" else pid)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert watchdog_s() == expected


def test_a_service_started_by_hand_tells_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """That is normal, so it is worth one debug line."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    with caplog.at_level(logging.DEBUG):
        manager = ServiceManager()
        manager.notify_ready()
        manager.notify_stopping()
    assert [record.levelname for record in caplog.records] == ["DEBUG"]


@pytest.mark.usefixtures("manager_socket", "without_systemd_python")
def test_a_missing_library_is_named_with_its_fix(caplog: pytest.LogCaptureFixture) -> None:
    """Else a unit of Type=notify times out for no visible reason."""
    ServiceManager().notify_ready()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "python3-systemd" in caplog.text


def test_a_vanished_systemd_is_only_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The service goes on without its manager."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    ServiceManager().notify_ready()
    assert "cannot tell systemd READY=1" in caplog.text
