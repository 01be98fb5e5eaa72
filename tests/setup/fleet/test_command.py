"""scripts/provision as people run it, with an `ssh` and a `sudo` that stay on this machine.

The devices are folders; tests/system reaches real ones, by OpenSSH.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.setup.card.cards import API_KEY

ROOT = Path(__file__).parents[3]
EX_CONFIG = 78
# host: the folder of this name in DEVICES. Notes its command line; one called attic is not there.
SSH = """\
for word; do shift; if [[ $word == -- ]]; then break; fi; done
echo "$*" >>"$DEVICES/lines"
if [[ $1 == attic ]]; then echo "ssh: connect to host attic port 22: No route to host" >&2; exit 255; fi
HEARTHSIDE_ROOT=$DEVICES/$1 exec bash -c "${2//\\/opt\\/hearthside/$DEVICES/$1/opt/hearthside}"
"""
SUDO = """\
while [[ $1 == -* ]]; do
  if [[ $1 == -n && -n ${SUDO_PASSWORD:-} ]]; then echo "sudo: a password is required" >&2; exit 1; fi
  if [[ $1 == -S && -n ${SUDO_PASSWORD:-} ]]; then
    IFS= read -r given
    [[ $given == "$SUDO_PASSWORD" ]] || { echo "sudo: 1 incorrect password attempt" >&2; exit 1; }
  fi
  if [[ $1 == -p ]]; then shift; fi
  shift
