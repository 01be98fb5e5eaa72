"""Recognises "stop" in a stream: every short utterance with pauses around it is judged."""

from __future__ import annotations

from device.wake.stopword.judge import WORD, Judge
from device.wake.stopword.utterance import Utterances

# At this, of neural synthesizers left out of the training 90 to 100 % of the words are heard (of espeak-ng 56 %: voices
# that are unlike those known score low), and 2 to 5 % of other short words, unlike it, are taken for it
# (tests/bench/fit_stop_word.py).
THRESHOLD = 0.12


class JudgedWord:
    """A Recogniser (see listener.py)."""

    def __init__(self) -> None:
        self._judge: Judge | None = None
        self._utterances = Utterances()

    def begin(self) -> None:
        """See Recogniser."""
        if self._judge is None:
            self._judge = Judge()
        self._utterances.begin()

    def hear(self, pcm: bytes) -> str:
        """See Recogniser."""
        judge = self._judge
        if judge is None:
            return ""
        for utterance in self._utterances.hear(pcm):
            if judge.score(utterance) > THRESHOLD:
                # The burst of its "p" may come late, and is no other word.
                self._utterances.begin()
                return WORD
        return ""

    def rest(self) -> None:
        """See Recogniser."""
        self._judge = None
        self._utterances.begin()
