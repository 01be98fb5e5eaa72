"""A network that can be made to die without a word: a namespace at the other end of a virtual cable."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator

_CLONE_NEWNET = 0x40000000  # setns(2)
# A corner of the private block (RFC 1918) that few use: 254 cables beside one another.
_BLOCK = "10.213"
# Locally administered addresses: of the two ends, and of nobody.
_NEAR_MAC, _FAR_MAC, _NOBODY = "02:68:73:00:00:01", "02:68:73:00:00:02", "02:68:73:00:00:03"


def why_no_namespaces() -> str:
    """Return why this machine cannot make one; "" when it can."""
    if shutil.which("ip") is None:
        return "no program ip: install iproute2 (scripts/setup does)"
    name = f"hs-probe-{os.getpid()}"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"no network namespace may be made here (root may): {tried.stderr.strip()}"
    _ip("netns", "del", name)
    return ""


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


class Network:
    """Two hosts and a cable: this one, and one in a namespace, where servers listen."""

    def __init__(self, number: int) -> None:
        self._namespace = f"hs-{os.getpid()}-{number}"
        self._near, self._far = f"hs{os.getpid() % 100_000}n{number}", f"hs{os.getpid() % 100_000}f{number}"
        self._subnet = f"{_BLOCK}.{(os.getpid() + number) % 254 + 1}"
        self.host = f"{self._subnet}.2"
        """The address of the other host."""

    def build(self) -> None:
        """Lay the cable."""
        _ip("netns", "add", self._namespace)
        _ip("link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self._namespace)
        _ip("addr", "add", f"{self._subnet}.1/24", "dev", self._near)
        _ip("link", "set", self._near, "address", _NEAR_MAC, "up")
        self._there("addr", "add", f"{self.host}/24", "dev", self._far)
        self._there("link", "set", self._far, "address", _FAR_MAC, "up")
        self.heal()

    def tear_down(self) -> None:
        """Take it away."""
        with contextlib.suppress(RuntimeError):
            _ip("link", "del", self._near)
        with contextlib.suppress(RuntimeError):
            _ip("netns", "del", self._namespace)

    def stall(self) -> None:
        """From now on every packet is lost; nobody is told.

        They leave for an address that nobody has. With an interface that is down, some would wait for it below the
        socket, where no program can take them back.
        """
        self._address(_NOBODY, _NOBODY)

    def heal(self) -> None:
        """Packets arrive again, also those that are sent once more."""
        self._address(_NEAR_MAC, _FAR_MAC)

    def _address(self, near: str, far: str) -> None:
        fixed = ("nud", "permanent")
        _ip("neigh", "replace", self.host, "lladdr", far, "dev", self._near, *fixed)
        self._there("neigh", "replace", f"{self._subnet}.1", "lladdr", near, "dev", self._far, *fixed)

    def _there(self, *arguments: str) -> None:
        _ip("-n", self._namespace, *arguments)

    def listener(self) -> socket.socket:
        """Return a socket that listens on the other host: it belongs to the namespace in which it was made."""
        made: list[socket.socket] = []
        thread = threading.Thread(target=lambda: made.append(self._listen_there()))
        thread.start()
        thread.join()
        return made[0]

    def _listen_there(self) -> socket.socket:
        """In a thread of its own, which moves over and ends there."""
        handle = os.open(f"/run/netns/{self._namespace}", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(handle, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            return socket.create_server((self.host, 0))
        finally:
            os.close(handle)


@contextlib.contextmanager
def network(number: int = 0) -> Iterator[Network]:
    """Have a network for a while."""
    made = Network(number)
    try:
        made.build()
        yield made
    finally:
        made.tear_down()
