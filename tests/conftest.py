"""What tests of several parts of the house share."""

from __future__ import annotations

import gc
import logging
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from device.boards import finding
from device.boards.signs import Machine
from device.sim.devices.soundcard import VirtualSoundCard, find_pulseaudio
from tests.quiet import wait_for_quiet
from tests.waiting import block_until

# An example may take as long as it does: machines are shared and noisy, and time is measured in tests/bench.
settings.register_profile("hearthside", deadline=None)
# Where the processor is computed by software (tests/system/emulated.py), a few do for most.
settings.register_profile("emulated", deadline=None, max_examples=10)
settings.load_profile("hearthside")

# Under nohup it is ignored, also by the programs that tests start and send it to.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

PATIENCE_S = 20.0
CARD_FIXTURES = {"virtual_card", "pulse"}
CARD_RERUNS = 1
"""Real sound stacks on a busy machine run dry at times, and the simulated person stutters. What fails twice failed."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what takes a card from a fixture; what is on a card may run again, wherever it runs."""
    for item in items:
        if CARD_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.card)
        if item.get_closest_marker("card"):
            item.add_marker(pytest.mark.flaky(reruns=CARD_RERUNS))
    # In the end no process is left alone with one of these.
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over the tests themselves and all that they import: none of it becomes garbage."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What failed in real time is judged by a second run on a quiet machine, or not at all."""
    is_again = getattr(item, "execution_count", 1) > 1
    if is_again and item.get_closest_marker("card") and not item.get_closest_marker("patient"):
        wait_for_quiet()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show why a test ran again, also when it passed then: what fails once may be a defect that shows seldom."""
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.section(f"failed at first: {report.nodeid}")
        terminalreporter.line(report.longreprtext)


@pytest.fixture(autouse=True)
def only_marked_tests_have_a_card(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that opens a card and would run beside others: it disturbs them, and they disturb it."""
    if not request.node.get_closest_marker("card"):
        monkeypatch.setattr(VirtualSoundCard, "__enter__", lambda card: pytest.fail("mark this test with `card`"))


@pytest.fixture(autouse=True)
def nobody_has_made_a_place_for_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """No house of a test is found by the commands of whoever runs the tests, nor by another test."""
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)


@pytest.fixture(autouse=True)
def nothing_is_plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine on which the tests run is none with a board, whatever is plugged into it."""
    monkeypatch.setattr(finding, "look", Machine)


@pytest.fixture(autouse=True)
def usual_logging() -> Iterator[None]:
    """Let no test that runs a command in this process decide what the next one logs."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before[0], before[1]


@pytest.fixture(scope="session")
def virtual_card() -> Iterator[VirtualSoundCard]:
    """A virtual sound card for the whole run; this process finds its PCMs."""
    before = dict(os.environ)
    with VirtualSoundCard() as card:
        os.environ.update(card.env())
        yield card
    for name in card.env():
        os.environ.pop(name)
        if name in before:
            os.environ[name] = before[name]


@pytest.fixture
def fake_amixer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a function that puts a script of sh on PATH as `amixer`, and gives the file of its arguments.

    Of sh, since a Python takes longer to start on a slow machine than the house waits for amixer.
    """

    def install(body: str) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        calls = tmp_path / "calls"
        calls.touch()
        program = folder / "amixer"
        program.write_text(f'#!/bin/sh\necho "$*" >>{shlex.quote(str(calls))}\n{body}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))
        return calls

    return install


@pytest.fixture
def pulse(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run a PulseAudio with one null sink, reached through ALSA's "pulse" devices."""
    # Not tmp_path: a socket's path may have 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="pulse-"))
    socket = folder / "native"
    for variable in ("XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH", "HOME"):
        monkeypatch.setenv(variable, str(folder))
    monkeypatch.setenv("PULSE_SERVER", f"unix:{socket}")
    # The virtual card's, where other tests of the same run use it, has no mixer.
    monkeypatch.delenv("ALSA_CONFIG_PATH", raising=False)
    server = subprocess.Popen(
        [
            *(
                find_pulseaudio(),
                "-n",
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--use-pid-file=no",
                "--disable-shm=yes",
            ),
            *("-L", "module-null-sink sink_name=room"),
            *("-L", f"module-native-protocol-unix socket={socket}"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        block_until(lambda: socket.exists() or server.poll() is not None, "a pulseaudio that listens")
        assert server.poll() is None, "pulseaudio ended"
        yield
    finally:
        server.terminate()
        server.wait(PATIENCE_S)
        shutil.rmtree(folder, ignore_errors=True)
