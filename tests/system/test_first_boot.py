"""The first boot without a screen: what scripts/prepare-card has written leads to a device that listens.

Debian 13 with a real cloud-init, Debian 12 with a real systemd.run=. The Pi's own images are not here: what they do
before that, and their radio, is not shown.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.booted import Machine
from tests.system.prepared import debian_with
from tests.system.provisioning import (
    BOOT,
    INSTALL_LIMIT_S,
    KERNEL_LINE,
    SSHD_PACKAGES,
    Keys,
    places_of,
    prepare_card,
    release,
    run_prepare_card,
    served,
)
from tests.system.stage import KEY, Stage

pytestmark = pytest.mark.system

# As the images of Raspberry Pi OS tell cloud-init where to look.
DATASOURCE = f"""\
datasource_list: [NoCloud, None]
datasource:
  NoCloud:
    seedfrom: file://{BOOT}/
"""
TEMPLATES = {"user-data": "#cloud-config\n", "network-config": "", "meta-data": "instance_id: rpios-image\n"}
TOKEN = "hse_5tq0JX2c9mG7yRbWq1"
BROKER = "/etc/hearthside/config.d/30-broker.toml"
BOARD, OVERLAY = "waveshare_wm8960", "dtoverlay=wm8960-soundcard"
PASSWORD = "correct horse battery"
CLOCK_IS_RIGHT = "f /run/systemd/timesync/synchronized\n"
"""Says so in the place of a time server, which is not in the network."""


@pytest.fixture(scope="session")
def bundle() -> Path:
    """A release of this clone."""
    return release()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """The operator's."""
    return Keys.make(tmp_path)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A folder for a boot partition."""
    folder = tmp_path / "bootfs"
    folder.mkdir()
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")
    (tmp_path / "password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    (tmp_path / "wifi").write_text("opens the Wi-Fi\n", encoding="utf-8")
    return folder


def options(card: Path, keys: Keys, *release_is: object) -> list[object]:
    """Return what everybody wants, and the key on the card, for it to be looked for afterwards."""
    files = card.parent
    system = ["--host", "kitchen", "--user", "ada", "--ssh-key", keys.public, "--password-file", files / "password"]
    wifi = ["--wifi", "Café #1: 'x'", "--wifi-password-file", files / "wifi", "--country", "DE"]
    hearthside = ["--time-zone", "Europe/Berlin", *release_is, "--key-on-card", files / "key"]
    return [*system, *wifi, *hearthside]


@pytest.fixture
def debian_13(stage: Stage) -> Iterator[Machine]:
    """A machine that is off, with cloud-init; its cable leads to the server and nowhere else."""
    with stage.machine(debian_with("trixie", *SSHD_PACKAGES, "cloud-init", "netplan.io")) as machine:
        machine.run("systemctl disable ssh && rm /etc/credstore/openai_api_key")
        machine.write("/etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg", DATASOURCE)
        yield machine


@pytest.fixture
def debian_12(stage: Stage) -> Iterator[Machine]:
    """A machine that is off; its cable leads to the server and nowhere else."""
    with stage.machine(debian_with("bookworm", *SSHD_PACKAGES)) as machine:
        machine.run("systemctl disable ssh && rm /etc/credstore/openai_api_key")
        yield machine


def test_cloud_init_makes_a_device_that_listens(debian_13: Machine, card: Path, keys: Keys, bundle: Path) -> None:
    """From the files of the card alone."""
    line = prepare_card(card, *options(card, keys, "--bundle", bundle), template=TEMPLATES)
    debian_13.copy_in(card, BOOT)
    debian_13.boot(*line.split())
    said = debian_13.run("cloud-init status --wait --long", check=False, timeout_s=INSTALL_LIMIT_S)
    assert "status: done" in said.stdout, said.stdout + debian_13.read("/var/log/cloud-init.log")[-5000:]
    check_schema(debian_13)
    check_system(debian_13, keys)
    check_listening(debian_13)
    # cloud-init keeps its own copy of the name: it must not take a later one back.
    debian_13.run("hostnamectl set-hostname bathroom")
    debian_13.reboot()
    debian_13.run("cloud-init status --wait", check=False, timeout_s=INSTALL_LIMIT_S)
    assert debian_13.says("hostname") == "bathroom"
    debian_13.wait_for_state("listening")


def test_rpi_imagers_pair_leaves_no_token_behind(debian_13: Machine, card: Path, keys: Keys, tmp_path: Path) -> None:
    """cloud-init keeps copies of what rpi-imager has written: the token is in none of them."""
    (tmp_path / "token").write_text(f"{TOKEN}\n", encoding="utf-8")
    system = ["--host", "kitchen", "--user", "ada", "--ssh-key", keys.public, "--no-password"]
    broker = ["--broker", "https://broker.test:8788", "--enrolment-token-file", tmp_path / "token"]
    run_prepare_card("--imager", card, *system, *broker)
    # This one is written by rpi-imager itself.
    (card / "meta-data").write_text("instance-id: rpi-imager-1\n", encoding="utf-8")
    debian_13.copy_in(card, BOOT)
    debian_13.boot(*KERNEL_LINE.split(), "ds=nocloud;i=rpi-imager-1")
    said = debian_13.run("cloud-init status --wait --long", check=False, timeout_s=INSTALL_LIMIT_S).stdout
    assert "status: done" in said, said
    assert debian_13.says("cat /etc/credstore/hearthside_enrolment") == TOKEN
    for form in (TOKEN, base64.b64encode(f"{TOKEN}\n".encode()).decode()):
        assert not places_of(form, debian_13, "/etc/credstore/")
    assert debian_13.run("runuser -u ada -- sudo -n true").returncode == 0
    debian_13.wait_until(lambda: debian_13.run(f"ls {BROKER}", check=False).returncode == 0, "a configuration")


def check_schema(machine: Machine) -> None:
    """Let cloud-init itself say that it knows every key."""
    said = machine.run(f"cloud-init schema --config-file {BOOT}/user-data").stdout
    assert "Valid schema" in said
    network = machine.run(f"cloud-init schema --schema-type network-config --config-file {BOOT}/network-config").stdout
    assert "Valid schema" in network or "Skipping" in network
    # And what it makes of the networks is what netplan understands.
    assert r"Caf\xE9 #1: 'x'" in machine.run("netplan get wifis.wlan0.access-points").stdout
    assert machine.says("netplan get ethernets.eth0.dhcp4") == "true"


def check_system(machine: Machine, keys: Keys) -> None:
    """Look for the person, the name, the time zone and the way in."""
    assert machine.says("hostname") == "kitchen"
    assert machine.says("readlink /etc/localtime").endswith("Europe/Berlin")
    groups = machine.says("id -nG ada").split()
    assert {"audio", "sudo"} <= set(groups)
    assert machine.cable is not None
    way = f"ada@{machine.cable.other_address}"
    # Its services are only being started.
    machine.wait_until(lambda: keys.ssh(way, "whoami").stdout.strip() == "ada", "a way in by SSH")
    assert machine.run("runuser -u ada -- sudo -n true", check=False).returncode, "sudo asks for no password"
    assert machine.run("runuser -u ada -- sudo -S -p '' true", text=f"{PASSWORD}\n").returncode == 0


def check_listening(machine: Machine) -> None:
    """Wait for the device, and look for what must not have stayed behind."""
    unit = "hearthside-first-boot.service"
    machine.wait_until(lambda: machine.run(f"systemctl cat {unit}", check=False).returncode, "an end", INSTALL_LIMIT_S)
    machine.wait_for_state("listening")
    assert machine.run(f"ls {BOOT}/hearthside", check=False).returncode
    assert machine.says("stat --format=%a:%U /etc/credstore/openai_api_key") == "600:root"
    assert not places_of(KEY, machine, "/etc/credstore/", "/run/credentials/")
    assert KEY not in machine.run("journalctl --boot --no-pager").stdout


def test_firstrun_makes_a_device_that_listens(debian_12: Machine, card: Path, keys: Keys, bundle: Path) -> None:
    """It runs instead of the system, and starts that; the device fetches its release, and starts anew for its board."""
    assert debian_12.cable is not None
    template = {"firstrun.sh": "#!/bin/sh\necho somebody else's\n"}
    sha256 = hashlib.sha256(bundle.read_bytes()).hexdigest()
    with served(bundle.parent, debian_12.cable.address) as url:
        source = ("--source", f"{url}/{bundle.name}", "--sha256", sha256)
        line = prepare_card(card, *options(card, keys, *source), "--profile", BOARD, template=template)
        debian_12.copy_in(card, BOOT)
        # As everything is on a FAT partition.
        debian_12.run(f"chmod -R 755 {BOOT}")
        debian_12.write("/etc/tmpfiles.d/stage.conf", CLOCK_IS_RIGHT)
        debian_12.switch_on(*line.split())
        debian_12.wait_until_off(INSTALL_LIMIT_S)
        assert debian_12.run(f"cat {BOOT}/cmdline.txt").stdout.split() == [*KERNEL_LINE_LEFT.split()]
        assert debian_12.run(f"ls {BOOT}/firstrun.sh", check=False).returncode
        connection = debian_12.run("cat /etc/NetworkManager/system-connections/hearthside.nmconnection").stdout
        assert re.search(r"^psk=[0-9a-f]{64}$", connection, re.MULTILINE)
        debian_12.boot()
        check_system(debian_12, keys)
        debian_12.wait_until_off(INSTALL_LIMIT_S)
        debian_12.boot()
        check_listening(debian_12)
    assert OVERLAY in debian_12.read(f"{BOOT}/config.txt")
    assert f'"sha256": "{sha256}"' in debian_12.read("/opt/hearthside/current/MANIFEST")


KERNEL_LINE_LEFT = "console=tty1 root=PARTUUID=4e639091-02 rootwait cfg80211.ieee80211_regdom=DE"
