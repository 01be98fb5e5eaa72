"""Installing, and taking it away again, on booted machines. Slow, needs root: `scripts/test-system`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.system.booted import Machine, told
from tests.system.prepared import INSTALL_LIMIT_S, debian_with
from tests.system.roots import ROOT, kept
from tests.system.stage import Stage
from tests.wake.onnx_writer import Writer

pytestmark = pytest.mark.system

# What scripts/install asks of Debian: on a device without a network they are there already.
PACKAGES = ("alsa-utils", "espeak-ng", "libasound2-data", "libusb-1.0-0", "tzdata", "python3-venv")
PYTHON_PACKAGES = ("python3-pyaudio", "python3-systemd")
MOST_MB = 160
MOST_MEMORY_MB = 100
"""Of the largest process; the others are shells."""
INSTALL = "/root/hearthside/scripts/install"


def test_a_second_installation_changes_nothing(speaker: Machine) -> None:
    """And does not disturb what runs."""
    names = "find /opt/hearthside /etc /usr/local -newer /tmp/mark ! -type d"
    before = speaker.property("MainPID")
    speaker.run("touch /tmp/mark")
    again = speaker.run(f"{INSTALL} --offline", timeout_s=INSTALL_LIMIT_S)
    assert "nothing to do" in again.stderr
    assert speaker.property("MainPID") == before
    assert speaker.says(names) == ""


def test_an_installed_device_holds_what_a_device_needs(speaker: Machine) -> None:
    """No more than 160 MB, and nothing of the simulation's."""
    assert int(speaker.says("du --summarize --block-size=1M /opt/hearthside/releases").split()[0]) <= MOST_MB
    python = "/opt/hearthside/current/venv/bin/python -I -c"
    for name in ("soxr", "pocketsphinx", "onnxruntime", "flatbuffers", "setuptools", "matplotlib"):
        where = f"import importlib.util as u; found = u.find_spec('{name}'); print(found.origin if found else '')"
        assert "/opt/" not in speaker.says(f'{python} "{where}"'), name
    assert speaker.says("hearthside --version").split()[-1] == speaker.health()["version"]


def test_it_listens_again_after_a_reboot(speaker: Machine) -> None:
    """The unit is a link into the current release, and enabled."""
    speaker.reboot()
    speaker.wait_for_state("listening")
    assert speaker.property("UnitFileState") == "enabled"
    # Else an update would take it away with the release.
    assert "/releases/" not in speaker.says("readlink /etc/systemd/system/*.wants/hearthside*")


@pytest.fixture
def with_network(device_layers: tuple[Path, ...], stage: Stage) -> Iterator[Machine]:
    """A machine that is off, with the device installed; it has this machine's network."""
    with stage.machine(device_layers, with_cable=False) as machine:
        yield machine


def test_what_numpy_cannot_compute_is_run_by_onnxruntime_once_that_is_there(
    with_network: Machine, tmp_path: Path
) -> None:
    """Without it the service says in a line what to run, with the exit code of a wrong configuration."""
    with_network.write("/etc/hearthside/own.onnx", write_own_word(tmp_path / "own.onnx").read_bytes())
    with_network.write("/etc/hearthside/config.d/60-own.toml", '[wake]\nwords = ["/etc/hearthside/own.onnx"]\n')
    with_network.boot()
    with_network.wait_until(lambda: with_network.property("ExecMainStatus") == "78", "a service that refuses the model")
    (complaint,) = (line for line in with_network.journal().splitlines() if "needs onnxruntime" in line)
    assert "/etc/hearthside/own.onnx" in complaint
    assert "scripts/install --with onnx" in complaint
    with_network.run(f"{INSTALL} --with onnx", timeout_s=INSTALL_LIMIT_S)
    with_network.wait_for_state("listening")
    assert "own.onnx is run by onnxruntime" in with_network.journal()
    # What it was installed with, updates install as well.
    assert json.loads(with_network.read("/opt/hearthside/current/MANIFEST"))["with"] == ["onnx"]


def test_other_stop_words_are_listened_for_once_what_knows_them_is_there(with_network: Machine) -> None:
    """Until then the service listens without them, and says in a line what to run."""
    with_network.write("/etc/hearthside/config.d/60-stop.toml", '[wake]\nstop_words = ["stop", "be quiet"]\n')
    with_network.boot()
    with_network.wait_for_state("listening")
    (complaint,) = (line for line in with_network.journal().splitlines() if "nobody listens for" in line)
    assert '"be quiet"' in complaint
    assert "scripts/install --with stop-words" in complaint
    with_network.run(f"{INSTALL} --with stop-words", timeout_s=INSTALL_LIMIT_S)
    with_network.wait_for_state("listening")
    assert with_network.journal().count("nobody listens for") == 1
    assert json.loads(with_network.read("/opt/hearthside/current/MANIFEST"))["with"] == ["stop-words"]


