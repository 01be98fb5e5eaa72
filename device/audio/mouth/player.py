"""The player: answers, cues and announcements, one after the other, to the loudspeaker.

It knows what has really been heard: every block carries the moment at which it reaches the DAC.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial

from device.audio.cues import cue_pcm, ring_pcm
from device.audio.echo.farend import NullObserver, PlaybackObserver
from device.audio.mouth.answer import AnswerPlayback, Item
from device.audio.mouth.gain import Gain
from device.audio.mouth.limiter import Limiter
from device.audio.mouth.ring import Ringer
from device.audio.mouth.soundqueue import Sound, SoundQueue
from device.audio.mouth.standby import Standby, tell
from device.audio.resample import StreamResampler
from device.core.actions import Cue
from device.core.events import PlaybackFinished, PlaybackRanDry, PlaybackStarted, PlaybackStopped
from device.errors import AudioError
from device.ports.facts import Post
from device.ports.sound import Speaker
from device.units import BYTES_PER_SAMPLE, Hz, Ms, ms_from_samples

log = logging.getLogger(__name__)

# -15 dB: the answer can still be followed, and a person who talks over it is heard well above it.
DUCKED = 10 ** (-15 / 20)
# What a card may go on playing after a stop: what is ahead in most (15 to 30 ms) is left to run out, for then what was
# heard is known to the sample, and the card is not left without a stream, in which a PulseAudio sink may fall asleep. A
# card with more ahead is made to drop it.
LONGEST_TAIL_S = 0.04
# The item of an answer that the local voice says: the provider knows none, so it is told nothing of it.
OWN_WORDS = ""
# How often it is checked whether an answer has run dry, and how long it has been silent then: far longer than the
# pauses between the pieces in which it arrives.
LOOK_S = 0.5
DRY_S = 1.0


class Player:
    """Plays; every method is called on the event loop's thread and returns at once.

    Posts PlaybackStarted with the first sample of an answer, PlaybackRanDry when nothing more of it is there though it
    is not complete (and PlaybackStarted again when there is), PlaybackFinished when all of a complete answer has left
    the card, PlaybackStopped after `stop` while there was an answer. `clock` counts seconds as the speaker does.
    """

    def __init__(
        self,
        speaker: Speaker,
        answer_rate: Hz,
        post: Post,
        volume: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        observer: PlaybackObserver | None = None,
        peak: float = 1.0,
    ) -> None:
        """`peak`: the loudest that the loudspeaker is given, of full scale."""
        self._speaker = speaker
        self._answer_rate = answer_rate
        self._post = post
        self._clock = clock
        self._volume = volume
        self._ducked = False
        self._gain = Gain(volume)
        self._ringer = Ringer(volume)
        self.give_way = self._ringer.give_way
        """Let what rings be quiet for a moment, for somebody has begun to speak; not again soon."""
        self._limiter = Limiter(peak)
        self._queue = SoundQueue(speaker.rate, self._gain)
        self._rate = speaker.rate
        self._standby = Standby(speaker, self, clock)
        self._unopened: PlaybackStopped | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._answer: AnswerPlayback | None = None
        self._finish: asyncio.TimerHandle | None = None
        self._on_heard: Callable[[bool], None] | None = None
        """Waits for the end of an announcement."""
        self._observer = observer or NullObserver()
        speaker.attach(self._pull, self._standby.note_lost, self._note_break)

    @property
    def volume(self) -> float:
        """The volume, 0 to 1."""
        return self._volume

    def warm_up(self) -> None:
        """Open the loudspeaker ahead of the first sound."""
        self._standby.warm_up()

    def play_answer(self, turn: int, item: str, pcm: bytes) -> None:
        """Queue a piece of an answer (s16le mono at the answer rate)."""
        if self._answer and self._answer.turn == turn and self._answer.lost:
            return
        if not self._standby.is_open:
            self._unopened = PlaybackStopped(turn, item, Ms(0), Ms(0))
        self._standby.when_open(lambda: self._feed(self._get_answer(turn), item, pcm))

    def read_answer(self, turn: int, pcm: bytes, rate: Hz) -> None:
        """Queue what the local voice says as a part of an answer (s16le mono at `rate`)."""
        resampler = StreamResampler(rate, self._answer_rate)
        self.play_answer(turn, OWN_WORDS, resampler.process(pcm) + resampler.flush())

    def end_answer_item(self, turn: int, item: str) -> None:
        """All audio of the item has arrived."""
        self._standby.when_ready(lambda: self._end_item(turn, item))

    def end_answer(self, turn: int) -> None:
        """The answer is complete: PlaybackFinished follows when all of it has been heard."""
        self._standby.when_ready(lambda: self._complete(turn))

    def play_cue(self, cue: Cue) -> None:
        """Queue a short sound of our own."""
        self.play_announcement(cue_pcm(cue, self._answer_rate), self._answer_rate)

    def play_announcement(self, pcm: bytes, rate: Hz) -> None:
        """Queue a whole sentence of the local voice (s16le mono at `rate`)."""
        self._standby.when_open(lambda: self._announce(pcm, rate))

    def say(self, pcm: bytes, rate: Hz, on_heard: Callable[[bool], None]) -> None:
        """Queue an announcement; see Mouth."""
        self._on_heard = on_heard
        self._standby.when_open(lambda: self._announce(pcm, rate, on_heard))

    def stop(self) -> None:
        """Fall silent and forget everything queued: at once, or within LONGEST_TAIL_S."""
        self._standby.forget_waiting()
        self._on_heard = None
        answer, self._answer = self._answer, None
        if unopened := self._pop_unopened():
            self._post(unopened)
        self._cancel_finish()
        self._queue.clear()
        tail_s = self._queue.sounding_until - self._clock()
        if self._standby.is_open and tail_s > LONGEST_TAIL_S:
            self._queue.hold()
            self._stopping = asyncio.create_task(self._drop_tail(answer), name="stop playback")
        elif answer is not None:
            # All that the card holds will be heard.
            self._post(self._stopped(answer, self._queue.sounding_until))

    def duck(self) -> None:
        """Play quietly."""
        self._set_gain(self._volume, ducked=True)

    def unduck(self) -> None:
        """Play at the volume again."""
        self._set_gain(self._volume, ducked=False)

    def set_volume(self, volume: float) -> None:
        """Set the volume, 0 to 1: a factor of the amplitude."""
        self._set_gain(volume, self._ducked)

    def ring(self, ducked: bool) -> None:
        """Ring, beside what is played, until told to stop; `ducked`: quietly."""
        self._ringer.ring(ducked)
        # It is made ahead of its first block, in which there is no time for it.
        self._standby.when_open(self._make_ring)

    def stop_ringing(self) -> None:
        """Ring no more: at once, or within LONGEST_TAIL_S."""
        self._ringer.stop()
        tail_s = self._ringer.sounding_until - self._clock()
        if self._standby.is_open and self._queue.is_empty and tail_s > LONGEST_TAIL_S:
            self._queue.hold()
            self._stopping = asyncio.create_task(self._drop_tail(None), name="stop ringing")

    def set_least_ring(self, volume: float) -> None:
        """Set how loud it rings at least, 0 to 1, however low the volume is."""
        self._ringer.set_least(volume)

    async def close(self) -> None:
        """Fall silent and let the card go."""
        self._standby.forget_waiting()
        self._answer = self._on_heard = None
        self._ringer.stop()
        self._cancel_finish()
        self._queue.clear()
        if self._stopping and not self._stopping.done():
            self._stopping.cancel()
            await asyncio.gather(self._stopping, return_exceptions=True)
        await self._standby.close()

    def _set_gain(self, volume: float, ducked: bool) -> None:
        self._volume, self._ducked = volume, ducked
        move = self._gain.jump if self._queue.is_empty else self._gain.set
        move(volume * (DUCKED if ducked else 1.0))
        self._ringer.set_volume(volume)

    # What the standby asks for and tells.

    @property
    def is_idle(self) -> bool:
        """Whether nothing rings, no answer is under way, and nothing waits to be played."""
        return not self._ringer.is_ringing and self._answer is None and self._queue.is_empty

    @property
    def sounding_until(self) -> float:
        """When the last sound reaches the DAC, in seconds of the clock."""
        return max(self._queue.sounding_until, self._ringer.sounding_until)

    def note_open(self) -> None:
        """The loudspeaker is open: from here on all sound has its rate."""
        if self._rate != self._speaker.rate:
            self._rate = self._speaker.rate
            self._queue = SoundQueue(self._rate, self._gain)
        self._pop_unopened()

    def note_lost(self) -> None:
        """The card is gone: nothing queued will be heard."""
        self._queue.clear()
        self._tell_heard(self._on_heard, False)
        answer = self._answer
        if answer is not None:
            answer.lost = True
            self._finish_if_done(answer)

    def _pop_unopened(self) -> PlaybackStopped | None:
        """Return, once, what to post of an answer that is stopped while the card is still being opened."""
        unopened, self._unopened = self._unopened, None
        return unopened

    # In the sound card's thread.

    def _pull(self, count: int, moment: float) -> bytes:
        self._standby.note_pull()
        queue = self._queue
        pcm = queue.pull(count, moment, self._clock())
        mixed = self._ringer.mix(pcm, self._rate, moment, over=queue.sounding_until > moment)
        limiter = self._limiter
        pcm = limiter.apply(pcm, self._rate) if mixed is None else limiter.apply_to_sum(mixed, self._rate)
        self._observer.write(pcm, self._rate, moment, queue.pulled_cue)
        return pcm

    def _note_break(self, moment: float) -> None:
        self._queue.note_dropped(moment)
        self._observer.drop(moment)

    # Filling the queue.

    def _make_ring(self) -> None:
        ring_pcm(self._rate)

    def _announce(self, pcm: bytes, rate: Hz, on_heard: Callable[[bool], None] | None = None) -> None:
        if not self._standby.is_open:
            self._tell_heard(on_heard, False)
            return
        resampler = StreamResampler(rate, self._rate)
        whole = bytearray(resampler.process(pcm) + resampler.flush())
        loop = asyncio.get_running_loop()
        on_done = _ignore if on_heard is None else partial(tell, loop, self._note_spoken, on_heard)
        self._queue.add(Sound(_nothing, on_done, whole, ended=True, is_cue=True))

    def _get_answer(self, turn: int) -> AnswerPlayback:
        if self._answer is None or self._answer.turn != turn:
            self._cancel_finish()
            for item in self._answer.items if self._answer else ():
                self._queue.end(item.sound)
            self._answer = AnswerPlayback(turn, lost=not self._standby.is_open)
            if self._queue.is_empty:
                self._queue.forget_played()
        return self._answer

    def _feed(self, answer: AnswerPlayback, name: str, pcm: bytes) -> None:
        if answer.lost:
            return
        answer.complete = False
        item = self._get_item(answer, name)
        item.received += len(pcm) // BYTES_PER_SAMPLE
        self._queue.feed(item.sound, item.resampler.process(pcm))

    def _get_item(self, answer: AnswerPlayback, name: str) -> Item:
        if answer.items and answer.items[-1].name == name and not answer.items[-1].sound.ended:
            return answer.items[-1]
        if answer.items:
            self._end(answer.items[-1])
        loop = asyncio.get_running_loop()
        sound = Sound(
            lambda: tell(loop, self._note_started, answer),
            lambda moment: tell(loop, self._note_done, answer, moment),
        )
        answer.items.append(Item(name, sound, StreamResampler(self._answer_rate, self._rate)))
        answer.sounding += 1
        self._queue.add(sound)
        return answer.items[-1]

    def _end_item(self, turn: int, name: str) -> None:
        answer = self._answer
        if answer and answer.turn == turn and answer.items and answer.items[-1].name == name:
            self._end(answer.items[-1])

    def _end(self, item: Item) -> None:
        if not item.sound.ended:
            self._queue.feed(item.sound, item.resampler.flush())
            self._queue.end(item.sound)

    def _complete(self, turn: int) -> None:
        answer = self._get_answer(turn)
        answer.complete = True
        if answer.items:
            self._end(answer.items[-1])
        self._finish_if_done(answer)

    # What the card tells.

    def _note_spoken(self, on_heard: Callable[[bool], None], moment: float) -> None:
        wait_s = max(0.0, moment - self._clock())
        asyncio.get_running_loop().call_later(wait_s, self._tell_heard, on_heard, True)

    def _tell_heard(self, on_heard: Callable[[bool], None] | None, heard: bool) -> None:
        """Tell it once, and not after a stop."""
        if on_heard is not None and on_heard is self._on_heard:
            self._on_heard = None
            on_heard(heard)

    def _note_started(self, answer: AnswerPlayback) -> None:
        if answer is self._answer and not answer.started:
            answer.started = True
            self._post(PlaybackStarted(answer.turn))
            self._look_later(answer)

    def _look_later(self, answer: AnswerPlayback) -> None:
        asyncio.get_running_loop().call_later(LOOK_S, self._look, answer)

    def _look(self, answer: AnswerPlayback) -> None:
        """Tell when an answer that is not complete runs dry, and when it goes on."""
        if answer is not self._answer:
            return
        dry = self._clock() - self._queue.sounding_until > DRY_S
        if dry != answer.dry and not answer.complete:
            answer.dry = dry
            ended = all(item.sound.ended for item in answer.items)
            self._post(PlaybackRanDry(answer.turn, ended) if dry else PlaybackStarted(answer.turn))
        self._look_later(answer)

    def _note_done(self, answer: AnswerPlayback, moment: float) -> None:
        answer.sounding -= 1
        answer.until = moment
        self._finish_if_done(answer)

    def _finish_if_done(self, answer: AnswerPlayback) -> None:
        if answer is not self._answer or not answer.complete:
            return
        self._cancel_finish()
        if answer.lost or not answer.sounding:
            wait_s = 0.0 if answer.lost else max(0.0, answer.until - self._clock())
            self._finish = asyncio.get_running_loop().call_later(wait_s, self._note_finished, answer)

    def _note_finished(self, answer: AnswerPlayback) -> None:
        self._finish = None
        if answer is self._answer and answer.complete:
            self._answer = None
            self._post(PlaybackFinished(answer.turn))

    def _cancel_finish(self) -> None:
        if self._finish:
            self._finish.cancel()
            self._finish = None

    # Stopping.

    async def _drop_tail(self, answer: AnswerPlayback | None) -> None:
        moment = self._clock()
        try:
            moment = await self._speaker.flush()
        except AudioError as error:
            # Its own supervision will find it broken.
            moment = self._clock()
            self._note_break(moment)
            log.warning("the loudspeaker does not fall silent: %s", error)
        finally:
            self._queue.release()
        if answer is not None:
            self._post(self._stopped(answer, moment))

    def _stopped(self, answer: AnswerPlayback, moment: float) -> PlaybackStopped:
        """Say how much was heard of the first item that was not heard to its end."""
        for item in answer.items:
            received = ms_from_samples(item.received, self._answer_rate)
            played = Ms(min(received, ms_from_samples(self._queue.get_played(item.sound, moment), self._rate)))
            heard_out = item.sound.ended and played >= received
            if not heard_out:
                return PlaybackStopped(answer.turn, item.name, played, received)
        return PlaybackStopped(answer.turn, "", Ms(0), Ms(0))


def _nothing() -> None:
    """Nobody waits for it."""


def _ignore(moment: float) -> None:
    """Nobody waits for it."""
