"""What others may ask of this device, as they write it. Computes only."""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec

from device.core.events import LONGEST_TEXT
from device.core.ration import Ration, Verdict
from device.kit.outsiders import one_line
from device.tools.mqtt.messages import Message, PayloadError, json_of
from device.units import Ms

COMMANDS = ("say", "ask", "stop", "mute/set", "volume/set", "timers/cancel", "persona/set", "wakes_on/set")
"""Below the topic of this device."""

TALK_WINDOW = Ms(300_000)
MOST_TALK = 15
"""So many pieces of a hundred characters are said or asked in a window: a minute and a half of five, at most."""
_PIECE = 100
OTHERS_WINDOW = Ms(60_000)
MOST_OTHERS = 60
_LONGEST_NUMBER = 20
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Say:
    """Say a sentence."""

    text: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Say it, and listen for one answer."""

    text: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """Be quiet."""


@dataclass(frozen=True, slots=True)
class SetMute:
    """Mute, or end it."""

    on: bool


@dataclass(frozen=True, slots=True)
class SetVolume:
    """Speak so loud."""

    percent: int


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Call a timer off."""

    name: str


@dataclass(frozen=True, slots=True)
class ChoosePersona:
    """Have somebody else answer from now on."""

    name: str


@dataclass(frozen=True, slots=True)
class ChooseWakeWord:
    """Wake on this one only, or on all."""

    word: str


Command = Say | Ask | Stop | SetMute | SetVolume | CancelTimer | ChoosePersona | ChooseWakeWord


class _Sentence(msgspec.Struct, forbid_unknown_fields=True):
    """What is written instead of the bare text where more is to be said."""

    text: str
    urgent: bool = False


def command_of(name: str, message: Message) -> Command:
    """Return what is asked for by a message on one of COMMANDS. Raise PayloadError with what is wrong."""
    match name:
        case "say":
            return Say(*_sentence(message))
        case "ask":
            return Ask(*_sentence(message))
        case "mute/set":
            return SetMute(_switched(message))
        case "volume/set":
            return SetVolume(_percent(message))
        case "timers/cancel":
            return CancelTimer(_text(message, _LONGEST_NAME))
        case "persona/set":
            return ChoosePersona(_text(message, _LONGEST_NAME))
        case "wakes_on/set":
            return ChooseWakeWord(_text(message, _LONGEST_NAME))
    return Stop()


def _sentence(message: Message) -> tuple[str, bool]:
    if not message.payload.lstrip().startswith(b"{"):
        return _text(message, LONGEST_TEXT), False
    try:
        sentence = msgspec.convert(json_of(message), _Sentence)
    except msgspec.ValidationError as error:
        raise PayloadError(one_line(error)) from None
    return _bounded(sentence.text, LONGEST_TEXT), sentence.urgent


def _text(message: Message, longest: int) -> str:
    try:
        return _bounded(message.payload.decode(), longest)
    except UnicodeDecodeError:
        raise PayloadError("not text") from None


def _bounded(text: str, longest: int) -> str:
    line = one_line(text, longest + 1)
    if not 0 < len(line) <= longest:
        raise PayloadError(f"a text of 1 to {longest} characters is wanted")
    return line


def _switched(message: Message) -> bool:
    try:
        return {b"ON": True, b"OFF": False}[message.payload.strip()[:10].upper()]
    except KeyError:
        raise PayloadError("ON or OFF is wanted") from None


def _percent(message: Message) -> int:
    try:
        number = float(message.payload) if len(message.payload) <= _LONGEST_NUMBER else math.nan
    except ValueError:
        number = math.nan
    if not 0 <= number <= 100:
        raise PayloadError("a number from 0 to 100 is wanted")
    return round(number)


class Rations:
    """Sees to it that nobody makes the house talk for ever. To mute is always allowed."""

    def __init__(self) -> None:
        self._talk = Ration(MOST_TALK, TALK_WINDOW)
        self._others = Ration(MOST_OTHERS, OTHERS_WINDOW)

    def allows(self, command: Command, now: Ms) -> bool:
        """Say whether it may be done now; if so it counts."""
        if isinstance(command, Say | Ask):
            self._talk.pop_due(now)
            pieces = -(-len(command.text) // _PIECE)
            return all(self._talk.take("talk", "", now) is not Verdict.COUNTED for _ in range(pieces))
        if command == SetMute(on=True):
            return True
        self._others.pop_due(now)
        return self._others.take(type(command).__name__, "", now) is not Verdict.COUNTED
