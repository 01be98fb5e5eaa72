"""A real broker as a process at this machine's end of a cable."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.ports import free_port
from tests.system.booted import LIMIT_S
from tests.system.stage import KEY, SERVER_NAME, Stage
from tests.waiting import block_until

BROKER_NAME = "broker.home"


class Broker:
    """Keeps the key, and has an authority of its own. A context manager: inside it the broker serves."""

    def __init__(self, folder: Path, address: str, stage: Stage) -> None:
        """`address` is where it listens, which devices must know as BROKER_NAME."""
        self._port = free_port()
        self._settings, self._said = folder / "broker.toml", folder / "said"
        provider = stage.server.url.replace("wss://", "https://").replace(SERVER_NAME, "localhost")
        self._settings.write_text(
            f'[broker]\nlisten = "{address}"\nport = {self._port}\nnames = ["{BROKER_NAME}"]\n'
            f'provider_url = "{provider}/client_secrets"\nstate_dir = "{folder}"\n',
            encoding="utf-8",
        )
        self._environment = {**os.environ, "OPENAI_API_KEY": KEY, "SSL_CERT_FILE": str(stage.certificate)}

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where devices reach it."""
        return f"https://{BROKER_NAME}:{self._port}"

    def start(self) -> None:
        """Let it serve; return when it does."""
        with self._said.open("w") as log:
            self._process = subprocess.Popen(
                self._command("serve"), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment
            )
        block_until(lambda: "ready" in self._said.read_text() or self._has_ended(), "a broker that serves", LIMIT_S)
        assert not self._has_ended(), self._said.read_text()

    def stop(self) -> None:
        """Let it serve nobody any more."""
        self._process.terminate()
        self._process.wait()

    def tell(self, *words: str) -> str:
        """Return what one of its keeper's commands prints."""
        return subprocess.check_output(self._command(*words), text=True, stderr=subprocess.DEVNULL)

    def _has_ended(self) -> bool:
        return self._process.poll() is not None

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "device", "broker", *words, "--config", str(self._settings)]
