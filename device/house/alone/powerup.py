"""The button that is held through power-up: a spoken warning, and the mark that asks for a factory reset."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from device.core.failures import RESET_INVITATION, RESET_KEPT, RESET_WARNING
from device.errors import HearthsideError
from device.foreign import gpio
from device.house.alone.saying import say
from device.house.configuration import Config
from device.panel.powerup import Order, PowerUpHold
from device.service.statefolder import RESET_MARK, state_folder
from device.units import Ms, ms_from_seconds

log = logging.getLogger(__name__)

_LOOK_S = 0.02
# For systemd to end this process, which obeys at once: nothing is open.
_PATIENCE_S = 30.0
_SENTENCES = {Order.WARN: RESET_WARNING, Order.INVITE: RESET_INVITATION, Order.KEPT: RESET_KEPT}

Say = Callable[[str], Awaitable[bool]]


def offer_reset(settings: Config, pin: int) -> None:
    """Where the button on `pin` is down, at power-up: see that through. Nothing of the house is open meanwhile.

    What goes wrong is logged, and nothing is erased then.
    """
    try:
        button = gpio.open_input(pin, active_high=False, key="hardware.button.pin")
    except HearthsideError as error:
        log.debug("no factory reset by the button: %s", error)
        return
    try:
        asked = button.is_active and asyncio.run(_see_through(button, settings))
    except HearthsideError as error:
        log.warning("no factory reset by the button: %s", error)
        return
    finally:
        button.close()
    if asked:
        _ask(state_folder(settings.service) / RESET_MARK)


async def _see_through(button: gpio.Input, settings: Config) -> bool:
    async def speak(text: str) -> bool:
        return await say(settings, text, asyncio.Event())

    return await wanted(lambda: button.is_active, speak, asyncio.get_running_loop().time)


async def wanted(is_down: Callable[[], bool], speak: Say, clock: Callable[[], float]) -> bool:
    """Follow a button that is down until it is clear what it means; tell whether everything is to be erased."""
    hold = PowerUpHold(_now(clock))
    speaking: asyncio.Task[bool] | None = None
    while True:
        orders = hold.handle_level(is_down(), _now(clock))
        if speaking is not None and speaking.done():
            orders += hold.handle_spoken(_now(clock)) if speaking.result() else hold.handle_failure()
            speaking = None
        for order in orders:
            if order is Order.RESET:
                return True
            if speaking is not None:
                speaking.cancel()
            speaking = asyncio.create_task(_spoken(speak, _SENTENCES[order]))
        if hold.is_over:
            if speaking is not None:
                await speaking
            return False
        await asyncio.sleep(_LOOK_S)


async def _spoken(speak: Say, text: str) -> bool:
    try:
        return await speak(text)
    except HearthsideError as error:
        log.warning("the button is held, but nothing can be said: %s", error)
        return False


def _ask(mark: Path) -> None:
    """Leave the mark that hearthside-factory-reset.path looks for. Whoever carries the reset out ends this process."""
    log.warning("factory reset: asked for by the button")
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch(mode=0o600)
        time.sleep(_PATIENCE_S)
        mark.unlink(missing_ok=True)
    except OSError as error:
        log.error("the reset cannot be asked for: %s: %s", mark, error.strerror)
    else:
        log.error("nobody carries the reset out: is hearthside-factory-reset.path active? going on without")


def _now(clock: Callable[[], float]) -> Ms:
    return ms_from_seconds(clock())
