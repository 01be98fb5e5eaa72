"""What surrounds a booted machine: a sound card that it sees, a server that answers it, and a person in the room."""

from __future__ import annotations

import asyncio
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from device.sim.devices.soundcard import MICROPHONE, SPEAKER, Recording, VirtualSoundCard, alsa_pcms
from device.sim.person.voice import Person
from device.sim.realtime.tls import make_certificate
from tests.system.booted import LIMIT_S, Machine
from tests.system.network import Cable
from tests.waiting import block_until

CARD_FOLDER = Path("/srv/card")
SERVER_NAME = "realtime.test"
WAKE_WORD = "hey jarvis"
QUESTION = "what time is it"
KEY = f"sk-proj-{secrets.token_hex(16)}"
"""In no file of the repository: wherever it is found on a machine, it was put there."""
CONFIG = "/etc/hearthside/config.d/50-stage.toml"
PATIENCE = 3
AUDIBLE = 0.01
"""A peak of -40 dBFS; the virtual card's silence is digital."""
ANSWERED = "response.output_audio.done"
"""What the server says when it has sent all of an answer."""
ANSWER_LIMIT_S = 20.0
ANSWER_S = 0.6
"""Any answer sounds longer, and every cue is over sooner."""


class SharedCard(VirtualSoundCard):
    """A virtual sound card that users of another machine may use, too: they see its folder as CARD_FOLDER."""

    def replug(self) -> None:
        """Plug it in. PulseAudio refuses to start in a folder that is open to others."""
        self.folder.chmod(0o700)
        super().replug()
        self.folder.chmod(0o755)

    def hear(self, words: str, wake_word: str = WAKE_WORD) -> None:
        """Let somebody in the room say something."""
        asyncio.run(Person(self.play_into_room).say(words, wake_word))

    @contextmanager
    def deaf_for_who_listens_now(self) -> Iterator[None]:
        """Give no more sound to the microphones that are open, and do not say so; new ones hear."""
        module = self._control("load-module", "module-null-sink", "sink_name=nowhere").strip()
        try:
            self._control("suspend-sink", "nowhere", "1")
            for number in self._streams():
                self._control("move-source-output", number, "nowhere.monitor")
            yield
        finally:
            self._control("unload-module", module)

    def is_heard(self) -> bool:
        """Whether somebody has a microphone open that gets sound."""
        sources = dict(line.split()[:2] for line in self._control("list", "short", "sources").splitlines())
        outputs = self._control("list", "short", "source-outputs").splitlines()
        return any(sources.get(line.split()[1]) == "room.monitor" for line in outputs)

    def _streams(self) -> list[str]:
        return [line.split()[0] for line in self._control("list", "short", "source-outputs").splitlines()]

    def _control(self, *words: str) -> str:
        return subprocess.check_output(["pactl", *words], env=self.client_env(), text=True)


class RealtimeServer:
    """The simulated server as a process, over TLS. A context manager: inside it the server runs."""

    def __init__(self, certificate: Path, key: str = KEY) -> None:
        self._command = [sys.executable, "-m", "device.sim.realtime", "--host", "0.0.0.0", "--port", "0"]
        self._command += ["--tls", str(certificate), "--key", key]
        self.lines: list[str] = []
        """What it has said: a line for each event of a session."""

    def __enter__(self) -> RealtimeServer:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, name="server", daemon=True)
        self._reader.start()
        block_until(lambda: self._port or self._process.poll() is not None, "a server that serves", LIMIT_S)
        assert self._process.poll() is None, "the simulated server ended"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._reader.join()

    @property
    def url(self) -> str:
        """Where a machine reaches it."""
        return f"wss://{SERVER_NAME}:{self._port}/v1/realtime"

    def count(self, event: str) -> int:
        """Return how many events of a type it has sent or received."""
        return sum(line.endswith(f" {event}") for line in self.lines)

    @property
    def _port(self) -> str:
        found = re.search(r"://[^/]+:(\d+)/", "".join(self.lines))
        return found[1] if found else ""

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))


