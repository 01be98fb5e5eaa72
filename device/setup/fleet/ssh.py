"""OpenSSH, run for one device: a secret goes through its standard input, never onto a command line."""

from __future__ import annotations

import io
import subprocess
import tarfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from device.errors import SetupError
from device.setup.fleet import remote
from device.setup.fleet.remote import Answer


@dataclass(frozen=True)
class Way:
    """How the devices are reached."""

    options: tuple[str, ...] = ()
    accept_new: bool = False
    sudo_password: str = field(default="", repr=False)
    limit_s: float = 1800.0


def installed_bundle(host: str, way: Way) -> str:
    """Return the SHA-256 of the bundle that the device was installed from, "" when that is not known."""
    command = remote.ssh(host, remote.look(), way.options, way.accept_new)
    run = _start(command)
    said, _ = _talk(run, b"", 60.0)
    return said.strip()


def set_up(host: str, way: Way, files: Mapping[str, str], bundle: Path | None) -> Answer:
    """Send the files and the bundle, and let the device set itself up with them. Raise SetupError."""
    command = remote.ssh(host, remote.work(bool(way.sudo_password)), way.options, way.accept_new)
    began = time.monotonic()
    run = _start(command)
    sending = threading.Thread(target=_send, args=(run, way, files, bundle), daemon=True)
    sending.start()
    said, complained = _talk(run, None, way.limit_s)
    sending.join(1.0)
    return Answer(host, run.returncode, said, complained, time.monotonic() - began)


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)
    except OSError as error:
        raise SetupError(f"cannot run ssh: {error.strerror}; install openssh-client") from error


def _talk(run: subprocess.Popen[bytes], given: bytes | None, limit_s: float) -> tuple[str, str]:
    """Return what it says on both ways until it ends; it is ended when that takes too long."""
    texts: dict[str, str] = {}
    readers = [
        threading.Thread(target=lambda name=name, stream=stream: texts.update({name: _read(stream)}), daemon=True)
        for name, stream in (("said", run.stdout), ("complained", run.stderr))
    ]
    for reader in readers:
        reader.start()
    if given is not None and run.stdin is not None:
        run.stdin.close()
    try:
        run.wait(limit_s)
    except subprocess.TimeoutExpired:
        texts["late"] = f"it took longer than {limit_s:g} s, and was left"
    finally:
        run.kill()
        run.wait()
    for reader in readers:
        reader.join(5.0)
    return texts.get("said", ""), "\n".join(texts[name] for name in ("complained", "late") if name in texts)


def _read(stream: IO[bytes] | None) -> str:
    return stream.read().decode(errors="replace") if stream is not None else ""


def _send(run: subprocess.Popen[bytes], way: Way, files: Mapping[str, str], bundle: Path | None) -> None:
    """Write it all; who does not read to the end says on its other ways why."""
    stream = run.stdin
    if stream is None:
        return
    try:
        with stream:
            stream.write(remote.beginning(way.sudo_password).encode())
            with tarfile.open(fileobj=stream, mode="w|") as archive:
                for name, text in files.items():
                    _add(archive, name, text.encode())
                if bundle is not None:
                    archive.add(str(bundle), bundle.name)
    except OSError:
        return


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    archive.addfile(entry, io.BytesIO(content))
