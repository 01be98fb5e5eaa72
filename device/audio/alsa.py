"""The sound cards, through PyAudio; nothing else imports it.

PortAudio is one per process: it lists the devices once, when it is initialised, and sees a card that was plugged in
later only after it was terminated with every stream closed. So one object owns it, and lends microphone and speaker.

Both streams use PortAudio's callbacks. Measured on the virtual card with frames of 20 ms, the way to the event loop
included, they cost 0.9 to 1.0 % of an x86 core and reading in a thread 0.6 %. But a read from a card that stalls
blocks for 40 s and more and cannot be ended, while a stream with a callback can be closed at any time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import pyaudio

from device.audio import alsapcm
from device.audio.callthread import CallThread
from device.audio.capture import Frame, FrameBatcher, FrameCutter
from device.audio.cardthread import hurry, keep_thread_state
from device.audio.chatter import silence_libraries
from device.audio.devices import DEFAULT, Direction, SoundDevice
from device.audio.line import HANG_S, Line
from device.config import Audio
from device.core.events import Device
from device.errors import AudioError, ConfigError, DeviceNotFoundError
from device.ports import Post
from device.units import CAPTURE_RATE, Hz, samples_from_ms

# PortAudio makes four periods of it: 15 to 20 ms lie in the card's buffer. 10 ms would add that to every answer.
SPEAKER_BLOCK_MS = 5
BATCH_MS = 80  # the wake word's step
# Rates that cards do, best first, after the one that needs no resampling.
OTHER_RATES = (Hz(48_000), Hz(44_100), Hz(32_000), Hz(96_000), Hz(16_000))
# A real card has at most 8 channels and mixes nothing: open them all and pick. PCMs that convert claim 32 or more and
# would mix down what is not asked for, so they are asked for the channels up to the one wanted.
MOST_REAL_CHANNELS = 8
# What PortAudio makes of the 10,000 channels that ALSA's "plug" claims. PulseAudio's and PipeWire's PCMs claim fewer.
PLUG_CHANNELS = 128

WATCH_S = 0.5
# How long a card may take to appear when the machine starts, and how often it is looked for.
PATIENCE_AT_BOOT_S = 10.0
LOOK_AGAIN_S = 0.5

log = logging.getLogger(__name__)

Result = TypeVar("Result")
AnyLine = TypeVar("AnyLine", bound=Line)
OnFrame = Callable[[bytes, float], None]
"""A frame, and the moment (s, `time.monotonic`) its first sample was captured."""
Source = Callable[[int, float], bytes]
"""Called in the sound card's thread: samples wanted, moment (s, `time.monotonic`) the first reaches the DAC."""


