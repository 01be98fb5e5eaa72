"""The README's way from a bare system to a talking speaker, walked as it is written. Needs root and the network."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import threading
from collections.abc import Iterator

import pytest

from device.sim.devices.soundcard import MICROPHONE, SPEAKER
from tests.system.booted import Machine
from tests.system.roots import ROOT
from tests.system.stage import CONFIG, KEY, WAKE_WORD, Stage, comes_about

pytestmark = pytest.mark.system

MARK = "<!-- walked by tests/system/test_readme.py -->"
REPOSITORY = "/srv/repository"
MOST_COMMANDS = 5
INSTALLED_WITHIN_S = 1800.0
ASKED_WITHIN_S = 60.0
MOST_TRIES = 10
# What Raspberry Pi OS has and a bare Debian has not: a user who may become root.
AS_ON_A_PI = (
    "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends sudo && "
    "useradd --create-home --shell /bin/bash ada && "
    "echo 'ada ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ada"
)


def way() -> list[str]:
    """Return the commands of the README, a line each."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.split(MARK)[1].split("```sh\n")[1].split("```")[0]
    return [re.sub(r"\s+# .*", "", line) for line in block.splitlines()]


class Terminal:
    """A terminal at which a user of the machine works."""

    def __init__(self, process: subprocess.Popen[bytes], handle: int) -> None:
        self.process = process
        self.said = ""
        self._handle = handle
        self._read_to = 0
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    def wait_for(self, words: str, limit_s: float = ASKED_WITHIN_S) -> None:
        """Wait until it says something after what was waited for last."""
        comes_about(lambda: self.has_said(words) or self._has_ended(), limit_s)
        assert self.has_said(words), self.said
        self._read_to = self.said.index(words, self._read_to) + len(words)

    def has_said(self, words: str) -> bool:
        """Whether it has said something after what was waited for last."""
        return words in self.said[self._read_to :]

    def answer(self, asked: str, text: str, limit_s: float = ASKED_WITHIN_S) -> None:
        """Wait until something is asked, and type an answer and Enter."""
        self.wait_for(asked, limit_s)
        os.write(self._handle, f"{text}\r".encode())

    def end(self) -> int:
        """Wait until all has been done; return the exit code."""
        code = self.process.wait(ASKED_WITHIN_S)
        self._reader.join()
        return code

    def _has_ended(self) -> bool:
        return self.process.poll() is not None

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # what Linux answers when nobody has the other side open any more
            while piece := os.read(self._handle, 4096):
                self.said += piece.decode(errors="replace")


@contextlib.contextmanager
def at_terminal(machine: Machine, *command: str) -> Iterator[Terminal]:
    """Run a command in the machine at a terminal of its own."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        machine.entered(*command),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=lambda: os.login_tty(theirs),
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_the_way_is_short() -> None:
    """Each command counts, also one that follows another on its line."""
    assert len(way()) <= MOST_COMMANDS


def test_the_way_leads_to_a_talking_speaker(bare: Machine, stage: Stage) -> None:
    """Every command as it stands there, at a terminal; then somebody asks the time, and is answered."""
    bare.boot()
    bare.run(f"rm {CONFIG} /etc/credstore/openai_api_key")
    bare.run(AS_ON_A_PI, timeout_s=INSTALLED_WITHIN_S)
    bare.clone_repository(REPOSITORY)
    bare.run(f"chown -R ada:ada {REPOSITORY}")
    commands = "\n".join(way()).replace("URL-OF-THIS-REPOSITORY", f"file://{REPOSITORY}")
    bare.write("/home/ada/way.sh", f"set -e\n{commands}\n", owner="ada:ada")
    with at_terminal(bare, "runuser", "--login", "ada", "--command", "bash way.sh") as terminal:
        terminal.answer("Number or name", "", INSTALLED_WITHIN_S)  # the board
        terminal.answer("Number or name", MICROPHONE)
        terminal.wait_for("Say something.")
        terminal.wait_for("dBFS")  # the meter: from now on it is heard
        stage.card.hear("the kettle is on")
        terminal.answer("dBFS", "")  # the meter; Enter goes on
        terminal.wait_for("Heard:")
        terminal.answer("Number or name", SPEAKER)
        terminal.answer("Did you hear", "y")
        terminal.answer("Number or name", "")  # the wake word
        terminal.wait_for("Say it a few times: hey jarvis")
        for _ in range(MOST_TRIES):
            if not terminal.has_said("Heard 3 times"):
                stage.card.hear("", WAKE_WORD)
        terminal.wait_for("Heard 3 times")
        terminal.answer("Number or name", stage.server.url)
        terminal.answer("Paste it", KEY)
        terminal.answer("Write it?", "y")
        assert terminal.end() == 0, terminal.said
    assert KEY not in terminal.said
    bare.wait_for_state("listening")
    stage.ask(bare)
