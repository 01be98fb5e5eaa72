"""The microphone: a sound card's input as frames, in the shorter blocks the sooner they are needed.

In blocks of 280 ms a stream costs a quarter of what it does in blocks of a frame (20 ms; 0.14 and 0.57 % of an x86 core
on the virtual card), and the length of blocks is fixed when it is opened. So at each change two streams are open for a
moment, and are joined to the sample. A card that can be opened only once (a plain hw: PCM) keeps to blocks of a frame.

While an idle house hears a television, blocks are as long as the wake word's steps, which are made to end where they do
(`wake/steps.py`): the card's thread takes a third of what it does with blocks of 20 ms, and no step waits for the rest
of a block. Where people live, so that no quiet lasts, these blocks stay: PortAudio's thread asks ALSA's plugin for
PulseAudio without a pause until a new stream gives its first sound, which costs 10 to 80 ms of CPU at each change.

In a conversation blocks of 5 ms bring each sample sooner: a sound server renders in blocks as long as those asked for
(up to 20 ms), PortAudio waits for a block of its own that begins somewhere in those (up to 20 ms), and after a join a
frame begins somewhere in a block (up to 20 ms).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

from device.audio.cards.capture import Intake, JoinedStream, Pace, Piece
from device.audio.cards.cardthread import keep_thread_state, let_thread_state_go
from device.audio.cards.devices import MOST_REAL_CHANNELS, Direction, SoundDevice, rates_to_try
from device.audio.cards.handover import Handover
from device.audio.cards.line import Line
from device.audio.cards.owner import Owner, Stream, Verdict
from device.core.events import Device
from device.errors import ConfigError
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Hz, samples_from_ms

log = logging.getLogger(__name__)

OnFrame = Callable[[bytes, float], None]
"""One or more whole frames, and the moment (s, `time.monotonic`) the first sample was captured."""

# What a callback answers to PortAudio, and what it may be told (portaudio.h).
CONTINUE, ABORT = 0, 2
INPUT_OVERFLOW = 2
LONG_BLOCK_MS = int(Pace.CALM)
MIDDLE_BLOCK_MS = int(Pace.STEADY)
SHORT_BLOCK_MS = 5
# A stream must have lasted for so long (16 kHz) before one of middle blocks takes its place: a room that is quiet is
# known to be so 5 s after the start, and then long blocks do, unless people live there.
WORTH_CHANGING = samples_from_ms(8_000, CAPTURE_RATE)
# To change to long blocks and back costs as much as about this long (16 kHz) with middle blocks: 27 s on the virtual
# card, 73 s on one at PulseAudio's defaults. Where the last quiet did not last for that, the next must have done so
# before there are long blocks again.
WORTH_LONG_BLOCKS = samples_from_ms(40_000, CAPTURE_RATE)
# How many blocks may be lost because the machine is too slow for such short ones; then those of a frame are used.
OVERFLOWS_BORNE = 3
# Two blocks of each stream are enough; PulseAudio's null sinks may sleep for 2 s first.
CHANGE_LIMIT_S = 5.0


class AlsaMicrophone(Line[Stream]):
    """A `device.ports.sound.Microphone`: an input that PortAudio opens."""

    device = Device.MICROPHONE
    direction = Direction.INPUT
    noun = "microphone"
    gives = "gives"
    # No card begins with more, and the wake word's engine would fall behind with 1.6 s at once.
    farthest_ahead_s = 1.0

    def __init__(
        self,
        owner: Owner,
        on_frame: OnFrame,
        pace: Callable[[], Pace] = lambda: Pace.HURRIED,
        on_gap: Callable[[], None] = lambda: None,
        on_wait: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        """`on_frame` gets its frames, one or more at a time, on the event loop's thread.

        The less hurried the `pace` (asked in any thread) the less it costs; and while it is not, the stream may be
        interrupted to find a loudspeaker that came back. `on_gap` is told, before the next frame and before a fault is
        posted, that what comes does not join on to what was. `on_wait` is told before each frame how long (s) it has
        waited for the event loop.
        """
        super().__init__(owner)
        self._on_frame = on_frame
        self._pace = pace
        self._on_gap = on_gap
        self._on_wait = on_wait
        self._handover: Handover[_Source] = Handover(time.monotonic)
        self._frame_ms = owner.audio.frame_ms
        self._joined = JoinedStream(self._frame_ms)
        self._source: _Source | None = None
        self._next: _Source | None = None
        self._replaced: _Source | None = None
        self._frame_bytes = samples_from_ms(self._frame_ms, CAPTURE_RATE) * BYTES_PER_SAMPLE
        # Only touched in PortAudio's thread.
        self._next_stream: Stream | None = None
        self._changing_since: float | None = None
        self._is_shareable = True
        self._is_restless = False
        """Whether the last quiet was too short for long blocks, or this one is so far: people live in this room."""
        self._calm_since = 0
        """Until where in the stream (16 kHz) somebody was in more of a hurry than in a calm room."""
        self._overflows = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def in_use(self) -> bool:
        """Whether somebody waits for what is said."""
        return self.is_open and self._pace() is Pace.HURRIED

    @property
    def is_calm(self) -> bool:
        """See Line."""
        reads_long_blocks = self._source is not None and self._source.is_long and self._changing_since is None
        return super().is_calm or (self.is_open and reads_long_blocks)

    def adapt(self) -> None:
        """On the event loop's thread: the pace may have changed; change to longer or shorter blocks if so."""
        if self._source is None or not self.is_open:
            return
        self._note_quiet()
        wanted, present = self._wanted_block_ms(self._source), self._source.block_ms
        if self._changing_since is not None:
            if self._next is not None and self._next.block_ms > max(wanted, present):
                self._give_up_change()
        elif wanted != present and self._is_shareable:
            self._changing_since = time.monotonic()
            self._owner.watch_closely()
            self._spawn(self._change(wanted))

    def _note_quiet(self) -> None:
        if self._pace() is not Pace.CALM:
            self._calm_since = self._joined.position
        elif self._quiet_has_lasted():
            self._is_restless = False

    def _quiet_has_lasted(self) -> bool:
        return self._joined.position - self._calm_since >= WORTH_LONG_BLOCKS

    def _wanted_block_ms(self, present: _Source) -> int:
        pace = self._pace()
        if pace is Pace.CALM and (present.is_long or not self._is_restless):
            return LONG_BLOCK_MS
        may_wait = pace in (Pace.CALM, Pace.RELAXED, Pace.LEISURELY)
        if may_wait and present.block_ms < MIDDLE_BLOCK_MS and present.delivered < WORTH_CHANGING:
            return present.block_ms
        if may_wait or (pace is Pace.STEADY and present.block_ms == MIDDLE_BLOCK_MS):
            return MIDDLE_BLOCK_MS
        is_quick_enough = self._overflows <= OVERFLOWS_BORNE
        return SHORT_BLOCK_MS if pace is Pace.HURRIED and is_quick_enough else self._frame_ms

    async def look_after(self) -> None:
        """See Line; and do not wait for ever for a second stream."""
        await super().look_after()
        since = self._changing_since
        if since is None or time.monotonic() - since <= CHANGE_LIMIT_S:
            return
        if self._next is None:
            # Joined, but the first stream does not even end.
            await self._finish()
        else:
            await self._give_up_sharing()

    async def close(self) -> None:
        """See Line; and forget what is held back of the sound."""
        self._forget()
        await super().close()

    def drop(self) -> float:
        """See Line. The stream in use goes first, should the other one hang."""
        moment = super().drop()
        self._close_next()
        return moment

    def pace(self) -> Pace:
        """In the card's thread: how long sound may wait. While two streams are being joined it must not."""
        return Pace.HURRIED if self._changing_since is not None else self._pace()

    def hand_over(self, source: _Source, piece: Piece) -> None:
        """In the card's thread: a piece of sound for the event loop, the one bridge. See `_take`."""
        if self._handover.put(source, piece):
            self._cross_over(self._take)

    def note_end(self, source: _Source) -> None:
        """In the card's thread: nothing more comes from a source that was told to end."""
        self._cross_over(self._spawn_finish, source)

    def is_in_use(self, source: _Source) -> bool:
        """In the card's thread: whether it is this stream's sound that is listened to."""
        return source is self._source

    def note_overflow(self, source: _Source) -> None:
        """In the card's thread: the machine was too busy to take a block in time."""
        if source.block_ms == SHORT_BLOCK_MS:
            self._overflows += 1

    def _take(self) -> None:
        taken = self._handover.take()
        # Sound may still be under way when the microphone is closed: muted means that nothing comes any more.
        if taken is None or not self._wanted:
            return
        if taken.lost:
            self._skip(taken.lost)
        if taken.source is self._source:
            self._on_wait(taken.waited_s)
        self._deliver(taken.source, taken.piece)

    def _skip(self, lost: Mapping[_Source, int]) -> None:
        """The event loop was so far behind that sound was dropped."""
        for source, samples in lost.items():
            source.delivered += samples
        self._joined.skip(lost.get(self._source, 0) if self._source else 0)
        self._losses += 1
        self._xruns += 1
        self._on_gap()

    def _deliver(self, source: _Source, piece: Piece) -> None:
        source.delivered += len(piece.pcm) // BYTES_PER_SAMPLE
        if source is self._source:
            self._hand_on(self._joined.feed(piece))
        elif source is self._next:
            self._joined.prepare(piece)
        else:
            return
        self._join()
        self.adapt()

    def _hand_on(self, piece: Piece | None) -> None:
        if piece is None:
            return
        # Where frames are needed at once each is judged by itself: by the level of the echo, or of a pin, at its time.
        size = self._frame_bytes if self._pace() is Pace.HURRIED else len(piece.pcm)
        for start in range(0, len(piece.pcm), size):
            if self._wanted:
                moment = piece.moment + start / BYTES_PER_SAMPLE / CAPTURE_RATE
                self._on_frame(piece.pcm[start : start + size], moment)

    def _join(self) -> None:
        if self._source is None or self._next is None or (rest := self._joined.join()) is None:
            return
        self._source.ended, self._replaced = True, self._source
        self._source, self._next = self._next, None
        if self._source.is_long:
            self._is_restless = not self._quiet_has_lasted()
        self._hand_on(self._joined.feed(rest))
        self._source.intake.align(self._joined.position - self._source.delivered)

    # -- from one stream to another

    async def _change(self, block_ms: int) -> None:
        if not await self._within_patience(self._open_next, block_ms):
            await self._give_up_sharing()

    async def _give_up_sharing(self) -> None:
        log.debug("the microphone cannot be opened twice: it stays with blocks of %d ms", self._frame_ms)
        if self._source is not None and self._source.block_ms > self._frame_ms:
            # Frames are needed sooner: a gap is better than long blocks from now on, in every conversation.
            await self._within_patience(self._start_anew)
        else:
            self._give_up_change()
        self._is_shareable = False

    def _start_anew(self) -> None:
        """In PortAudio's thread."""
        self.drop()
        self.reopen()

    def _open_next(self, block_ms: int) -> None:
        """In PortAudio's thread."""
        current = self._source
        if self._stream is None or current is None or self._next_stream is not None or not self._wanted:
            return
        device = self._owner.choose(self.direction)
        if self._source is not current:
            return  # closed or opened anew meanwhile, by the event loop
        source = self._next = self._make_source(device, current.rate, block_ms)
        self._next_stream = self._start(device, source)

    def _give_up_change(self) -> None:
        self._forget_next()
        self._spawn(self._give_up_next_stream())

    async def _give_up_next_stream(self) -> None:
        await self._within_patience(self._close_next)
        # It may have been opened only just now.
        self._forget_next()
        self._changing_since = None

    def _forget_next(self) -> None:
        self._next = None
        self._hand_on(self._joined.abandon())

    def _spawn_finish(self, source: _Source) -> None:
        if source is self._replaced:
            self._spawn(self._finish())

    async def _finish(self) -> None:
        self._replaced = None
        await self._within_patience(self._finish_change)
        self._changing_since = None

    def _finish_change(self) -> None:
        """In PortAudio's thread: the second stream is the only one from now on."""
        if self._next_stream is not None:
            old, self._stream, self._next_stream = self._stream, self._next_stream, None
            if old is not None:
                old.close()

    def _close_next(self) -> None:
        """In PortAudio's thread."""
        stream, self._next_stream = self._next_stream, None
        if stream is not None:
            stream.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- opening

    def _forget(self) -> None:
        """What comes next does not join on, and what was held back of what went before never comes."""
        self._joined, self._calm_since = JoinedStream(self._frame_ms), 0
        self._source = self._next = self._replaced = self._changing_since = None

    async def _fail(self, reason: str) -> None:
        self._forget()
        await super()._fail(reason)

    def _note_gap(self) -> None:
        self._on_gap()

    def _rates(self, device: SoundDevice) -> Iterable[Hz]:
        return rates_to_try(CAPTURE_RATE, device)

    def _open_at(self, device: SoundDevice, rate: Hz) -> Stream:
        self._forget()
        self._source = source = self._make_source(device, rate, self._frame_ms)
        self._is_shareable = True
        return self._start(device, source)

    def _make_source(self, device: SoundDevice, rate: Hz, block_ms: int) -> _Source:
        channel = self._owner.audio.input_channel
        if channel >= device.inputs:
            raise ConfigError(
                f'audio.input_channel = {channel}: "{device.name}" has {device.inputs} input channels, counted from 0'
            )
        channels = device.inputs if device.inputs <= MOST_REAL_CHANNELS else channel + 1
        return _Source(self, rate, channels, channel, block_ms, self._frame_ms)

    def _start(self, device: SoundDevice, source: _Source) -> Stream:
        block = samples_from_ms(source.block_ms, source.rate)
        stream = self._owner.open_input(device, source.rate, source.channels, block, source.on_block)
        self._log_opened(device, source.rate, f"{source.channels} channels, blocks of {block}")
        return stream


