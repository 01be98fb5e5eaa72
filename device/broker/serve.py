"""The broker at work: what `hearthside broker serve` opens, and keeps in order until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from device.broker import tls
from device.broker.desk import Desk
from device.broker.limits import DAY_S
from device.broker.minting import Provider
from device.broker.settings import Broker
from device.broker.store import Store, StoreError
from device.broker.web import Door
from device.errors import ConfigError
from device.kit import signals
from device.kit.threads import Threads
from device.secrets import Secret

log = logging.getLogger(__name__)


async def serve(settings: Broker, key: Secret, folder: Path, ready: Callable[[], None]) -> None:
    """Serve until a signal comes. Raise ConfigError or StoreError."""
    stop = asyncio.Event()
    with signals.told(stop.set):
        async with opened(settings, key, folder) as door:
            scheme = "http" if settings.tls == "off" else "https"
            log.info("ready: the broker listens at %s://%s:%d", scheme, settings.listen, door.port)
            ready()
            await stop.wait()


@asynccontextmanager
async def opened(settings: Broker, key: Secret, folder: Path) -> AsyncIterator[Door]:
    """Open the broker with its files in a folder. Raise ConfigError or StoreError."""
    threads = Threads("broker-store")
    async with contextlib.AsyncExitStack() as stack:
        store = await threads.call(Store, folder)
        stack.push_async_callback(threads.call, store.close)
        context = await threads.call(_tls, settings, folder)
        provider = await stack.enter_async_context(Provider(settings, key))
        desk = Desk(settings, store, threads, provider.mint)
        door = Door(desk, settings.listen, settings.port, context)
        try:
            await stack.enter_async_context(door)
        except OSError as error:
            where = f"{settings.listen}, port {settings.port}"
            raise ConfigError(f"the broker cannot listen at {where} (broker.listen): {error.strerror}") from error
        upkeep = asyncio.create_task(_keep(settings, desk, threads, folder, context), name="broker upkeep")
        stack.callback(upkeep.cancel)
        yield door


def _tls(settings: Broker, folder: Path) -> ssl.SSLContext | None:
    if settings.tls == "off":
        return None
    if settings.tls == "given":
        return tls.server_context(Path(settings.certificate), Path(settings.certificate_key))
    return tls.server_context(tls.own_certificate(folder, tls.own_names(settings.names)))


async def _keep(settings: Broker, desk: Desk, threads: Threads, folder: Path, context: ssl.SSLContext | None) -> None:
    """Once a day: forget what is old, and renew the certificate; new connections get the new one."""
    while True:
        try:
            await desk.forget()
            if context is not None and settings.tls == "own":
                certificate = await threads.call(tls.own_certificate, folder, tls.own_names(settings.names))
                context.load_cert_chain(certificate)
        except (StoreError, ConfigError, OSError) as error:
            log.error("the broker's upkeep: %s", error)
        await asyncio.sleep(DAY_S)
