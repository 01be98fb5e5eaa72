"""Recognises "stop" in a stream: every short utterance with pauses around it is judged."""

from __future__ import annotations

from device.wake.stopword.judge import WORD, Judge
from device.wake.stopword.utterance import Utterances

# What a network makes of voices of synthesizers that it was not trained on: tests/bench/fit_stop_word.py; of this one:
# tests/bench/bench_stop.py, in docs/wake-words.md.
THRESHOLD = 0.12
EAGER_THRESHOLD = 0.04
"""Over a ring nearly all is heard that its rest has not torn."""


class JudgedWord:
    """A Recogniser (see listener.py)."""

    def __init__(self) -> None:
        self._judge: Judge | None = None
        self._utterances = Utterances()
        self._threshold = THRESHOLD

    def begin(self, eager: bool = False) -> None:
        """See Recogniser."""
        self._threshold = EAGER_THRESHOLD if eager else THRESHOLD
        if self._judge is None:
            self._judge = Judge()
        self._utterances.begin()

    def hear(self, pcm: bytes) -> str:
        """See Recogniser."""
        judge = self._judge
        if judge is None:
            return ""
        for utterance in self._utterances.hear(pcm):
            if judge.score(utterance) > self._threshold:
                # The burst of its "p" may come late, and is no other word.
                self._utterances.begin()
                return WORD
        return ""

    def rest(self) -> None:
        """See Recogniser."""
        self._judge = None
        self._utterances.begin()
