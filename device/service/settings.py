"""What can be set about the process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from device.settings import Claim, Section


class Metrics(Section, frozen=True):
    """Figures for Prometheus, at /metrics; only this device itself can fetch them."""

    port: Annotated[int, Meta(ge=1024, le=65_535, description="a port from 1024 to 65535", examples=[9101])] | None = (
        None
    )
    """Where they are served; not set: there are none."""
    address: Literal["127.0.0.1", "::1"] = "127.0.0.1"
    """Which of this device's own addresses: nothing is served to the network."""

    def claims(self) -> Iterator[Claim]:
        """Yield its port."""
        if self.port is not None:
            yield Claim("port", "TCP port", self.port)


class Service(Section, frozen=True):
    """The process."""

    state_dir: str = ""
    """Where the mute state is kept; empty: $STATE_DIRECTORY, else ~/.local/state/hearthside."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much is logged."""
    metrics: Metrics = Metrics()
