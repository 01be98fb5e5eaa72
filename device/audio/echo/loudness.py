"""How loud the echo of what is played can be where it is captured, learned from levels of 10 ms in dBFS. Pure."""

from __future__ import annotations

from collections import deque

from device.audio.echo.filter import follow
from device.audio.frames import DIGITAL_SILENCE_DBFS
from device.units import Ms

# The level of what is played falls as slowly as sound in a room fades (60 dB in 1 s).
_FADE_DB = 0.6
# From what is played more quietly nothing is learned: other sounds of the room would count as its echo.
_LOUD_DBFS = -40.0
# Before the first echo has arrived nothing can be learned.
_ON_ITS_WAY = Ms(200)

# WebRTC's module finds echoes that take up to 450 ms. Before it was learned from so many blocks (800 ms) how loud they
# are, nobody is said to be louder.
_LONGEST_WAY = Ms(500)
_LESSONS = 80
# What is louder than nearly all of the echo by so much (dB) is probably none.
_CLEARLY = 15.0
# Sound that is captured more quietly teaches as much as this: after digital silence, which a card brings that has not
# begun in earnest, an echo would count as a person for all of these six seconds.
_FAINTEST_DBFS = -60.0
# For so long a module that begins to adapt may take a person for echo. In a room without any echo that was 4.5 s.
_YOUNG = Ms(6_000)
_INAUDIBLE = 1e-3


class Quantile:
    """Estimates the level under which `share` of all levels lie; it moves quickly at first, and slowly later."""

    def __init__(self, share: float) -> None:
        self._share = share
        self.seen = 0
        """How many levels it is estimated from."""
        self.level: float | None = None

    def see(self, level: float) -> None:
        """Correct the estimate by another level (dB)."""
        self.seen += 1
        if self.level is None:
            self.level = level
        step = max(_SLOWEST_DB, _QUICKEST_DB / self.seen)
        self.level += step * (self._share if level > self.level else self._share - 1)


# A second of speech that is not recognised as such moves an estimate by 4 dB at most once it has seen 5 s of sound, and
# by 13 dB after one.
_SLOWEST_DB = 0.04
_QUICKEST_DB = 20.0


class PlayedLevel:
    """The level of what is played, for as long as its echo may sound."""

    def __init__(self, held: Ms) -> None:
        """`held`: for how long it does not fall, because the echo may be under way."""
        self._newest: deque[float] = deque(maxlen=int(held // 10))
        self.dbfs = DIGITAL_SILENCE_DBFS

    def hear(self, played: float) -> None:
        """Note the level of what was played in the newest 10 ms."""
        self._newest.append(played)
        self.dbfs = max(*self._newest, self.dbfs - _FADE_DB)

    def teaches(self, trained: Ms) -> bool:
        """Whether what is captured now says something of the echo; `trained`: how long the loudspeaker has sounded."""
        return self.dbfs > _LOUD_DBFS and trained > _ON_ITS_WAY


class Clearness:
    """Says how much of what was captured is probably a person, because it is far louder than any echo so far.

    A module that begins to adapt does not know how loud an echo is, and suppresses whatever may be one. Where there is
    none (headphones, a loudspeaker that is far away) it suppressed a wake word by 36 dB for 4.5 s. Later it needs no
    help. For a voice this is too little: an amplifier that wakes up in the midst of an answer is as loud all at once.
    """

    def __init__(self) -> None:
        self._played = PlayedLevel(_LONGEST_WAY)
        self._echo = Quantile(0.95)
        self._share = 0.0

    def begin_again(self) -> None:
        """Note that nothing has sounded for a while: a person who spoke last may have finished meanwhile."""
        self._share = 0.0

    def judge(self, played: float, captured: float, trained: Ms) -> tuple[float, float]:
        """Take in the newest 10 ms; return the share, 0 to 1, with which they begin and end."""
        before = self._share
        if trained > _YOUNG and not before:
            return 0.0, 0.0
        self._played.hear(played)
        is_clear = False
        # In a pause of the answer nothing needs help, and the room's noise is louder than any echo.
        if self._played.teaches(trained):
            over = max(captured, _FAINTEST_DBFS) - self._played.dbfs
            echo = self._echo.level if self._echo.seen >= _LESSONS else None
            is_clear = echo is not None and trained <= _YOUNG and over > echo + _CLEARLY
            # Also what is clear: an echo that has become much louder must not count as a person for good. An amplifier
            # that woke up 1.5 s after an answer's beginning did for 5 s; if that answer says the wake word, it stops.
            self._echo.see(over)
        share = follow(before, is_clear)
        self._share = share if share > _INAUDIBLE else 0.0
        return before, self._share
