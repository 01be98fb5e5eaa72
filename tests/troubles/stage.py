"""A house with its real conversation, real decisions and real log, put before a provider that is in trouble."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from device.controller import Controller
from device.conversation.openai import link
from device.conversation.openai.conversation import RealtimeConversation
from device.conversation.openai.keys import TOKEN
from device.conversation.openai.keys.brokerage import Broker
from device.conversation.openai.keys.brokered import BrokeredKeys
from device.conversation.openai.keys.devicetoken import DeviceTokens
from device.conversation.openai.keys.keys import Keys, OwnKey
from device.conversation.openai.settings import OpenAI
from device.core import actions as order
from device.core import events as ev
from device.core.machine import Machine
from device.core.memory import Settings
from device.core.status import Phase, Status
from device.kit.threads import Threads
from device.orders import House
from device.ports.facts import Post
from device.secrets import Secret
from device.tools.clock import clock_tool
from device.tools.registry import Registry
from device.units import Ms, Samples
from tests.parts import Parts
from tests.waiting import until

PATIENCE_S = 20.0
SETTLES_S = 0.1
"""What still belongs to a trouble: the house has told it by then."""

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy", "socks_proxy", "no_proxy")


@dataclass
class Told:
    """What a person hears of the device's own and finds in the log (warnings)."""

    said: list[str] = field(default_factory=list)
    read: bool = False
    """The answer's words were read by the local voice."""
    logged: list[str] = field(default_factory=list)

    def observe(self, what: object, status: Status) -> None:
        """Take in what the controller tells its observers."""
        if isinstance(what, order.Announce):
            self.said.append(what.text)
        elif isinstance(what, order.ReadAloud):
            self.read = self.read or bool(what.text)
            self.said += [what.note] if what.note else []


Waited = Literal["", "session", "answer", "link", "end of speech"]

# How the machine waits then, instead of as long as it does.
_HURRY = {
    "answer": ("think", "answer", "ran_out", "stalled", "doubt"),
    "link": ("silence", "answer_check", "answer_check_busy"),
    "end of speech": ("utterance", "longest_turn"),
}


@dataclass(frozen=True)
class Place:
    """Where a provider is, and what is special about the way there."""

    url: str
    environment: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    waits_for: Waited = ""
    """What will not come: wait for it for a moment only. Else a busy machine must not make a trouble of its own."""


Provider = Callable[[Path], AbstractAsyncContextManager[Place]]
"""From a folder for its files to a provider that runs."""


async def meet(provider: Provider, folder: Path) -> Told:
    """Ask the provider a question; return what came of it. Raise TimeoutError when it does not end."""
    told = Told()
    async with asyncio.timeout(3 * PATIENCE_S), provider(folder) as place:
        with _environment(place.environment), _listening(told):
            async with _house(place, told) as controller:
                controller.post(ev.WakeWordDetected("hey_jarvis", 0.9, Samples(0)))
                await _until(lambda: bool(told.said or told.logged) and controller.status.phase is Phase.IDLE)
                await asyncio.sleep(SETTLES_S)
    return told


@asynccontextmanager
async def _house(place: Place, told: Told) -> AsyncIterator[Controller]:
    parts: Any = Parts()
    hurry: Any = dict.fromkeys(_HURRY.get(place.waits_for, ()), Ms(600))
    controller = Controller(Machine(Settings(follow_up=Ms(0), listen=Ms(2_000), **hurry)))
    patience = {"connect_timeout_s": 0.5 if place.waits_for == "session" else 10.0}
    settings = OpenAI(url=place.url, **patience, **place.settings)
    conversation = RealtimeConversation(
        *(settings, "Be brief.", _keys(settings, controller.post), tuple, controller.post),
        *(controller.on_answer_audio, controller.on_answer_item_end),
    )
    parts.post = controller.post
    controller.observers.append(told.observe)
    tools = Registry([clock_tool()], 10)
    controller.move_in(House(parts, parts, parts, conversation, tools, parts, parts, lambda muted: None, parts))
    living = asyncio.create_task(controller.run())
    try:
        yield controller
    finally:
        controller.post(ev.ShutdownRequested())
        await living
        await conversation.aclose()


def _keys(settings: OpenAI, post: Post) -> Keys:
    if not settings.broker:
        return OwnKey(Secret("sk-trouble-abcdefghij"))
    tokens = DeviceTokens(Path("/nowhere"), {TOKEN: Secret("hsd_" + "0" * 64)})
    threads = Threads("broker")
    brokered = BrokeredKeys(Broker(settings.broker, "", threads), settings.model, tokens, threads, post)
    brokered.start()
    return brokered


async def _until(condition: Callable[[], bool]) -> None:
    with contextlib.suppress(AssertionError):
        await until(condition, limit_s=PATIENCE_S)


@contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """Set variables and nothing else of what a proxy may be named by; forget the TLS context made before."""
    before = dict(os.environ)
    for name in (*PROXIES, *(name.upper() for name in PROXIES)):
        os.environ.pop(name, None)
    os.environ.update(wanted)
    link._load.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        link._load.cache_clear()


class _Listener(logging.Handler):
    def __init__(self, told: Told) -> None:
        super().__init__(logging.WARNING)
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        """Note the line."""
        self._told.logged.append(record.getMessage())


@contextmanager
def _listening(told: Told) -> Iterator[None]:
    listener, logger = _Listener(told), logging.getLogger("device")
    before = logger.propagate, logger.level
    logger.addHandler(listener)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(listener)
        logger.propagate, level = before
        logger.setLevel(level)
