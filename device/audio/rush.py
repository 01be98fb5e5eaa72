"""Tells a stream that runs ahead of time without end from a sound card, which keeps time."""

from __future__ import annotations

# A PulseAudio null sink with its defaults, waking up, takes or gives 2 s at once, and then nothing for as long.
FARTHEST_AHEAD_S = 4.0
# Clocks of real cards are off by up to some 0.1 %: what they gain is forgotten before it adds up.
FORGET_S = 10.0


class Rush:
    """How far the sound of one stream is ahead of the time that it took; ALSA's "null" and "file" have no clock."""

    def __init__(self, now: float) -> None:
        """`now` and all moments are seconds of one clock."""
        self._since = now
        self._sound_s = 0.0

    def note(self, seconds: float, now: float) -> bool:
        """Note a block of so many seconds; tell whether the stream keeps time."""
        if now - self._since > FORGET_S:
            self._since, self._sound_s = now, 0.0
        self._sound_s += seconds
        return self.get_ahead_s(now) <= FARTHEST_AHEAD_S

    def get_ahead_s(self, now: float) -> float:
        """Return how many seconds of sound there were too many by now."""
        return self._sound_s - (now - self._since)
