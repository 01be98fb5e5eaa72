"""Runs an engine on recordings, and computes its errors (false rejects and false accepts) at other thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from device.ports.wake import Detection, DetectionRule, NearMiss, WakeWord
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Samples, samples_from_ms
from device.wake.decision import Decision

THRESHOLDS = tuple(round(0.1 + 0.05 * step, 2) for step in range(18))
"""0.1 to 0.95."""

# Silence before a recording, as on a device that has been listening. Longer than any engine's memory and warm-up.
_LEAD = samples_from_ms(3000, CAPTURE_RATE)
# Silence after it: an engine detects a word up to 0.7 s after its end, and reports a near miss 0.4 s after that.
_TAIL = samples_from_ms(1500, CAPTURE_RATE)


@dataclass(frozen=True, slots=True)
class Track:
    """The results of one recording. Positions count from its beginning, and may lie a little after its end."""

    name: str
    samples: Samples
    step: Samples
    scores: Mapping[str, Sequence[float]]
    """By word: one score for every step."""
    detections: tuple[Detection, ...]
    near_misses: tuple[NearMiss, ...]


@dataclass(frozen=True, slots=True)
class Errors:
    """The errors of one word at one threshold."""

    threshold: float
    rejected: int
    """False rejects: recordings with the word in which it was not detected."""
    spoken: int
    """Number of recordings with the word."""
    accepted: int
    """False accepts: detections in recordings without the word."""
    hours: float
    """Duration of the recordings without the word."""

    @property
    def accepted_per_hour(self) -> float | None:
        """False accepts per hour; None without recordings of that kind."""
        return self.accepted / self.hours if self.hours else None

    @property
    def rejected_share(self) -> float | None:
        """False rejects per spoken word, 0 to 1; None without recordings of that kind."""
        return self.rejected / self.spoken if self.spoken else None


class Evaluator:
    """Runs an engine on recordings, one after the other, each as if only silence had gone before."""

    def __init__(self, engine: WakeWord) -> None:
        self._engine = engine
        self._step_bytes = engine.step * BYTES_PER_SAMPLE
        # The refractory period of a word at the end of one recording must not reach into the next.
        self._lead = max(_LEAD, *(rule.refractory for rule in engine.rules.values()))
        self._rest = b""
        self._fed = 0

    def hear(self, name: str, sound: Iterable[bytes]) -> Track:
        """Run on a recording (16 kHz mono s16le, in pieces), with silence before and after it."""
        self._engine.reset()
        self._begin()
        self._feed(bytes(self._lead * BYTES_PER_SAMPLE))
        self._engine.pop_near_misses()
        began, length = self._begin(), 0
        for piece in sound:
            length += len(piece) // BYTES_PER_SAMPLE
            self._feed(piece)
        self._feed(bytes(_TAIL * BYTES_PER_SAMPLE))
        return self._track(name, Samples(length), began)

    def _begin(self) -> int:
        self._rest = b""
        self._scores: dict[str, list[float]] = {word: [] for word in self._engine.words}
        self._detections: list[Detection] = []
        return self._fed

    def _feed(self, pcm: bytes) -> None:
        data = self._rest + pcm
        whole = len(data) - len(data) % self._step_bytes
        self._rest = data[whole:]
        for at in range(0, whole, self._step_bytes):
            self._step(data[at : at + self._step_bytes])

    def _step(self, pcm: bytes) -> None:
        self._fed += self._engine.step
        self._detections += self._engine.process(pcm)
        for word, score in self._engine.scores.items():
            self._scores[word].append(score)

    def _track(self, name: str, length: Samples, began: int) -> Track:
        # The engine's positions count from the first recording that it was ever fed.
        detections = (replace(found, end=Samples(found.end - began)) for found in self._detections)
        near = (replace(miss, at=Samples(miss.at - began)) for miss in self._engine.pop_near_misses())
        return Track(name, length, self._engine.step, self._scores, tuple(detections), tuple(near))


def errors(
    tracks: Sequence[Track], expected: Mapping[str, str], word: str, rule: DetectionRule, threshold: float
) -> Errors:
    """Count the errors of `word` at `threshold`; `expected` maps a recording's name to the word in it, "" for none."""
    rule = replace(rule, threshold=threshold)
    counts = {track.name: _count(track, word, rule) for track in tracks}
    spoken = [track for track in tracks if expected[track.name] == word]
    others = [track for track in tracks if expected[track.name] != word]
    return Errors(
        threshold,
        rejected=sum(not counts[track.name] for track in spoken),
        spoken=len(spoken),
        accepted=sum(counts[track.name] for track in others),
        hours=sum(track.samples for track in others) / CAPTURE_RATE / 3600,
    )


def sweep(tracks: Sequence[Track], expected: Mapping[str, str], word: str, rule: DetectionRule) -> list[Errors]:
    """Count the errors of `word` at each of THRESHOLDS, with the patience and the refractory period of `rule`."""
    return [errors(tracks, expected, word, rule, threshold) for threshold in THRESHOLDS]


def _count(track: Track, word: str, rule: DetectionRule) -> int:
    decision = Decision(word, rule)
    scores = enumerate(track.scores[word], start=1)
    return sum(decision.hear(score, index * track.step) for index, score in scores)
