"""Ports for the servers of tests."""

from __future__ import annotations

import contextlib
import random
import socket

# Below those that Linux gives to whoever asks for any (net.ipv4.ip_local_port_range, from 32768 by default): no other
# test can get one before its server listens, nor while its server is started anew.
_PORTS = range(20_000, 30_000)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody uses now. Raise OSError when none is found."""
    for port in random.SystemRandom().sample(_PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free on 127.0.0.1")
