"""The sound cards, through PyAudio; nothing else imports it.

PortAudio is one per process: it lists the devices once, when it is initialised, and sees a card that was plugged in
later only after it was terminated with every stream closed. So one object owns it, and lends microphone and speaker.

The microphone uses PortAudio's callbacks. Reading in a thread would cost a little less (in blocks of 20 ms 0.45 instead
of 0.57 % of an x86 core on the virtual card). But a read from a card that stalls blocks for 40 s and more and cannot be
ended, while a stream with a callback can be closed at any time. The loudspeaker's device is found here like the
microphone's, but its stream is opened past PortAudio (`filling/outputpcm.py`), which cannot keep less ahead than its
buffer holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pyaudio

from device.audio.cards.alsa import pcms
from device.audio.cards.alsa.chatter import silence_libraries
from device.audio.cards.devices import DEFAULT, MOST_REAL_CHANNELS, OTHER_RATES, Direction, SoundDevice
from device.audio.cards.owner import HANG_S, OnBlock, OwnedLine, Stream
from device.audio.settings import Audio
from device.errors import AudioError, ConfigError, DeviceNotFoundError
from device.foreign.asound import Card, read_cards
from device.kit.threads import Threads
from device.ports.facts import Post
from device.units import Hz

WATCH_S = 1.0
# While nobody waits for sound and all is well: waking up once a second costs 0.03 % of an x86 core.
CALM_WATCH_S = 3.0
# How long a card may take to appear when the machine starts, and how often it is looked for.
PATIENCE_AT_BOOT_S = 10.0
LOOK_AGAIN_S = 0.5

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class SoundCards:
    """An `owner.Owner`: of PortAudio. `post` gets DeviceFailed and DeviceRecovered."""

    def __init__(self, audio: Audio, post: Post) -> None:
        self.audio = audio
        self.post = post
        self._thread = Threads("portaudio")
        self._portaudio: pyaudio.PyAudio | None = None
        self._lent_pcms = pcms.LentPcms()
        self._lent: dict[str, str] = {}
        self._news = pcms.News()
        self._replaced: dict[Direction, str] = {}
        self._lines: list[OwnedLine] = []
        self._watch: asyncio.Task[None] | None = None
        self._restless = asyncio.Event()

    def add(self, line: OwnedLine) -> None:
        """See Owner."""
        self._lines.append(line)

    async def list_devices(self) -> tuple[SoundDevice, ...]:
        """Return every sound device, as of PortAudio's start."""
        return await self.call(self.devices)

    async def find(self, patience_s: float = 0.0) -> None:
        """Make sure that the configured devices exist, in use or not; those that do not are waited for.

        Raise DeviceNotFoundError, which lists those that do.
        """
        deadline = time.monotonic() + patience_s
        said = ""
        while True:
            try:
                return await self.call(self._find)
            except DeviceNotFoundError as error:
                if time.monotonic() >= deadline:
                    raise
                if str(error) != said:
                    said = str(error)
                    log.info("waiting for a sound device: %s", said)
            await asyncio.sleep(LOOK_AGAIN_S)
            await self.call(self.terminate)

    async def close(self) -> None:
        """Close everything, waiting no longer than HANG_S. It can be opened again."""
        if self._watch:
            self._watch.cancel()
            self._watch = None
        for line in self._lines:
            await line.close()
        # Where PortAudio hangs it is let go of as soon as it answers, before anything else is asked of it.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.call(self.terminate), HANG_S)

    async def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """See Owner."""
        return await self._thread.call(function, *arguments)

    def watch(self) -> None:
        """See Owner."""
        self._restless.set()
        if self._watch is None:
            self._watch = asyncio.create_task(self._look_after_lines(), name="sound cards")

    def watch_closely(self) -> None:
        """See Owner."""
        self._restless.set()

    def devices(self) -> tuple[SoundDevice, ...]:
        """In PortAudio's thread: initialise when needed, and list the devices. Raise AudioError."""
        portaudio = self._initialise()
        try:
            infos = [portaudio.get_device_info_by_index(index) for index in range(portaudio.get_device_count())]
        except OSError as error:
            raise AudioError(f"the sound devices cannot be listed: {error.args[-1]}") from error
        known = read_cards()
        return tuple(_device(info, self._lent, known) for info in infos)

    def choose(self, direction: Direction) -> SoundDevice:
        """See Owner."""
        device = pcms.choose_pcm(self.devices(), self._name(direction), direction)
        if self._name(direction) == DEFAULT:
            self._note_default(direction, device)
        return device

    def rates(self, direction: Direction) -> tuple[str, tuple[Hz, ...]]:
        """In PortAudio's thread: return the configured device's name, and the rates at which it can be opened now.

        Raise DeviceNotFoundError, or AudioError when it exists but cannot be opened.
        """
        device = self.choose(direction)
        return device.name, tuple(rate for rate in sorted(OTHER_RATES) if self._takes(device, direction, rate))

    def _takes(self, device: SoundDevice, direction: Direction, rate: Hz) -> bool:
        way = direction.value
        channels = min(device.channels(direction), MOST_REAL_CHANNELS)
        wanted = {f"{way}_device": device.index, f"{way}_channels": channels, f"{way}_format": pyaudio.paInt16}
        try:
            return bool(self._initialise().is_format_supported(rate, **wanted))
        except ValueError:
            return False

    def open_input(self, device: SoundDevice, rate: Hz, channels: int, block: int, on_block: OnBlock) -> Stream:
        """See Owner."""
        stream: Stream = self._initialise().open(
            rate=rate,
            channels=channels,
            format=pyaudio.paInt16,
            frames_per_buffer=block,
            stream_callback=on_block,
            input=True,
            input_device_index=device.index,
        )
        return stream

    def list_for(self, line: OwnedLine) -> None:
        """See Owner."""
        others = [other for other in self._lines if other is not line and other.is_open]
        if any(other.in_use for other in others):
            return
        if others and not self._news.is_good(self.devices(), self._name(line.direction), line.direction):
            return
        for other in self._lines:
            other.drop()
        self.terminate()
        for other in others:
            other.reopen()

    def terminate(self) -> None:
        """In PortAudio's thread: let go of the sound system."""
        if self._portaudio is not None:
            self._portaudio.terminate()
            self._portaudio = None
            self._lent_pcms.take_back()

    def _initialise(self) -> pyaudio.PyAudio:
        if self._portaudio is None:
            silence_libraries()
            self._news.note_listing()
            try:
                self._lent = self._lent_pcms.lend((self.audio.input, self.audio.output))
                self._portaudio = pyaudio.PyAudio()
            except OSError as error:
                raise AudioError(f"the sound system cannot be started: {error}") from error
        return self._portaudio

    def _find(self) -> None:
        for direction in Direction:
            try:
                self.choose(direction)
            except ConfigError:
                raise
            except AudioError as error:
                log.warning("%s", error)

    def _note_default(self, direction: Direction, device: SoundDevice) -> None:
        """Say which device stands in for ALSA's default, once for each."""
        if device.name not in (DEFAULT, self._replaced.get(direction)):
            log.warning(
                'ALSA\'s default %s cannot be opened (%s): "%s" is used in its place; is it the right one? If not, '
                "name another in audio.%s",
                *(direction.value, pcms.explain_pcm(DEFAULT, direction) or "PortAudio cannot use it"),
                *(device.name, direction.value),
            )
        self._replaced[direction] = device.name

    def _name(self, direction: Direction) -> str:
        name: str = getattr(self.audio, direction.value)
        return name

    async def _look_after_lines(self) -> None:
        while True:
            self._restless.clear()
            with contextlib.suppress(TimeoutError):
                is_calm = all(line.is_calm for line in self._lines)
                await asyncio.wait_for(self._restless.wait(), CALM_WATCH_S if is_calm else WATCH_S)
            for line in self._lines:
                try:
                    await line.look_after()
                except Exception:
                    # Whatever went wrong, the house must not stay deaf for it.
                    log.exception("looking after the %s", line.noun)


def _device(info: Mapping[str, Any], lent: Mapping[str, str], known: Mapping[int, Card]) -> SoundDevice:
    name = lent.get(info["name"], info["name"])
    card = pcms.find_card(name, known)
    return SoundDevice(info["index"], name, info["maxInputChannels"], info["maxOutputChannels"], card)