class SoundCards:
    """Owner of PortAudio. `post` gets DeviceFailed and DeviceRecovered."""

    def __init__(self, audio: Audio, post: Post) -> None:
        self._audio = audio
        self._post = post
        self._thread = CallThread("portaudio")
        self._portaudio: pyaudio.PyAudio | None = None
        self._lent_pcms = alsapcm.LentPcms()
        self._lent: dict[str, str] = {}
        self._news = alsapcm.News()
        self._lines: list[Line] = []
        self._watch: asyncio.Task[None] | None = None

    def microphone(
        self,
        on_frame: OnFrame,
        hurried: Callable[[], bool] = lambda: True,
        on_gap: Callable[[], None] = lambda: None,
    ) -> AlsaMicrophone:
        """Return the microphone; `on_frame` gets its frames on the event loop's thread.

        While `hurried` (asked in any thread) says no they come BATCH_MS at a time, which costs less, and the stream
        may be interrupted to find a loudspeaker that came back. `on_gap` is told, before the next frame and before a
        fault is posted, that what comes does not join on to what was.
        """
        return self._add(AlsaMicrophone(self, self._audio, self._post, on_frame, hurried, on_gap))

    def speaker(self, rate: Hz) -> AlsaSpeaker:
        """Return the loudspeaker, which is opened at `rate` where the card does it."""
        return self._add(AlsaSpeaker(self, self._audio, self._post, rate))

    async def list_devices(self) -> tuple[SoundDevice, ...]:
        """Return every sound device, as of PortAudio's start."""
        return await self.call(self.devices)

    async def find(self, patience_s: float = 0.0) -> None:
        """Make sure that the configured devices exist, in use or not; those that do not are waited for.

        Raise DeviceNotFoundError, which lists those that do.
        """
        deadline = time.monotonic() + patience_s
        while True:
            try:
                return await self.call(self._find)
            except DeviceNotFoundError as error:
                if time.monotonic() >= deadline:
                    raise
                log.info("waiting for a sound device: %s", error)
            await asyncio.sleep(LOOK_AGAIN_S)
            await self.call(self.terminate)

    async def close(self) -> None:
        """Close everything, waiting no longer than HANG_S. It can be opened again."""
        if self._watch:
            self._watch.cancel()
            self._watch = None
        for line in self._lines:
            await line.close()
        try:
            await asyncio.wait_for(self.call(self.terminate), HANG_S)
        except TimeoutError:
            self._portaudio = None

    async def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call PortAudio in its own thread: any of its calls may block."""
        return await self._thread.call(function, *arguments)

    def watch(self) -> None:
        """Begin to look after the open streams."""
        if self._watch is None:
            self._watch = asyncio.create_task(self._look_after_lines(), name="sound cards")

    def devices(self) -> tuple[SoundDevice, ...]:
        """In PortAudio's thread: initialise when needed, and list the devices."""
        portaudio = self._initialise()
        infos = [portaudio.get_device_info_by_index(index) for index in range(portaudio.get_device_count())]
        return tuple(_device(info, self._lent) for info in infos)

    def choose(self, direction: Direction) -> SoundDevice:
        """In PortAudio's thread: return the configured device.

        Raise DeviceNotFoundError, or AudioError when it exists but PortAudio cannot open it.
        """
        return alsapcm.choose_pcm(self.devices(), self._name(direction), direction)

    def open(self, line: Line, device: SoundDevice, rate: Hz, channels: int, block: int) -> Any:
        """In PortAudio's thread: open a stream and start it. Raise OSError."""
        way = line.direction.value
        named = {way: True, f"{way}_device_index": device.index}
        stream = self._initialise().open(
            rate=rate,
            channels=channels,
            format=pyaudio.paInt16,
            frames_per_buffer=block,
            stream_callback=line.on_block,
            **named,
        )
        log.info("%s: %s, %d Hz, %d channels, blocks of %d", line.noun, device.name, rate, channels, block)
        return stream

    def list_for(self, line: Line) -> None:
        """In PortAudio's thread: see the devices that are there now, where that may bring the line back.

        It closes every stream for a moment: not while one is in use, and a healthy one only for good news.
        """
        others = [other for other in self._lines if other is not line and other.is_open]
        if any(other.in_use for other in others):
            return
        if others and not self._news.is_good(self.devices(), line.name, line.direction):
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
                self._lent = self._lent_pcms.lend((self._audio.input, self._audio.output))
                self._portaudio = pyaudio.PyAudio()
            except OSError as error:
                raise AudioError(f"the sound system cannot be started: {error}") from error
        return self._portaudio

    def _find(self) -> None:
        for direction in Direction:
            try:
                device = self.choose(direction)
            except DeviceNotFoundError:
                raise
            except AudioError as error:
                log.warning("%s", error)
                continue
            if self._name(direction) == DEFAULT != device.name:
                log.info('ALSA has no default %s: "%s" is the first that will do', direction.value, device.name)

    def _name(self, direction: Direction) -> str:
        name: str = getattr(self._audio, direction.value)
        return name

    def _add(self, line: AnyLine) -> AnyLine:
        self._lines.append(line)
        return line

    async def _look_after_lines(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            for line in self._lines:
                try:
                    await line.look_after()
                except Exception:
                    # Whatever went wrong, the house must not stay deaf for it.
                    log.exception("looking after the %s", line.noun)


class AlsaMicrophone(Line):
    """Captures 16 kHz mono frames. See device.ports.Microphone."""

    device = Device.MICROPHONE
    direction = Direction.INPUT
    noun = "microphone"
    xrun = int(pyaudio.paInputOverflow)

    def __init__(
        self,
        cards: SoundCards,
        audio: Audio,
        post: Post,
        on_frame: OnFrame,
        hurried: Callable[[], bool],
        on_gap: Callable[[], None],
    ) -> None:
        super().__init__(cards, audio, post)
        self._on_frame = on_frame
        self._hurried = hurried
        self._on_gap = on_gap
        self._rate = CAPTURE_RATE
        self._batcher = self._make_batcher(CAPTURE_RATE, 1, 0)

    @property
    def in_use(self) -> bool:
        """Whether somebody waits for what is said."""
        return self.is_open and self._hurried()

    def on_block(
        self, data: bytes | None, count: int, times: Mapping[str, float], status: int
    ) -> tuple[bytes | None, int]:
        """Take a captured block over to the event loop, the one bridge."""
        if self._heard == self._opened:
            keep_thread_state()
        self._note_block(status)
        if self._loop is None or self._loop.is_closed():
            return None, int(pyaudio.paAbort)
        # PortAudio's clock is the wall's; only the difference is worth anything.
        start = time.monotonic() + times["input_buffer_adc_time"] - times["current_time"]
        if frames := self._batcher.collect(data or b"", self._hurried(), start + count / self._rate):
            self._loop.call_soon_threadsafe(self._deliver, self._batcher, frames)
        return None, int(pyaudio.paContinue)

    def _deliver(self, batcher: FrameBatcher, frames: list[Frame]) -> None:
        # Frames may still be under way when the microphone is closed: muted means that nothing comes any more.
        if batcher is not self._batcher:
            return
        for frame, moment in frames:
            if self._wanted:
                self._on_frame(frame, moment)

    def _note_gap(self) -> None:
        self._on_gap()

    def _rates(self, device: SoundDevice) -> Iterable[Hz]:
        return _rates_to_try(CAPTURE_RATE, device)

    def _open_at(self, device: SoundDevice, rate: Hz) -> Any:
        channel, frame_ms = self._audio.input_channel, self._audio.frame_ms
        if channel >= device.inputs:
            raise ConfigError(
                f'audio.input_channel = {channel}: "{device.name}" has {device.inputs} input channels, counted from 0'
            )
        channels = device.inputs if device.inputs <= MOST_REAL_CHANNELS else channel + 1
        self._rate = rate
        self._batcher = self._make_batcher(rate, channels, channel)
        return self._cards.open(self, device, rate, channels, samples_from_ms(frame_ms, rate))

    def _make_batcher(self, rate: Hz, channels: int, channel: int) -> FrameBatcher:
        frame_ms = self._audio.frame_ms
        return FrameBatcher(FrameCutter(rate, channels, channel, frame_ms), BATCH_MS // frame_ms)


class AlsaSpeaker(Line):
    """Plays what a source hands out. See device.ports.Speaker."""

    device = Device.SPEAKER
    direction = Direction.OUTPUT
    noun = "loudspeaker"
    xrun = int(pyaudio.paOutputUnderflow)

    def __init__(self, cards: SoundCards, audio: Audio, post: Post, rate: Hz) -> None:
        super().__init__(cards, audio, post)
        self._best_rate = rate
        self.rate = rate
        self._source: Source = _silence
        self._on_lost: Callable[[], None] = _nothing
        self._reopening: asyncio.Task[None] | None = None

    def attach(self, source: Source, on_lost: Callable[[], None]) -> None:
        """Name where the sound comes from, and who is told (on the event loop) that the card went away."""
        self._source = source
        self._on_lost = on_lost

    @property
    def in_use(self) -> bool:
        """Whether it may be sounding."""
        return self.is_open

    async def flush(self) -> float:
        """Drop what has not left the card; return when it fell silent (s, `time.monotonic`). It goes on pulling.

        Closing is PyAudio's one way to drop the card's buffer, and takes 0.5 to 1 ms. But a PulseAudio sink that
        rewinds was seen to race through the next sound after every third such stop: only for cards with long buffers.
        """
        moment: float = await asyncio.wait_for(self._cards.call(self.drop), HANG_S)
        self._reopening = asyncio.create_task(self._reopen(), name="reopen the loudspeaker")
        return moment

    def on_block(
        self, data: bytes | None, count: int, times: Mapping[str, float], status: int
    ) -> tuple[bytes | None, int]:
        """Hand the card its next block."""
        if self._heard == self._opened:
            hurry()
        self._note_block(status)
        # PortAudio's clock is the wall's; only the difference is worth anything.
        delay = times["output_buffer_dac_time"] - times["current_time"]
        return self._source(count, time.monotonic() + delay), int(pyaudio.paContinue)

    async def _reopen(self) -> None:
        if not await self._within_patience(self.ensure_open) and self._wanted and not self._faulty:
            await self._fail("the loudspeaker cannot be opened again; is another program using it?")

    def _note_gap(self) -> None:
        self._on_lost()

    def _rates(self, device: SoundDevice) -> Iterable[Hz]:
        return _rates_to_try(self._best_rate, device)

    def _open_at(self, device: SoundDevice, rate: Hz) -> Any:
        stream = self._cards.open(self, device, rate, 1, samples_from_ms(SPEAKER_BLOCK_MS, rate))
        self.rate = rate
        return stream


def _device(info: Mapping[str, Any], lent: Mapping[str, str]) -> SoundDevice:
    name = lent.get(info["name"], info["name"])
    return SoundDevice(info["index"], name, info["maxInputChannels"], info["maxOutputChannels"])


def _rates_to_try(best: Hz, device: SoundDevice) -> Iterable[Hz]:
    """Return the rates to try, best first: `best`, which needs no resampling, unless the device would suffer from it.

    A codec has one clock for both ways: 16 kHz for the microphone would hold the loudspeaker to it. And what ALSA's
    "plug" converts from the card's rate it interpolates in straight lines, unless better converters are installed.
    """
    is_codec = device.inputs and device.outputs and max(device.inputs, device.outputs) <= MOST_REAL_CHANNELS
    is_plug = max(device.inputs, device.outputs) >= PLUG_CHANNELS
    return dict.fromkeys(OTHER_RATES[:1] * bool(is_codec or is_plug) + (best, *OTHER_RATES))


def _silence(count: int, moment: float) -> bytes:
    return bytes(2 * count)


def _nothing() -> None:
    """Nobody wants to know."""