done
exec "$@"
"""
SYSTEMCTL = """\
if [[ $1 == show && $4 == MainPID ]]; then echo 7; fi
if [[ $1 != show ]]; then echo "$*" >>"$HEARTHSIDE_ROOT/systemctl"; fi
"""
INSTALL = """\
#!/usr/bin/env bash
home=$HEARTHSIDE_ROOT/opt/hearthside
mkdir -p "$home/releases/1.0"
ln -sfn releases/1.0 "$home/current"
sum=$(sha256sum "${@: -1}" | cut -c -64)
printf '{\\n  "sha256": "%s"\\n}\\n' "$sum" >"$home/current/MANIFEST"
"""


class Fleet:
    """Devices in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "programs"
        self.programs.mkdir()
        for name, body in {"ssh": SSH, "sudo": SUDO, "systemctl": SYSTEMCTL, "id": "echo 1000"}.items():
            path = self.programs / name
            path.write_text(f"#!/usr/bin/env bash\n{body}\n", encoding="utf-8")
            path.chmod(0o755)
        for host in ("kitchen", "bath"):
            for part in ("etc/systemd/system", "var/tmp", "run/hearthside"):
                (folder / host / part).mkdir(parents=True)
            health = json.dumps({"state": "listening", "pid": 7})
            (folder / host / "run" / "hearthside" / "health.json").write_text(health, encoding="utf-8")

    def bundle(self) -> Path:
        """Return a release."""
        tree = self.folder / "tree" / "hearthside"
        (tree / "scripts").mkdir(parents=True)
        (tree / "device" / "boards").mkdir(parents=True)
        (tree / "scripts" / "install").write_text(INSTALL, encoding="utf-8")
        path = self.folder / "release.tar"
        with tarfile.open(path, "w") as archive:
            archive.add(tree, "hearthside")
        return path

    def provision(self, *arguments: object, given: str = "", sudo: str = "") -> subprocess.CompletedProcess[str]:
        """Run the command."""
        path = f"{self.programs}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "DEVICES": str(self.folder), "SUDO_PASSWORD": sudo}
        command = [sys.executable, str(ROOT / "scripts" / "provision"), *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, input=given, env=environment, timeout=120
        )

    def text(self, path: str) -> str:
        """Return what is in a file of a device."""
        return (self.folder / path).read_text(encoding="utf-8")


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Make one."""
    return Fleet(tmp_path)


def rows(run: subprocess.CompletedProcess[str]) -> list[list[str]]:
    """Return the table, without the columns of times."""
    return [line.split("  ") for line in run.stdout.splitlines()]


def test_devices_are_set_up_side_by_side_and_one_that_is_away_stops_none(fleet: Fleet) -> None:
    """The table says which, and the exit code that it was not all."""
    config = fleet.folder / "config.toml"
    config.write_text("[wake]\n", encoding="utf-8")
    run = fleet.provision("kitchen", "attic", "bath", "--config", config, "--bundle", fleet.bundle())
    assert run.returncode == 1, run.stderr
    assert "2 of 3 work, 1 do not" in run.stdout
    assert "No route to host" in run.stdout
    for host in ("kitchen", "bath"):
        assert fleet.text(f"{host}/etc/hearthside/config.toml") == "[wake]\n"
        assert list((fleet.folder / host / "var" / "tmp").iterdir()) == []


def test_a_second_run_changes_nothing_and_sends_no_release(fleet: Fleet) -> None:
    """It is there already, by its hash."""
    bundle = fleet.bundle()
    key = ["--key-file", "-", "--bundle", bundle]
    first = fleet.provision("kitchen", *key, given=f"{API_KEY}\n")
    assert first.returncode == 0, first.stderr
    assert "secret, release" in first.stdout
    second = fleet.provision("kitchen", *key, given=f"{API_KEY}\n")
    assert second.returncode == 0, second.stderr
    assert "nothing" in second.stdout
    assert fleet.text("kitchen/etc/credstore/openai_api_key") == f"{API_KEY}\n"


def test_a_key_is_in_no_command_line_and_in_nothing_that_is_said(fleet: Fleet) -> None:
    """It goes through standard input."""
    bundle = fleet.bundle()
    fleet.provision("kitchen", "--bundle", bundle)
    run = fleet.provision("kitchen", "--key-file", "-", given=f"{API_KEY}\n")
    assert run.returncode == 0, run.stderr
    assert API_KEY not in fleet.text("lines") + run.stdout + run.stderr
    assert fleet.text("kitchen/systemctl").splitlines()[-1] == "restart hearthside.service"


def test_sudos_password_goes_before_the_archive(fleet: Fleet) -> None:
    """Also when sudo does not want it after all; without it the message says what to give."""
    bundle = fleet.bundle()
    password = fleet.folder / "password"
    password.write_text("open sesame\n", encoding="utf-8")
    without = fleet.provision("kitchen", "--bundle", bundle, sudo="open sesame")
    assert without.returncode == 1
    assert "give --ask-sudo-password" in without.stdout
    for wanted in ("open sesame", ""):
        run = fleet.provision("kitchen", "--bundle", bundle, "--sudo-password-file", password, sudo=wanted)
        assert run.returncode == 0, run.stdout + run.stderr
        assert "open sesame" not in fleet.text("lines") + run.stdout + run.stderr


def test_each_device_gets_its_own_token(fleet: Fleet) -> None:
    """They are single-use."""
    tokens = fleet.folder / "tokens"
    tokens.write_text("hse_one\nhse_two\n", encoding="utf-8")
    broker = ["--broker", "https://broker.local:8443", "--enrolment-tokens-file", tokens]
    run = fleet.provision("kitchen", "bath", "--bundle", fleet.bundle(), *broker)
    assert run.returncode == 0, run.stderr
    assert fleet.text("kitchen/etc/credstore/hearthside_enrolment") == "hse_one\n"
    assert fleet.text("bath/etc/credstore/hearthside_enrolment") == "hse_two\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["a", "a"], "named twice"),
        (["a", "--profile", "nothing"], "there is no board"),
        (["a", "--bundle", "nowhere"], "there is no file nowhere"),
        (["a", "b", "--enrolment-tokens-file", "/etc/hostname", "--broker", "https://b"], "2 devices and 1 tokens"),
        (
            ["a", "--enrolment-tokens-file", "/proc/sys/kernel/ostype", "--broker", "https://b"],
            "this is no enrolment token",
        ),
        (["a", "--key-file", "/dev/null"], "must hold one line"),
    ],
)
def test_what_is_wrong_is_said_before_anybody_is_spoken_to(fleet: Fleet, arguments: list[str], complaint: str) -> None:
    """In one line."""
    run = fleet.provision(*arguments)
    assert run.returncode == EX_CONFIG
    assert complaint in run.stderr
    assert not (fleet.folder / "lines").exists()
