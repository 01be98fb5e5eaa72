"""What waits to be played: filled on the event loop's thread, emptied in the sound card's."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from device.audio.mouth.gain import Gain
from device.audio.mouth.tracker import PlaybackTracker
from device.units import BYTES_PER_SAMPLE, Hz, Ms, Samples, samples_from_ms

# What must be queued before a sound begins, or goes on after it ran dry: pieces of an answer arrive unevenly.
JITTER_MS = Ms(40)


@dataclass(eq=False, slots=True)
class Sound:
    """A stretch of sound at the loudspeaker's rate, perhaps still growing.

    `on_started` and `on_done` are called in the sound card's thread; the latter with the moment (seconds of
    `time.monotonic`) at which the last sample reaches the DAC. `is_cue`: a cue or an announcement of our own.
    """

    on_started: Callable[[], None]
    on_done: Callable[[float], None]
    pcm: bytearray = field(default_factory=bytearray)
    ended: bool = False
    flowing: bool = False
    begun: bool = False
    is_cue: bool = False


class SoundQueue:
    """Sounds in the order in which they are played, and the count of what was heard of each."""

    def __init__(self, rate: Hz, gain: Gain) -> None:
        self._rate = rate
        self._gain = gain
        self._lock = threading.Lock()
        self._sounds: deque[Sound] = deque()
        self._tracker = PlaybackTracker(rate)
        self._jitter_bytes = samples_from_ms(JITTER_MS, rate) * BYTES_PER_SAMPLE
        self._held = False
        self.sounding_until = 0.0
        self.pulled_cue = False
        """In the sound card's thread: whether there was a cue in what was pulled last."""

    def add(self, sound: Sound) -> None:
        """Queue a sound behind the others."""
        with self._lock:
            self._sounds.append(sound)

    def feed(self, sound: Sound, pcm: bytes) -> None:
        """Add to the end of a queued sound."""
        with self._lock:
            sound.pcm += pcm

    def end(self, sound: Sound) -> None:
        """Note that the sound is complete."""
        with self._lock:
            sound.ended = True

    def clear(self) -> None:
        """Forget every sound that waits."""
        with self._lock:
            self._sounds.clear()

    def hold(self) -> None:
        """Hand out silence until released."""
        with self._lock:
            self._held = True

    def release(self) -> None:
        """Play again."""
        with self._lock:
            self._held = False

    def note_dropped(self, moment: float) -> None:
        """The card dropped at `moment` what it held."""
        with self._lock:
            self._tracker.drop(moment)
            self.sounding_until = min(moment, self.sounding_until)

    def get_played(self, sound: Sound, now: float) -> Samples:
        """Return how many samples of the sound have left the card at `now`."""
        with self._lock:
            return self._tracker.get_played(sound, now)

    def forget_played(self) -> None:
        """Begin to count anew."""
        with self._lock:
            self._tracker.forget()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to hand out."""
        return not self._sounds

    def pull(self, count: int, moment: float, now: float) -> bytes:
        """In the sound card's thread: hand over `count` samples `now`; the first reaches the DAC at `moment`."""
        size = count * BYTES_PER_SAMPLE
        self.pulled_cue = False
        with self._lock:
            sound = b"" if self._held or not self._sounds else self._pop(size, moment, now)
        if not sound:
            return bytes(size)
        self.sounding_until = moment + len(sound) / BYTES_PER_SAMPLE / self._rate
        return self._gain.apply(sound, self._rate).ljust(size, b"\0")

    def _pop(self, size: int, moment: float, now: float) -> bytes:
        popped = bytearray()
        while len(popped) < size and self._sounds and self._may_flow(self._sounds[0]):
            at = moment + len(popped) / BYTES_PER_SAMPLE / self._rate
            popped += self._pop_from(self._sounds[0], size - len(popped), at, now)
        return bytes(popped)

    def _may_flow(self, sound: Sound) -> bool:
        """A sound flows once enough of it is there; when it runs dry it waits for as much again."""
        enough = sound.ended or len(self._sounds) > 1 or len(sound.pcm) >= self._jitter_bytes
        sound.flowing = enough or (sound.flowing and bool(sound.pcm))
        return sound.flowing and (bool(sound.pcm) or self._is_over(sound))

    def _is_over(self, sound: Sound) -> bool:
        return sound.ended and not sound.pcm

    def _pop_from(self, sound: Sound, size: int, at: float, now: float) -> bytes:
        piece = bytes(sound.pcm[:size])
        del sound.pcm[:size]
        if piece and not sound.begun:
            sound.begun = True
            sound.on_started()
        self.pulled_cue |= sound.is_cue
        count = len(piece) // BYTES_PER_SAMPLE
        self._tracker.hand_over(sound, count, at, now)
        if self._is_over(sound):
            self._sounds.popleft()
            sound.on_done(at + count / self._rate)
        return piece
