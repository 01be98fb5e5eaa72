"""A device as far as the scripts look at it: folders in place of /, and stand-ins for Debian's tools and for Python."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]

# Makes environments of itself. Its pip brings what the scripts take away again; $BROKEN names the step that fails.
PYTHON = f"""#!/usr/bin/env bash
[[ $1 == -I ]] && shift
echo "python $*" >>"$CALLS"
case "$1 ${{2:-}}" in
  '-c '*) [[ ${{BROKEN:-}} != try || $2 != *load_engine* ]] || exit 1
    [[ $2 == *load_engine* ]] || exec {sys.executable} "$@" ;;
  '-m venv') folder="${{!#}}"; mkdir -p "$folder/bin" "$folder/lib/python3.11/site-packages"
    cp "$0" "$folder/bin/python"; touch "$folder/bin/activate" ;;
  *scripts/lib/boot-config' '*) exec {sys.executable} "$@" ;;
  scripts/releases/health.py*) [[ -z ${{DEAF:-}} ]] || {{ echo "$DEAF"; exit 1; }} ;;
  *'/pip install') [[ ${{BROKEN:-}} != pip ]] || {{ echo 'ERROR: no such hash'; exit 1; }}
    [[ ${{BROKEN:-}} != cut ]] || kill -9 $PPID
    site=$(dirname "$0")/../lib/python3.11/site-packages
    models=$site/openwakeword/resources/models
    mkdir -p "$site/numpy/lib/tests" "$site/numpy/f2py" "$models"
    touch "$site/numpy/lib/tests/test_io.py" "$site/numpy/lib/io.py" "$site/numpy/lib/io.pyi"
    touch "$models"/{{alexa,embedding_model,silero_vad}}.onnx "$models"/{{alexa,rare}}.tflite
    echo 'Downloading numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.whl (16.9 MB)' ;;
esac
"""
# Has everything but the packages in $MISSING.
DPKG_QUERY = """#!/usr/bin/env bash
shift 3
for package in "$@"; do
  [[ " ${MISSING:-} " == *" $package "* ]] || echo "$package installed"
done
"""
NOTED = """#!/usr/bin/env bash
echo "${0##*/} $*" >>"$CALLS"
"""
# The service runs the current release, unless $STATUS says how it ended. "self": whoever looks it up.
SYSTEMCTL = """#!/usr/bin/env bash
echo "systemctl $*" >>"$CALLS"
wants=$HEARTHSIDE_ROOT/etc/systemd/system/multi-user.target.wants
case "$1 ${4:-}" in
  'is-active '*) [[ -z ${STATUS:-} ]] ;;
  'is-enabled '*) [[ -L $wants/$3 ]] ;;
  '--quiet '*) if [[ $2 == enable ]]; then
      mkdir -p "$wants"
      # As systemd 252 does.
      for link in "$wants/$3" "$HEARTHSIDE_ROOT/etc/systemd/system/$3"; do
        ln -s "$(readlink -f "$HEARTHSIDE_ROOT/opt/hearthside/current")/systemd/$3" "$link"
      done
    else (cd "$wants" && rm -f "${@:3}"); fi ;;
  'show ExecMainStatus') echo "${STATUS:-0}" ;;
  'show MainPID') echo self ;;
esac
"""
JOURNALCTL = """#!/usr/bin/env bash
echo OPENAI_API_KEY is missing
"""
TOOLS = {
    "python": PYTHON,
    "dpkg-query": DPKG_QUERY,
    "apt-get": NOTED,
    "systemctl": SYSTEMCTL,
    "journalctl": JOURNALCTL,
}
SYSTEMD = ("hearthside.service", "hearthside-retry.timer", "sysusers.conf", "tmpfiles.conf", "udev.rules")


@dataclass(frozen=True)
class Machine:
    """Where its folders are, and what was called on it."""

    folder: Path

    @property
    def root(self) -> Path:
        """What stands for /."""
        return self.folder / "root"

    @property
    def source(self) -> Path:
        """A clone, with two files of the package."""
        return self.folder / "clone"

    @property
    def releases(self) -> Path:
        """Where they are."""
        return self.root / "opt" / "hearthside" / "releases"

    @property
    def current(self) -> Path:
        """The link to the one that runs."""
        return self.root / "opt" / "hearthside" / "current"

    @property
    def calls(self) -> list[str]:
        """What the last run called, in order."""
        return (self.folder / "calls").read_text(encoding="utf-8").splitlines()

    def run(self, script: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the clone."""
        (self.folder / "calls").write_text("", encoding="utf-8")
        tools = self.folder / "tools"
        surroundings = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "CALLS": str(self.folder / "calls"),
            "HEARTHSIDE_ROOT": str(self.root),
            "HEARTHSIDE_PYTHON": str(tools / "python"),
        }
        return subprocess.run(
            [self.source / "scripts" / script, *arguments],
            env=surroundings | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def make_release(self, *options: str, **environment: str) -> str:
        """Make a release of the clone; return its name."""
        done = self.run("lib/make-release", *options, self.source, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def boot(self) -> Path:
        """Let systemd run, and be a Pi; return its boot configuration."""
        (self.root / "run" / "systemd" / "system").mkdir(parents=True)
        config = self.root / "boot" / "firmware" / "config.txt"
        config.parent.mkdir(parents=True)
        config.write_text("dtparam=audio=on\n", encoding="utf-8")
        return config

    def tree(self) -> dict[str, str]:
        """Return all that is on it: the files with what is in them, the links with where they lead."""
        return {
            str(path.relative_to(self.root)): str(path.readlink()) if path.is_symlink() else path.read_text("utf-8")
            for path in sorted(self.root.rglob("*"))
            if path.is_symlink() or path.is_file()
        }


def load_script(name: str) -> ModuleType:
    """Import a script of scripts/, though it has no suffix."""
    loader = SourceFileLoader(name.rpartition("/")[2].replace("-", "_"), str(ROOT / "scripts" / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def make_machine(folder: Path) -> Machine:
    """Return a machine with nothing but Debian, and a clone beside it."""
    machine = Machine(folder)
    machine.root.mkdir()
    package = machine.source / "device"
    package.mkdir(parents=True)
    for name in ("__init__.py", "__main__.py"):
        shutil.copy(ROOT / "device" / name, package)
    shutil.copytree(ROOT / "device" / "boards", package / "boards", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "scripts", machine.source / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (machine.source / "systemd").mkdir()
    for name in SYSTEMD:
        (machine.source / "systemd" / name).write_text(f"# {name}\n", encoding="utf-8")
    locks = (f"requirements-{extra}.txt" for extra in ("onnx", "mcp", "stop-words"))
    for name in ("requirements.txt", *locks, "config.example.toml", "LICENSE"):
        shutil.copy(ROOT / name, machine.source)
    (folder / "tools").mkdir()
    for name, text in TOOLS.items():
        tool = folder / "tools" / name
        tool.write_text(text, encoding="utf-8")
        tool.chmod(0o755)
    return machine
