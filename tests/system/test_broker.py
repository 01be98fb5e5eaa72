"""The broker on a machine that boots: installed as docs/broker.md says, confined, and used by a device's requests."""

from __future__ import annotations

import json
import re

import pytest

from tests.ports import free_port
from tests.system.booted import Machine
from tests.system.prepared import INSTALL_LIMIT_S
from tests.system.stage import KEY, Stage

pytestmark = pytest.mark.system

UNIT = "hearthside-broker.service"
FOLDER = "/var/lib/hearthside-broker"
ASK = """
import json, ssl, sys, tomllib, urllib.request
with open("/etc/hearthside-broker/config.toml", "rb") as file:
    port = tomllib.load(file)["broker"]["port"]
path, token, body = json.load(sys.stdin)
trusting = ssl.create_default_context(cafile="/root/broker-ca.pem")
headers = {"Authorization": f"Bearer {token}"} if token else {}
request = urllib.request.Request(f"https://broker.home:{port}{path}", json.dumps(body).encode(), headers)
try:
    print(urllib.request.urlopen(request, context=trusting).read().decode())
except urllib.error.HTTPError as refused:
    print(refused.read().decode())
"""


@pytest.fixture
def broker(bare: Machine, stage: Stage) -> Machine:
    """A machine on which the broker has been installed, and serves."""
    bare.boot()
    bare.clone_repository()
    bare.run("echo 127.0.0.1 broker.home >>/etc/hosts")
    url = stage.server.url.replace("wss://", "https://") + "/client_secrets"
    # The machine of the other release, which may be tested just now, has the same network.
    settings = f'names = ["broker.home"]\nport = {free_port()}\nprovider_url = "{url}"\n'
    bare.write("/etc/hearthside-broker/config.toml", f"[broker]\n{settings}")
    bare.run(f"cd /root/hearthside && echo {KEY} | ./scripts/install-broker", timeout_s=INSTALL_LIMIT_S)
    bare.write("/root/ask.py", ASK)
    bare.run("hearthside broker ca >/root/broker-ca.pem")
    return bare


def asked(machine: Machine, path: str, body: object, token: str = "") -> dict[str, str]:
    """Ask the broker, and return what it answers."""
    answer = machine.run("python3 -I /root/ask.py", text=json.dumps([path, token, body])).stdout
    told: dict[str, str] = json.loads(answer)
    return told


def test_an_installed_broker_serves_devices(broker: Machine) -> None:
    """From the token that root makes to a secret of the provider; after a revocation, and over a restart."""
    assert broker.property("ActiveState", UNIT) == "active"
    exposure = re.search(r"Overall exposure level for .*: ([\d.]+)", broker.says(f"systemd-analyze security {UNIT}"))
    assert exposure
    assert float(exposure[1]) <= 2.0
    enrolment = broker.says("hearthside broker token kitchen 2>/dev/null")
    token = asked(broker, "/enrol", {"token": enrolment, "name": "x"})["device_token"]
    wanted = {"session": {"type": "realtime", "model": "gpt-realtime-2.1"}}
    secret = asked(broker, "/v1/realtime/client_secrets", wanted, token)["value"]
    assert secret.startswith("ek_")
    # Installed once more: everything stays as it was.
    broker.run("cd /root/hearthside && ./scripts/install-broker </dev/null", timeout_s=INSTALL_LIMIT_S)
    assert "value" in asked(broker, "/v1/realtime/client_secrets", wanted, token)
    broker.run("hearthside broker revoke kitchen")
    assert asked(broker, "/v1/realtime/client_secrets", wanted, token)["error"]["code"] == "revoked"  # type: ignore[index]
    # What root has written belongs to the service, and to nobody else.
    assert broker.says(f"find {FOLDER} ! -user hearthside-broker -o -perm /077 ! -type d") == ""
    holds = f"grep -rlaF -e {KEY} -e {enrolment} -e {token} -e {secret} {FOLDER} /etc/hearthside-broker /var/log"
    assert broker.run(holds, check=False).stdout == ""
    journal = broker.says("journalctl --boot --no-pager")
    environments = broker.says("cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'")
    for planted in (KEY, enrolment, token, secret):
        assert planted not in journal
        assert planted not in environments


def test_a_wrong_setting_is_told_and_not_tried_again(broker: Machine) -> None:
    """In clear it listens to this machine alone."""
    broker.write("/etc/hearthside-broker/config.toml", '[broker]\ntls = "off"\nlisten = "0.0.0.0"\n')
    assert broker.run(f"systemctl restart {UNIT}", check=False).returncode
    assert broker.property("ExecMainStatus", UNIT) == "78"
    assert broker.property("NRestarts", UNIT) == "0"
    assert "in clear" in broker.journal(UNIT)
