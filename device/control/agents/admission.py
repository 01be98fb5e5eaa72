"""Who may call over HTTP: decided by the head of a request, before anything else of it is looked at. Pure.

A web page that somebody in the house opens could call, too, from inside the network. Its browser says so: in `Origin`,
and, where the page's own name was made to lead here (DNS rebinding), in `Host`.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from device.control.agents.settings import TOKEN, McpServer
from device.errors import ConfigError
from device.kit.addresses import is_loopback, literal
from device.secrets import Secret

SHORTEST_TOKEN = 20
"""Letters. Somebody in the network may guess as often as the network carries: 20 of base64 are 120 bits."""

Header = tuple[bytes, bytes]
"""As ASGI has it: the name in small letters."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not served."""

    status: int
    """Of HTTP."""
    text: str


_FOREIGN_HOST = Refusal(421, "this is called by an address, or by a name in mcp_server.names")
_FOREIGN_ORIGIN = Refusal(403, "web pages may not call this, but for those in mcp_server.origins")
_NO_TOKEN = Refusal(401, "Authorization: Bearer TOKEN is missing, or has another token")


@dataclass(frozen=True, slots=True)
class Admission:
    """The rules of one server."""

    names: frozenset[str]
    origins: frozenset[str]
    token: Secret | None

    def refusal(self, headers: Sequence[Header]) -> Refusal | None:
        """Return why not; None: it may come in."""
        hosts = _all(headers, b"host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return _FOREIGN_HOST
        if any(origin not in self.origins for origin in _all(headers, b"origin")):
            return _FOREIGN_ORIGIN
        return None if self._has_token(headers) else _NO_TOKEN

    def _is_ours(self, host: str) -> bool:
        """An address cannot be made to lead elsewhere."""
        name = _without_port(host).lower().rstrip(".")
        return name in self.names or _is_address(name)

    def _has_token(self, headers: Sequence[Header]) -> bool:
        if self.token is None:
            return True
        scheme, _, given = "".join(_all(headers, b"authorization")).partition(" ")
        right = hmac.compare_digest(given.strip().encode(), self.token.reveal().encode())
        return scheme.lower() == "bearer" and right


def admission(settings: McpServer, token: Secret | None, machine: str) -> Admission:
    """Return the rules; `machine` is this machine's name. Raise ConfigError where a token is needed and not there."""
    where = "the systemd credential mcp_server_token (/etc/credstore/mcp_server_token), or the environment variable"
    if token is None and not is_loopback(settings.host):
        raise ConfigError(
            f'mcp_server.host = "{settings.host}" lets the network in, and that needs a token: put one, such as '
            f'`openssl rand -hex 24` prints, into {where} {TOKEN}; or keep host = "127.0.0.1"'
        )
    if token is not None and len(token.reveal()) < SHORTEST_TOKEN:
        raise ConfigError(
            f"the token in {where} {TOKEN} is shorter than {SHORTEST_TOKEN} letters, and could be guessed; make one "
            "with `openssl rand -hex 24`"
        )
    own = _lower([machine, f"{machine}.local"] if machine else [])
    return Admission(frozenset({"localhost", *own, *_lower(settings.names)}), frozenset(settings.origins), token)


def _lower(names: Iterable[str]) -> list[str]:
    return [name.lower().rstrip(".") for name in names]


def _all(headers: Sequence[Header], wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in headers if name == wanted]


def _without_port(host: str) -> str:
    """Return for "name:80", "1.2.3.4:80", "[::1]:80" or the same without a port; "" for what is none of these."""
    if host.startswith("["):
        address, bracket, rest = host[1:].partition("]")
        return address if bracket and (not rest or _is_port(rest)) else ""
    name, colon, port = host.partition(":")
    return name if not colon or _is_port(f":{port}") else ""


def _is_port(text: str) -> bool:
    return text[:1] == ":" and text[1:].isascii() and text[1:].isdigit()


def _is_address(name: str) -> bool:
    """Written in full: 127.1 and 2130706433 are addresses, too, but nobody who calls us writes them."""
    return literal(name) is not None and (name.count(".") == 3 or ":" in name)
