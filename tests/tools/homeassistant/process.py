"""A Home Assistant in a process of its own: the simulated one, or the real one (tests/system/homeassistant.py)."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from device.sim.home.homeassistant import GUEST_TOKEN, TOKEN
from tests.ports import free_port

STARTS_WITHIN_S = 300.0


class HomeProcess(ABC):
    """A context manager: inside it, it runs. It comes back on the same port."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def token(self) -> str:
        """An administrator's."""

    @property
    @abstractmethod
    def guest_token(self) -> str:
        """Of somebody who is no administrator."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Return what starts it."""

    @property
    def url(self) -> str:
        """The address of its page."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        self.wait_until_it_listens()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and do not wait."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def wait_until_it_listens(self) -> None:
        """Wait until somebody answers at its port."""
        end = time.monotonic() + STARTS_WITHIN_S
        while not self._listens():
            assert self._running.poll() is None, f"it ended\n{self.log.read_text()[-3000:]}"
            assert time.monotonic() < end, f"it does not listen\n{self.log.read_text()[-3000:]}"
            time.sleep(0.02)

    def kill(self) -> None:
        """Let it end at once."""
        self._running.kill()
        self._running.wait()

    def terminate(self) -> None:
        """Let it end as it does when it is asked to."""
        self._running.terminate()
        try:
            self._running.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def freeze(self) -> None:
        """Let it hang: it takes connections, and does nothing."""
        self._running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._running.send_signal(signal.SIGCONT)

    def see_that_it_runs(self) -> None:
        """Start it or let it go on, where whatever was done to it last has left it ended or frozen."""
        self.thaw()
        if self._running.poll() is not None:
            self.start()
        self.wait_until_it_listens()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def _listens(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/", timeout=2):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False


class SimulatedProcess(HomeProcess):
    """The simulated one: the house of Home Assistant's demo, or one with so many things."""

    def __init__(self, log: Path, things: int = 0) -> None:
        super().__init__(log)
        self._things = things

    @property
    def token(self) -> str:
        """An administrator's."""
        return TOKEN

    @property
    def guest_token(self) -> str:
        """Of somebody who is no administrator."""
        return GUEST_TOKEN

    def command(self) -> Sequence[str]:
        """Return what starts it."""
        return [sys.executable, "-m", "device.sim.home", "--port", str(self.port), "--things", str(self._things)]
