"""One file with all that an installation needs."""

from __future__ import annotations

import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.scripts.machine import ROOT, Machine, load_script

bundle = load_script("bundle")
LOCK = """\
# a remark
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:cc
lgpio==0.2 ; platform_machine == 'aarch64' \\
    --hash=sha256:dd
"""


def files_of(machine: Machine) -> dict[str, Path]:
    """Return what the machine's clone would put into a bundle, with two wheels."""
    wheels = machine.folder / "wheels"
    wheels.mkdir(exist_ok=True)
    for name in ("numpy-1-cp311-manylinux_2_28_x86_64.whl", "numpy-1-cp311-manylinux_2_28_aarch64.whl"):
        (wheels / name).write_text(name)
    found = [(str(path.relative_to(machine.source)), path) for path in machine.source.rglob("*") if path.is_file()]
    return dict(sorted([*found, *((f"wheels/{path.name}", path) for path in wheels.iterdir())]))


@pytest.fixture
def packed(machine: Machine) -> Path:
    """A bundle of the machine's clone."""
    path = machine.folder / "hearthside-0.1.0.tar"
    bundle.pack(path, "hearthside-0.1.0", files_of(machine))
    return path


@pytest.mark.parametrize(
    ("python", "machine", "pins"),
    [
        ("3.11", "x86_64", ["numpy==2.4.6 --hash=sha256:aa --hash=sha256:bb"]),
        ("3.13", "aarch64", ["numpy==2.5.5 --hash=sha256:cc", "lgpio==0.2 --hash=sha256:dd"]),
    ],
)
def test_a_machine_gets_its_own_pins(python: str, machine: str, pins: list[str]) -> None:
    """Whatever machine the bundle is made on."""
    assert bundle.pins_for(LOCK, python, machine, bundle.packaging_requirement()) == pins


def test_every_part_of_a_release_is_in_it() -> None:
    """Else a device that has it would get another release than one with a clone."""
    script = (ROOT / "scripts" / "lib" / "make-release").read_text("utf-8")
    beside = re.search(r"for name in (systemd .*); do", script)
    assert beside
    expanded = subprocess.run(["bash", "-c", f"echo {beside[1]}"], capture_output=True, text=True, check=True).stdout
    assert {"device", *expanded.split()} <= set(bundle.PARTS)
    names = dict(bundle.parts())
    assert "scripts/install" in names
    assert not any("__pycache__" in name for name in names)


def test_the_same_again_is_the_same_file(machine: Machine, packed: Path) -> None:
    """So that somebody else can check what it was made from."""
    again = machine.folder / "again.tar"
    for path in machine.source.rglob("*.py"):
        path.touch()
    bundle.pack(again, "hearthside-0.1.0", files_of(machine))
    assert again.read_bytes() == packed.read_bytes()


def test_its_sums_name_all_that_is_in_it(packed: Path, tmp_path: Path) -> None:
    """In the form that sha256sum checks."""
    with tarfile.open(packed) as tar:
        names = {name.removeprefix("hearthside-0.1.0/") for name in tar.getnames()}
    subprocess.run(["tar", "--extract", "--file", packed, "--directory", tmp_path], check=True)
    folder = tmp_path / "hearthside-0.1.0"
    sums = (folder / "SHA256SUMS").read_text().splitlines()
    assert {line.split("  ")[1] for line in sums} == names - {"SHA256SUMS"}
    subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=folder, check=True)


def test_a_bundle_is_installed_without_a_network(machine: Machine, packed: Path) -> None:
    """With the wheels in it; those for other processors are not even unpacked."""
    done = machine.run("install", "--offline", "--bundle", packed, "--profile", "respeaker_lite")
    assert done.returncode == 0, done.stderr
    (pip,) = [call for call in machine.calls if "/pip install" in call]
    assert "--no-index" in pip.split()
    assert machine.current.readlink().name == "0.1.0"
    assert 'profile = "respeaker_lite"' in (machine.root / "etc/hearthside/config.toml").read_text()
    assert bundle.digest(packed) in (machine.current / "MANIFEST").read_text()
    assert [path.name for path in machine.current.parent.iterdir() if path.name.startswith(".")] == []


def test_a_bundle_makes_the_release_that_its_clone_makes(machine: Machine, packed: Path) -> None:
    """So going over from one to the other changes nothing."""
    machine.run("install")
    done = machine.run("install", "--bundle", packed)
    assert "nothing to do" in done.stderr


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_bundle_is_refused(machine: Machine, packed: Path, damage: str) -> None:
    """Before anything of it is run."""
    content = packed.read_bytes()
    if damage == "cut":
        packed.write_bytes(content[: len(content) // 2])
    else:
        packed.write_bytes(
            content.replace(b"hearthside.service", b"heartfelt.service ", 1).replace(b"# hear", b"# HEAR")
        )
    done = machine.run("install", "--bundle", packed)
    assert done.returncode == 1
    assert "damaged" in done.stderr
    assert machine.tree() == {}
