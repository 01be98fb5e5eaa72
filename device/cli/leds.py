"""hearthside leds: shows every indication on the lights, with its name."""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import Any

import msgspec

from device.cli.run import add_configuration, seconds
from device.core.events import DeviceFailed, Event
from device.core.indication import Indication
from device.errors import ConfigError, HearthsideError, PanelError
from device.house import configuration
from device.kit.words import hint
from device.panel.gpio import open_panel
from device.panel.lights.drivers import described
from device.panel.settings import Button, Led, PanelSettings
from device.ports.panel import Panel
from device.service import journal
from device.setup.daemon import find_running
from device.units import Degrees, Samples

MEANINGS = {
    Indication.LISTENING: "it is your turn to speak; sound may leave the device",
    Indication.WAKING: "it has heard you, and opens a conversation",
    Indication.THINKING: "an answer is waited for",
    Indication.SPEAKING: "it answers",
    Indication.CONFIRMING: "it waits for a press, or a spoken yes",
    Indication.RINGING: "an alarm or a timer rings",
    Indication.ANNOUNCING: "it says something of its own accord",
    Indication.PRESSED: "a finger is on the button, and nothing has come of it yet",
    Indication.MUTED: "the microphone is closed",
    Indication.DEAF: "the microphone or the wake word does not work",
    Indication.ERROR: "the last conversation failed",
    Indication.FAULT: "something else does not work",
    Indication.OFFLINE: "the last conversation could not be opened",
    Indication.IDLE: "it only listens for its wake word",
}
"""In the order in which they are shown."""

LOOKS = {
    Indication.LISTENING: ("steady, bright", "cyan"),
    Indication.WAKING: ("gets brighter quickly, again and again", "cyan"),
    Indication.THINKING: ("gets brighter and darker slowly", "violet"),
    Indication.SPEAKING: ("gets brighter and darker, twice a second", "green"),
    Indication.CONFIRMING: ("steady, bright and less bright, each for half a second", "yellow"),
    Indication.RINGING: ("two strokes and a pause", "white"),
    Indication.ANNOUNCING: ("bright quickly, darker slowly", "blue"),
    Indication.PRESSED: ("steady, half bright", "white"),
    Indication.MUTED: ("steady, dim", "red"),
    Indication.DEAF: ("three quick flashes and a pause", "red"),
    Indication.ERROR: ("flashes evenly", "red"),
    Indication.FAULT: ("two flashes and a pause", "amber"),
    Indication.OFFLINE: ("a faint, short flash every five seconds", "amber"),
    Indication.IDLE: ("dark", "dark"),
}
"""What is to be seen: how one LED moves, and in which colour."""

DIRECTION, VOLUME = "direction", "volume"
_MORE = {
    DIRECTION: "rings: it listens, and the voice goes round, from the array's 0 degrees on upwards",
    VOLUME: "rings and strips: the volume goes from 0 to 100 %",
}
_USUAL_S = 3.0
_ROUND_S = 3.0
_STEPS = 20

_DESCRIPTION = (
    "Shows one indication after the other on the lights that are configured, and prints its name. Pictures of all of "
    "them are in docs/lights.md. The service must not run meanwhile."
)


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("leds", help="show every indication on the lights", description=_DESCRIPTION)
    of_them = f"only these: {', '.join(_known())} (default: all)"
    parser.add_argument("names", nargs="*", type=_name, metavar="NAME", help=of_them)
    parser.add_argument(
        "--seconds",
        type=seconds(most=3600),
        default=_USUAL_S,
        metavar="S",
        help=f"for how long each (default: {_USUAL_S:g})",
    )
    add_configuration(parser)
    parser.set_defaults(command=_run)


def _name(text: str) -> str:
    if text not in _known():
        raise argparse.ArgumentTypeError(
            f"there is no {text[:40]}; {hint(text, _known())}there are: {', '.join(_known())}"
        )
    return text


def _run(options: argparse.Namespace) -> int:
    settings = configuration.load(options.config, options.overrides)
    journal.start("error")
    what = described(settings.hardware.led)
    if not what:
        raise ConfigError("hardware.led: there are no lights: say in [hardware.led] what there is, see docs/lights.md")
    if find_running() is not None:
        raise HearthsideError("the service has the lights; stop it first: sudo systemctl stop hearthside")
    print(f"the lights: {what}; {options.seconds:g} s each, Ctrl-C ends it")
    names = options.names or [name for name in _known() if name not in _MORE or _has_many(settings.hardware.led)]
    asyncio.run(Player(settings.hardware, options.seconds).play(names))
    return 0


def _known() -> list[str]:
    return [*(indication.value for indication in MEANINGS), *_MORE]


def _has_many(led: Led) -> bool:
    """Say whether it has pixels, on which there is more to see."""
    return led.chosen != "gpio" and led.pixels != 1


def line(name: str, led: Led) -> str:
    """Return what is said of an indication, or of what else is shown, on these lights."""
    if name in _MORE:
        return f"{name:<12}{_MORE[name]}"
    indication = Indication(name)
    movement, colour = LOOKS[indication]
    if indication is Indication.IDLE or led.pin is not None:
        seen = movement
    else:
        # Pixels move otherwise: see the pictures.
        seen = colour if _has_many(led) else f"{movement}; {colour}"
    return f"{name:<12}{MEANINGS[indication]} ({seen})"


class Player:
    """Shows what it is told on the lights, as the house would. Use it on an event loop."""

    def __init__(self, hardware: PanelSettings, seconds: float) -> None:
        # A button would do nothing.
        self._hardware = msgspec.structs.replace(hardware, button=Button())
        self._seconds = seconds
        self._turning = False
        self._failure = ""

    async def play(self, names: list[str]) -> None:
        """Show these, one after the other. Raise ConfigError, or PanelError when the lights fail."""
        panel = open_panel(self._hardware, self._note, lambda moment: Samples(0), direction=self._direction)
        try:
            # What is on a bus takes a moment to be opened.
            panel.show(Indication.IDLE)
            await asyncio.sleep(0.2)
            for name in names:
                await self._show(panel, name)
        finally:
            panel.close()

    async def _show(self, panel: Panel, name: str) -> None:
        indication = Indication.LISTENING if name in _MORE else Indication(name)
        print(line(name, self._hardware.led), flush=True)
        self._turning = name == DIRECTION
        panel.show(indication)
        for step in range(_STEPS + 1):
            if name == VOLUME:
                panel.show_volume(step * 100 // _STEPS)
            await asyncio.sleep(self._seconds / (_STEPS + 1))
        if self._failure:
            raise PanelError(self._failure)

    def _direction(self) -> Degrees | None:
        return Degrees(time.monotonic() / _ROUND_S % 1 * 360) if self._turning else None

    def _note(self, fact: Event) -> None:
        # What was only late is no failure.
        self._failure = fact.message if isinstance(fact, DeviceFailed) else ""