class _Source:
    """One stream, as it looks from its own thread."""

    def __init__(
        self, line: AlsaMicrophone, rate: Hz, channels: int, channel: int, block_ms: int, frame_ms: int
    ) -> None:
        self.rate = rate
        self.channels = channels
        self.block_ms = block_ms
        self.is_long = block_ms == LONG_BLOCK_MS
        self.delivered = 0
        """On the event loop's thread: how many samples (16 kHz) of it have come so far."""
        self.intake = Intake(rate, channels, channel, frame_ms)
        self.ended = False
        """Set on the event loop's thread: nobody wants more."""
        self._line = line
        self._kept_state: int | None = None
        self._has_begun = self._is_gone = False

    def on_block(self, data: bytes | None, count: int, times: Mapping[str, float], status: int) -> Verdict:
        """PortAudio's callback: pass a captured block on."""
        if not self._has_begun:
            self._begin()
        has_overflowed = bool(status & INPUT_OVERFLOW)
        keeps_time = not self._line.is_in_use(self) or self._line.note_block(count / self.rate, has_overflowed)
        if has_overflowed:
            self._line.note_overflow(self)
        if self._line.is_forlorn:
            return None, ABORT
        if not keeps_time:
            self._end()
            return None, ABORT
        if self.ended:
            self._end()
        else:
            # PortAudio's clock is the wall's; only the difference is worth anything.
            start = time.monotonic() + times["input_buffer_adc_time"] - times["current_time"]
            if piece := self.intake.feed(data or b"", start + count / self.rate, self._pace()):
                self._line.hand_over(self, piece)
        return None, CONTINUE

    def _pace(self) -> Pace:
        """With middle blocks the longest that is made of whole ones: else every other would be longer than is good."""
        pace = self._line.pace()
        return min(pace, Pace.LEISURELY) if self.block_ms == MIDDLE_BLOCK_MS else pace

    def _begin(self) -> None:
        self._has_begun = True
        self._kept_state = keep_thread_state()

    def _end(self) -> None:
        """Nothing more comes; the thread's state must be let go before the stream is closed."""
        if not self._is_gone:
            self._is_gone = True
            if self._kept_state is not None:
                let_thread_state_go(self._kept_state)
            self._line.note_end(self)
