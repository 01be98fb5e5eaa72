"""The pins: complete, by hash, free of addresses, and made from this pyproject.toml."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.txt"))


def pins(name: str) -> set[str]:
    """Return "package==version" for every pin of a requirements file."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return set(re.findall(r"^\S+==\S+", text, re.MULTILINE))


def check_lock(root: Path) -> subprocess.CompletedProcess[str]:
    """Run scripts/lock --check there."""
    command = [sys.executable, str(root / "scripts" / "lock"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_pins_belong_to_these_dependencies() -> None:
    """Whoever changes pyproject.toml runs scripts/lock."""
    run = check_lock(ROOT)
    assert run.returncode == 0, run.stderr


def test_a_new_dependency_makes_the_pins_stale(tmp_path: Path) -> None:
    """And the message names the files and the command."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "lock", tmp_path / "scripts")
    for name in LOCKS:
        shutil.copy(ROOT / name, tmp_path)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    changed = project.replace("dependencies = [", 'dependencies = [\n    "einstein>=1905",', 1)
    (tmp_path / "pyproject.toml").write_text(changed, encoding="utf-8")
    run = check_lock(tmp_path)
    assert run.returncode == 1
    assert all(name in run.stderr for name in LOCKS)
    assert "run scripts/lock" in run.stderr


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_place_to_fetch_from(name: str) -> None:
    """Where packages come from is the business of whoever installs them."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"://|^\s*-(?!-hash=)|\s@\s|\.whl|\.tar", text, re.MULTILINE)


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes(name: str) -> None:
    """Else pip would refuse the whole file on somebody's machine."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line


def test_each_lock_holds_the_one_before_it() -> None:
    """scripts/setup installs one of them, not three."""
    assert pins("requirements.txt") < pins("requirements-sim.txt") < pins("requirements-dev.txt")
    for extra in ("requirements-onnx.txt", "requirements-mcp.txt", "requirements-stop-words.txt"):
        assert pins("requirements.txt") < pins(extra) < pins("requirements-dev.txt")


def test_a_device_is_spared_what_only_tests_need() -> None:
    """openwakeword would bring 120 MB that only its own Model imports; the simulation and onnxruntime are 70 MB.

    And pocketsphinx is 29 MB to download, for stop words that few set.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    rules = project["tool"]["hearthside"]["lock"]
    names = {pin.split("==")[0] for pin in pins("requirements.txt")}
    assert not names & {name for left_out in rules.values() for name in left_out}
    assert not names & {"soxr", "onnxruntime", "flatbuffers", "matplotlib", "mcp", "pydantic", "httpx2", "pocketsphinx"}
    assert "pocketsphinx" in {pin.split("==")[0] for pin in pins("requirements-sim.txt")}


def test_every_script_can_be_run_from_a_clone() -> None:
    """Executable, with an interpreter that every Debian has or gets."""
    scripts = [path for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix]
    for script in [*scripts, ROOT / ".ci" / "run"]:
        assert script.stat().st_mode & 0o111, script
        assert script.read_text(encoding="utf-8").startswith("#!/usr/bin/env ")


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What is in the wheel that this tree builds."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    shutil.copytree(ROOT / "device", tree / "device", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "-w", str(folder)]
    subprocess.run([*command, str(tree)], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_a_wheel_holds_every_module_and_data_file(wheel_names: set[str]) -> None:
    """An editable installation would not notice that one is left out."""
    files = [path for path in (ROOT / "device").rglob("*") if path.suffix in {".py", ".toml", ".npz", ".typed"}]
    assert {str(path.relative_to(ROOT)) for path in files} <= wheel_names


def test_a_wheel_holds_only_the_package_and_its_licence(wheel_names: set[str]) -> None:
    """Neither tests nor scripts land in somebody's site-packages."""
    assert {name.split("/")[0].split("-")[0] for name in wheel_names} == {"device", "hearthside"}
    assert any(name.endswith("/LICENSE") for name in wheel_names)
