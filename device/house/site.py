"""What every wing of the house is built with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from device.controller import Controller
from device.house.closing import Closing
from device.house.configuration import Config
from device.kit.threads import Threads
from device.ports.desk import LateDesk
from device.secrets import Secret
from device.service.ledger import Ledger


@dataclass(frozen=True)
class Site:
    """The settings, with the board's, and what the parts are connected to."""

    settings: Config
    controller: Controller
    closing: Closing
    secrets: Mapping[str, Secret]
    """By name: see `catalogue.secret_names`."""
    state_dir: Path
    """For what must outlive the process; it need not exist yet."""
    ledger: Ledger = field(default_factory=Ledger)
    """What the conversations cost."""
    desk: LateDesk = field(default_factory=LateDesk)
    """Who does what is asked from outside; there when the house is whole."""
    loading: Threads = field(default_factory=lambda: Threads("loading"))
    """For what is large, at the start and with the first session."""
