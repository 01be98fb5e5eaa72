"""An installed device that has no key of its own: a real broker, in its network, gives it keys for half an hour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from device.setup.card import payload
from device.setup.card.wanted import Hearthside
from tests.system.booted import UNIT, Machine
from tests.system.broker import BROKER_NAME, Broker
from tests.system.provisioning import BOOT
from tests.system.roots import ROOT
from tests.system.searching import crash, files_with, has_inherited, note_environment_of_children, places_in_processes
from tests.system.stage import KEY, Stage

pytestmark = pytest.mark.system

CREDENTIAL = "/etc/credstore/openai_api_key"
ENROLMENT = "/etc/credstore/hearthside_enrolment"
DEVICE_TOKEN = "/var/lib/hearthside/hearthside_broker_token"
# The provider's client secrets that a process has in its memory.
REMEMBERED = """
import re, sys
found = set()
with open(f"/proc/{sys.argv[1]}/maps") as maps, open(f"/proc/{sys.argv[1]}/mem", "rb", 0) as memory:
    for line in maps:
        span, rights, *rest = line.split()
        if rights.startswith("rw"):
            begin, end = (int(number, 16) for number in span.split("-"))
            memory.seek(begin)
            found.update(re.findall(rb"ek_[0-9a-f]{32}", memory.read(end - begin)))
print(*(secret.decode() for secret in found))
"""


@pytest.fixture
def broker(device: Machine, stage: Stage, tmp_path: Path) -> Iterator[Broker]:
    """One that serves where the device's cable ends."""
    assert device.cable
    with Broker(tmp_path, device.cable.address, stage) as broker:
        device.run(f"rm {CREDENTIAL} && echo {device.cable.address} {BROKER_NAME} >>/etc/hosts")
        yield broker


def enrol_from_card(device: Machine, broker: Broker) -> str:
    """Let the device find on its card what prepare-card writes for a broker; return the token for once."""
    token = broker.tell("token").strip()
    wanted = Hearthside(broker=broker.url, broker_ca=broker.tell("ca"), enrolment_token=token)
    script = (ROOT / "scripts" / "first-boot").read_text(encoding="utf-8")
    for name, text in payload.files(wanted, script).items():
        device.write(f"{BOOT}/{payload.FOLDER}/{name}", text)
    # Its clock is this machine's, and right.
    device.run("mkdir -p /run/systemd/timesync && touch /run/systemd/timesync/synchronized")
    device.run(f"bash {BOOT}/{payload.FOLDER}/first-boot place --now")
    device.wait_until(lambda: device.run(f"ls {DEVICE_TOKEN}", check=False).returncode == 0, "a device with a token")
    return token


def test_it_is_enrolled_answers_and_shows_no_token(device: Machine, broker: Broker, stage: Stage) -> None:
    """From the card to an answer; then all that it was given is searched for, also after a crash."""
    note_environment_of_children(device)
    device.boot()
    enrolment = enrol_from_card(device, broker)
    device.wait_until(lambda: "secret: " in broker.tell("audit"), "a secret before anybody has asked")
    device.wait_for_state("listening")
    stage.ask_and_hear_out(device)
    token = device.says(f"cat {DEVICE_TOKEN}")
    secrets = device.run(f"python3 - $(systemctl show --value -p MainPID {UNIT})", text=REMEMBERED).stdout.split()
    assert secrets
    planted = (KEY, enrolment, token, *secrets)
    assert device.cable
    device.cable.unplug()
    stage.ask_until(lambda: has_inherited(device), "a word about the network", device)
    device.cable.plug()
    assert places_in_processes(device, *planted) == ""
    crash(device)
    device.wait_for_state("listening")
    device.run("cd /root && hearthside support-bundle --output bundle.tar.gz", timeout_s=180)
    device.run("mkdir /root/bundle && tar -xf /root/bundle.tar.gz -C /root/bundle")
    assert device.says("find /root/bundle -type f")
    assert files_with(device, *planted) == [ENROLMENT, DEVICE_TOKEN]
    assert device.says(f"stat --format=%a:%U {ENROLMENT} {DEVICE_TOKEN}").split() == ["600:root", "600:hearthside"]
    journal = device.run("journalctl --no-pager --output=export").stdout
    assert [secret for secret in planted if secret in journal] == []


def test_without_its_broker_it_says_so_or_goes_on_with_a_key_of_its_own(
    device: Machine, broker: Broker, stage: Stage
) -> None:
    """In its state and aloud; and who asks is answered as soon as the broker is there again."""
    device.boot()
    enrol_from_card(device, broker)
    broker.stop()
    device.run(f"systemctl restart {UNIT}")
    device.wait_for_state("fault")
    assert f"the broker {BROKER_NAME} cannot be reached" in device.health()["why"]
    with stage.card.record_speaker() as heard:
        stage.ask_until(lambda: stage.sounds(heard), "a word about the broker", device)
    device.wait_until(lambda: device.health()["phase"] == "idle", "the end of the word")
    broker.start()
    stage.ask(device)
    device.wait_for_state("listening")
    broker.stop()
    device.write(CREDENTIAL, KEY, 0o600)
    device.run(f"systemctl restart {UNIT}")
    device.wait_for_state("fault")
    stage.ask(device)