@dataclass(frozen=True)
class Stage:
    """A card and a server, for one machine after the other."""

    card: SharedCard
    server: RealtimeServer
    certificate: Path
    """What a machine must trust, without the private key."""

    @contextmanager
    def machine(self, layers: Sequence[Path], with_cable: bool = True) -> Iterator[Machine]:
        """Give a machine that is off: it sees the card, trusts the server, and is configured for both.

        Without a cable it has this machine's network: for what installs something.
        """
        with ExitStack() as stack:
            cable = stack.enter_context(Cable()) if with_cable else None
            machine = stack.enter_context(Machine(layers, cable, {str(CARD_FOLDER): self.card.folder}))
            self._dress(machine)
            yield machine

    def _dress(self, machine: Machine) -> None:
        address = machine.cable.address if machine.cable else "127.0.0.1"
        hosts = f"{Path('/etc/hosts').read_text()}\n{address} {SERVER_NAME}\n127.0.1.1 speaker\n"
        files = (
            ("/etc/hosts", 0o644, hosts),
            ("/etc/asound.conf", 0o644, alsa_pcms(CARD_FOLDER / self.card.socket.name)),
            ("/usr/local/share/ca-certificates/stage.crt", 0o644, self.certificate.read_text()),
            (CONFIG, 0o644, self.config()),
            ("/etc/credstore/openai_api_key", 0o600, KEY),
        )
        writing = [f"install -D -m {mode:o} /dev/stdin {path} <<'END'\n{text}\nEND" for path, mode, text in files]
        # At once: each command in a machine that is off starts a container.
        machine.run("bash -e", text="\n".join([*writing, "chmod 700 /etc/credstore", "update-ca-certificates"]))

    def config(self) -> str:
        """Return the configuration of a device on this stage."""
        return f"""
[audio]
input = "{MICROPHONE}"
output = "{SPEAKER}"
[conversation]
follow_up_s = 0
[conversation.openai]
url = "{self.server.url}"
"""

    def ask(self, machine: Machine) -> None:
        """Ask the device the time, and wait until the answer has sounded; again when it did not hear."""
        for _ in range(PATIENCE):
            if self.is_answered():
                return
        raise AssertionError(f"no answer came\n{machine.account()}\n{machine.journal()[-5000:]}")

    def ask_and_hear_out(self, machine: Machine) -> None:
        """Ask the device the time, and wait until its answer is over: then whatever is said next interrupts nothing."""
        self.ask(machine)
        machine.wait_until(lambda: machine.health().get("phase") == "idle", "the end of the answer")

    def ask_until(self, condition: Callable[[], object], what: str, machine: Machine) -> None:
        """Ask for what cannot be answered, and wait for what comes of it; again when it did not hear."""
        for _ in range(PATIENCE):
            self.card.hear(QUESTION)
            if comes_about(condition, ANSWER_LIMIT_S):
                return
        raise AssertionError(f"{what} did not come about\n{machine.account()}")

    def is_answered(self) -> bool:
        """Ask the time, and tell whether an answer has sounded."""
        before = self.server.count(ANSWERED)
        with self.card.record_speaker() as heard:
            self.card.hear(QUESTION)
            if not comes_about(lambda: self.server.count(ANSWERED) > before, ANSWER_LIMIT_S):
                return False
            return comes_about(lambda: self.sounds(heard), ANSWER_LIMIT_S)

    def sounds(self, heard: Recording) -> bool:
        """Tell whether something longer than a cue is to be heard in a recording."""
        return _sounded_s(heard.pcm, heard.rate) > ANSWER_S


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Set up a card and a server."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hearthside-stage-")))
        certificate = make_certificate(folder, SERVER_NAME)
        card = stack.enter_context(SharedCard())
        server = stack.enter_context(RealtimeServer(certificate))
        yield Stage(card, server, folder / "public.pem")


def comes_about(condition: Callable[[], object], limit_s: float) -> bool:
    """Wait until a condition holds; tell whether it did within the limit."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def _sounded_s(pcm: bytes, rate: int) -> float:
    """Return for how long something was to be heard, in seconds."""
    frame = rate // 50
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float64) / 32768
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    return float((np.abs(frames).max(axis=1, initial=0.0) > AUDIBLE).sum()) / 50
