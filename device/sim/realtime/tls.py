"""Makes a self-signed certificate, so that a device can be tried with the simulation over TLS."""

from __future__ import annotations

import ipaddress
import shutil
import ssl
import subprocess
from pathlib import Path

from device.errors import ConfigError

DAYS_VALID = 30


def make_certificate(folder: Path, host: str) -> Path:
    """Make a self-signed certificate for `host`; return the PEM file with it and its private key.

    A client trusts it with SSL_CERT_FILE=FILE in its environment. Raise ConfigError when openssl is not installed.
    """
    openssl = shutil.which("openssl")
    if openssl is None:
        raise ConfigError("--tls needs the program openssl to make a certificate; install Debian's package openssl")
    path, public = folder / "certificate.pem", folder / "public.pem"
    names = ",".join(sorted({_alternative_name(name) for name in (host, "localhost", "127.0.0.1")}))
    command = [openssl, "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-days", str(DAYS_VALID), "-subj", "/CN=Hearthside simulation", "-addext", f"subjectAltName={names}"]
    command += ["-keyout", str(path), "-out", str(public)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise ConfigError(f"openssl made no certificate for {host}: {made.stderr.strip()[-300:]}")
    with path.open("a", encoding="ascii") as file:
        file.write(public.read_text(encoding="ascii"))
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    """Return the TLS context of a server from a PEM file with certificate and key. Raise ConfigError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(f"{certificate} holds no certificate with its private key: {error}") from error
    return context


def _alternative_name(host: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(host)}"
    except ValueError:
        return f"DNS:{host}"
