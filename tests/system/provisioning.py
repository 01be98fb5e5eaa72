"""Cards, releases and SSH for machines that are provisioned."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.scripts.machine import load_script
from tests.system.booted import Machine
from tests.system.prepared import debian_with
from tests.system.roots import CACHE, ROOT, kept
from tests.system.stage import Stage

# What scripts/install wants of Debian's: these machines have no network to get it from.
DEVICE_PACKAGES = (
    *("alsa-utils", "ca-certificates", "espeak-ng", "libasound2-data", "libusb-1.0-0", "tzdata"),
    *("python3-pyaudio", "python3-systemd", "python3-venv"),
)
SSHD_PACKAGES = (*DEVICE_PACKAGES, "openssh-server", "sudo")
BOOT = "/boot/firmware"
KERNEL_LINE = "console=tty1 root=PARTUUID=4e639091-02 rootwait"
INSTALL_LIMIT_S = 900.0
_MADE_FROM = ("device", "docs", "systemd", "scripts", "requirements.txt")


def release() -> Path:
    """Return a bundle of this clone, as it is committed. Needs the network the first time."""

    def make(folder: Path) -> None:
        subprocess.run([sys.executable, ROOT / "scripts" / "bundle", "--into", folder], check=True)

    trees = subprocess.check_output(["git", "-C", ROOT, "rev-parse", *(f"HEAD:{name}" for name in _MADE_FROM)])
    (bundle,) = kept(f"bundle-{hashlib.sha256(trees).hexdigest()[:8]}", make).glob("*.tar")
    return bundle


def bundle_of_version(version: str, folder: Path) -> Path:
    """Return the bundle of this clone as scripts/bundle would make it, were the clone of this version."""
    script = load_script("bundle")
    subprocess.run(["tar", "-xf", release(), "-C", folder, "--strip-components=1"], check=True)
    init = folder / "device" / "__init__.py"
    init.write_text(re.sub('__version__ = ".*"', f'__version__ = "{version}"', init.read_text("utf-8")), "utf-8")
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    del files["SHA256SUMS"]
    bundle = folder / f"hearthside-{version}.tar"
    script.pack(bundle, f"hearthside-{version}", files)
    return bundle


@contextmanager
def served(folder: Path, address: str) -> Iterator[str]:
    """Give the files of a folder to whoever asks at an address of this machine; return the URL of the folder."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer((address, 0), handler) as server:
        threading.Thread(target=server.serve_forever, name="releases", daemon=True).start()
        try:
            yield f"http://{address}:{server.server_port}"
        finally:
            server.shutdown()


@dataclass(frozen=True)
class Keys:
    """An SSH key of the operator's, and what he knows of hosts."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Keys:
        """Make one."""
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "id"], check=True)
        return cls(folder)

    @property
    def public(self) -> Path:
        """The file that goes to the devices."""
        return self.folder / "id.pub"

    @property
    def options(self) -> tuple[str, ...]:
        """As ssh -o takes them."""
        return (
            f"IdentityFile={self.folder / 'id'}",
            "IdentitiesOnly=yes",
            f"UserKnownHostsFile={self.folder / 'known_hosts'}",
        )

    def ssh(self, host: str, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command there, as a person does who sees the host for the first time."""
        given = [word for option in (*self.options, "StrictHostKeyChecking=accept-new") for word in ("-o", option)]
        return subprocess.run(["ssh", *given, host, command], capture_output=True, text=True, check=False, timeout=60)


def prepare_card(folder: Path, *arguments: object, template: dict[str, str]) -> str:
    """Let scripts/prepare-card write on a boot partition that an image has left so; return the kernel's line."""
    for name, text in {"cmdline.txt": f"{KERNEL_LINE}\n", "config.txt": "\n", **template}.items():
        (folder / name).write_text(text, encoding="utf-8")
    run_prepare_card(folder, *arguments)
    return (folder / "cmdline.txt").read_text(encoding="utf-8").strip()


def run_prepare_card(*arguments: object) -> None:
    """Run scripts/prepare-card."""
    command = [sys.executable, "-I", "-S", ROOT / "scripts" / "prepare-card", *arguments]
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@contextmanager
def reachable(suite: str, stage: Stage, keys: Keys) -> Iterator[Machine]:
    """A machine that runs and lets ada in, on which nothing is installed; it has no network but its cable."""
    with stage.machine(debian_with(suite, *SSHD_PACKAGES)) as machine:
        machine.boot()
        machine.run("useradd --create-home --shell /bin/bash ada")
        machine.write("/home/ada/.ssh/authorized_keys", keys.public.read_text(), mode=0o600, owner="ada:ada")
        machine.run("chown -R ada:ada /home/ada/.ssh && chmod 700 /home/ada/.ssh")
        machine.write("/etc/sudoers.d/ada", "ada ALL=(ALL) NOPASSWD:ALL\n", mode=0o440)
        machine.run("systemctl start ssh && rm -f /etc/credstore/openai_api_key")
        yield machine


def address(machine: Machine) -> str:
    """Return where this machine reaches it."""
    assert machine.cable is not None
    return f"ada@{machine.cable.other_address}"


def ansible() -> Path:
    """Return the folder of Ansible's commands, in an environment of its own. Needs the network the first time."""

    def make(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        pip = [folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--no-input", "ansible-core>=2.15,<2.20"]
        subprocess.run(pip, check=True)

    # An environment knows where it was made.
    path = CACHE / "ansible-core"
    if not (path / "ready").exists():
        make(path)
        (path / "ready").touch()
    return path / "venv" / "bin"


def play(inventory: Path, keys: Keys, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the playbook."""
    programs = ansible()
    options = " ".join(f"-o {option}" for option in (*keys.options, "StrictHostKeyChecking=accept-new"))
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "ANSIBLE_SSH_ARGS": options,
        "ANSIBLE_LOCAL_TEMP": str(keys.folder / "ansible"),
        "ANSIBLE_TIMEOUT": "10",
        "LC_ALL": "C.UTF-8",
    }
    command = [programs / "ansible-playbook", "-i", inventory, ROOT / "scripts/ansible/playbook.yml", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=2 * INSTALL_LIMIT_S
    )


def places_of(secret: str, machine: Machine, *but: str) -> Sequence[str]:
    """Return the files of a machine that hold a secret, other than those that may."""
    skipped = " ".join(f"--exclude-dir={name}" for name in ("proc", "sys", "card"))
    found = machine.run(f"grep -rlaF {skipped} -f - / 2>/dev/null", check=False, text=secret, timeout_s=300).stdout
    return [path for path in found.splitlines() if not path.startswith(but)]
