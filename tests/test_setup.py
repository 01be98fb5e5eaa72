"""What scripts/setup does, told from what it calls: stand-ins for Debian's tools and for Python write it down."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Has everything but the packages in $MISSING.
DPKG_QUERY = """#!/usr/bin/env bash
shift 3
for package in "$@"; do
  [[ " ${MISSING:-} " == *" $package "* ]] || echo "$package installed"
done
"""
APT_GET = """#!/usr/bin/env bash
echo "apt-get $*" >>"$CALLS"
"""
ID = """#!/usr/bin/env bash
echo "${USER_ID:-0}"
"""
SUDO_REFUSED = """#!/usr/bin/env bash
exit 1
"""
PYTHON = f"""#!/usr/bin/env bash
[[ $1 == -c ]] && exec ${{PYTHON_INSTEAD:-{sys.executable}}} "$@"
echo "python $*" >>"$CALLS"
if [[ $2 == venv ]]; then
  mkdir -p .venv/bin
  cp "$0" .venv/bin/python
fi
"""
APT_CACHE = """#!/usr/bin/env bash
echo "Depends: libpulse0 (= 16.1), libltdl7 | libltdl3, adduser, lsb-base (>= 3.2-13)"
"""
DPKG_DEB = """#!/usr/bin/env bash
mkdir -p "$3/usr/bin" "$3/usr/sbin" "$3/usr/lib/x/pulseaudio" "$3/usr/lib/pulse/modules"
touch "$3/usr/lib/x/pulseaudio/libpulsecore-16.1.so" "$3/usr/lib/pulse/modules/module-null-sink.so"
printf '#!/bin/sh\\necho "$LD_LIBRARY_PATH" "$@"\\n' >"$3/usr/bin/pulseaudio"
cp "$3/usr/bin/pulseaudio" "$3/usr/sbin/mosquitto"
chmod +x "$3/usr/bin/pulseaudio" "$3/usr/sbin/mosquitto"
"""
PULSEAUDIO = """#!/usr/bin/env bash
exit 1
"""
TOOLS = {
    "dpkg-query": DPKG_QUERY,
    "apt-get": APT_GET,
    "apt-cache": APT_CACHE,
    "dpkg-deb": DPKG_DEB,
    "id": ID,
    "sudo": SUDO_REFUSED,
    "python": PYTHON,
    "pulseaudio": PULSEAUDIO,
    "mosquitto": PULSEAUDIO,
}
# What scripts/setup takes from any Linux system.
COMMON = (
    *(
        "bash",
        "cat",
        "chmod",
        "comm",
        "cp",
        "dirname",
        "echo",
        "env",
        "find",
        "flock",
        "grep",
        "mkdir",
        "printf",
        "readlink",
        "rm",
    ),
    *("sed", "sha256sum", "sh", "sleep", "sort", "touch", "tr", "xargs"),
)


@dataclass(frozen=True)
class Clone:
    """A clone of the repository as far as scripts/setup looks at it, on a machine of stand-ins."""

    path: Path
    tools: Path

    def run(self, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run scripts/setup there."""
        (self.tools / "calls").write_text("", encoding="utf-8")
        surroundings = {
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "CALLS": str(self.tools / "calls"),
            "HEARTHSIDE_PYTHON": str(self.tools / "python"),
        }
        return subprocess.run(
            [self.path / "scripts" / "setup", *options],
            env=surroundings | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        """What the last run called, in order."""
        return (self.tools / "calls").read_text(encoding="utf-8").splitlines()

    def installed(self) -> list[str]:
        """The requirement files that the last run installed."""
        return [name for call in self.calls for name in call.split(" -r ")[1:]]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A fresh one, on a machine that has every Debian package."""
    path, tools = tmp_path / "clone", tmp_path / "tools"
    (path / "scripts").mkdir(parents=True)
    (path / "device").mkdir()
    shutil.copy(ROOT / "scripts" / "setup", path / "scripts")
    shutil.copytree(ROOT / "scripts" / "lib", path / "scripts" / "lib")
    shutil.copy(ROOT / "device" / "__init__.py", path / "device")
    for source in [ROOT / "pyproject.toml", *ROOT.glob("requirements*.txt")]:
        shutil.copy(source, path)
    tools.mkdir()
    for name, text in TOOLS.items():
        (tools / name).write_text(text, encoding="utf-8")
        (tools / name).chmod(0o755)
    return Clone(path, tools)


def test_the_first_run_installs_the_locked_requirements_and_the_project(clone: Clone) -> None:
    """Everything by hash, nothing that the lock does not name."""
    assert clone.run().returncode == 0
    assert clone.installed() == ["requirements.txt", "requirements-build.txt", "requirements-pyaudio.txt"]
    pip = [call for call in clone.calls if " -m pip " in f" {call}"]
    assert all("--no-deps" in call for call in pip)
    assert all("--require-hashes" in call for call in pip if " -r " in call)
    assert pip[-1].endswith("--no-build-isolation --editable .")


def test_a_second_run_calls_nothing(clone: Clone) -> None:
    """Setting up is part of every demo and test: it must cost nothing."""
    clone.run("--sim", "--dev")
    assert clone.run("--sim", "--dev").returncode == 0
    assert clone.calls == []


def test_more_is_added_to_what_is_there(clone: Clone) -> None:
    """A device becomes a place to develop without a new environment."""
    clone.run()
    clone.run("--sim", "--dev")
    assert clone.installed()[0] == "requirements-dev.txt"
    assert not any("venv" in call.split() for call in clone.calls)


def test_less_than_what_is_there_changes_nothing(clone: Clone) -> None:
    """The demo after the tests keeps the tests' packages."""
    clone.run("--dev")
    clone.run("--sim")
    assert clone.calls == []


def test_a_changed_lock_is_installed_at_the_level_that_was_there(clone: Clone) -> None:
    """A pull that moves a pin reaches the environment, tests' packages included."""
    clone.run("--dev")
    with (clone.path / "requirements.txt").open("a", encoding="utf-8") as lock:
        lock.write("# moved\n")
    clone.run()
    assert clone.installed()[0] == "requirements-dev.txt"


@pytest.mark.parametrize("extra", ["onnx", "mcp", "stop-words"])
def test_an_extra_comes_only_when_asked_for_and_is_kept_up(clone: Clone, extra: str) -> None:
    """Each is a quarter of a device's environment or more; who has it gets its new version with a pull."""
    lock = f"requirements-{extra}.txt"
    assert clone.run().returncode == 0
    assert lock not in clone.installed()
    assert clone.run("--with", extra).returncode == 0
    assert clone.installed() == [lock]
    with (clone.path / lock).open("a", encoding="utf-8") as file:
        file.write("# moved\n")
    clone.run()
    assert clone.installed() == [lock]
    clone.run("--with", extra)
    assert clone.calls == []


def test_another_extra_is_refused(clone: Clone) -> None:
    """Before anything is installed; it could only be a slip of the pen."""
    for options in (("--with",), ("--with", "onyx"), ("--with", "onnx mcp")):
        run = clone.run(*options)
        assert run.returncode == 1
        assert "--with takes onnx" in run.stderr
        assert clone.calls == []


def test_a_moved_clone_gets_a_new_environment(clone: Clone) -> None:
    """An environment holds its own path in every command."""
    clone.run()
    moved = Clone(clone.path.rename(clone.path.with_name("elsewhere")), clone.tools)
    moved.run()
    assert "python -m venv --clear .venv" in moved.calls


def test_the_next_run_stays_with_the_interpreter_that_was_asked_for(clone: Clone) -> None:
    """The demo after a setup with another Python must not begin from scratch with Debian's."""
    clone.run()
    assert clone.run(HEARTHSIDE_PYTHON="").returncode == 0
    assert clone.calls == []


def test_a_failed_installation_is_tried_again(clone: Clone) -> None:
    """Only what is complete is stamped."""
    clone.run()
    (clone.path / "requirements.txt").write_text("# another\n", encoding="utf-8")
    pip = clone.path / ".venv" / "bin" / "python"
    text = pip.read_text(encoding="utf-8")
    pip.write_text(text + "[[ $2 != pip ]]\n", encoding="utf-8")
    assert clone.run().returncode != 0
    pip.write_text(text, encoding="utf-8")
    assert clone.run().returncode == 0
    assert "requirements.txt" in clone.installed()


def test_only_missing_packages_are_asked_of_debian(clone: Clone) -> None:
    """Those that are there are left alone, and nothing is ever taken away: what is there is somebody's."""
    assert clone.run("--sim", MISSING="flite tzdata").returncode == 0
    update, install = clone.calls[:2]
    assert update == "apt-get update -q"
    assert install.startswith("apt-get install ")
    assert "--no-remove" in install.split()
    assert install.endswith(" flite tzdata")


def test_the_systems_own_upgrade_is_waited_for(clone: Clone) -> None:
    """It holds the lists of packages for a while after each boot."""
    (clone.tools / "apt-get").write_text(
        '#!/bin/sh\necho "apt-get $*" >>"$CALLS"\n[ "$1" = install ] || [ -e "$0.tried" ] || '
        '{ touch "$0.tried"; echo "E: Could not get lock /var/lib/apt/lists/lock" >&2; exit 100; }\n'
    )
    (clone.tools / "sleep").write_text('#!/bin/sh\n[ "$1" = 15 ] || exec /bin/sleep "$@"\n')
    (clone.tools / "sleep").chmod(0o755)
    assert clone.run(MISSING="tzdata").returncode == 0
    assert [call.split()[1] for call in clone.calls[:3]] == ["update", "update", "install"]


def test_lists_that_cannot_be_fetched_are_told_of(clone: Clone) -> None:
    """In apt's words, and at once."""
    (clone.tools / "apt-get").write_text("#!/bin/sh\necho 'E: no such release' >&2\nexit 100\n")
    run = clone.run(MISSING="tzdata")
    assert run.returncode == 1
    assert "apt-get update: E: no such release" in run.stderr


@pytest.fixture
def silent_clone(clone: Clone) -> Clone:
    """On a machine without a program called pulseaudio: PipeWire makes its sound."""
    for name in COMMON:
        found = shutil.which(name)
        assert found, name
        (clone.tools / name).symlink_to(found)
    (clone.tools / "pulseaudio").unlink()
    return clone


def test_the_virtual_cards_pulseaudio_never_replaces_the_sound_of_the_machine(silent_clone: Clone) -> None:
    """Its package would remove PipeWire's: only its libraries are installed, and the program is unpacked in .venv/."""
    path = str(silent_clone.tools)
    run = silent_clone.run("--sim", PATH=path, MISSING="libltdl7")
    assert run.returncode == 0, run.stderr
    installs = [call for call in silent_clone.calls if call.startswith("apt-get install")]
    assert [call.split()[-1] for call in installs] == ["libltdl7"]
    assert "--no-remove" in installs[0].split()
    assert "apt-get download -q pulseaudio" in silent_clone.calls
    program = silent_clone.path / ".venv" / "bin" / "hearthside-pulseaudio"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    folder = silent_clone.path / ".venv" / "pulseaudio" / "usr" / "lib"
    modules = folder / "pulse" / "modules"
    assert said == f"{folder}/x/pulseaudio:{modules} --dl-search-path={modules} --version\n"
    silent_clone.run("--sim", PATH=path)
    assert silent_clone.calls == []


def test_the_broker_of_the_tests_is_unpacked_and_never_run_for_the_machine(silent_clone: Clone) -> None:
    """Its package would start one; and a second run fetches nothing."""
    (silent_clone.tools / "mosquitto").unlink()
    path = str(silent_clone.tools)
    assert silent_clone.run("--dev", PATH=path).returncode == 0
    assert "apt-get download -q mosquitto" in silent_clone.calls
    assert not any(call.startswith("apt-get install") for call in silent_clone.calls)
    assert (silent_clone.path / ".venv" / "mosquitto" / "usr" / "sbin" / "mosquitto").exists()
    silent_clone.run("--dev", PATH=path)
    assert silent_clone.calls == []


def test_a_device_needs_no_pulseaudio(silent_clone: Clone) -> None:
    """Without --sim nothing of it is fetched."""
    assert silent_clone.run(PATH=str(silent_clone.tools)).returncode == 0
    assert not any("pulse" in call for call in silent_clone.calls)


def test_who_cannot_become_root_is_told_what_to_run(clone: Clone) -> None:
    """One line to hand to whoever can."""
    run = clone.run("--sim", MISSING="flite", USER_ID="1000")
    assert run.returncode == 1
    assert "sudo apt-get update && sudo apt-get install --no-remove --no-install-recommends flite" in run.stderr
    assert clone.calls == []


def test_a_python_too_old_is_refused_by_name(clone: Clone) -> None:
    """With the variable that names another."""
    run = clone.run(PYTHON_INSTEAD="false")
    assert run.returncode == 1
    assert "3.11 or newer is needed; set HEARTHSIDE_PYTHON" in run.stderr


def test_a_python_that_is_not_there_is_named(clone: Clone) -> None:
    """A typo in the variable is the likely cause."""
    run = clone.run(HEARTHSIDE_PYTHON="/nowhere/python3")
    assert run.returncode == 1
    assert "there is no /nowhere/python3" in run.stderr


def test_an_unknown_option_is_refused(clone: Clone) -> None:
    """Before anything is installed."""
    run = clone.run("--simm")
    assert run.returncode == 1
    assert "--simm" in run.stderr
    assert clone.calls == []


def test_help_says_what_the_options_do(clone: Clone) -> None:
    """The comment at the top of the script, without the script."""
    run = clone.run("--help")
    assert run.returncode == 0
    assert "--sim " in run.stdout
    assert "pipefail" not in run.stdout


def test_a_ctrl_c_before_the_first_line_is_held_back(clone: Clone) -> None:
    """The command that pip has made is started with SIGINT blocked; once more changes nothing."""
    clone.run()
    command = clone.path / ".venv" / "bin" / "hearthside"
    command.write_text(f"#!{clone.path}/.venv/bin/python\n# the rest\n")
    for _ in range(2):
        assert clone.run().returncode == 0
        first, rest = command.read_text().splitlines()
        assert first == f"#!/usr/bin/env -S --block-signal=INT {clone.path}/.venv/bin/python"
        assert rest == "# the rest"
