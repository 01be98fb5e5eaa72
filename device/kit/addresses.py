"""Which names and addresses stay in the house, so that what is not encrypted is read by nobody outside."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# RFC 1918, RFC 3927 and RFC 4291 (link local), RFC 4193 (unique local). Not `is_private`, which also includes ranges
# that are reserved for other purposes.
_HOME = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fe80::/10", "fc00::/7")
)


def literal(host: str) -> Address | None:
    """Return the address that a host is written as (also as 2130706433 or 127.1), None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.ip_address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def is_loopback(host: str) -> bool:
    """Say whether a host, name or address, is this machine."""
    address = literal(host)
    return host == "localhost" if address is None else _plain(address).is_loopback


def is_home_address(text: str) -> bool:
    """Say whether an address is this machine's or one of its own network."""
    address = literal(text)
    if address is None:
        return False
    address = _plain(address)
    return address.is_loopback or any(address in network for network in _HOME)


def is_home_name(host: str) -> bool:
    """Say whether a name can mean only something in the house: localhost, printer.local, or a name without a dot."""
    name = host.lower().rstrip(".")
    return literal(host) is None and ("." not in name or name.endswith((".local", ".localhost")))


def is_home(host: str) -> bool:
    """Say whether a host, name or address, can only be in the house."""
    return is_home_name(host) or is_home_address(host)


def of_web(url: str) -> SplitResult | None:
    """Take the address of a server of HTTP apart; None where it is none, or holds a name and a password."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and host and not parts.username else None


def leaves_home_in_clear(parts: SplitResult) -> bool:
    """Say whether what is said to a server of HTTP would leave the house unencrypted."""
    return parts.scheme == "http" and not is_home(parts.hostname or "")


def _plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address contains (::ffff:1.2.3.4); any other as it is."""
    return getattr(address, "ipv4_mapped", None) or address
