"""Real releases of a booted device: a new one, one that does not listen, and the power cut in between.

Slow, needs root: `scripts/test-system`.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.booted import Machine, told
from tests.system.provisioning import release
from tests.system.roots import kept
from tests.system.stage import Stage

pytestmark = pytest.mark.system

SOURCE = "/srv/source"
UPDATE = "/opt/hearthside/current/scripts/update"
LIMIT_S = 400.0
WITHIN_S = 20
"""For who waits in vain: a release that is deaf on purpose."""
CUTS = 10
"""On each release of Debian."""
SETTLE = "/etc/systemd/system/hearthside-settle.service.d/test.conf"
# In the place of the house: comes up, and never hears.
DEAF = """

async def serve(*_: object) -> None:
    import asyncio
    await asyncio.Event().wait()
"""


@pytest.fixture(scope="session")
def source_layers(suite: str, stage: Stage, device_layers: tuple[Path, ...]) -> tuple[Path, ...]:
    """The layers of an installed device that has the source of a release at hand, with all that it needs."""
    file = release()

    def make(folder: Path) -> None:
        with stage.machine(device_layers) as machine:
            machine.copy_in(file.parent, "/srv/bundle")
            unpack = f"mkdir {SOURCE} && tar -xf /srv/bundle/{file.name} -C {SOURCE} --strip-components=1"
            machine.run(f"{unpack} --no-same-owner --exclude='*_aarch64.whl' && rm -r /srv/bundle", timeout_s=LIMIT_S)
            machine.keep_changes(folder / "changes")

    made_from = hashlib.sha256(f"{file.parent.name} {device_layers}".encode()).hexdigest()[:8]
    return kept(f"installed-source-{suite}-{made_from}", make) / "changes", *device_layers


@pytest.fixture
def updatable(source_layers: tuple[Path, ...], stage: Stage) -> Iterator[Machine]:
    """A device that listens, and has a source of releases."""
    with stage.machine(source_layers) as machine:
        machine.write(
            SETTLE,
            f"[Service]\nExecStart=\nExecStart=/opt/hearthside/trial/scripts/update --settle --within {WITHIN_S}\n",
        )
        machine.boot()
        machine.wait_for_state("listening")
        yield machine


def make_source(machine: Machine, version: str, deaf: bool = False) -> None:
    """Let the source be that of a release."""
    machine.run(f"""sed -i 's/^__version__ = .*/__version__ = "{version}"/' {SOURCE}/device/__init__.py""")
    app = f"{SOURCE}/device/house/app.py"
    machine.run(f"[ -e {app}.good ] || cp {app} {app}.good; cp {app}.good {app}")
    if deaf:
        machine.run(f"cat >>{app}", text=DEAF)


def update(machine: Machine, *options: str) -> tuple[int, str]:
    """Run scripts/update; return its exit code and what it said."""
    done = machine.run(f"{UPDATE} {' '.join(options)}", check=False, timeout_s=LIMIT_S)
    return done.returncode, told(done)


def install(machine: Machine, within_s: int = 60) -> tuple[int, str]:
    """Update to what the source is now."""
    return update(machine, "--from", SOURCE, "--unsigned", "--within", str(within_s))


def releases(machine: Machine) -> list[str]:
    """Return what is in the folder of releases, also under names with a dot."""
    return machine.says("ls -A /opt/hearthside/releases").split()


def test_a_release_replaces_another_and_gives_way_again(updatable: Machine, stage: Stage) -> None:
    """A real update, and back by hand; the device answers after each."""
    before = updatable.health()["version"]
    make_source(updatable, "7.0.0")
    code, said = install(updatable)
    assert code == 0, said
    assert updatable.health()["version"] == "7.0.0"
    assert len(releases(updatable)) == 2
    stage.ask(updatable)
    code, said = update(updatable, "--rollback")
    assert code == 0, said
    assert updatable.health()["version"] == before
    stage.ask(updatable)


def test_a_release_that_does_not_listen_is_undone(updatable: Machine, stage: Stage) -> None:
    """It says so, and nothing of it is left."""
    before, there = updatable.health()["version"], releases(updatable)
    make_source(updatable, "7.0.0", deaf=True)
    code, said = install(updatable, WITHIN_S)
    assert code == 1
    assert "release 7.0.0 did not hear: " in said
    assert f"{before} runs again, and hears" in said
    assert updatable.health()["version"] == before
    assert releases(updatable) == there
    stage.ask(updatable)


def test_when_only_the_update_is_killed_the_system_ends_it(updatable: Machine) -> None:
    """Without a boot: a connection that was lost, or too little memory."""
    before = updatable.health()["version"]
    make_source(updatable, "7.0.0", deaf=True)
    start(updatable)
    updatable.wait_until(lambda: on_trial(updatable), "a release on trial", LIMIT_S)
    updatable.run("systemctl kill --signal=KILL test-update.service")
    updatable.wait_until(lambda: not on_trial(updatable), "an end of the trial", LIMIT_S)
    updatable.wait_for_state("listening")
    assert updatable.health()["version"] == before


def test_the_power_is_cut_during_updates(updatable: Machine) -> None:
    """Whenever it is, one whole release boots and listens; half of the updates are to one that is deaf."""
    chance = random.Random(10)
    for number in range(CUTS):
        make_source(updatable, f"8.{number}.0", deaf=chance.random() < 0.5)
        start(updatable)
        let_pass(updatable, chance)
        updatable.cut_power()
        updatable.run("test -x /opt/hearthside/current/venv/bin/hearthside")
        updatable.boot()
        updatable.wait_until(lambda: not on_trial(updatable), "an end of the trial", LIMIT_S)
        updatable.wait_for_state("listening", LIMIT_S)
    make_source(updatable, "9.0.0")
    code, said = install(updatable)
    assert code == 0, said
    assert updatable.health()["version"] == "9.0.0"
    assert len(releases(updatable)) == 2


def let_pass(machine: Machine, chance: random.Random) -> None:
    """Wait for any moment of an update: while the release is made, or as often while it is tried."""
    longest_s = 20
    if chance.random() < 0.5:
        machine.wait_until(lambda: on_trial(machine), "a release on trial", LIMIT_S)
        longest_s = WITHIN_S
    time.sleep(chance.uniform(0, longest_s))
    print(f"cut off on trial: {on_trial(machine)}")


def start(machine: Machine) -> None:
    """Begin an update of which nobody waits for the end."""
    options = f"--from {SOURCE} --unsigned --within {WITHIN_S}"
    machine.run(f"systemd-run --unit=test-update --collect --quiet {UPDATE} {options}")


def on_trial(machine: Machine) -> bool:
    return machine.run("test -L /opt/hearthside/trial", check=False).returncode == 0
