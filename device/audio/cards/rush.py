"""Tells a stream that has no clock, and so no end, from a sound card, which keeps time."""

from __future__ import annotations

# A card that runs dry again and again takes more than time passes, but not so much more. ALSA's "null" and "file" are
# as fast as the machine: a Pi Zero's callbacks alone are 25 times as fast as the sound in their blocks.
FASTEST_CARD = 3.0
# Clocks of real cards are off by up to some 0.1 %: what they gain is forgotten before it adds up. The last second is
# remembered, and all the time since the newest block: after a standstill a card gives at once what was captured
# meanwhile (all of it by PulseAudio: 8.5 s after 8 s).
FORGET_S = 10.0
REMEMBER_S = 1.0


class Rush:
    """How far the sound of one stream is ahead of the time that it took. Moments are seconds of one clock."""

    def __init__(self, now: float, farthest_s: float) -> None:
        """`farthest_s`: how far ahead of time a card may be when it begins."""
        self._farthest_s = farthest_s
        self._since = self._began = self._noted = now
        self._sound_s = 0.0

    def note(self, seconds: float, now: float) -> bool:
        """Note a block of so many seconds; tell whether the stream keeps time."""
        if now - self._began > FORGET_S:
            self._began = now - REMEMBER_S
            self._since, self._sound_s = min(self._began, self._noted), 0.0
        self._noted = now
        self._sound_s += seconds
        return not self.is_ahead(self._farthest_s, now)

    def is_ahead(self, by_s: float, now: float) -> bool:
        """Return whether there was more sound, by `by_s`, than the fastest card would have had by now."""
        return self._sound_s > by_s + FASTEST_CARD * (now - self._since)
