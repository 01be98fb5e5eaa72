"""How much has come of a server, and cannot have been used yet: sound that waits to be heard, and messages."""

from __future__ import annotations

from collections.abc import Iterator

from device.conversation.openai.facts import AnswerAudio, Fact
from device.conversation.openai.outbox import BYTES_PER_MS

# The machine gives an answer that is complete ten minutes to sound: what is beyond them would never be heard. At 24 kHz
# they are 29 MB; a model's longest answer (32,000 tokens, each 50 ms) takes longer to come than that.
LONGEST_S = 600.0

# What the player keeps of an item, and the protocol until the session ends, is worth that much sound at least.
_ITEM_S = 1.0

MOST_MESSAGES = 30_000
"""Ahead of `_MESSAGES_PER_S`. Ten minutes of an answer at once, in pieces of 20 ms: each leaves some traces."""

# Eight times as fast as speech, in such pieces, with the words beside them.
_MESSAGES_PER_S = 500.0

# A piece is 0.5 ms of work for the loudspeaker's resampler on a desktop and some milliseconds on a Pi.
_PIECE = 200 * BYTES_PER_MS


def in_pieces(fact: Fact) -> Iterator[Fact]:
    """Cut long sound, so that who hands it on may do something else in between."""
    if not isinstance(fact, AnswerAudio) or len(fact.pcm) <= _PIECE:
        yield fact
        return
    for at in range(0, len(fact.pcm), _PIECE):
        yield AnswerAudio(fact.turn, fact.item, fact.pcm[at : at + _PIECE])


class Bucket:
    """What is put in and runs out at a steady rate."""

    def __init__(self, leak_per_s: float) -> None:
        self._leak_per_s = leak_per_s
        self._held = 0.0
        self._at = 0.0

    def add(self, amount: float, now: float) -> float:
        """Put some in at `now` (seconds of a clock that never goes back); return how much there is."""
        self._held = max(0.0, self._held - (now - self._at) * self._leak_per_s) + amount
        self._at = now
        return self._held


class Backlog:
    """What a session's server has sent."""

    def __init__(self) -> None:
        self._item: tuple[int, str] | None = None
        self._sound = Bucket(1.0)
        self._messages = Bucket(_MESSAGES_PER_S)

    def add_sound(self, sound: AnswerAudio, now: float) -> float:
        """Take in a piece; return for how many seconds the turn's sound will still be heard.

        Nobody plays it faster than time goes by. The player may be behind that (it opens the loudspeaker, it is
        interrupted): then a little more waits.
        """
        last, self._item = self._item, (sound.turn, sound.item)
        if last is None or last[0] != sound.turn:
            self._sound = Bucket(1.0)
        if last != self._item:
            self._sound.add(_ITEM_S, now)
        return self._sound.add(len(sound.pcm) / BYTES_PER_MS / 1000, now)

    def add_message(self, now: float) -> bool:
        """Take in a message; return whether there were too many."""
        return self._messages.add(1, now) > MOST_MESSAGES
