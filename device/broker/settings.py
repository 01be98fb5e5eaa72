"""What can be set about the broker, on the machine that runs it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from device.settings import Section

Port = Annotated[int, Meta(ge=1, le=65_535, description="a port from 1 to 65535")]
Amount = Annotated[int, Meta(ge=1, le=100_000)]


class Broker(Section, frozen=True):
    """The broker (`hearthside broker`), on a machine that you trust; a device that only listens needs none of this."""

    listen: str = "127.0.0.1"
    """The address at which it listens; "0.0.0.0" or "::" are all of this machine's."""
    port: Port = 8788
    """The port at which it listens."""
    tls: Literal["own", "given", "off"] = "own"
    """"own": with a certificate authority that the broker makes for itself; "given": with your certificate and its key;
    "off": behind a proxy of yours, and then at an address of this machine alone (127.0.0.1)."""
    names: tuple[str, ...] = ()
    """The names and addresses by which devices call it, for its own certificate; empty: this machine's name, alone and
    with ".local", and "localhost"."""
    certificate: str = ""
    """For tls = "given": the file with the certificate and those above it (PEM)."""
    certificate_key: str = ""
    """For tls = "given": the file with its private key (PEM)."""
    provider_url: str = "https://api.openai.com/v1/realtime/client_secrets"
    """Where the provider makes client secrets."""
    auth_header: Literal["authorization", "api-key"] = "authorization"
    """"authorization" sends `Authorization: Bearer KEY`, "api-key" the header that Azure expects."""
    models: tuple[str, ...] = ("gpt-realtime-2.1",)
    """The models for which devices get secrets."""
    secret_s: Annotated[int, Meta(ge=10, le=7200, description="seconds, from 10 to 7200")] = 1800
    """How long a secret opens sessions, in seconds. A device that is revoked talks no longer than this and one session
    more; it asks for a new secret when two thirds of this have passed."""
    secrets_per_day: Amount = 200
    """How many secrets a device gets in a day, counted from midnight UTC."""
    requests_per_minute: Amount = 12
    """How many secrets a device may ask for in a minute; as many at once."""
    refusals_per_minute: Amount = 30
    """How many requests without a valid token an address may make in a minute, before it is told to wait."""
    audit_days: Amount = 90
    """How long the audit log is kept."""
    state_dir: str = ""
    """Where devices, the audit log and its own certificates are kept; empty: $STATE_DIRECTORY, else
    /var/lib/hearthside-broker for root and ~/.local/state/hearthside-broker for others."""
