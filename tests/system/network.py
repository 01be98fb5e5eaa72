"""A network of two: a machine in a container, and this one."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

_numbers = itertools.count(1)


class Cable:
    """Leads from this machine to another, which has no other network. A context manager: inside it the cable is there.

    It is plugged in at first. What listens on `address` is reached from the other end.
    """

    def __init__(self) -> None:
        number = next(_numbers)
        self._name = f"hs{os.getpid()}-{number}"
        # Of the networks that anybody may use; two runs at once hardly meet.
        self._network = f"10.{200 + os.getpid() // 256 % 50}.{os.getpid() % 256}.{number % 64 * 4}"
        self.address, self.other_address = self._host(1), self._host(2)
        self.namespace = Path("/run/netns") / self._name

    def __enter__(self) -> Self:
        _ip("netns", "add", self._name)
        _ip("link", "add", self._name, "type", "veth", "peer", "name", "eth0", "netns", self._name)
        _ip("address", "add", f"{self.address}/30", "dev", self._name)
        _ip("-n", self._name, "address", "add", f"{self.other_address}/30", "dev", "eth0")
        _ip("-n", self._name, "link", "set", "lo", "up")
        _ip("-n", self._name, "link", "set", "eth0", "up")
        # What is further away cannot be reached, and nobody says so at once.
        _ip("-n", self._name, "route", "add", "default", "via", self.address)
        self.plug()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _ip("link", "delete", self._name)
        _ip("netns", "delete", self._name)

    def plug(self) -> None:
        """Plug it in."""
        _ip("link", "set", self._name, "up")

    def unplug(self) -> None:
        """Unplug it: nothing gets through."""
        _ip("link", "set", self._name, "down")

    def _host(self, number: int) -> str:
        *network, last = self._network.split(".")
        return ".".join([*network, str(int(last) + number)])


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
