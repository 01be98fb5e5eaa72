"""Debian machines that boot in containers: a real systemd, and everything that they change is thrown away with them."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.system.network import Cable
from tests.system.roots import CACHE, ROOT

INSIDE = Path(__file__).with_name("inside.sh")
UNIT = "hearthside.service"
HEALTH = "/run/hearthside/health.json"
LIMIT_S = 60.0
"""For whatever must happen, on a machine that is busy with other tests."""
_LOOK_S = 0.25
_ENVIRONMENT = ("HOME=/root", "LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
_numbers = itertools.count(1)

Answer = subprocess.CompletedProcess[str]


class Machine:
    """A machine that is off at first; `boot` switches it on.

    `layers` are the folders that its root is made of, the topmost first: see tests/system/roots.py. `shares` are
    folders of this machine that it sees as well, by where it sees them. With a cable it has a network of its own, which
    the cable leads to this machine; without one it has this machine's.
    """

    def __init__(self, layers: Sequence[Path], cable: Cable | None = None, shares: Mapping[str, Path] | None = None):
        self.layers = tuple(layers)
        self.cable = cable
        self.shares = dict(shares or {})
        self.name = f"hearthside-{os.getpid()}-{next(_numbers)}"
        CACHE.mkdir(parents=True, exist_ok=True)
        # Beside the layers, since what it has written may become one.
        self._folder = Path(tempfile.mkdtemp(prefix="machine-", dir=CACHE))
        self._process: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def __enter__(self) -> Self:
        for name in ("changes", "work", "root"):
            (self._folder / name).mkdir()
        # What tempfile makes is closed to everybody else, and so would be the root.
        (self._folder / "changes").chmod(0o755)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut_power()
        shutil.rmtree(self._folder)

    @property
    def is_on(self) -> bool:
        """Whether it has been switched on and is not off again."""
        return self._process is not None and self._process.poll() is None

    @property
    def console(self) -> str:
        """What it has shown on its console since it was switched on."""
        return (self._folder / "console").read_text(errors="replace")

    def boot(self, *words: str) -> None:
        """Switch it on, with words on its kernel's command line; return when its services are being started."""
        self.switch_on(*words)
        self.wait_until(self._is_up, "a system that is up")

    def switch_on(self, *words: str) -> None:
        """Switch it on, and do not wait."""
        assert not self.is_on, "it is on already"
        with (self._folder / "console").open("wb") as console:
            self._process = subprocess.Popen(
                self._contained("--boot", "--console=pipe", *words),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        self._leader = 0

    def wait_until_off(self, limit_s: float = LIMIT_S) -> None:
        """Wait until it has switched itself off, or wants to be booted again."""
        assert self._process is not None
        self._process.wait(limit_s)

    def cut_power(self) -> None:
        """Let it end at once, in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._forget_control_group()

    def shut_down(self) -> None:
        """Let it end as one does with a machine."""
        self.run("systemctl poweroff", check=False)
        assert self._process is not None
        self._process.wait(LIMIT_S)
        self._process = None

    def reboot(self) -> None:
        """Shut it down, and boot it again with all that it has written."""
        self.shut_down()
        self.boot()

    def run(self, command: str, check: bool = True, timeout_s: float = LIMIT_S, text: str | bytes = b"") -> Answer:
        """Run a command of bash in it as root, with `text` as its standard input; while it is off, in its root.

        Raise AssertionError when it fails and that is not allowed for.
        """
        shell = ["env", "--ignore-environment", "--chdir=/", *_ENVIRONMENT, "bash", "-o", "pipefail", "-c", command]
        given = text.encode() if isinstance(text, str) else text
        words = self.entered(*shell) if self.is_on else self._contained("--pipe", *shell)
        done = subprocess.run(words, input=given, capture_output=True, timeout=timeout_s, check=False)
        answer = Answer(
            command, done.returncode, *(said.decode(errors="replace") for said in (done.stdout, done.stderr))
        )
        assert not check or not answer.returncode, f"{command}: exit code {answer.returncode}\n{told(answer)}"
        return answer

    def entered(self, *command: str) -> list[str]:
        """Return the command line that runs a command in the machine, which is on."""
        return ["nsenter", "--target", str(self._find_leader()), "--all", *command]

    def says(self, command: str) -> str:
        """Run a command that must not fail; return what it says, without blanks around it."""
        return self.run(command).stdout.strip()

    def read(self, path: str) -> str:
        """Return the text of a file."""
        return self.run(f"cat '{path}'").stdout

    def write(self, path: str, text: str | bytes, mode: int = 0o644, owner: str = "root:root") -> None:
        """Write a file, and the folders that it needs."""
        user, group = owner.split(":")
        self.run(f"install -D -m {mode:o} -o {user} -g {group} /dev/stdin '{path}'", text=text)

    def copy_in(self, source: Path, target: str) -> None:
        """Copy a folder of this machine, or what is in it, to where `target` is."""
        packed = subprocess.run(["tar", "-C", source, "-c", "."], stdout=subprocess.PIPE, check=True)
        self.run(f"mkdir -p '{target}' && tar -C '{target}' --no-same-owner -x", text=packed.stdout)

    def clone_repository(self, target: str = "/root/hearthside") -> None:
        """Bring the repository, as it is committed."""
        with tempfile.TemporaryDirectory(prefix="hearthside-clone-") as folder:
            clone = Path(folder) / "clone"
            subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{ROOT}", clone], check=True)
            self.copy_in(clone, target)

    def journal(self, unit: str = UNIT, since: str = "", form: str = "cat") -> str:
        """Return what a unit has logged, in this boot."""
        after = f"--after-cursor='{since}'" if since else ""
        shown = f"journalctl --boot --quiet --no-pager --output={form} --unit='{unit}' {after}"
        # What a process that has just ended wrote last may still be on its way.
        return self.run(f"journalctl --sync; {shown}").stdout

    def journal_cursor(self) -> str:
        """Return where the journal ends now, for `journal(since=...)`."""
        last = self.says("journalctl --boot --no-pager --lines=0 --show-cursor")
        return last.split("cursor: ")[-1]

    def property(self, name: str, unit: str = UNIT) -> str:
        """Return what systemd says of a unit, e.g. NRestarts."""
        return self.says(f"systemctl show --value --property={name} '{unit}'")

    def health(self) -> dict[str, Any]:
        """Return what the service says of its health; nothing while it has not said anything."""
        said = self.run(f"cat {HEALTH}", check=False).stdout
        try:
            told: dict[str, Any] = json.loads(said)
        except ValueError:
            return {}
        return told

    def is_in_state(self, state: str) -> bool:
        """Whether the process that runs now says that it is, e.g., listening."""
        health = self.health()
        return health.get("state") == state and str(health.get("pid")) == self.property("MainPID")

    def wait_for_state(self, state: str, limit_s: float = LIMIT_S) -> None:
        """Wait until the service is, e.g., listening."""
        self.wait_until(lambda: self.is_in_state(state), f"a service that is {state}", limit_s)

    def wait_until(self, condition: Callable[[], object], what: str, limit_s: float = LIMIT_S) -> None:
        """Wait until a condition holds. Raise AssertionError, with what the machine says, when it does not."""
        end = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end, f"{what} did not come about within {limit_s:g} s\n{self.account()}"
            assert self.is_on, f"{what} did not come about: the machine is off\n{self.console[-3000:]}"
            time.sleep(_LOOK_S)

    def account(self) -> str:
        """Say how it is, for who must find out why a test failed."""
        if not self._find_leader():
            return self.console[-3000:]
        commands = ("systemctl --failed --no-legend", f"systemctl status {UNIT} --no-pager --lines=40", f"cat {HEALTH}")
        return "\n".join(told(self.run(command, check=False)) for command in commands)

    def keep_changes(self, folder: Path) -> None:
        """Move all that it has written into a folder, as a layer for other machines. It is off, and of no use then."""
        assert not self.is_on, "it still writes"
        (self._folder / "changes").rename(folder)

    def _is_up(self) -> bool:
        return bool(self._find_leader()) and not self.run("systemctl is-active basic.target", check=False).returncode

    def _contained(self, *command: str) -> list[str]:
        """Return the command line of a container on its root; it ends with this process, whatever happens."""
        spaces = [
            "setpriv",
            "--pdeathsig=KILL",
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ]
        layers = ":".join(map(str, self.layers))
        nspawn = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--link-journal=no", "--timezone=off"]
        nspawn += [f"--machine={self.name}", f"--directory={self._folder}/root", "--hostname=speaker"]
        nspawn += [f"--bind={source}:{target}" for target, source in self.shares.items()]
        if self.cable:
            nspawn += [f"--network-namespace-path={self.cable.namespace}", "--resolv-conf=off"]
        return [*spaces, str(INSIDE), layers, str(self._folder), self.name, *nspawn, *command]

    def _find_leader(self) -> int:
        """Return the process that is number 1 inside, as it is numbered here; 0 while there is none."""
        if not self._leader and self._process is not None:
            depth = len(_numbers_of(os.getpid())) + 2
            self._leader = next((pid for pid in _below(self._process.pid) if len(_numbers_of(pid)) == depth), 0)
        return self._leader

    def _forget_control_group(self) -> None:
        """Wait until the last process in it has ended, which is told by that it can be removed, and remove it."""
        tidy = """
            mount -t cgroup2 cgroup2 /mnt
            for look in $(seq 300); do
              find "/mnt/$1" -depth -type d -exec rmdir {} + 2>/dev/null
              [ -d "/mnt/$1" ] || exit 0
              sleep 0.1
            done
            exit 1
        """
        subprocess.run(["unshare", "--mount", "sh", "-c", tidy, "sh", self.name], check=True)


def told(answer: Answer) -> str:
    """Return all that a command said."""
    return f"{answer.stdout}{answer.stderr}"


def _below(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [number for child in map(int, children) for number in (child, *_below(child))]


def _numbers_of(pid: int) -> list[str]:
    """Return the numbers that a process has, in this space and in each one further in."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return []
    return next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
