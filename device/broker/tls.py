"""The broker's own certificate authority, made with the program openssl, and what a server needs of it.

A package for this (cryptography) would be 10 MB more in every installation; openssl is on every Debian that trusts
anybody (ca-certificates needs it). It blocks.
"""

from __future__ import annotations

import errno
import ipaddress
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from device.errors import ConfigError

FOLDER = "tls"
AUTHORITY, AUTHORITY_KEY, SERVER = "ca.pem", "ca.key", "server.pem"

_AUTHORITY_DAYS = 3650
# What browsers and phones take at most; it is renewed when a month of it is left.
_SERVER_DAYS = 397
_RENEWED_S = 30 * 86_400
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_CONFIG = """[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


def own_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names for the broker's certificate: those that were set, else this machine's."""
    host = socket.gethostname()
    return tuple(names) or (host, f"{host}.local", "localhost", "127.0.0.1")


def own_certificate(state_dir: Path, names: Sequence[str]) -> Path:
    """Return the server's certificate with its key, made or renewed when need be. Raise ConfigError."""
    folder = state_dir / FOLDER
    if not (folder / AUTHORITY).exists():
        _make_authority(folder)
    server = folder / SERVER
    if not _is_good(server, names):
        _make_server(folder, names)
    return server


def server_context(certificate: Path, key: Path | None = None) -> ssl.SSLContext:
    """Return the TLS of a server. Raise ConfigError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one
        what = error.strerror or "they are not PEM files that belong together"
        raise ConfigError(f"broker.certificate and broker.certificate_key cannot be used: {what}") from error
    return context


def _is_good(server: Path, names: Sequence[str]) -> bool:
    try:
        first = server.read_text(encoding="ascii").partition("\n")[0]
    except (OSError, ValueError):
        return False
    lasts = ("x509", "-noout", "-checkend", str(_RENEWED_S), "-in", str(server))
    return first == _first_line(names) and _openssl(*lasts).returncode == 0


def _make_authority(folder: Path) -> None:
    """Make key and certificate in a folder of their own, which then gets its name: there is all of it or nothing."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".tls-", dir=folder.parent) as made:
        # mkdtemp's folder is 0700, and openssl writes keys 0600.
        config = _config(Path(made), f"Hearthside broker {socket.gethostname()}", ["localhost"])
        _run("req", "-x509", *_NEW_KEY, "-days", str(_AUTHORITY_DAYS), "-config", config, "-extensions", "authority",
             "-keyout", f"{made}/{AUTHORITY_KEY}", "-out", f"{made}/{AUTHORITY}")  # fmt: skip
        shutil.copytree(made, f"{made}.done", ignore=shutil.ignore_patterns("*.cnf"))
        try:
            Path(f"{made}.done").rename(folder)
        except OSError as error:
            shutil.rmtree(f"{made}.done")
            # Another process (`broker ca` beside the service's first start) was quicker: its authority is the one.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise


def _make_server(folder: Path, names: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix=".server-", dir=folder) as made:
        config = _config(Path(made), names[0][:64], names)
        key, wish, signed, whole = (f"{made}/{name}" for name in ("key", "csr", "crt", "whole"))
        _run("req", "-new", *_NEW_KEY, "-config", config, "-keyout", key, "-out", wish)
        _run("x509", "-req", "-in", wish, "-CA", str(folder / AUTHORITY), "-CAkey", str(folder / AUTHORITY_KEY),
             "-CAcreateserial", "-CAserial", f"{made}/serial", "-days", str(_SERVER_DAYS),
             "-extfile", config, "-extensions", "server", "-out", signed)  # fmt: skip
        parts = (_first_line(names) + "\n", *(Path(part).read_text(encoding="ascii") for part in (key, signed)))
        Path(whole).touch(mode=0o600)
        Path(whole).write_text("".join(parts), encoding="ascii")
        Path(whole).rename(folder / SERVER)


def _first_line(names: Sequence[str]) -> str:
    """What stands before the key: readers of PEM skip it."""
    return f"# for {' '.join(names)}"


def _config(folder: Path, name: str, names: Sequence[str]) -> str:
    path = folder / "openssl.cnf"
    path.write_text(_CONFIG.format(name=name, names=", ".join(map(_alternative, names))), encoding="ascii")
    return str(path)


def _alternative(name: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


def _run(*arguments: str) -> None:
    made = _openssl(*arguments)
    if made.returncode:
        raise ConfigError(f"openssl made no certificate (see broker.names): {made.stderr.strip()[-300:]}")


def _openssl(*arguments: str) -> subprocess.CompletedProcess[str]:
    openssl = shutil.which("openssl")
    if openssl is None:
        raise ConfigError('broker.tls = "own" needs the program openssl; install it (apt install openssl)')
    return subprocess.run([openssl, *arguments], capture_output=True, text=True, check=False, env={})
