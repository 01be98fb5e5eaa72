"""A machine in a folder that scripts/update really runs on, with a systemctl that does what systemd would."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from releases.device import CURRENT, TRIAL, Device

from tests.update.fakes import ROOT, make_device, make_release
from tests.waiting import block_until

LIMIT_S = 120
WITHIN_S = 30
"""As long as a busy machine may need; who waits in vain says less."""


# The daemon: writes of itself what its release's file says, for a minute at most.
DAEMON = """#!/bin/bash
cd "$HEARTHSIDE_ROOT" || exit
release=$(readlink -f opt/hearthside/current)
behaviour=$(<"$release/behaviour")
version=$(sed 's/.*: "\\(.*\\)".*/\\1/' "$release/MANIFEST")
[[ $behaviour != dies ]] || exit 1
[[ $behaviour == hears ]] && state=listening || state=$behaviour
[[ $behaviour == fault ]] && parts='{"part": "light", "ok": false, "why": "no wires", "what_to_do": "look at them"}'
for ((frames = 0; frames < 600; frames++)); do
  printf '{"state": "%s", "version": "%s", "pid": %d, "scored_frames": %d, "parts": [%s]}' \
    "$state" "$version" $$ $frames "$parts" >run/.health
  mv run/.health run/hearthside/health.json 2>/dev/null || exit
  sleep 0.1
done
"""
# Its pid is in a file; the guard runs like any other unit, apart from whoever started it.
SYSTEMCTL = """#!/bin/bash
cd "$HEARTHSIDE_ROOT" || exit
echo "$*" >>systemctl.log
case $* in
  "stop hearthside.service")
    [[ ! -e daemon.pid ]] || kill -9 "$(<daemon.pid)" 2>/dev/null
    rm -f run/hearthside/health.json ;;
  "start --no-block hearthside.service")
    setsid ./daemon </dev/null &>/dev/null &
    echo $! >daemon.pid ;;
  "start --no-block hearthside-settle.service")
    setsid opt/hearthside/trial/scripts/update --settle --within 3 </dev/null &>>guard.log &
    echo $! >>guards.pid ;;
