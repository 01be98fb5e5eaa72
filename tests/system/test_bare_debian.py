"""A fresh clone on a bare Debian, in one command. Slow, needs root and the network.

Not among what `scripts/test-system` runs by itself: `scripts/test-system -k bare_debian`.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.system.emulated import choice

BARE_DEBIAN = Path(__file__).with_name("bare_debian.sh")

pytestmark = pytest.mark.system
on_every_debian = pytest.mark.parametrize("suite", ["bookworm", "trixie"])


def run(
    suite: str, command: str, architecture: str = "amd64", options: Sequence[str | Path] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a shell command in a fresh clone on the bare system."""
    return subprocess.run(
        [BARE_DEBIAN, *options, suite, architecture, "bash", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@on_every_debian
def test_the_demo_sets_itself_up_and_holds_its_conversation(suite: str) -> None:
    """What the README promises of two commands."""
    demo = run(suite, "./scripts/demo")
    assert demo.returncode == 0, demo.stdout


@on_every_debian
def test_a_second_setup_installs_nothing(suite: str) -> None:
    """It is part of every demo and test."""
    setup = run(suite, "./scripts/setup --sim && echo SECOND && ./scripts/setup --sim")
    assert setup.returncode == 0, setup.stdout
    assert "installing" not in setup.stdout.split("SECOND")[1]


@on_every_debian
def test_the_sound_of_a_desktop_stays_as_it_is(suite: str) -> None:
    """Where PipeWire makes the sound, the demo brings a PulseAudio of its own, and nothing is removed."""
    desktop = "apt-get update && apt-get install -y --no-install-recommends pipewire-audio"
    kept = "dpkg-query -W -f '${Status}' pipewire-audio pipewire-pulse && ! command -v pulseaudio"
    demo = run(suite, f"export DEBIAN_FRONTEND=noninteractive; {desktop} && ./scripts/demo && {kept}")
    assert demo.returncode == 0, demo.stdout
    assert demo.stdout.count("install ok installed") == 2


def test_what_is_kept_is_there_for_the_next_command(tmp_path: Path) -> None:
    """And nothing of it for others; a folder that is shared is seen on both sides."""
    kept, shared = tmp_path / "kept", tmp_path / "shared"
    shared.mkdir()
    options = ("--keep", kept, "--share", shared)
    first = run("trixie", f"rm README.md && touch /left && echo inside >{shared}/told", options=options)
    assert first.returncode == 0, first.stdout
    assert (shared / "told").read_text() == "inside\n"
    second = run("trixie", f"test -f /left && test -f README.md && test -f {shared}/told", options=options)
    assert second.returncode == 0, second.stdout
    assert run("trixie", "test -f /left").returncode == 1


def test_what_needs_no_card_works_on_arm64() -> None:
    """The processors of all Pis since the third, computed by software; `tests/system/emulated.py` chooses the tests.

    It took 33 minutes with what the other system tests left of two cores, setup included.
    """
    # pip, told in its own way not to compile: most of what --dev installs is not imported here.
    setup = "PIP_NO_COMPILE=0 ./scripts/setup --sim --dev"
    tests = ".venv/bin/python -m pytest --hypothesis-profile=emulated --numprocesses auto --dist worksteal"
    options = shlex.join(["-m", "not card and not system", *choice()])
    tested = run("trixie", f"{setup} && {tests} {options}", "arm64")
    assert tested.returncode == 0, tested.stdout
