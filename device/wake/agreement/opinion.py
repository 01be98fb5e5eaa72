"""A second opinion: what one engine detects counts only if another engine hears the word in the same sound, too.

Two engines that were trained by different people on different features are seldom wrong about the same sound. The other
engine runs only when the first has detected something, on the newest two seconds, so it costs nothing in between. It
needs some sound after a word before its score rises, and the first detects a word such as "alexa" before it is over. So
it is asked at first whether it would hear the word if all were silent from now on. If not, it goes on with what really
comes, for a moment. What is detected, and where the word ends, is still what the first engine says.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from device.ports.wake import Detection, DetectionRule, Narrowing, NearMiss, Refusal, Skipping, WakeWord
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, samples_from_ms
from device.wake.decision import number

_log = logging.getLogger(__name__)

# The longest word, said slowly, and some of what is before it: the features of microWakeWord adapt to the room first.
BEFORE = samples_from_ms(2000, CAPTURE_RATE)
# For how long after the estimated end of the word the other engine may go on. The estimate is up to 240 ms early, and
# microWakeWord's score is highest some 150 ms after the word.
AFTER = samples_from_ms(800, CAPTURE_RATE)
# The silence that stands for what has not been heard yet: no score rises later than that after the word, since it is a
# mean over 150 ms, of a network that looks at some tens of milliseconds more.
_SILENCE = bytes(samples_from_ms(400, CAPTURE_RATE) * BYTES_PER_SAMPLE)
# How far behind the newest sound the end of a word can lie when it is detected: 0.7 s, and a batch of blocks.
_LATE = samples_from_ms(1000, CAPTURE_RATE)
_KEPT_BYTES = (BEFORE + _LATE) * BYTES_PER_SAMPLE


class FirstEngine(Skipping, Narrowing, Protocol):
    """The engine whose detections are examined: it can be corrected."""

    def forgive(self, word: str) -> None:
        """The newest detection of the word did not count: it may be detected again at once."""


class Judge(Protocol):
    """Looks for one word in a piece of sound. Used by the thread that runs the engines."""

    threshold: float
    """The score from which it agrees."""

    def hear(self, pcm: bytes) -> float:
        """Hear sound that joins on to what it heard since `forget`; return the highest score since then."""

    def forget(self) -> None:
        """Be ready for another piece of sound."""


class EngineJudge:
    """A Judge that runs a whole engine, made when it is first needed.

    Between two questions the engine is reset already, so that the next answer need not wait for that.
    """

    def __init__(self, word: str, threshold: float, make: Callable[[], WakeWord]) -> None:
        """`make` returns an engine that listens for `word`; it is called once, and may take some tens of ms."""
        self.threshold = threshold
        self._word = word
        self._make = make
        self._engine: WakeWord | None = None
        self._best = 0.0

    def hear(self, pcm: bytes) -> float:
        """See Judge. Raises what the engine raises."""
        if self._engine is None:
            self._engine = self._make()
        step = self._engine.step * BYTES_PER_SAMPLE
        for at in range(0, len(pcm), step):
            self._engine.process(pcm[at : at + step])
            self._best = max(self._best, number(self._engine.scores[self._word]))
        return self._best

    def forget(self) -> None:
        """See Judge."""
        self._best = 0.0
        if self._engine is not None:
            self._engine.reset()


@dataclass(slots=True)
class _Question:
    """A detection about which the other engine has not decided yet."""

    found: Detection
    judge: Judge
    heard: int
    """How far in the stream the judge has heard."""
    until: int = field(init=False)
    score: float = 0.0

    def __post_init__(self) -> None:
        """Limit how long it stays open."""
        self.until = self.found.end + AFTER


class SecondOpinion:
    """A `ports.WakeWord`: the first engine; its detections of some words count only if their judges agree.

    A judge that fails agrees: without it the house would be deaf for its word.
    """

    def __init__(self, first: FirstEngine, judges: Mapping[str, Judge], name: str) -> None:
        """`judges`: by word; all of the engine that is called `name`."""
        self._first = first
        self._judges = judges
        self._name = name
        self.words, self.step = first.words, first.step
        self.can_narrow = first.can_narrow
        self._recent = bytearray()
        self._position = 0
        self._open: dict[str, _Question] = {}
        self._refused: list[NearMiss] = []
        self._failing = False

    @property
    def scores(self) -> Mapping[str, float]:
        """The newest scores of the first engine."""
        return self._first.scores

    @property
    def rules(self) -> Mapping[str, DetectionRule]:
        """The rules of the first engine."""
        return self._first.rules

    def process(self, pcm: bytes) -> list[Detection]:
        """Feed any whole number of samples; return what the first engine detects and the other, if asked, agrees to."""
        self._recent += pcm
        self._position += len(pcm) // BYTES_PER_SAMPLE
        detected = self._first.process(pcm)
        certain = [question.found for question in tuple(self._open.values()) if self._is_agreed(question)]
        certain += [found for found in detected if self._counts(found)]
        del self._recent[:-_KEPT_BYTES]
        return sorted(certain, key=lambda found: found.end)

    def pop_near_misses(self) -> list[NearMiss]:
        """Return those of the first engine, and its detections that the other one refused, oldest first."""
        misses, self._refused = [*self._first.pop_near_misses(), *self._refused], []
        return sorted(misses, key=lambda miss: miss.at)

    def reset(self) -> None:
        """Forget the sound so far, because the stream was interrupted; what was undecided is refused."""
        self._refuse_all()
        self._recent.clear()
        self._first.reset()

    def skip(self, samples: int) -> None:
        """Skip a part of the stream: what sounds like what was heard last, which then stands for it, or less than a
        step, after which the judges hear on.
        """
        if samples < self.step:
            for question in self._open.values():
                question.heard += samples
                question.until += samples
        else:
            self._refuse_all()
        self._first.skip(samples)
        self._position += samples

    def narrow(self, first_only: bool) -> None:
        """See Narrowing."""
        self._first.narrow(first_only)

    def _counts(self, found: Detection) -> bool:
        """Tell whether a detection counts now; the judge may need more sound for that."""
        judge = self._judges.get(found.word)
        if judge is None:
            return True
        if found.word in self._open:
            # The same word, heard twice.
            return False
        began = self._position - len(self._recent) // BYTES_PER_SAMPLE
        question = self._open[found.word] = _Question(found, judge, max(began, found.end - BEFORE))
        return self._would_be_agreed(question) or self._is_agreed(question)

    def _would_be_agreed(self, question: _Question) -> bool:
        """Let the judge hear what there is, and silence after it; close the question if it agrees."""
        until = min(self._position, question.until)
        if self._heard(question.judge, self._sound(question.heard, until) + _SILENCE) >= question.judge.threshold:
            self._close(question)
            return True
        self._forget(question.judge)
        return False

    def _is_agreed(self, question: _Question) -> bool:
        """Let the judge hear what it has not heard; close the question when it is decided."""
        until = min(self._position, question.until)
        question.score = self._heard(question.judge, self._sound(question.heard, until))
        question.heard = until
        if question.score >= question.judge.threshold:
            self._close(question)
            return True
        if self._position >= question.until:
            self._refuse(question)
        return False

    def _heard(self, judge: Judge, pcm: bytes) -> float:
        try:
            score = judge.hear(pcm)
            self._failing = False
        except Exception as error:  # noqa: BLE001  a house that hears too much is better than one that hears nothing
            self._complain(error)
            return 1.0
        return score

    def _complain(self, error: Exception) -> None:
        if not self._failing:
            _log.error("no second opinion, so every detection counts: %s", error)
        self._failing = True

    def _sound(self, since: int, until: int) -> bytes:
        began = self._position - len(self._recent) // BYTES_PER_SAMPLE
        return bytes(self._recent[(since - began) * BYTES_PER_SAMPLE : (until - began) * BYTES_PER_SAMPLE])

    def _refuse_all(self) -> None:
        for question in tuple(self._open.values()):
            self._refuse(question)

    def _refuse(self, question: _Question) -> None:
        found, judge = question.found, question.judge
        rule = self._first.rules[found.word]
        refusal = Refusal(self._name, question.score, judge.threshold)
        self._refused.append(NearMiss(found.word, found.score, rule.threshold, found.end, refusal))
        self._first.forgive(found.word)
        self._close(question)

    def _close(self, question: _Question) -> None:
        del self._open[question.found.word]
        self._forget(question.judge)

    def _forget(self, judge: Judge) -> None:
        try:
            judge.forget()
        except Exception as error:  # noqa: BLE001  as above
            self._complain(error)
