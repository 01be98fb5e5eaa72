"""The house while its configuration is wrong: a light that shows it, and a sentence, once."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import msgspec

from device.core.failures import MISCONFIGURED
from device.core.indication import Indication
from device.errors import HearthsideError
from device.house.alone.saying import say
from device.house.closing import Closing
from device.house.configuration import Config
from device.house.salvage import salvaged
from device.kit import signals
from device.panel.gpio import NullPanel, open_panel
from device.panel.settings import Button
from device.ports.panel import Panel
from device.service.complaint import Complaint
from device.units import Samples

log = logging.getLogger(__name__)


async def serve(path: Path | None) -> None:
    """Show it, say it if that has not been done, and wait to be ended."""
    stop, settings, complaint = asyncio.Event(), salvaged(path), Complaint()
    with signals.told(stop.set):
        async with Closing() as closing:
            panel = _open_light(settings)
            closing.add_safety("lights", panel.close)
            panel.show(Indication.FAULT)
            log.warning("the service cannot start before this is corrected: %s", complaint.text or "see its log")
            if not complaint.is_told and await say(settings, MISCONFIGURED, stop):
                complaint.note_told()
            await stop.wait()


def _open_light(settings: Config) -> Panel:
    # A button would do nothing.
    panel = msgspec.structs.replace(settings.hardware, button=Button(), buttons={})
    try:
        return open_panel(panel, lambda fact: None, lambda moment: Samples(0))
    except HearthsideError as error:
        log.warning("it cannot be shown: %s", error)
        return NullPanel()
