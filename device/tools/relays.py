"""set_switch: named relays on GPIO pins, in their safe state when the program starts and ends."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta

from device.core.health import Health, unwell, well
from device.errors import PanelError, ToolError
from device.foreign import gpio
from device.ports.feature import Feature, Fitted, Outside
from device.ports.tools import Phrase, Tool
from device.settings import Table
from device.tools.settings import Relay
from device.units import ms_from_seconds

log = logging.getLogger(__name__)

OnChange = Callable[[str, bool], None]
"""name, on: a relay was switched."""

ON_PHRASES = ("turn on the {name}", "turn the {name} on", "switch on the {name}", "switch the {name} on")
OFF_PHRASES = ("turn off the {name}", "turn the {name} off", "switch off the {name}", "switch the {name} off")


class Relays:
    """The configured relays, in their safe state when opened and when closed. A context manager."""

    def __init__(
        self,
        settings: Mapping[str, Relay],
        on_change: OnChange | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the pins, each relay in its safe state. Raise ConfigError."""
        self._on_change = on_change
        self._clock = clock
        now = ms_from_seconds(clock())
        self._health = {name: Health(f"relay {name}", ok=True, since=now) for name in settings}
        self._switches: dict[str, gpio.Switch] = {}
        with contextlib.ExitStack() as opened:
            for name, relay in settings.items():
                key = f"tools.relays.{name}.pin"
                switch = gpio.open_relay(relay.pin, active_high=relay.active_high, safe=relay.safe, key=key)
                opened.callback(switch.close)
                self._switches[name] = switch
            opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def names(self) -> tuple[str, ...]:
        """As configured."""
        return tuple(self._switches)

    @property
    def states(self) -> dict[str, bool]:
        """Name -> on; empty when closed."""
        return {name: switch.is_on for name, switch in self._switches.items()}

    def set(self, name: str, on: bool) -> None:
        """Switch a relay. Raise PanelError."""
        switch, health, now = self._switches[name], self._health[name], ms_from_seconds(self._clock())
        try:
            switch.set(on)
        except PanelError as error:
            advice = f"look at its wires and at tools.relays.{name}, then restart the service"
            self._health[name] = unwell(health, str(error), advice, now)
            raise
        self._health[name] = well(health, now)
        if self._on_change is not None:
            self._on_change(name, on)

    def health(self) -> tuple[Health, ...]:
        """Return the health of each, as its last switching showed it."""
        return tuple(self._health.values())

    def close(self) -> None:
        """Put every relay into its safe state and release its pin, whether or not another fails.

        Harmless when closed.
        """
        switches, self._switches = self._switches, {}
        for name, switch in switches.items():
            try:
                switch.close()
            except PanelError as error:
                log.error("relay %s may not be safe: %s", name, error)


def _open(settings: dict[str, Relay], outside: Outside) -> Fitted:
    relays = Relays(settings)
    return Fitted(tools=tuple(relay_tools(relays)), health=relays.health, make_safe=relays.close, part=relays)


TABLE = Table(
    "tools.relays",
    dict[str, Relay],
    meaning='By the name that people say, e.g. "light".',
    example={"light": {"pin": 17}},
)
RELAYS = Feature("relays", _open, TABLE)


def relay_tools(relays: Relays) -> list[Tool[Any]]:
    """Return set_switch, or nothing when no relay is configured."""
    if not relays.names:
        return []

    async def run(arguments: Any) -> str:
        try:
            relays.set(arguments.name, arguments.on)
        except (PanelError, KeyError) as error:
            raise ToolError(f"the {spoken_name(arguments.name)} could not be switched") from error
        return f"The {spoken_name(arguments.name)} is {'on' if arguments.on else 'off'}"

    return [
        Tool(
            name="set_switch",
            description=f"Switch something in the home on or off: {', '.join(map(spoken_name, relays.names))}.",
            arguments=_arguments(relays.names),
            run=run,
            phrases=_phrases(relays.names),
        )
    ]


def spoken_name(name: str) -> str:
    """Return a relay's name as people say it."""
    return " ".join(name.replace("_", " ").replace("-", " ").lower().split())


def _arguments(names: tuple[str, ...]) -> type[msgspec.Struct]:
    """Make the Struct of the arguments, with the configured names as the only ones."""
    return msgspec.defstruct(
        "SetSwitch",
        [
            ("name", Annotated[Literal[names], Meta(description="which one")]),
            ("on", Annotated[bool, Meta(description="true to switch it on, false to switch it off")]),
        ],
        frozen=True,
        forbid_unknown_fields=True,
    )


def _phrases(names: tuple[str, ...]) -> tuple[Phrase, ...]:
    slots = {"name": {spoken_name(name): name for name in names}}
    return tuple(
        Phrase(text, slots, {"on": on}) for on, texts in ((True, ON_PHRASES), (False, OFF_PHRASES)) for text in texts
    )
