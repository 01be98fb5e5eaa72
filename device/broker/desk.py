"""Who gets what: a device for a token, a secret for a device. It knows neither HTTP nor the provider's library."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from device.broker import tokens
from device.broker.limits import DAY_S, Limiter, Rate, neighbourhood
from device.broker.requests import RefusedError, enrolment_in, secret_wanted_in
from device.broker.settings import Broker
from device.broker.store import CHECK, GIVEN, SECRET, Device, Entry, Store
from device.kit.threads import Threads

log = logging.getLogger(__name__)

_T = TypeVar("_T")

Mint = Callable[[str, int], Awaitable["Minted"]]
"""Model, lifetime in seconds. Raise RefusedError when the provider gives no secret."""
Clock = Callable[[], float]
"""Tells the time in seconds."""

_UNKNOWN = "this broker does not know the token; the device must be enrolled (hearthside broker token)"
_REVOKED = "this device was revoked; whoever runs the broker can enrol it again (hearthside broker token)"


@dataclass(frozen=True, slots=True)
class Minted:
    """A client secret, as the provider made it."""

    value: str
    expires_at: int


class Desk:
    """Takes the requests, once they have come whole; everything it does is in the audit log."""

    def __init__(
        self,
        settings: Broker,
        store: Store,
        threads: Threads,
        mint: Mint,
        wall: Clock = time.time,
        clock: Clock = time.monotonic,
    ) -> None:
        """`threads` is one thread: the store's."""
        self._settings = settings
        self._store = store
        self._threads = threads
        self._mint = mint
        self._wall = wall
        self._clock = clock
        self._devices = Limiter(Rate.per_minute(settings.requests_per_minute))
        self._strangers = Limiter(Rate.per_minute(settings.refusals_per_minute))

    async def enrol(self, body: bytes, address: str) -> dict[str, Any]:
        """Return a device's name and its token, which is told this once. Raise RefusedError or StoreError."""
        try:
            wanted = enrolment_in(body)
            token = tokens.make_token(tokens.DEVICE)
            enrolment, device = tokens.hash_of(wanted.token), tokens.hash_of(token)
            name = await self._call(self._store.enrol, enrolment, wanted.name, device, self._wall(), address)
            if name is None:
                message = "this enrolment token is unknown, used or too old; make another (hearthside broker token)"
                raise RefusedError(401, "invalid_token", message)
        except KeyError:
            message = (
                f"there is a device of this name; a token for it is made with: hearthside broker token {wanted.name}"
            )
            raise await self._refused(RefusedError(409, "name_taken", message), "enrol", address) from None
        except RefusedError as refusal:
            raise await self._refused(refusal, "enrol", address) from None
        log.info("%s is enrolled", name)
        return {"name": name, "device_token": token}

    async def secret(self, token: str, read: Callable[[], Awaitable[bytes]], address: str) -> dict[str, Any]:
        """Return a client secret as the provider would, with `expires_in`: seconds, whatever the device's clock says.

        The body is read when it is known who asks. Raise RefusedError or StoreError.
        """
        device = await self._device(token, address, SECRET)
        try:
            self._take_turn(device)
            model, seconds = secret_wanted_in(await read(), self._settings.models, self._settings.secret_s)
            number = await self._reserve(device, address)
        except RefusedError as refusal:
            raise await self._refused(refusal, SECRET, address, device.name) from None
        return await self._minted(number, model, seconds)

    async def check(self, token: str, address: str) -> dict[str, Any]:
        """Return the name of the device whose token it is: it wants to know whether it is known. Raise RefusedError."""
        device = await self._device(token, address, CHECK)
        try:
            self._take_turn(device)
        except RefusedError as refusal:
            raise await self._refused(refusal, CHECK, address, device.name) from None
        return {"name": device.name}

    async def forget(self) -> None:
        """Leave out of the audit log what is too old."""
        await self._call(self._store.forget, self._wall() - self._settings.audit_days * DAY_S)

    # -- inside

    def _take_turn(self, device: Device) -> None:
        """Raise RefusedError for one that asks too often."""
        if wait_s := self._devices.take(device.name, self._clock()):
            raise RefusedError(429, "rate_limit_exceeded", "this device asks too often; wait", wait_s)

    async def _device(self, token: str, address: str, what: str) -> Device:
        try:
            known = tokens.is_token(token, tokens.DEVICE)
            device = await self._call(self._store.device_of, tokens.hash_of(token)) if known else None
            if device is None:
                raise RefusedError(401, "invalid_token", _UNKNOWN)
            if device.revoked is not None:
                raise RefusedError(403, "revoked", _REVOKED)
        except RefusedError as refusal:
            who = device.name if device else ""
            raise await self._refused(refusal, what, address, who) from None
        return device

    async def _reserve(self, device: Device, address: str) -> int:
        number = await self._call(
            self._store.reserve, device.name, self._wall(), address, self._settings.secrets_per_day
        )
        if number is None:
            left_s = DAY_S - self._wall() % DAY_S
            message = f"this device has had its {self._settings.secrets_per_day} secrets of the day (UTC)"
            raise RefusedError(429, "budget_spent", message, left_s)
        return number

    async def _minted(self, number: int, model: str, seconds: int) -> dict[str, Any]:
        try:
            minted = await self._mint(model, seconds)
        except RefusedError as refusal:
            await self._call(self._store.settle, number, refusal.code)
            raise
        await self._call(self._store.settle, number, GIVEN)
        session = {"type": "realtime", "model": model}
        return {"value": minted.value, "expires_at": minted.expires_at, "expires_in": seconds, "session": session}

    async def _refused(self, refusal: RefusedError, what: str, address: str, who: str = "") -> RefusedError:
        """Write down that somebody was refused; return what they are told. A flood is told to wait, and not written."""
        if wait_s := self._strangers.take(neighbourhood(address), self._clock()):
            return RefusedError(429, "too_many_refusals", "too many requests that were refused; wait", wait_s)
        await self._call(self._store.note, Entry(int(self._wall()), who, address, what, refusal.code))
        return refusal

    async def _call(self, function: Callable[..., _T], *arguments: Any) -> _T:
        return await self._threads.call(function, *arguments)
