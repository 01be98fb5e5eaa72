"""What the types of the broker's settings cannot refuse, above all: to talk in clear over a network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from device.broker.settings import Broker
from device.kit.addresses import is_loopback
from device.kit.words import shown
from device.settings import Mistake, Table

_NAME = re.compile(r"[A-Za-z0-9.:-]{1,253}")


def mistakes(settings: Broker) -> Iterator[Mistake]:
    """Yield what is wrong."""
    if settings.tls == "off" and not is_loopback(settings.listen):
        yield Mistake(
            "tls",
            f' = "off" with broker.listen = {shown(settings.listen)} would send keys in clear over the network; '
            'remove it (tls = "own" makes a certificate), or listen at 127.0.0.1 behind a proxy that speaks TLS',
        )
    if settings.tls == "given" and not (settings.certificate and settings.certificate_key):
        yield Mistake("tls", ' = "given" needs broker.certificate and broker.certificate_key')
    if not _may_have_key(settings.provider_url):
        yield Mistake("provider_url", " must begin with https:// (http:// only for a server on this machine)")
    for name in settings.names:
        if not _NAME.fullmatch(name):
            yield Mistake("names", f": {shown(name)} is no name or address of a machine")
    if not settings.models:
        yield Mistake("models", " names no model, so that nobody would get a secret; name at least one")


def _may_have_key(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


TABLE = Table("broker", Broker, mistakes)
"""Its table in the configuration."""
