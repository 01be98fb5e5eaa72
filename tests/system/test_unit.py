"""The units on the systemd of each release. A script stands for the daemon: what is tried is systemd's part.

Slow, needs root: `scripts/test-system`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.system.booted import Machine, told
from tests.system.roots import ROOT, debian

pytestmark = pytest.mark.system

RELEASE = "/opt/hearthside/releases/0"
PROGRAM = f"{RELEASE}/venv/bin/hearthside"
CONFIG = "/etc/hearthside/config.toml"
KEY = "key-0123456789abcdef"
UNITS = sorted(
    str(path.relative_to(ROOT / "systemd"))
    for kind in ("service", "path", "timer")
    for path in (ROOT / "systemd").rglob(f"*.{kind}")
)
DROP_INS = "/etc/systemd/system/hearthside.service.d"
# What units call beside the device's own program.
OTHER_PROGRAMS = ("/opt/hearthside/trial/scripts/update", "/opt/hearthside-broker/venv/bin/hearthside")

# Runs as the configuration says; what it was started with it leaves in its state folder.
STANDIN = """#!/usr/bin/python3
import os, pathlib, signal, socket, sys, time
def notify(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifying:
        notifying.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
state = pathlib.Path(os.environ["STATE_DIRECTORY"])
with (state / "starts").open("a") as starts:
    print(sys.argv[1], file=starts)
says = pathlib.Path("/etc/hearthside/config.toml").read_text().split()[0]
if sys.argv[1] == "fault":
    signal.pause()
if says == "wrong":
    print("<3>hearthside: audio.input is wrong", file=sys.stderr)
    sys.exit(78)
if says == "crash":
    os.kill(os.getpid(), signal.SIGSEGV)
credentials = pathlib.Path(os.environ["CREDENTIALS_DIRECTORY"]) if "CREDENTIALS_DIRECTORY" in os.environ else None
for file in credentials.iterdir() if credentials else ():
    (state / file.name).write_bytes(file.read_bytes())
exec(pathlib.Path("/etc/hearthside/probe.py").read_text() if os.path.exists("/etc/hearthside/probe.py") else "")
notify("READY=1")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    if says != "hang":
        notify("WATCHDOG=1")
    time.sleep(1)
"""


@pytest.fixture
def machine(suite: str) -> Iterator[Machine]:
    """One that is on, with the units and the stand-in."""
    with Machine((debian(suite),)) as machine:
        machine.copy_in(ROOT / "systemd", f"{RELEASE}/systemd")
        machine.write(PROGRAM, STANDIN, mode=0o755)
        machine.write(CONFIG, "right\n")
        machine.run(f"ln -s {RELEASE} /opt/hearthside/current")
        machine.run(f"cp {' '.join(f'{RELEASE}/systemd/{unit}' for unit in UNITS)} /etc/systemd/system")
        for kind, folder in (("sysusers.conf", "sysusers.d"), ("tmpfiles.conf", "tmpfiles.d")):
            machine.run(f"mkdir -p /etc/{folder} && cp {RELEASE}/systemd/{kind} /etc/{folder}/hearthside.conf")
        machine.run(f"cp {RELEASE}/systemd/udev.rules /etc/udev/rules.d/70-hearthside.rules")
        machine.boot()
        machine.run("systemd-sysusers && systemd-tmpfiles --create hearthside.conf")
        yield machine


def start(machine: Machine) -> None:
    """Start the service, and wait until it is up."""
    machine.run("systemctl start hearthside")


def starts(machine: Machine) -> list[str]:
    """Return what has been started so far: run, fault."""
    return machine.run("cat /var/lib/hearthside/starts", check=False).stdout.split()


def warnings(machine: Machine) -> str:
    """Return what systemd has to say of our units."""
    verified = machine.run(f"systemd-analyze verify --man=no {' '.join(unit.split('/')[-1] for unit in UNITS)}")
    return "\n".join(line for line in told(verified).splitlines() if "hearthside" in line)


def test_the_units_are_right_and_confined(machine: Machine) -> None:
    """systemd finds nothing to warn of in any of them, also with every drop-in; 2.0 is what was asked for."""
    for program in OTHER_PROGRAMS:
        machine.write(program, STANDIN, mode=0o755)
    assert warnings(machine) == ""
    machine.run(f"mkdir {DROP_INS}")
    machine.write(f"{DROP_INS}/wrong.conf", "[Service]\nLimitKORE=0\n")
    assert "LimitKORE" in warnings(machine)
    machine.run(f"rm {DROP_INS}/wrong.conf && cp {RELEASE}/systemd/drop-ins/*.conf {DROP_INS}")
    assert warnings(machine) == ""
    machine.run(f"rm -r {DROP_INS}")
    for unit in ("hearthside.service", "hearthside-fault.service"):
        scored = machine.says(f"systemd-analyze security --no-pager {unit}")
        found = re.search(r"Overall exposure level for .*: ([\d.]+)", scored)
        assert found
        assert float(found[1]) <= 2.0, scored


def test_it_runs_as_a_user_of_its_own_with_the_rights_that_sound_needs(machine: Machine) -> None:
    """Though this Debian lacks some of the groups; it sees no home folder and writes nowhere else."""
    machine.write(
        "/etc/hearthside/probe.py",
        "import ctypes, resource\n"
        # Real time itself needs a kernel, and a container, that give it.
        "os.setpriority(os.PRIO_PROCESS, 0, 19)\n"
        "os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))\n"
        "callback = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 7)()\n"
        "netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15)\n"
        "def refused(path, do=lambda path: open(path, 'w')):\n"
        "    try: do(path)\n"
        "    except OSError as error: return error.strerror\n"
        "found = [callback, resource.getrlimit(resource.RLIMIT_CORE)]\n"
        "found += map(refused, ('/etc/hearthside/x', '/opt/x', '/root/x', '/run/x'))\n"
        "(state / 'probe').write_text(repr([*found, refused('/home/pi', os.listdir)]))\n",
    )
    machine.run("mkdir -p /home/pi/secret")
    start(machine)
    # What it has found in what it was started as.
    callback, core, *rest = ast.literal_eval(machine.says("cat /var/lib/hearthside/probe"))
    # From outside: in its own user namespace all groups but its first one are nobody's.
    numbers = machine.says("sed -n 's/^Groups://p' /proc/$(systemctl show --value -p MainPID hearthside)/status")
    groups = {line.split(":")[0] for line in machine.says(f"getent group {numbers}").splitlines()}
    assert groups >= {"audio", "gpio", "i2c", "plugdev", "spi"}
    assert callback == 7
    assert core == (0, 0)
    assert all(rest), rest
    assert machine.property("User") == "hearthside"
    assert machine.says("stat -c %U:%G:%a /var/lib/hearthside /run/hearthside /etc/hearthside").split() == [
        "hearthside:hearthside:750",
        "hearthside:hearthside:750",
        "root:hearthside:750",
    ]


def test_a_key_comes_from_the_credential_store_and_may_be_missing(machine: Machine) -> None:
    """Plain or encrypted; without one the service starts all the same, for the daemon to complain."""
    start(machine)
    assert machine.run("cat /var/lib/hearthside/openai_api_key", check=False).returncode
    machine.write("/etc/credstore/openai_api_key", KEY, mode=0o600)
    machine.run("systemctl restart hearthside")
    assert machine.says("cat /var/lib/hearthside/openai_api_key") == KEY
    assert KEY not in machine.says("cat /proc/$(systemctl show --value -p MainPID hearthside)/environ | tr '\\0' ' '")
    machine.run("rm /etc/credstore/openai_api_key /var/lib/hearthside/openai_api_key")
    machine.run("mkdir -p /etc/credstore.encrypted && systemd-creds setup")
    encrypt = "systemd-creds encrypt --with-key=host --name=openai_api_key - /etc/credstore.encrypted/openai_api_key"
    machine.run(encrypt, text=f"{KEY}-2")
    machine.run(f"mkdir -p {DROP_INS} && cp {RELEASE}/systemd/drop-ins/encrypted-key.conf {DROP_INS}")
    machine.run("systemctl daemon-reload && systemctl restart hearthside")
    assert machine.says("cat /var/lib/hearthside/openai_api_key") == f"{KEY}-2"


def test_a_wrong_configuration_is_shown_and_tried_again_when_it_changes(machine: Machine) -> None:
    """And not before: one start, one line. What shows it is gone when the service runs."""
    machine.write(CONFIG, "wrong\n")
    machine.run("systemctl start hearthside", check=False)
    machine.wait_until(lambda: starts(machine) == ["run", "fault"], "a fault that is shown")
    machine.run("sleep 5")
    assert starts(machine) == ["run", "fault"]
    assert machine.property("ActiveState") == "failed"
    assert machine.journal().count("audio.input is wrong") == 1
    assert machine.property("ActiveState", "hearthside-retry.timer") == "active"
    machine.write(CONFIG, "wrong\n# still\n")
    machine.wait_until(lambda: starts(machine) == ["run", "fault"] * 2, "another try")
    machine.write(CONFIG, "right\n")
    machine.wait_until(lambda: machine.property("ActiveState") == "active", "a service that runs")
    for unit in ("hearthside-fault.service", "hearthside-retry.path", "hearthside-retry.timer"):
        assert machine.property("ActiveState", unit) == "inactive"
    machine.run("systemctl stop hearthside")
    machine.write(CONFIG, "right\n# again\n")
    machine.run("sleep 2")
    assert machine.property("ActiveState") == "inactive", "whoever stops it has it stopped"


def test_what_keeps_crashing_is_started_again_ever_more_slowly(machine: Machine) -> None:
    """The first ones at once; a person's restart does not wait."""
    machine.write(CONFIG, "crash\n")
    machine.run("systemctl start hearthside", check=False)
    machine.wait_until(
        lambda: "hearthside has failed 3 times in a row: starting it again in 5 s" in machine.journal(), "a pause"
    )
    assert len(starts(machine)) == 3
    machine.wait_until(lambda: "4 times in a row: starting it again in 15 s" in machine.journal(), "a longer one")
    assert len(starts(machine)) == 4
    machine.write(CONFIG, "right\n")
    machine.run("systemctl stop hearthside && timeout 10 systemctl start hearthside")
    assert machine.property("ActiveState") == "active"


def test_what_hangs_is_ended_and_started_again(machine: Machine) -> None:
    """Whether it stands still as a whole or only gives no sign of life; and kill -9 is over in seconds."""
    start(machine)
    machine.run("kill -STOP $(systemctl show --value -p MainPID hearthside)")
    machine.wait_until(lambda: machine.property("NRestarts") == "1", "a restart", 30)
    machine.wait_until(lambda: machine.property("ActiveState") == "active", "a service that runs", 10)
    assert "Watchdog timeout" in machine.journal()
    machine.run("kill -KILL $(systemctl show --value -p MainPID hearthside)")
    machine.wait_until(lambda: machine.property("NRestarts") == "2", "a restart", 10)
    machine.wait_until(lambda: machine.property("ActiveState") == "active", "a service that runs", 10)
    assert not machine.says("find / -xdev -name 'core*' -size +100k -newer /etc/hearthside/config.toml 2>/dev/null")
