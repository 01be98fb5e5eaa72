"""A device on which scripts/first-boot runs: a root of its own, whose programs write down that they were called."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Literal

from device.setup.card import payload
from device.setup.card.wanted import Hearthside

ROOT = Path(__file__).parents[3]
SCRIPT = (ROOT / "scripts" / "first-boot").read_text(encoding="utf-8")
FOLDERS = ("etc/ssh/sshd_config.d", "etc/systemd/system", "etc/sudoers.d", "var/log", "var/tmp", "boot/firmware")
RECORDED = ("systemctl", "hostname", "useradd", "chpasswd", "usermod", "rfkill", "timedatectl", "chown")
# Of the service it knows what the test has put into files.
SYSTEMCTL = """\
if [[ $1 == show ]]; then cat "$HEARTHSIDE_ROOT/shown-$4" 2>/dev/null; exit 0; fi
echo "systemctl $*" >>"$HEARTHSIDE_ROOT/calls"
"""
INSTALL = """\
#!/usr/bin/env bash
echo "install $* $HEARTHSIDE_BUNDLE_SUM" >>"$HEARTHSIDE_ROOT/calls"
if [[ "$*" == *wm8960* ]]; then
  echo dtoverlay=wm8960-soundcard >"$HEARTHSIDE_ROOT/boot/firmware/config.txt"
fi
mkdir -p "$HEARTHSIDE_ROOT/opt/hearthside/releases/1.0"
ln -sfn releases/1.0 "$HEARTHSIDE_ROOT/opt/hearthside/current"
"""


class Device:
    """A root folder, and a boot partition with what prepare-card has written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.boot = root / "boot" / "firmware"
        for folder in FOLDERS:
            (root / folder).mkdir(parents=True)
        (root / "etc" / "hosts").write_text("127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n", encoding="utf-8")
        (root / "calls").touch()
        programs = root / "programs"
        programs.mkdir()
        for name in RECORDED:
            self._program(name, f'echo "{name} $*" >>"$HEARTHSIDE_ROOT/calls"')
        self._program("systemctl", SYSTEMCTL)
        self._program("timedatectl", "echo yes")
        self._program("journalctl", "echo 'OPENAI_API_KEY is missing'")
        self._program("id", 'case "$1" in -g) echo 0 ;; *) exit 1 ;; esac')
        self._program("getent", f'[[ "$1 $2" == "passwd ada" ]] && echo "ada:x:0:0::{root}/home/ada:/bin/bash"')
        (root / "home" / "ada").mkdir(parents=True)
        self.tell("listening")

    def _program(self, name: str, body: str) -> None:
        path = self.root / "programs" / name
        path.write_text(f"#!/usr/bin/env bash\n{body}\n", encoding="utf-8")
        path.chmod(0o755)

    def tell(self, state: str, why: str = "") -> None:
        """Let the service be in this state."""
        (self.root / "shown-MainPID").write_text("7", encoding="utf-8")
        (self.root / "shown-ActiveState").write_text("active", encoding="utf-8")
        folder = self.root / "run" / "hearthside"
        folder.mkdir(parents=True, exist_ok=True)
        health = {"state": state, "why": why, "pid": 7}
        (folder / "health.json").write_text(json.dumps(health), encoding="utf-8")

    def put(self, files: dict[str, str]) -> None:
        """Put files on the boot partition."""
        for name, text in files.items():
            path = self.boot / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def put_bundle(self) -> None:
        """Put a release there."""
        pack(make_tree(self.root / "tree"), self.boot / "hearthside" / "release.tar")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the boot partition."""
        environment = {
            **os.environ,
            "HOME": str(self.root),
            "HEARTHSIDE_ROOT": str(self.root),
            "PATH": f"{self.root}/programs:{os.environ['PATH']}",
        }
        return subprocess.run(
            ["bash", str(self.boot / command[0]), *command[1:]],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=60,
        )

    def first_boot(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run scripts/first-boot from there, to a good end."""
        run = self.run("hearthside/first-boot", *arguments)
        assert run.returncode == 0, run.stderr
        return run

    def text(self, path: str) -> str:
        """Return what is in a file of the device."""
        return (self.root / path).read_text(encoding="utf-8")

    @property
    def calls(self) -> list[str]:
        """The system's programs, as they were called."""
        return self.text("calls").splitlines()


def make_tree(folder: Path) -> Path:
    """Make the folder of a release."""
    (folder / "scripts").mkdir(parents=True)
    (folder / "scripts" / "install").write_text(INSTALL, encoding="utf-8")
    (folder / "device" / "boards").mkdir(parents=True)
    return folder


def pack(tree: Path, archive: Path, mode: Literal["w", "w:gz"] = "w") -> str:
    """Pack it; return the sum of the file."""
    with tarfile.open(archive, mode) as file:
        file.add(tree, "hearthside")
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def carried(hearthside: Hearthside) -> dict[str, str]:
    """Return what lies in the folder hearthside of a card."""
    return {f"{payload.FOLDER}/{name}": text for name, text in payload.files(hearthside, SCRIPT).items()}