esac
"""
# What a bundle holds: it makes a release by the contract of scripts/lib/make-release, a few files at a time.
MAKER = """#!/bin/bash
set -euo pipefail
source=${*: -1}
releases=$HEARTHSIDE_ROOT/opt/hearthside/releases
name=$(<"$source/version")
if [[ ! -e $releases/$name && $* != *--dry-run* ]]; then
  work=$releases/.making.$$
  mkdir "$work"
  for part in "$source"/release/*; do cp -a "$part" "$work/"; sleep 0.02; done
  mv -T "$work" "$releases/$name"
fi
echo "$name"
"""
# Writes down which release it is of.
FIT_SYSTEM = """#!/bin/sh
echo "fit-system of $(basename "$(readlink -f "$(dirname "$0")/../..")")" >>"$HEARTHSIDE_ROOT/systemctl.log"
"""


def add_scripts(release: Path) -> None:
    """Put into a release what updates a device, and what makes the release known to the system."""
    scripts = release / "scripts"
    shutil.copytree(ROOT / "scripts" / "releases", scripts / "releases", ignore=lambda *_: ["__pycache__"])
    shutil.copy(ROOT / "scripts" / "update", scripts)
    (scripts / "lib").mkdir()
    (scripts / "lib" / "fit-system").write_text(FIT_SYSTEM)
    (scripts / "lib" / "fit-system").chmod(0o755)


class Machine:
    """One that runs 0.1.0, with a command to update it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.device: Device = make_device(folder)
        for release in self.device.releases.iterdir():
            add_scripts(release)
        self._programs = folder / "programs"
        self._programs.mkdir()
        for path, text in ((self._programs / "systemctl", SYSTEMCTL), (folder / "daemon", DAEMON)):
            path.write_text(text)
            path.chmod(0o755)
        self.boot()

    def source(self, version: str, behaviour: str = "hears", keys: str = "old other") -> Path:
        """Make the folder of a release that can be installed."""
        source = self.folder / "sources" / version
        make_release(source / "release", version, behaviour, keys)
        add_scripts(source / "release")
        (source / "scripts" / "lib").mkdir(parents=True)
        maker = source / "scripts" / "lib" / "make-release"
        maker.write_text(MAKER)
        maker.chmod(0o755)
        (source / "version").write_text(version)
        (source / "device").mkdir()
        (source / "device" / "__init__.py").write_text(f'__version__ = "{version}"\n')
        return source

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start scripts/update as the leader of a group of its own."""
        path = f"{self._programs}:{os.environ['PATH']}"
        return subprocess.Popen(
            [ROOT / "scripts" / "update", *map(str, arguments)],
            env={**os.environ, "PATH": path, "HEARTHSIDE_ROOT": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def update(self, *arguments: object, within_s: float = WITHIN_S) -> tuple[int, str]:
        """Run it; return its exit code and what it says."""
        process = self.start(*arguments, "--within", within_s)
        said, _ = process.communicate(timeout=LIMIT_S)
        return process.returncode, said

    def install(self, source: Path, within_s: float = WITHIN_S) -> tuple[int, str]:
        """Run it with a folder."""
        return self.update("--from", source, "--unsigned", within_s=within_s)

    def cut_power(self, process: subprocess.Popen[str]) -> None:
        """End everything that runs on the machine at once."""
        _kill_group(process.pid)
        self.off()
        process.communicate()

    def off(self) -> None:
        """End what systemd has started."""
        for pids in (self.folder / "guards.pid", self.folder / "daemon.pid"):
            for pid in pids.read_text().split() if pids.exists() else []:
                _kill_group(int(pid))
            pids.unlink(missing_ok=True)
        shutil.rmtree(self.folder / "run")

    def boot(self) -> None:
        """Start what systemd would: the service, and what settles when there is something to settle."""
        (self.folder / "run" / "hearthside").mkdir(parents=True, exist_ok=True)
        self._systemctl("hearthside.service")
        if (self.device.home / TRIAL).exists():
            self._systemctl("hearthside-settle.service")

    def health_comes(self) -> None:
        """Wait until the service says how it is."""
        block_until(self.device.health.exists, "a service that says how it is", LIMIT_S)

    def _systemctl(self, unit: str) -> None:
        subprocess.run(
            [self._programs / "systemctl", "start", "--no-block", unit],
            env={**os.environ, "HEARTHSIDE_ROOT": str(self.folder), "PATH": f"{self._programs}:{os.environ['PATH']}"},
            check=True,
        )

    def moment(self) -> tuple[object, ...]:
        """Return how far an update is: another value with every step that can be seen."""
        home = self.device.home
        links = [(link.name, str(link.readlink())) for link in home.iterdir() if link.is_symlink()]
        folders = [(folder.name, len(list(folder.iterdir()))) for folder in self.device.releases.iterdir()]
        return sorted(links), sorted(folders), (self.folder / "systemctl.log").stat().st_size

    def runs_until(self, process: subprocess.Popen[str], steps: int) -> None:
        """Wait until so many steps were seen, or all were done."""
        seen: list[object] = []
        while len(seen) <= steps and process.poll() is None:
            with contextlib.suppress(FileNotFoundError):
                if (now := self.moment()) not in seen[-1:]:
                    seen.append(now)
            time.sleep(0.001)

    def starts(self) -> str:
        """Return which release would start now, and see that it is whole."""
        release = self.device.release(CURRENT)
        assert release, list(self.device.home.rglob("*"))[:50]
        return release

    def settles(self) -> None:
        """Wait until nothing is on trial."""
        end = time.monotonic() + LIMIT_S
        while self.device.on_trial():
            guard = self.folder / "guard.log"
            assert time.monotonic() < end, guard.read_text() if guard.exists() else "no guard"
            time.sleep(0.02)

    def releases(self) -> list[str]:
        """Return the folders of releases, and what is left beside them."""
        return sorted(folder.name for folder in self.device.releases.iterdir())


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
