"""How much of an answer has come and cannot have been heard yet."""

from __future__ import annotations

from collections.abc import Iterator

from device.conversation.openai.facts import Fact, ReplyAudio
from device.conversation.openai.outbox import BYTES_PER_MS

# The machine gives an answer that is complete ten minutes to sound: what is beyond them would never be heard. At 24 kHz
# they are 29 MB; a model's longest answer (32,000 tokens, each 50 ms) takes longer to come than that.
LONGEST_S = 600.0

# A piece is 0.5 ms of work for the loudspeaker's resampler on a desktop and some milliseconds on a Pi.
_PIECE = 200 * BYTES_PER_MS


def in_pieces(fact: Fact) -> Iterator[Fact]:
    """Cut long sound, so that who hands it on may do something else in between."""
    if not isinstance(fact, ReplyAudio) or len(fact.pcm) <= _PIECE:
        yield fact
        return
    for at in range(0, len(fact.pcm), _PIECE):
        yield ReplyAudio(fact.turn, fact.item, fact.pcm[at : at + _PIECE])


class Backlog:
    """The sound of a turn that waits to be heard: nobody plays it faster than time goes by.

    The player may be behind that (it opens the loudspeaker, it is interrupted): then a little more waits.
    """

    def __init__(self) -> None:
        self._turn = 0
        self._waits_s = 0.0
        self._at = 0.0

    def add(self, sound: ReplyAudio, now: float) -> float:
        """Take in a piece at `now` (seconds of a clock that never goes back); return how many seconds wait."""
        if sound.turn != self._turn:
            self._turn, self._waits_s = sound.turn, 0.0
        self._waits_s = max(0.0, self._waits_s - (now - self._at)) + len(sound.pcm) / BYTES_PER_MS / 1000
        self._at = now
        return self._waits_s
