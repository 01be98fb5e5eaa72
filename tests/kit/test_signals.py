"""Being told to stop at any moment of a command's life: no traceback, the exit code that is usual, nothing ignored."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from device.kit import signals

COMMAND = Path(sys.executable).with_name("hearthside")
LIMIT_S = 30

# Runs the command line, and is sent a signal when a module is about to be imported.
PROGRAM = """
import os, sys

module, number = sys.argv[1], int(sys.argv[2])
del sys.argv[1:3]

class Sender:
    def find_spec(self, name, path, target=None):
        if name == module:
            os.kill(os.getpid(), number)

sys.meta_path.insert(0, Sender())
from device.__main__ import main
sys.exit(main())
"""


def run(number: signal.Signals, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command that is sent a signal when it imports `module`."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, module, str(int(number)), *arguments],
        env={**os.environ, "OPENAI_API_KEY": "sk-of-nobody"},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("device.cli", ["--help"]),
        ("msgspec", ["run"]),
        ("device.cli.listen", ["listen"]),
        ("numpy", ["run"]),
        ("device.house.app", ["run"]),
        ("numpy", ["listen"]),
        ("numpy", ["replay", "nothing.wav"]),
        ("numpy", ["demo"]),
    ],
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT], ids=lambda n: n.name)
def test_a_signal_during_the_imports_ends_a_command_without_a_word(
    module: str, arguments: list[str], number: signal.Signals
) -> None:
    """128 + its number, as shells have it; to be told to stop is no failure of what runs until then (`listen` is ended
    by Ctrl-C, too)."""
    done = run(number, module, *arguments)
    runs_until_told = arguments[0] in ("run", "listen")
    loaded = arguments[0] == "listen" and module == "numpy"
    is_usual = runs_until_told if number is not signal.SIGINT else loaded
    assert done.returncode == (0 if is_usual else 128 + number), done.stderr
    said = [line for line in done.stderr.splitlines() if " INFO " not in line]
    assert (done.stdout, said) == ("", [])


def test_an_interrupt_that_was_held_back_before_the_first_line_counts() -> None:
    """scripts/setup has SIGINT blocked until Python has come to the program."""

    def interrupted_already() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        os.kill(os.getpid(), signal.SIGINT)

    done = subprocess.run(
        [sys.executable, "-m", "device", "--version"],
        preexec_fn=interrupted_already,
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_nohup_has_its_way() -> None:
    """A hangup that is ignored when the command starts stays ignored."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "msgspec", str(int(signal.SIGHUP)), "--version"],
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith(b"hearthside ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT], ids=lambda n: n.name)
async def test_every_signal_is_told_to_who_listens_and_to_nobody_after(number: signal.Signals) -> None:
    """What they did before they do again."""
    before = signal.getsignal(number)
    heard = asyncio.Event()
    with signals.told(heard.set):
        os.kill(os.getpid(), number)
        await asyncio.wait_for(heard.wait(), LIMIT_S)
    assert signal.getsignal(number) is before
