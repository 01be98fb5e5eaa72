"""The unit files that are shipped: whole, confined, and true to the program that they start."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from device.audio.cards.line import OPEN_LIMIT_S
from device.audio.cards.portaudio import PATIENCE_AT_BOOT_S
from device.boards.xvf import XVF3000_ID, XVF3800_ID
from device.cli import COMMANDS
from device.house.catalogue import PROVIDERS
from device.house.closing import ALL_S
from device.service.watchdog import LOOKS
from tests.systemd.unitfile import Unit, read

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "systemd"
DAEMON = FOLDER / "hearthside.service"
FAULT = FOLDER / "hearthside-fault.service"
DROP_INS = sorted((FOLDER / "drop-ins").glob("*.conf"))
UNITS = sorted(path for path in FOLDER.iterdir() if path.suffix in (".service", ".path", ".timer"))
CURRENT = "/opt/hearthside/current"

# What `systemd-analyze security` of 252 and 257 looks at, and more.
CONFINEMENT = re.findall(
    r"\w+",
    """
NoNewPrivileges CapabilityBoundingSet AmbientCapabilities PrivateUsers PrivateTmp PrivateMounts PrivateDevices
PrivateNetwork ProtectSystem ProtectHome ProtectProc ProcSubset ProtectKernelTunables ProtectKernelModules
ProtectKernelLogs ProtectControlGroups ProtectClock ProtectHostname RestrictNamespaces RestrictSUIDSGID RestrictRealtime
LockPersonality MemoryDenyWriteExecute RemoveIPC KeyringMode RestrictAddressFamilies SystemCallArchitectures
SystemCallFilter DevicePolicy DeviceAllow IPAddressDeny SocketBindDeny UMask RootDirectory RootImage
    """,
)


def seconds(value: str) -> float:
    """Return a time span of a unit."""
    number, unit = re.fullmatch(r"(\d+)(min|s|)", value).groups()  # type: ignore[union-attr]
    return int(number) * (60.0 if unit == "min" else 1.0)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_every_unit_is_one_that_the_oldest_systemd_understands(path: Path) -> None:
    """No key that it does not know, none twice, no comment behind a value; and it says what it is."""
    assert read(path).value("Description")


@pytest.mark.parametrize("path", DROP_INS, ids=lambda path: path.stem)
def test_every_example_fits_the_unit(path: Path) -> None:
    """It is for the daemon, says what it is for, and leaves one command to start."""
    assert path.read_text(encoding="utf-8").startswith("# ")
    both = read(DAEMON) + read(path, ".service")
    assert len(both.values("ExecStart")) == 1
    assert both.value("Restart") == "on-failure"


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_what_a_unit_starts_is_there(path: Path) -> None:
    """A program of this release, and a command that it has."""
    unit = read(path)
    commands = [command for key in ("ExecStartPre", "ExecStart", "ExecStopPost") for command in unit.values(key)]
    for command in commands:
        program, *arguments = command.lstrip("+-").split()
        if program == f"{CURRENT}/venv/bin/hearthside":
            assert arguments[0] in COMMANDS
        elif not program.startswith("/opt/hearthside/trial/"):
            assert os.access(ROOT / Path(program).relative_to(CURRENT), os.X_OK)


def test_whoever_it_starts_or_waits_for_is_shipped() -> None:
    """The units name each other."""
    named = {
        name
        for path in UNITS
        for key in ("PartOf", "Unit")
        for value in read(path).values(key)
        for name in value.split()
    }
    assert named <= {path.name for path in UNITS}


def test_a_wrong_configuration_is_not_started_again_at_once() -> None:
    """But when it changes, and slowly; what waits for that ends with the next start."""
    unit = read(DAEMON)
    assert unit.value("RestartPreventExitStatus") == str(os.EX_CONFIG)
    assert unit.value("StartLimitIntervalSec") == "0"
    assert unit.values("OnFailure") == [], "since systemd 254 that comes with every restart"
    script = (FOLDER / "hearthside-restarts").read_text(encoding="utf-8")
    helpers = re.findall(r"^helpers='(.*)'$", script, re.MULTILINE)
    assert helpers == ["hearthside-fault.service hearthside-retry.path hearthside-retry.timer"]
    for name in helpers[0].split():
        assert read(FOLDER / name).value("PartOf") == DAEMON.name
    retry = read(FOLDER / "hearthside-retry.timer")
    assert retry.value("Unit") == DAEMON.name
    assert seconds(retry.value("OnActiveSec")) >= 600
    watched = read(FOLDER / "hearthside-retry.path")
    assert watched.value("Unit") == DAEMON.name
    assert {"/etc/hearthside/config.toml", "/etc/hearthside/config.d"} <= set(watched.values("PathChanged"))


def test_the_times_suit_the_program() -> None:
    """What it may take, and what people wait for."""
    unit = read(DAEMON)
    watchdog = seconds(unit.value("WatchdogSec"))
    assert OPEN_LIMIT_S + 2 * watchdog / LOOKS <= watchdog
    assert watchdog + seconds(unit.value("TimeoutAbortSec")) + seconds(unit.value("RestartSec")) < 30
    assert seconds(unit.value("TimeoutStopSec")) > ALL_S
    pauses = re.findall(r"\) echo (\d+) ;;", (FOLDER / "hearthside-restarts").read_text(encoding="utf-8"))
    assert seconds(unit.value("TimeoutStartSec")) > max(map(int, pauses)) + PATIENCE_AT_BOOT_S


def test_it_gets_every_secret_that_it_may_need() -> None:
    """Under the names by which it looks for them."""
    loaded = read(DAEMON).values("LoadCredential")
    assert {name.lower() for provider in PROVIDERS for name in provider.secrets} <= set(loaded)
    # A name alone is looked for in the credential store, and may be missing; a path may not.
    assert not any(":" in name for name in loaded)


def test_who_shows_a_fault_gets_no_secret_and_no_network() -> None:
    """It needs neither."""
    unit = read(FAULT)
    assert unit.values("LoadCredential") == []
    assert unit.value("IPAddressDeny") == "any"
    assert "AF_INET" not in unit.value("RestrictAddressFamilies")


def test_nothing_leaves_a_core_or_gets_to_the_disk() -> None:
    """It would hold the key and what people say."""
    for path in (DAEMON, FAULT):
        assert read(path).value("LimitCORE") == "0"
        assert read(path).value("MemorySwapMax") == "0"


def test_both_services_are_as_confined() -> None:
    """But for the network."""
    for key in {*CONFINEMENT} - {"RestrictAddressFamilies", "IPAddressDeny"}:
        assert read(DAEMON).values(key) == read(FAULT).values(key), key


def test_what_is_left_out_of_the_confinement_is_explained() -> None:
    """In a comment that begins with its name."""
    unit = read(DAEMON)
    assigned = {assignment.key for assignment in unit.assignments}
    comments = "\n".join(re.findall(r"^#   (.*):", DAEMON.read_text(encoding="utf-8"), re.MULTILINE))
    explained = set(re.findall(r"\w+", comments))
    assert explained >= {*CONFINEMENT} - assigned
    assert not explained & assigned


def test_every_group_of_the_service_is_made() -> None:
    """One that does not exist would keep it from starting."""
    made = dict.fromkeys(re.findall(r"^g (\S+)", (FOLDER / "sysusers.conf").read_text(encoding="utf-8"), re.MULTILINE))
    user = re.findall(r"^u (\S+)", (FOLDER / "sysusers.conf").read_text(encoding="utf-8"), re.MULTILINE)
    for path in (DAEMON, FAULT):
        assert set(read(path).value("SupplementaryGroups").split()) <= set(made)
        assert [read(path).value("User")] == user


def test_the_folders_of_the_service_are_made_as_it_wants_them() -> None:
    """systemd complains at every start of a configuration folder with another mode."""
    made = re.findall(r"^d (\S+) (\S+)", (FOLDER / "tmpfiles.conf").read_text(encoding="utf-8"), re.MULTILINE)
    unit = read(DAEMON)
    for kind, parent in (("Configuration", "/etc"), ("State", "/var/lib"), ("Runtime", "/run")):
        name, mode = unit.value(f"{kind}Directory"), unit.value(f"{kind}DirectoryMode")
        assert (f"{parent}/{name}", mode) in made


def test_every_usb_array_that_is_spoken_to_may_be_used() -> None:
    """By the group that the service is in."""
    rules = (FOLDER / "udev.rules").read_text(encoding="utf-8")
    for identity in (XVF3000_ID, XVF3800_ID):
        wanted = (
            f'ATTR{{idVendor}}=="{identity.vendor:04x}", ATTR{{idProduct}}=="{identity.product:04x}", GROUP="audio"'
        )
        assert wanted in rules


needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")


@needs_systemd
@pytest.mark.parametrize("path", [DAEMON, FAULT], ids=lambda path: path.name)
def test_it_is_confined(path: Path) -> None:
    """By systemd's own measure; in booted systems tests/system does it again."""
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for .*: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= 2.0


def merged(path: Path) -> Unit:
    """Return the daemon's unit with a drop-in."""
    return read(DAEMON) + read(path, ".service")


def test_an_encrypted_key_takes_the_place_of_the_plain_one() -> None:
    """Of the same name: systemd keeps one of each."""
    unit = merged(FOLDER / "drop-ins" / "encrypted-key.conf")
    assert set(unit.values("LoadCredentialEncrypted")) <= set(unit.values("LoadCredential"))
