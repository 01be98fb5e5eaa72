"""What a line to a sound card and the owner of the sound system are to each other. Neither imports the other.

A line registers with its owner when it is made, and calls the sound system through it; the owner looks after all lines
alike, whichever way their sound goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from device.audio.cards.devices import Direction, SoundDevice
from device.audio.settings import Audio
from device.ports.facts import Post
from device.units import Hz

HANG_S = 3.0
"""How long a call to the sound system may take; after that it is taken to hang."""

Verdict = tuple[bytes | None, int]
OnBlock = Callable[[bytes | None, int, Mapping[str, float], int], Verdict]
"""PortAudio's callback, called in a thread of its own: block captured, samples of each channel in it, moments, flags.
Returns what portaudio.h wants: nothing to play, and whether to go on."""

Result = TypeVar("Result")


class Stream(Protocol):
    """An open stream of a sound card. Its methods are called in the sound system's thread, and may block."""

    def is_active(self) -> bool:
        """Return whether sound still flows. Raise OSError."""

    def close(self) -> None:
        """Stop at once, dropping what it holds. Raise OSError."""


class OwnedLine(Protocol):
    """A line, as its owner sees it."""

    direction: Direction
    noun: str
    """What it is called in messages."""

    @property
    def is_open(self) -> bool:
        """Whether there is a stream that is not known to be broken."""

    @property
    def in_use(self) -> bool:
        """Whether somebody speaks or listens: it must not be interrupted."""

    @property
    def is_calm(self) -> bool:
        """Whether it would not matter for some seconds if the stream stood still."""

    async def look_after(self) -> None:
        """Notice that the stream stalled; when it is time, try to bring it back."""

    async def close(self) -> None:
        """Stop the stream at once and let the device go. Harmless when it is closed."""

    def drop(self) -> float:
        """In the sound system's thread: close the stream; return when (s, `time.monotonic`). Raise OSError."""

    def reopen(self) -> None:
        """In the sound system's thread: after a stream that was well was closed for others, open it again."""


class Owner(Protocol):
    """The sound system, which is one per process, as a line sees it."""

    @property
    def audio(self) -> Audio:
        """Which devices are wanted, and how."""

    @property
    def post(self) -> Post:
        """Who is told that a device failed or recovered."""

    def add(self, line: OwnedLine) -> None:
        """Look after a line from now on, and close it in the end."""

    def watch(self) -> None:
        """On the event loop's thread: a line is about to be opened; begin to look after the lines."""

    def watch_closely(self) -> None:
        """On the event loop's thread: a line that was calm is no more."""

    async def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Make a call in the sound system's thread, for any of its calls may block, and return its result."""

    def choose(self, direction: Direction) -> SoundDevice:
        """In the sound system's thread: return the configured device.

        Raise DeviceNotFoundError, or AudioError when it exists but cannot be opened.
        """

    def open_input(self, device: SoundDevice, rate: Hz, channels: int, block: int, on_block: OnBlock) -> Stream:
        """In the sound system's thread: open a stream of s16le and start it; `block` is in samples. Raise OSError."""

    def list_for(self, line: OwnedLine) -> None:
        """In the sound system's thread: see the devices that are there now, where that may bring the line back.

        It closes every stream for a moment: not while one is in use, and a healthy one only for good news.
        """
