"""How much a server has sent that cannot have been used yet: sound that waits to be heard, and messages."""

from __future__ import annotations

from collections.abc import Iterator

from device.conversation.openai.protocol.facts import AnswerAudio, Fact
from device.conversation.openai.protocol.outbox import BYTES_PER_MS

# The machine lets a complete answer sound for ten minutes: what is longer would never be heard. At 24 kHz that is 29
# MB; a model's longest answer (32,000 tokens of 50 ms) takes longer than ten minutes to arrive.
LONGEST_S = 600.0

# Each item is counted as this much sound more: the player and the protocol keep some data about each.
_ITEM_S = 1.0

MOST_MESSAGES = 30_000
"""So many more than `_MESSAGES_PER_S` allows may come at once: ten minutes of an answer in pieces of 20 ms."""

# Eight times as fast as speech, in pieces of 20 ms, with the words besides.
_MESSAGES_PER_S = 500.0

# The loudspeaker's resampler needs 0.5 ms for such a piece on a desktop, and some milliseconds on a Pi.
_PIECE = 200 * BYTES_PER_MS


def in_pieces(fact: Fact) -> Iterator[Fact]:
    """Cut long sound in pieces, so that other work can be done between them."""
    if not isinstance(fact, AnswerAudio) or len(fact.pcm) <= _PIECE:
        yield fact
        return
    for at in range(0, len(fact.pcm), _PIECE):
        yield AnswerAudio(fact.turn, fact.item, fact.pcm[at : at + _PIECE])


class Bucket:
    """A leaky bucket: it is filled in portions, and runs out at a steady rate."""

    def __init__(self, leak_per_s: float) -> None:
        self._leak_per_s = leak_per_s
        self._held = 0.0
        self._at = 0.0

    def add(self, amount: float, now: float) -> float:
        """Fill in `amount` at `now` (seconds of a clock that never goes back); return how much it holds."""
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
        """Count a piece; return how many seconds of the turn's sound are left when it is played without a break.

        The player may be behind (while it opens the loudspeaker, for instance): then a little more waits.
        """
        last, self._item = self._item, (sound.turn, sound.item)
        if last is None or last[0] != sound.turn:
            self._sound = Bucket(1.0)
        if last != self._item:
            self._sound.add(_ITEM_S, now)
        return self._sound.add(len(sound.pcm) / BYTES_PER_MS / 1000, now)

    def add_message(self, now: float) -> bool:
        """Count a message; return whether there were too many."""
        return self._messages.add(1, now) > MOST_MESSAGES
