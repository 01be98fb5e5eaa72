"""Roots of Debian that boot: made once for a release, kept in ~/.cache/hearthside, and only read afterwards."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hearthside"
SUITES = ("bookworm", "trixie")
STALE_S = 24 * 3600.0

# What a Raspberry Pi OS or a Debian server has before anybody installs anything, as far as it matters here.
_PACKAGES = (
    *("ca-certificates", "dbus", "iproute2", "kmod", "libpam-systemd", "openssh-client", "procps", "python3", "sudo"),
    *("systemd", "systemd-sysv", "udev", "util-linux"),
    # For the tests: a clone, ALSA's way to the virtual sound card, a clock that jumps.
    *("git", "libasound2-plugins", "libfaketime"),
)
_AUTHORITIES = Path("/usr/local/share/ca-certificates")


def debian(suite: str) -> Path:
    """Return the root of a Debian as it is before Hearthside comes. Takes minutes the first time."""
    made_from = hashlib.sha256(" ".join(_PACKAGES).encode()).hexdigest()[:8]
    return kept(f"booted-{suite}-{made_from}", lambda folder: _bootstrap(suite, folder))


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of this name, made when there is none; two processes do not make it at once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    path, part = CACHE / name, CACHE / f"{name}.part"
    with alone(name):
        if not path.exists():
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            make(part)
            part.rename(path)
        os.utime(path)
    return path


def forget_stale(pattern: str) -> None:
    """Remove the kept folders whose name matches, and which nobody has asked for since yesterday."""
    for path in CACHE.glob(pattern):
        if not path.is_dir():
            continue
        # Two processes may look at once, and somebody may ask for it meanwhile.
        with alone(path.name):
            if path.is_dir() and time.time() - path.stat().st_mtime > STALE_S:
                shutil.rmtree(path, ignore_errors=True)


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Do something while no other process does what is called so."""
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _bootstrap(suite: str, folder: Path) -> None:
    subprocess.run(["debootstrap", "--variant=minbase", f"--include={','.join(_PACKAGES)}", suite, folder], check=True)
    trust_the_same(folder)
    # An id, else every boot would be taken for the first one, and every unit would be enabled.
    settle = "update-ca-certificates && systemd-machine-id-setup && apt-get clean"
    subprocess.run(["chroot", folder, "sh", "-c", settle], check=True)


def trust_the_same(folder: Path) -> None:
    """Let a root trust those whom an administrator trusts here, as tests/system/bare_debian.sh does."""
    if _AUTHORITIES.is_dir():
        shutil.copytree(_AUTHORITIES, folder / "usr/local/share/ca-certificates", dirs_exist_ok=True)
