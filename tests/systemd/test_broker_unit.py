"""The broker's unit: as confined as the device's, true to the program, and it gets the key by a credential."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from device.broker import check
from device.cli import broker
from tests.systemd.test_units import CONFINEMENT, needs_systemd
from tests.systemd.unitfile import read

FOLDER = Path(__file__).parents[2] / "systemd" / "broker"
UNIT = FOLDER / "hearthside-broker.service"
INSTALLER = Path(__file__).parents[2] / "scripts" / "install-broker"


def test_it_starts_the_broker_as_a_user_that_is_made() -> None:
    """Where scripts/install-broker puts it, and with folders where the commands look."""
    unit = read(UNIT)
    assert unit.value("ExecStart").split()[1:] == ["broker", "serve"]
    assert unit.value("ExecStart").split()[0] == "/opt/hearthside-broker/venv/bin/hearthside"
    assert "home=/opt/hearthside-broker\n" in INSTALLER.read_text(encoding="utf-8")
    made = re.findall(r"^u (\S+)", (FOLDER / "sysusers.conf").read_text(encoding="utf-8"), re.MULTILINE)
    assert [unit.value("User")] == made
    assert Path("/var/lib") / unit.value("StateDirectory") == broker.ROOTS_FOLDER
    assert Path("/etc") / unit.value("ConfigurationDirectory") == broker.DEFAULT_PATH.parent
    assert check.TABLE.kind().listen == "127.0.0.1"


def test_a_wrong_configuration_is_not_started_again() -> None:
    """Anything else is."""
    unit = read(UNIT)
    assert unit.value("RestartPreventExitStatus") == str(os.EX_CONFIG)
    assert (unit.value("Restart"), unit.value("StartLimitIntervalSec")) == ("on-failure", "0")


def test_the_key_comes_by_a_credential_and_gets_into_no_core() -> None:
    """From the file that the installer writes."""
    unit = read(UNIT)
    name, _, path = unit.value("LoadCredential").partition(":")
    assert name == "openai_api_key"
    assert f"key_file={path}\n" in INSTALLER.read_text(encoding="utf-8")
    assert (unit.value("LimitCORE"), unit.value("MemorySwapMax")) == ("0", "0")


def test_what_is_left_out_of_the_confinement_is_explained() -> None:
    """In a comment that begins with its name."""
    unit = read(UNIT)
    assigned = {assignment.key for assignment in unit.assignments}
    comments = "\n".join(re.findall(r"^#   (.*):", UNIT.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\w+", comments)) >= {*CONFINEMENT} - assigned - {"DeviceAllow"}


@needs_systemd
def test_it_is_confined() -> None:
    """By systemd's own measure."""
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for .*: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= 1.5
