"""The ring of what is due: rising notes, round after round, that grow louder, beside all else that is played.

It is no cue: while a cue sounds the microphone's sound is silenced, and a ring may go on for minutes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from device.audio.cues import ring_pcm
from device.audio.mouth.gain import Gain
from device.units import BYTES_PER_SAMPLE, Hz

# It begins so much more quietly than it ends, and grows louder for so long: nobody is startled out of sleep, and
# nobody sleeps on.
BEGINS_DB = -18.0
GROWS_FOR_S = 20.0
# While somebody talks with us, or something else is played: both can be followed, and the ring is still heard.
DUCKED_DB = -20.0
# It gives way to a voice for so long: a stop word and the pause behind it are heard without it. Then it goes on for so
# long at least: a television must not silence it.
GIVES_WAY_S = 1.0
GOES_ON_S = 4.0
# How loud it becomes at last, however low the volume is: 12 dB below full volume.
LEAST_VOLUME = 0.25


class Ringer:
    """Rings beside what is played. Told what to do on the event loop's thread; mixes in the sound card's."""

    def __init__(self, volume: float) -> None:
        self._volume = volume
        self._least = LEAST_VOLUME
        self._ducked = False
        self._is_asked = False
        self._gave_way: int | None = None
        """How many samples of this ringing had been played when it last gave way."""
        self._gain = Gain(0.0)
        self._played = 0
        """Samples of this ringing so far."""
        self.is_ringing = False
        """Whether it is to be heard."""
        self.sounding_until = 0.0
        """When the last of it reaches the DAC (s, as the card counts)."""

    def ring(self, ducked: bool) -> None:
        """Ring from the beginning, or on; `ducked`: quietly."""
        self._ducked = ducked
        if not self.is_ringing:
            self._played = 0
            self._is_asked, self._gave_way = False, None
            self.is_ringing = True

    def stop(self) -> None:
        """Ring no more."""
        self.is_ringing = False

    def give_way(self) -> None:
        """Be quiet for a moment, for somebody has begun to speak; unless it has been just now."""
        self._is_asked = True

    def set_volume(self, volume: float) -> None:
        """Set how loud everything is: a factor of the amplitude, 0 to 1."""
        self._volume = volume

    def set_least(self, volume: float) -> None:
        """Set how loud the ring becomes at least, however low the volume is."""
        self._least = volume

    def mix(self, pcm: bytes, rate: Hz, moment: float, over: bool) -> npt.NDArray[np.int32] | None:
        """In the sound card's thread: return s16le mono sound with the ring in it, not clipped; None: without a ring.

        Its first sample reaches the DAC at `moment`. `over`: it is more than silence.
        """
        self._gain.set(self._factor(rate, over) if self.is_ringing else 0.0)
        if not self.is_ringing and self._gain.is_silent:
            return None
        count = len(pcm) // BYTES_PER_SAMPLE
        self.sounding_until = moment + count / rate
        ring = self._gain.apply(self._take(count, rate), rate)
        mixed: npt.NDArray[np.int32] = np.frombuffer(pcm, "<i2").astype(np.int32) + np.frombuffer(ring, "<i2")
        return mixed

    def _factor(self, rate: Hz, over: bool) -> float:
        missing_s = max(0.0, GROWS_FOR_S - self._played / rate)
        is_quiet = self._gives_way(rate) or self._ducked or over
        db = BEGINS_DB * missing_s / GROWS_FOR_S + (DUCKED_DB if is_quiet else 0.0)
        factor: float = max(self._volume, self._least) * 10 ** (db / 20)
        return factor

    def _gives_way(self, rate: Hz) -> bool:
        asked, self._is_asked = self._is_asked, False
        since, now = self._gave_way, self._played
        if asked and (since is None or now - since >= (GIVES_WAY_S + GOES_ON_S) * rate):
            since = self._gave_way = now
        return since is not None and now - since < GIVES_WAY_S * rate

    def _take(self, count: int, rate: Hz) -> bytes:
        """Return the next `count` samples of the endless round."""
        whole = np.frombuffer(ring_pcm(rate), "<i2")
        at: npt.NDArray[np.intp] = np.arange(self._played, self._played + count) % len(whole)
        self._played += count
        return whole[at].tobytes()