def write_own_word(path: Path) -> Path:
    """Write a model that never hears its word, with an operation that numpy is not used for."""
    writer = Writer(opset=13)
    writer.add("Flatten", axis=1)
    weights, bias = np.zeros((1, 16 * 96), np.float32), np.full(1, -5, np.float32)
    writer.add("Gemm", writer.constant(weights), writer.constant(bias), transB=1)
    writer.add("HardSigmoid")
    return writer.write(path, (1, 16, 96), (1, 1))


def test_taken_away_it_leaves_what_it_promised(speaker: Machine) -> None:
    """Configuration, secrets and state; with --purge not even these."""
    speaker.run("touch /var/lib/hearthside/mine")
    done = speaker.run("/opt/hearthside/current/scripts/uninstall")
    for kept_path in ("/etc/hearthside", "/var/lib/hearthside", "/etc/credstore/openai_api_key"):
        assert f"stays: {kept_path}" in done.stderr
    assert speaker.run("systemctl cat hearthside.service", check=False).returncode
    assert speaker.says("pgrep -u hearthside -l || true") == ""
    assert speaker.run("ls /opt/hearthside /usr/local/bin/hearthside /run/hearthside", check=False).stdout == ""
    assert speaker.says("ls /var/lib/hearthside/mine")
    speaker.run("/root/hearthside/scripts/uninstall --purge")
    left = speaker.run("ls -d /etc/hearthside /var/lib/hearthside /etc/credstore/*", check=False).stdout
    assert left == ""
    assert speaker.run("getent passwd hearthside", check=False).returncode
    assert speaker.says("find /etc /usr/local -name '*hearthside*' ! -path '/usr/local/share/*'") == ""


@pytest.fixture(scope="session")
def bundle() -> Path:
    """A bundle of this tree."""
    head = subprocess.check_output(["git", "-C", ROOT, "rev-parse", "HEAD"], text=True)[:8]
    command = [sys.executable, ROOT / "scripts" / "bundle", "--into"]
    folder = kept(f"bundle-{head}", lambda part: subprocess.run([*command, part], check=True))
    (made,) = folder.glob("*.tar")
    return made


@pytest.fixture
def without_network(suite: str, stage: Stage, bundle: Path) -> Iterator[Machine]:
    """A machine that is on, with Debian's packages and an unpacked bundle, and no way to anything but the server."""
    with stage.machine(debian_with(suite, *PACKAGES, *PYTHON_PACKAGES)) as machine:
        machine.boot()
        machine.run("mkdir /root/bundle && tar -C /root/bundle --strip-components=1 -x", text=bundle.read_bytes())
        yield machine


def test_a_bundle_is_installed_without_a_network(without_network: Machine) -> None:
    """From nothing to a service that listens, on a device as small as a Zero 2 W.

    That has 512 MB in all, of which the system takes its share, and a /tmp that may lie in memory.
    """
    without_network.run("mount -t tmpfs -o size=1M tmpfs /tmp")
    measured = (
        "import resource, subprocess; subprocess.run('/root/bundle/scripts/install', check=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
    )
    done = without_network.run(f'python3 -c "{measured}"', timeout_s=INSTALL_LIMIT_S)
    assert int(done.stdout.split()[-1]) <= MOST_MEMORY_MB, told(done)
    without_network.wait_for_state("listening")
    manifest = json.loads(without_network.read("/opt/hearthside/current/MANIFEST"))
    assert manifest["version"] == without_network.health()["version"]


def test_without_a_network_missing_packages_are_named(without_network: Machine) -> None:
    """In one line that can be run elsewhere; nothing is begun."""
    without_network.run("dpkg --purge python3-pyaudio")
    done = without_network.run("/root/bundle/scripts/install --offline", check=False)
    assert done.returncode == 1
    assert "apt-get install --no-install-recommends python3-pyaudio" in done.stderr
    assert without_network.run("ls /opt/hearthside", check=False).returncode


def test_killed_at_any_moment_the_next_one_ends_well(without_network: Machine) -> None:
    """Whatever it was doing when the power was cut, what is there is whole, or not there."""
    for seconds in (0.5, 3, 8, 15):
        without_network.run(f"timeout -s KILL {seconds} /root/bundle/scripts/install", check=False)
        without_network.cut_power()
        without_network.boot()
        whole = "for f in /opt/hearthside/releases/*; do [ ! -e $f ] || $f/venv/bin/hearthside --version; done"
        done = without_network.run(whole)
        assert done.stderr == "", told(done)
    without_network.run("/root/bundle/scripts/install", timeout_s=INSTALL_LIMIT_S)
    without_network.wait_for_state("listening")
    assert without_network.says("ls -A /opt/hearthside/releases | wc -l") == "1"
