"""Asks the provider for client secrets. One of the two files that import aiohttp for the broker; it is the client."""

from __future__ import annotations

import logging
from typing import Self

import aiohttp
import msgspec

from device.broker.desk import Minted
from device.broker.requests import RefusedError
from device.broker.settings import Broker
from device.secrets import Secret

log = logging.getLogger(__name__)

_LIMIT_S = 15.0
_MOST_BYTES = 65_536
_LONGEST_SHOWN = 300


class _Made(msgspec.Struct, frozen=True):
    value: str
    expires_at: int


class Provider:
    """The provider's end, by one session of HTTP. Use `async with`."""

    def __init__(self, settings: Broker, key: Secret) -> None:
        self._settings = settings
        self._key = key

    async def __aenter__(self) -> Self:
        limit = aiohttp.ClientTimeout(total=_LIMIT_S)
        # A proxy is used when the environment names one: the broker may stand behind a firewall.
        self._http = aiohttp.ClientSession(timeout=limit, trust_env=True, auto_decompress=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def mint(self, model: str, seconds: int) -> Minted:
        """Return a new secret for one model. Raise RefusedError, which tells nothing that the provider says of keys."""
        body = {
            "expires_after": {"anchor": "created_at", "seconds": seconds},
            "session": {"type": "realtime", "model": model},
        }
        try:
            # No redirect is followed: the key would be sent to another server.
            async with self._http.post(
                self._settings.provider_url, json=body, headers=self._headers(), allow_redirects=False
            ) as answer:
                return self._made(answer.status, await answer.content.read(_MOST_BYTES))
        except TimeoutError:
            raise self._unreachable("no answer in time") from None
        except aiohttp.ClientError as error:
            raise self._unreachable(type(error).__name__) from None

    def _headers(self) -> dict[str, str]:
        if self._settings.auth_header == "api-key":
            return {"api-key": self._key.reveal()}
        return {"Authorization": f"Bearer {self._key.reveal()}"}

    def _made(self, status: int, body: bytes) -> Minted:
        if status == 200:
            try:
                made = msgspec.json.decode(body, type=_Made)
                return Minted(made.value, made.expires_at)
            except msgspec.DecodeError:
                raise RefusedError(502, "provider_garbled", "the provider's answer holds no secret") from None
        said = " ".join(self._key.mask(body.decode(errors="replace")).split())[:_LONGEST_SHOWN]
        log.warning("the provider gives no secret: HTTP %d: %s", status, said)
        raise _refusal(status)

    def _unreachable(self, why: str) -> RefusedError:
        log.warning("the provider cannot be reached: %s", why)
        return RefusedError(503, "provider_unreachable", "the broker cannot reach the provider", 10)


def _refusal(status: int) -> RefusedError:
    if status in (401, 403):
        return RefusedError(502, "provider_refused_key", "the provider refuses the broker's key; look at its log")
    if status == 429:
        return RefusedError(503, "provider_busy", "the provider is busy, or the account has no credit", 30)
    if status in (400, 404, 422):
        return RefusedError(502, "provider_refused_model", "the provider refuses the session; look at the broker's log")
    return RefusedError(503, "provider_trouble", f"the provider answers with HTTP {status}", 10)
