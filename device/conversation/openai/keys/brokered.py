"""Keys from a broker: fetched before they are needed, so that the wake word waits for nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
import time
from collections.abc import Callable

from device.conversation.openai.keys import PATIENCE_S
from device.conversation.openai.keys.brokerage import TOKEN_REFUSED, Broker, BrokerError
from device.conversation.openai.keys.devicetoken import DeviceTokens, device_name
from device.conversation.openai.keys.renewal import Renewal
from device.core.events import Device, DeviceFailed, DeviceRecovered, Failure
from device.kit.threads import Threads
from device.ports.facts import Post
from device.secrets import Secret

log = logging.getLogger(__name__)

_NOT_ENROLLED = (
    "this device is not enrolled with the broker {}; make a token there (hearthside broker token), and give it to this "
    "device: docs/broker.md"
)


class BrokeredKeys:
    """Keeps a client secret at hand, and renews it in time; meanwhile and otherwise there may be a key of our own."""

    def __init__(
        self,
        broker: Broker,
        model: str,
        tokens: DeviceTokens,
        threads: Threads,
        post: Post,
        own: Secret | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._broker = broker
        self._model = model
        self._tokens = tokens
        self._threads = threads
        self._post = post
        self._own = own
        self._clock = clock
        self._renewal = Renewal()
        self._key: Secret | None = None
        self._error: BrokerError | None = None
        self._told = ""
        self._wanted = asyncio.Event()
        self._tried: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to fetch, in the background."""
        self._task = asyncio.create_task(self._run(), name="keys from the broker")

    async def current(self) -> Secret:
        """See Keys. Waits only when no key is at hand."""
        if (key := self._at_hand()) is not None:
            return key
        tried = self._tried
        self._wanted.set()
        await asyncio.wait({tried}, timeout=PATIENCE_S)
        if (key := self._at_hand()) is not None:
            return key
        silence = f"the broker {self._broker.host} has not answered; check the network and conversation.openai.broker"
        raise self._error or BrokerError(Failure.BROKER, silence)

    def refuse(self, key: Secret) -> None:
        """See Keys: fetch another."""
        if key is self._key:
            self._renewal = self._renewal.refused()
            self._wanted.set()

    def mask(self, text: str) -> str:
        """See Keys."""
        for key in (self._key, self._own):
            text = key.mask(text) if key is not None else text
        return text

    async def aclose(self) -> None:
        """See Keys."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _at_hand(self) -> Secret | None:
        return self._key if self._key is not None and self._renewal.is_usable(self._clock()) else self._own

    async def _run(self) -> None:
        while True:
            try:
                await self._renew()
            except BrokerError as error:
                self._error = error
                self._renewal = self._renewal.failed()
            except OSError as error:
                why = f"this device's token for the broker cannot be kept: {error.strerror}"
                self._error = BrokerError(Failure.INTERNAL, f"{why}; look whether service.state_dir is full")
                self._renewal = self._renewal.failed()
            self._tell()
            self._tried.set_result(None)
            self._tried = asyncio.get_running_loop().create_future()
            # Who has wanted one meanwhile was told now.
            self._wanted.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._renewal.wait_s(self._clock(), random.random())):
                    await self._wanted.wait()

    async def _renew(self) -> None:
        """Fetch a key with the device's token; with a new one, when that is missing or refused. Raise BrokerError."""
        refused = BrokerError(Failure.BROKER_REFUSED, _NOT_ENROLLED.format(self._broker.host))
        for token in await self._threads.call(self._tokens.known):
            try:
                return await self._fetch(token)
            except BrokerError as error:
                if error.code not in TOKEN_REFUSED:
                    raise
                refused = error
        for enrolment in await self._threads.call(self._tokens.enrolments):
            try:
                token = await self._enrol(enrolment)
            except BrokerError as error:
                if error.code not in TOKEN_REFUSED:
                    raise
                refused = error
                continue
            return await self._fetch(token)
        raise refused

    async def _fetch(self, token: Secret) -> None:
        asked = self._clock()
        made = await self._broker.make(token, self._model)
        self._key, self._renewal, self._error = Secret(made.value), self._renewal.fetched(asked, made.expires_in), None

    async def _enrol(self, enrolment: Secret) -> Secret:
        await self._threads.call(self._tokens.make_room)
        try:
            token = await self._broker.enrol(enrolment, device_name(socket.gethostname()))
        except BrokerError as error:
            if error.code == "invalid_token":
                self._tokens.spend(enrolment)
            raise
        await self._threads.call(self._tokens.keep, token, enrolment)
        log.info("enrolled with the broker %s", self._broker.host)
        return token

    def _tell(self) -> None:
        """Post what has changed: the broker fails, fails otherwise, or is well again."""
        told = str(self._error) if self._error and self._renewal.is_to_be_told(self._clock()) else ""
        if told == self._told:
            return
        self._told = told
        self._post(DeviceFailed(Device.BROKER, told) if told else DeviceRecovered(Device.BROKER))
