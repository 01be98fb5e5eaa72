"""Cuts the stream into the steps in which a wake-word engine works (80 ms).

Where the card delivers 80 ms at a time, and steps do not end where its blocks do, every step waits for the rest of a
block: always for the same time, 40 ms on average. So the steps can begin anew, where a block does. What there is of a
step then is never scored, and the engine hears the sound before and after it as one: not while a word may be under way.
"""

from __future__ import annotations

from device.units import BYTES_PER_SAMPLE
from device.wake.decision import FRAME

STEP_BYTES = FRAME * BYTES_PER_SAMPLE
# So long the card must have delivered whole steps: after a change of streams, when somebody has just begun to speak,
# the first word may be a wake word.
_PROVEN_BYTES = 20 * STEP_BYTES


class Steps:
    """The stream in steps; `cut` and `align` it in one thread, ask in any."""

    def __init__(self) -> None:
        self._begun = b""
        """What has come of the next step."""
        self._proven_bytes = 0
        """How much has come in pieces of whole steps, in a row."""

    @property
    def begun_samples(self) -> int:
        """How much has come of the next step."""
        return len(self._begun) // BYTES_PER_SAMPLE

    @property
    def are_aligned(self) -> bool:
        """Whether the newest step ended where its piece did, and pieces have been whole steps for a while."""
        return self._proven_bytes >= _PROVEN_BYTES and not self._begun

    def cut(self, piece: bytes) -> bytes:
        """Add a piece of the stream (16 kHz mono s16le), and return the steps that are complete, in a row."""
        sound = self._begun + piece
        whole = len(sound) - len(sound) % STEP_BYTES
        self._begun = sound[whole:]
        self._proven_bytes = 0 if len(piece) % STEP_BYTES else self._proven_bytes + len(piece)
        return sound[:whole]

    def align(self) -> None:
        """Let the next step begin with the next piece, where pieces have been whole steps for a while."""
        if self._proven_bytes >= _PROVEN_BYTES:
            self._begun = b""

    def reset(self) -> None:
        """The stream was interrupted."""
        self._begun, self._proven_bytes = b"", 0
