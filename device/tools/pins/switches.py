"""set_switch: named relays on GPIO pins, in their safe state when the program starts and ends."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from device.core.events import Way
from device.errors import PanelError, ToolError
from device.foreign import gpio
from device.ports.feature import Fitted, Outside
from device.ports.tools import Confirmation, Phrase, Tool
from device.tools.pins.names import listed, spoken_forms, spoken_name
from device.tools.pins.ontimes import OnTimes
from device.tools.pins.settings import Relay
from device.tools.pins.switchboard import Rule
from device.tools.pins.switching import Kind, OnChange, Switching
from device.units import ms_from_seconds

ON_PHRASES = ("turn on the {name}", "turn the {name} on", "switch on the {name}", "switch the {name} on")
OFF_PHRASES = ("turn off the {name}", "turn the {name} off", "switch off the {name}", "switch the {name} off")

_KIND = Kind("relay", "tools.relays")


class Relays(Switching):
    """The configured relays, in their safe state when opened and when closed. A context manager."""

    def __init__(
        self,
        settings: Mapping[str, Relay],
        on_change: OnChange | None = None,
        clock: Callable[[], float] = time.monotonic,
        on_times: OnTimes | None = None,
    ) -> None:
        """Open the pins, each relay in its safe state. Raise ConfigError."""
        self.settings = settings
        outputs: dict[str, gpio.Switch] = {}
        with contextlib.ExitStack() as opened:
            for name, relay in settings.items():
                key = f"tools.relays.{name}.pin"
                outputs[name] = gpio.open_relay(relay.pin, active_high=relay.active_high, safe=relay.safe, key=key)
                opened.callback(outputs[name].close)
            super().__init__(_KIND, outputs, rules_of(settings), on_times, on_change, clock)
            opened.pop_all()


def rules_of(settings: Mapping[str, Relay]) -> dict[str, Rule]:
    """Return what holds for each: who excludes another is excluded by it, and the longer dead time is that of both."""
    return {name: _rule(name, settings) for name in settings}


def _rule(name: str, settings: Mapping[str, Relay]) -> Rule:
    relay = settings[name]
    partners = {*relay.never_with, *(other for other, its in settings.items() if name in its.never_with)}
    dead_time_s = max(settings[one].dead_time_s for one in (name, *partners))
    return Rule(
        safe=relay.safe,
        longest_on=None if relay.longest_on_s is None else ms_from_seconds(relay.longest_on_s),
        excludes=frozenset(partners),
        dead_time=ms_from_seconds(dead_time_s),
    )


def fit(settings: dict[str, Relay], outside: Outside) -> Fitted:
    """Put the relays to work. Raise ConfigError."""
    limited = any(relay.longest_on_s is not None for relay in settings.values())
    relays = Relays(settings, on_times=OnTimes(outside.state_dir, "relays") if limited else None)
    return Fitted(tools=tuple(relay_tools(relays)), health=relays.health, make_safe=relays.close, part=relays)


def relay_tools(relays: Relays) -> list[Tool[Any]]:
    """Return set_switch, or nothing when no relay is configured."""
    if not relays.names:
        return []

    async def run(arguments: Any) -> str:
        name = arguments.name
        try:
            await relays.switch(name, arguments.on)
        except PanelError as error:
            raise ToolError(f"the {spoken_name(name)} could not be switched") from error
        return f"The {spoken_name(name)} is {'on' if arguments.on else 'off'}{_for_how_long(relays.on_for(name))}"

    return [
        Tool(
            name="set_switch",
            description=f"Switch something in the home on or off: {_described(relays.settings)}.",
            arguments=_arguments(relays.names),
            run=run,
            phrases=tuple(_phrases(relays.settings)),
            confirm=lambda arguments: confirmation(arguments.name, arguments.on, relays.settings),
        )
    ]


def confirmation(name: str, on: bool, settings: Mapping[str, Relay]) -> Confirmation | None:
    """Return what a person must say yes to: what takes a thing that asks for it out of its safe state, never back."""
    relay = settings[name]
    if not relay.confirm or on is relay.safe:
        return None
    what = relay.on_means if on else relay.off_means
    return Confirmation(Way(relay.confirm), what or f"switch {'on' if on else 'off'} the {spoken_name(name)}")


def _for_how_long(seconds: float | None) -> str:
    if seconds is None:
        return ""
    amount, unit = (round(seconds / 60), "minute") if seconds >= 90 else (max(1, round(seconds)), "second")
    return f". It goes off by itself after {amount} {unit}{'' if amount == 1 else 's'}"


def _described(settings: Mapping[str, Relay]) -> str:
    meanings = [
        f"{spoken_name(name)} {'on' if on else 'off'}: {means}"
        for name, relay in settings.items()
        for on, means in ((True, relay.on_means), (False, relay.off_means))
        if means
    ]
    return "; ".join([listed(settings), *meanings])


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


def _phrases(settings: Mapping[str, Relay]) -> Iterator[Phrase]:
    slots = {"name": spoken_forms(settings)}
    for on, texts in ((True, ON_PHRASES), (False, OFF_PHRASES)):
        yield from (Phrase(text, slots, {"on": on}) for text in texts)
    for name, relay in settings.items():
        for on, means in ((True, relay.on_means), (False, relay.off_means)):
            if means:
                yield Phrase(means.lower(), {}, {"name": name, "on": on})
