"""Shows a conversation live in the terminal: a line for all that is said and done, and below them a status line."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TextIO

from device.core.actions import Announce, RunTool, TruncateItem
from device.core.events import ButtonHeld, ButtonReleased, Heard, Said, SessionFailed, SpeechStarted, WakeWordDetected
from device.core.status import Phase
from device.sim.stage.timeline import Entry, Timeline

REFRESH_S = 0.1
FLOOR_DBFS = -60.0
BARS = " ▁▂▃▄▅▆▇█"
COLOURS = {
    Phase.IDLE: "37",
    Phase.WAKING: "33",
    Phase.LISTENING: "32",
    Phase.THINKING: "35",
    Phase.SPEAKING: "36",
}


@dataclass(frozen=True, slots=True)
class Gauges:
    """Functions that return values for the status line; called at every refresh."""

    led: Callable[[], float]
    """The brightness on the LED's pin, 0 to 1."""
    relays: Callable[[], Mapping[str, bool]]


class View:
    """Prints a timeline live. On a terminal the status line shows phase, LED, relays, level and wake score."""

    def __init__(self, timeline: Timeline, gauges: Gauges, out: TextIO) -> None:
        self._timeline = timeline
        self._gauges = gauges
        self._out = out
        self._live = out.isatty()
        self._level = FLOOR_DBFS
        self._phase = Phase.IDLE
        self._status = ""

    def note_level(self, dbfs: float) -> None:
        """Note the microphone's level."""
        self._level = max(dbfs, self._level - 3)

    def say(self, who: str, text: str) -> None:
        """Print a line of the conversation."""
        self._print(f"{self._now():7.2f}  {who:<9} {text}")

    def show(self, entry: Entry) -> None:
        """Print a fact or order that is of interest to a spectator. A listener of the timeline."""
        if entry.status.phase is not self._phase:
            self._phase = entry.status.phase
            self.say("·", self._paint(self._phase.value.upper()))
        if line := _line(entry):
            self.say(*line)

    async def refresh(self) -> None:
        """Update the status line until cancelled."""
        while self._live:
            self._status = self._gauge_line()
            self._out.write(f"\r\x1b[K{self._status}")
            self._out.flush()
            await asyncio.sleep(REFRESH_S)

    def _now(self) -> float:
        return asyncio.get_running_loop().time() - self._timeline.began

    def _print(self, line: str) -> None:
        self._out.write(f"\r\x1b[K{line}\n{self._status}" if self._live else f"{line}\n")
        self._out.flush()

    def _gauge_line(self) -> str:
        relays = " ".join(f"{name} {'ON ' if on else 'off'}" for name, on in self._gauges.relays().items())
        score = self._timeline.scores[-1][1] if self._timeline.scores else 0.0
        led = bar(self._gauges.led())
        line = f"{self._phase.value:<10} LED [{led}]  {relays}  mic {meter(self._level, 24)} wake {meter_of(score, 10)}"
        return line[: shutil.get_terminal_size().columns - 1]

    def _paint(self, text: str) -> str:
        return f"\x1b[{COLOURS[self._phase]}m{text}\x1b[0m" if self._live else text


def bar(fraction: float) -> str:
    """Return one character as high as `fraction`, 0 to 1."""
    return BARS[round(max(0.0, min(1.0, fraction)) * (len(BARS) - 1))]


def meter(dbfs: float, width: int) -> str:
    """Return a level (-60 to 0 dBFS) as a bar of `width` characters."""
    return meter_of((dbfs - FLOOR_DBFS) / -FLOOR_DBFS, width)


def meter_of(fraction: float, width: int) -> str:
    """Return `fraction`, 0 to 1, as a bar of `width` characters."""
    lit = round(max(0.0, min(1.0, fraction)) * width)
    return "#" * lit + "-" * (width - lit)


def _line(entry: Entry) -> tuple[str, str] | None:
    match entry.what:
        case WakeWordDetected(word=word, score=score):
            return "wake", f"{word} ({score:.2f})"
        case Heard(text=text):
            return "heard", f"“{text}”"
        case Said(text=text):
            return "device", f"“{text}”"
        case RunTool(name=name, arguments=arguments):
            return "tool", f"{name} {arguments}"
        case TruncateItem(played=played):
            return "truncate", f"the answer was heard for {played:.0f} ms"
        case Announce(text=text):
            return "device", f"“{text}”"
        case SessionFailed(failure=failure, message=message):
            return "failure", f"{failure.value}: {message}"
        case SpeechStarted() if entry.status.phase is Phase.LISTENING:
            return "server", "hears a voice"
        case ButtonHeld():
            return "button", "held"
        case ButtonReleased():
            return "button", "released"
        case _:
            return None
