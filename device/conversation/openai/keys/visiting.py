"""Goes to the broker only to see how things stand: for who looks for what is wrong."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from device.conversation.openai.keys.brokerage import TOKEN_REFUSED, Broker, BrokerError
from device.conversation.openai.keys.devicetoken import DeviceTokens
from device.conversation.openai.keys.opening import authority
from device.conversation.openai.settings import OpenAI
from device.kit.threads import Threads
from device.ports.provider import BrokerVisit
from device.secrets import Secret
from device.units import Ms


async def visit(settings: OpenAI, secrets: Mapping[str, Secret], state_dir: Path) -> BrokerVisit:
    """Ask the broker whether it knows this device. Nothing is exchanged or changed by it.

    Raise BrokerError when it cannot be asked, or refuses this device; ConfigError when the settings are wrong.
    """
    threads = Threads("broker")
    broker = Broker(settings.broker, authority(settings.broker_ca), threads)
    tokens = DeviceTokens(state_dir, secrets)
    known, enrolments = await threads.call(tokens.known), await threads.call(tokens.enrolments)
    began = time.monotonic()
    refusal: BrokerError | None = None
    # Without a token it must at least refuse that: then it is there, and it is a broker.
    tried: list[Secret | None] = [*known] or [None]
    for token in tried:
        try:
            name = await broker.check(token)
            return BrokerVisit(broker.host, Ms(1000 * (time.monotonic() - began)), name, can_enrol=False)
        except BrokerError as error:
            if error.code not in TOKEN_REFUSED:
                raise
            refusal = error if token is not None else None
    if refusal is not None and not enrolments:
        raise refusal
    return BrokerVisit(broker.host, Ms(1000 * (time.monotonic() - began)), "", can_enrol=bool(enrolments))
