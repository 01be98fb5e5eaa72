"""What a release holds, and that nothing of it is seen before it is whole."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.scripts.machine import Machine

SITE = Path("venv/lib/python3.11/site-packages")


def manifest_of(machine: Machine, name: str) -> dict[str, object]:
    """Return what is written down of a release."""
    manifest: dict[str, object] = json.loads((machine.releases / name / "MANIFEST").read_text("utf-8"))
    return manifest


def test_a_release_is_what_a_device_runs(machine: Machine) -> None:
    """Its environment, its units, its scripts, and what it is."""
    name = machine.make_release()
    release = machine.releases / name
    assert name == "0.1.0"
    assert (release / SITE / "device" / "__main__.py").is_file()
    assert (release / "systemd" / "hearthside.service").is_file()
    assert (release / "scripts" / "lib" / "make-release").stat().st_mode & 0o111
    manifest = json.loads((release / "MANIFEST").read_text("utf-8"))
    assert manifest["version"] == "0.1.0"
    assert manifest["with"] == []


def test_packages_come_by_hash_and_without_a_compiler(machine: Machine) -> None:
    """Nothing that the lock does not name, and nothing that would have to be built."""
    machine.make_release()
    (pip,) = [call for call in machine.calls if "/pip install" in call]
    for option in ("--require-hashes", "--only-binary=:all:", "--no-deps", "--no-cache-dir"):
        assert option in pip.split()
    assert pip.endswith(f"-r {machine.source}/requirements.txt")


def test_its_command_runs_in_its_own_environment(machine: Machine) -> None:
    """That of the place where it ends up, and with nothing of whoever calls it."""
    release = machine.releases / machine.make_release()
    first = (release / "venv" / "bin" / "hearthside").read_text("utf-8").splitlines()[0]
    assert first == f"#!/usr/bin/env -S --block-signal=INT {release}/venv/bin/python -I"


def test_what_no_device_uses_is_left_out(machine: Machine) -> None:
    """A model that comes in only one kind of file stays."""
    site = machine.releases / machine.make_release() / SITE
    assert (site / "numpy" / "lib" / "io.py").exists()
    assert not list(site.rglob("*.pyi"))
    assert not list(site.rglob("tests"))
    models = {path.name for path in (site / "openwakeword" / "resources" / "models").iterdir()}
    assert models == {"alexa.onnx", "embedding_model.onnx", "rare.tflite"}
    assert not (site.parents[2] / "bin" / "activate").exists()


def test_the_same_again_makes_nothing(machine: Machine) -> None:
    """Quick enough to be asked at each installation."""
    name = machine.make_release()
    before = machine.tree()
    assert machine.make_release() == name
    assert not any("pip" in call for call in machine.calls)
    assert machine.tree() == before


def test_the_same_release_of_another_bundle_is_known_by_the_sum_of_that(machine: Machine) -> None:
    """Who compares it would otherwise send the bundle again at every run."""
    name = machine.make_release("--sha256", "a" * 64)
    before = manifest_of(machine, name)
    assert machine.make_release("--sha256", "b" * 64) == name
    assert manifest_of(machine, name) == {**before, "sha256": "b" * 64}
    assert machine.make_release() == name
    assert manifest_of(machine, name)["sha256"] == "b" * 64


def test_other_code_of_the_same_version_is_another_release(machine: Machine) -> None:
    """The one that runs is left as it is."""
    name = machine.make_release()
    (machine.source / "device" / "__main__.py").write_text("# changed\n", encoding="utf-8")
    other = machine.make_release()
    assert other.startswith(f"{name}+")
    assert (machine.releases / name / SITE / "device" / "__main__.py").read_text("utf-8") != "# changed\n"


def test_a_release_is_a_source_as_well(machine: Machine) -> None:
    """So that more can be added on a device without a clone."""
    name = machine.make_release()
    shutil.rmtree(machine.source / "device")
    again = machine.run("lib/make-release", machine.releases / name)
    assert again.stdout.strip() == name
    more = machine.run("lib/make-release", "--with", "onnx", machine.releases / name)
    assert more.returncode == 0, more.stderr
    assert (machine.releases / more.stdout.strip() / SITE / "device" / "__main__.py").is_file()


def test_what_was_asked_for_once_is_in_the_next_release_too(machine: Machine) -> None:
    """Else a wake word would be lost with an update."""
    first = machine.make_release("--with", "onnx")
    machine.current.symlink_to(f"releases/{first}")
    (machine.source / "device" / "__main__.py").write_text("# changed\n", encoding="utf-8")
    second = machine.make_release()
    assert any(call.endswith("requirements-onnx.txt") for call in machine.calls)
    assert manifest_of(machine, second)["with"] == ["onnx"]


def test_what_is_asked_for_later_comes_beside_what_is_there(machine: Machine) -> None:
    """In any order, and once."""
    first = machine.make_release("--with", "onnx")
    machine.current.symlink_to(f"releases/{first}")
    second = machine.make_release("--with", "mcp")
    (call,) = (call for call in machine.calls if "requirements-mcp.txt" in call)
    assert "requirements-onnx.txt" in call
    assert manifest_of(machine, second)["with"] == ["mcp", "onnx"]
    machine.current.unlink()
    machine.current.symlink_to(f"releases/{second}")
    assert machine.make_release("--with", "onnx") == second


def test_a_name_of_two_words_is_kept_like_any_other(machine: Machine) -> None:
    """Over releases, and beside others."""
    first = machine.make_release("--with", "stop-words")
    assert manifest_of(machine, first)["with"] == ["stop-words"]
    machine.current.symlink_to(f"releases/{first}")
    second = machine.make_release("--with", "mcp")
    (call,) = (call for call in machine.calls if "requirements-mcp.txt" in call)
    assert "requirements-stop-words.txt" in call
    assert manifest_of(machine, second)["with"] == ["mcp", "stop-words"]


def test_a_bundle_brings_its_wheels(machine: Machine) -> None:
    """And no network is asked."""
    (machine.source / "wheels").mkdir()
    machine.make_release("--offline")
    (pip,) = [call for call in machine.calls if "/pip install" in call]
    assert f"--no-index --find-links {machine.source}/wheels" in pip


def test_without_a_network_a_bundle_is_asked_for(machine: Machine) -> None:
    """Before anything is tried."""
    done = machine.run("lib/make-release", "--offline", machine.source)
    assert done.returncode == 1
    assert "only a bundle can be installed without a network" in done.stderr


@pytest.mark.parametrize(("step", "said"), [("pip", "no such hash"), ("try", "does not work")])
def test_what_fails_leaves_nothing(machine: Machine, step: str, said: str) -> None:
    """And says why."""
    done = machine.run("lib/make-release", machine.source, BROKEN=step)
    assert done.returncode == 1
    assert said in done.stderr
    assert list(machine.releases.iterdir()) == []


def test_what_is_cut_off_is_never_seen_as_a_release(machine: Machine) -> None:
    """A power cut in the middle; the next one clears up."""
    done = machine.run("lib/make-release", machine.source, BROKEN="cut")
    assert done.returncode != 0
    (left,) = machine.releases.iterdir()
    assert left.name.startswith(".")
    assert machine.make_release() == "0.1.0"
    assert [path.name for path in machine.releases.iterdir()] == ["0.1.0"]


def test_a_card_that_is_full_is_noticed_first(machine: Machine) -> None:
    """Rather than in the middle."""
    (machine.folder / "tools" / "df").write_text("#!/bin/sh\nprintf 'Avail\\n  120\\n'\n")
    (machine.folder / "tools" / "df").chmod(0o755)
    done = machine.run("lib/make-release", machine.source)
    assert done.returncode == 1
    assert "has 120 MB free, and a release needs 300 MB" in done.stderr


def test_the_service_may_read_it_whatever_the_rights_are_in_the_clone(machine: Machine) -> None:
    """Who clones with a strict umask has a device that starts all the same."""
    for path in machine.source.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
    release = machine.releases / machine.make_release()
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in release.rglob("*"))


def test_another_folder_is_no_source(machine: Machine, tmp_path: Path) -> None:
    """A slip of the pen."""
    done = machine.run("lib/make-release", tmp_path / "tools")
    assert done.returncode == 1
    assert "neither a clone nor a bundle" in done.stderr


def test_the_command_runs(machine: Machine) -> None:
    """With what stands for Python here, it comes to the package."""
    release = machine.releases / machine.make_release()
    command = release / "venv" / "bin" / "hearthside"
    done = subprocess.run(
        [command], env={"CALLS": "/dev/stdout", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert done.stdout.strip() == f"python {command}"
