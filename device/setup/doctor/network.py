"""The way to the provider: network, name, TLS, and how long each takes."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

from device.house.catalogue import provider_of
from device.kit.addresses import is_home, literal
from device.kit.threads import Threads
from device.ports.provider import Endpoint
from device.setup.doctor.check import Check, Findings
from device.setup.doctor.finding import hint, skipped, well, wrong
from device.setup.doctor.patient import Patient
from device.units import Ms

CONNECT_S = 5.0
# Beyond it a person notices the network in every answer.
SLOW = Ms(400)
_ROUTES, _ROUTES_V6 = Path("/proc/net/route"), Path("/proc/net/ipv6_route")
_DAY_S = 86_400
_WARN_DAYS = 7


@dataclass(frozen=True, slots=True)
class Network:
    """Whether there is a way out of this machine, and whether one is needed."""

    has_route: bool
    host: str
    """The provider's; "" when it needs no network."""
    stays_in_house: bool


async def look_at_network(patient: Patient) -> Network:
    """Look at the kernel's routes."""
    found = _endpoint(patient)
    host = found.host if found else ""
    return Network(_has_route(), host, is_home(host))


def judge_network(network: Network) -> Findings:
    """Say whether a provider can be reached at all."""
    if network.has_route:
        return [well("network", "there is a way out")]
    fix = "plug in a cable, or join a Wi-Fi: `sudo nmtui`"
    if not network.host or network.stays_in_house:
        return [hint("network", "there is no way out of this house; the provider needs none", fix)]
    return [wrong("network", "this machine is in no network, or there is no way out of it", fix)]


@dataclass(frozen=True, slots=True)
class Name:
    """What a provider's name leads to."""

    host: str
    addresses: tuple[str, ...]
    took: Ms
    error: str = ""


def judge_name(name: Name | None) -> Findings:
    """Say whether the name leads anywhere."""
    if name is None:
        return [skipped("dns", "the provider has no name to look up")]
    if name.error:
        fix = "check conversation.openai.url; if other names fail as well, see `resolvectl status` and the router"
        return [wrong("dns", f"the name {name.host} is not found: {name.error}", fix)]
    text = f"{name.host} was found within {name.took:.0f} ms"
    if name.took > SLOW:
        return [hint("dns", f"{text}: slow", "name another server in the router, such as 9.9.9.9")]
    return [well("dns", text)]


@dataclass(frozen=True, slots=True)
class Connection:
    """How a connection to the provider went; `proxied`: it goes through a proxy, and was not tried."""

    endpoint: Endpoint
    proxied: bool = False
    connected: Ms | None = None
    secured: Ms | None = None
    """None: no TLS, or it came to none."""
    version: str = ""
    expires: float | None = None
    """When its certificate ends (unix s)."""
    error: str = ""
    now: float = 0.0


@dataclass(frozen=True, slots=True)
class Way:
    """The way to the provider: its name, and a connection, which is only tried where the name leads somewhere."""

    name: Name | None
    connection: Connection | None


async def find_way(patient: Patient) -> Way:
    """Look up and connect as the conversation would. Raise ConfigError."""
    to = _endpoint(patient)
    if to is None or _is_proxied(to):
        return Way(None, Connection(to, proxied=True) if to else None)
    threads = Threads("network")
    name = None if literal(to.host) is not None else await threads.call(_resolve, to.host, to.port)
    if name is not None and name.error:
        return Way(name, None)
    return Way(name, await threads.call(_connect, to))


def judge_way(way: Way) -> Findings:
    """Say how far it leads."""
    if way.name is not None and way.name.error:
        return judge_name(way.name)
    return [*judge_name(way.name), *judge_connection(way.connection)]


def judge_connection(made: Connection | None) -> Findings:
    """Say whether the provider answers, how soon, and whether it is the one that it claims to be."""
    if made is None:
        return [skipped("provider", "it needs no network")]
    host = made.endpoint.host
    if made.proxied:
        return [skipped("provider", f"{host} is reached through a proxy")]
    if made.connected is None:
        fix = "check conversation.openai.url, and whether a firewall stands between"
        return [wrong("provider", f"{host} port {made.endpoint.port} does not answer: {made.error}", fix)]
    text = f"{host} answers within {made.connected:.0f} ms"
    slow = hint("provider", f"{text}: slow", "move the device nearer to the router, or use a cable")
    reached = slow if made.connected > SLOW else well("provider", text)
    return [reached, *_judge_tls(made)]


def _judge_tls(made: Connection) -> Findings:
    host = made.endpoint.host
    if not made.endpoint.encrypted:
        return [hint("tls", f"{host} is spoken to without encryption", "use wss:// where the server can")]
    if made.secured is None:
        fix = "check this machine's clock (`timedatectl`), and whether this network wants a login"
        return [wrong("tls", f"{host} is not trusted: {made.error}", fix)]
    days = ((made.expires or made.now + _DAY_S * 365) - made.now) / _DAY_S
    text = f"{made.version}, agreed on within {made.secured:.0f} ms"
    if days < _WARN_DAYS:
        return [hint("tls", f"{text}; its certificate ends in {days:.0f} days", "renew it, if it is yours")]
    return [well("tls", text)]


def _endpoint(patient: Patient) -> Endpoint | None:
    provider = provider_of(patient.settings)
    return provider.reach(patient.settings.of(provider.table)) if provider.reach else None


def _is_proxied(to: Endpoint) -> bool:
    return ("https" if to.encrypted else "http") in getproxies() and not proxy_bypass(to.host)


def _has_route() -> bool:
    lines = [line.split() for line in _read(_ROUTES).splitlines()[1:]]
    if any(len(line) > 1 and line[1] == "00000000" for line in lines):
        return True
    routes = [line.split() for line in _read(_ROUTES_V6).splitlines()]
    return any(len(line) > 9 and line[0] == "0" * 32 and line[1] == "00" and line[9] != "lo" for line in routes)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""


def _resolve(host: str, port: int, clock: Callable[[], float] = time.monotonic) -> Name:
    began = clock()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return Name(host, (), Ms(1000 * (clock() - began)), error.strerror or str(error))
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
    return Name(host, tuple(addresses), Ms(1000 * (clock() - began)))


def _connect(to: Endpoint, clock: Callable[[], float] = time.monotonic) -> Connection:
    began = clock()
    try:
        plain = socket.create_connection((to.host, to.port), CONNECT_S)
    except OSError as error:
        return Connection(to, error=error.strerror or str(error))
    connected = Ms(1000 * (clock() - began))
    with contextlib.closing(plain):
        return _secure(plain, to, connected, clock) if to.encrypted else Connection(to, connected=connected)


def _secure(plain: socket.socket, to: Endpoint, connected: Ms, clock: Callable[[], float]) -> Connection:
    began = clock()
    try:
        with ssl.create_default_context().wrap_socket(plain, server_hostname=to.host) as secured:
            took = Ms(1000 * (clock() - began))
            ends = dict(secured.getpeercert() or {}).get("notAfter", "")
            expires = ssl.cert_time_to_seconds(ends) if isinstance(ends, str) and ends else None
            version = secured.version() or "TLS"
    except ssl.SSLCertVerificationError as error:
        return Connection(to, connected=connected, error=error.verify_message)
    except OSError as error:
        return Connection(to, connected=connected, error=error.strerror or "it does not speak TLS")
    return Connection(to, False, connected, took, version, expires, now=time.time())


NETWORK = Check("network", look_at_network, judge_network, 2, "look at `dmesg`")
WAY = Check("provider", find_way, judge_way, 25, "see `resolvectl status`: does the name server answer?")
