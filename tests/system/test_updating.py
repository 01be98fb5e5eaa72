"""Real releases of a booted device: a new one, one that does not listen, and the power cut in between.

Slow, needs root: `scripts/test-system`.
"""

from __future__ import annotations

import hashlib
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.booted import Machine, told
from tests.system.provisioning import bundle_of_version, release
from tests.system.roots import kept
from tests.system.stage import Stage

pytestmark = pytest.mark.system

SOURCE = "/srv/source"
BUNDLE = "/srv/hearthside-7.0.0.tar"
SIGNERS = "/etc/hearthside/release-signers"
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
PACKAGES = "/usr/lib/python3/dist-packages"
# Pins that can be opened, as those of a board that goes away afterwards.
LAMP = """
import sys

from gpiozero.pins.mock import MockFactory, MockPWMPin


class Pin(MockPWMPin):
    def _set_state(self, value):
        frame = sys._getframe()
        while frame is not None:
            if frame.f_code.co_name == "show":
                raise OSError(5, "Input/output error")
            frame = frame.f_back
        super()._set_state(value)


class Factory(MockFactory):
    def __init__(self):
        super().__init__(pin_class=Pin)
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


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a release, as scripts/bundle makes it."""
    return bundle_of_version("7.0.0", tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder with the key of who makes releases, and that of a stranger."""
    for name in ("maker", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    return tmp_path


def sign(bundle: Path, key: Path) -> bytes:
    """Return a signature, as docs/updating.md has it made."""
    command = ["ssh-keygen", "-Y", "sign", "-f", key, "-n", "hearthside-release"]
    with bundle.open("rb") as file:
        return subprocess.run(command, stdin=file, stdout=subprocess.PIPE, check=True).stdout


def let_sign(machine: Machine, keys: Path) -> None:
    """Let the signatures of who makes releases count, and nobody else's."""
    public = (keys / "maker.pub").read_text()
    machine.write(SIGNERS, f'releases@example.org namespaces="hearthside-release,git" {public}')


def test_a_bundle_replaces_a_release_and_gives_way_again(
    speaker: Machine, stage: Stage, bundle: Path, keys: Path
) -> None:
    """Known by its sum, and by its signature. A lamp that was broken before the change is no reason against it."""
    before = speaker.health()["version"]
    speaker.write(BUNDLE, bundle.read_bytes())
    code, said = update(speaker, "--from", BUNDLE, "--sha256", hashlib.sha256(bundle.read_bytes()).hexdigest())
    assert code == 0, said
    assert speaker.health()["version"] == "7.0.0"
    assert len(releases(speaker)) == 2
    stage.ask(speaker)
    break_lamp(speaker)
    code, said = update(speaker, "--rollback")
    assert code == 0, said
    assert (speaker.health()["version"], unwell(speaker)) == (before, ["light"])
    stage.ask(speaker)
    let_sign(speaker, keys)
    speaker.write(f"{BUNDLE}.sig", sign(bundle, keys / "maker"))
    code, said = update(speaker, "--from", BUNDLE)
    assert (code, "signed by releases@example.org" in said) == (0, True), said
    assert (speaker.health()["version"], unwell(speaker)) == ("7.0.0", ["light"])


def unwell(machine: Machine) -> list[str]:
    """Return which parts of it do not work."""
    return [part["part"] for part in machine.health()["parts"] if not part["ok"]]


def test_a_bundle_that_nobody_vouches_for_is_refused(speaker: Machine, bundle: Path, keys: Path) -> None:
    """In one line; what runs is not touched, and nothing is left of it."""
    speaker.write(BUNDLE, bundle.read_bytes())
    let_sign(speaker, keys)
    process, there = speaker.property("MainPID"), everything(speaker)

    def refused(*options: str) -> str:
        code, said = update(speaker, "--from", BUNDLE, *options)
        assert code == 1, said
        (line,) = said.splitlines()
        assert everything(speaker) == there
        return line

    assert f"update: {BUNDLE} is not the bundle that was meant: its SHA-256 is " in refused("--sha256", "0" * 64)
    assert f"update: {BUNDLE} has neither a sum (--sha256) nor a signature" in refused()
    speaker.write("/srv/stranger.sig", sign(bundle, keys / "stranger"))
    said = refused("--signature", "/srv/stranger.sig")
    assert said == f"update: /srv/stranger.sig is nobody's whose signature counts ({SIGNERS})"
    speaker.write("/srv/other.sig", sign(Path(__file__), keys / "maker"))
    assert f"update: /srv/other.sig does not hold for {BUNDLE}: " in refused("--signature", "/srv/other.sig")
    speaker.run(f"rm {SIGNERS}")
    assert f"there is no {SIGNERS}, so nobody's signature counts" in refused("--signature", "/srv/stranger.sig")
    assert speaker.property("MainPID") == process


def everything(machine: Machine) -> str:
    """Return the releases and what leads to them, and the configuration with what was kept of it."""
    return machine.says(
        r"find /opt/hearthside /etc/hearthside -maxdepth 2 ! -name release-signers -printf '%p %l\n' | sort"
    )


def break_lamp(machine: Machine) -> None:
    """Let it have a lamp that refuses what it is to show. No pins are needed for that."""
    machine.write("/etc/hearthside/config.d/60-light.toml", "[hardware.led]\npin = 17\n")
    # Debian's packages are seen by every release.
    machine.write(f"{PACKAGES}/brokenlamp.py", LAMP)
    machine.write(
        f"{PACKAGES}/brokenlamp-1.dist-info/entry_points.txt",
        "[gpiozero_pin_factories]\nbrokenlamp = brokenlamp:Factory\n",
    )
    machine.write(
        f"{PACKAGES}/brokenlamp-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: brokenlamp\nVersion: 1\n"
    )
    drop_in = "/etc/systemd/system/hearthside.service.d/60-light.conf"
    machine.write(drop_in, "[Service]\nEnvironment=GPIOZERO_PIN_FACTORY=brokenlamp\n")
    machine.run("systemctl daemon-reload && systemctl restart hearthside")
    machine.wait_for_state("fault")


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
