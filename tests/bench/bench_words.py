"""Measures misses and false accepts of the included words on a synthetic set (see word_set.py).

`python tests/bench/bench_words.py [--count 90] [--minutes 15] [--write]` prints Markdown tables for both engines; with
`--write` it puts them and a picture into docs/wake-words.md. It takes some minutes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from common import ROOT, publish, table
from wake_set import ROOMS
from word_set import KINDS, SPOKEN, Piece, others, words

from device.cli import curves
from device.ports.wake import DetectionRule
from device.wake.engines import load_engine
from device.wake.evaluation import Errors, Evaluator, Track, errors, sweep
from device.wake.settings import Wake

PAGE = ROOT / "docs" / "wake-words.md"
PICTURE = ROOT / "docs" / "wake-words.png"
ENGINES = {
    "openwakeword": ("hey_jarvis", "alexa", "hey_mycroft", "hey_rhasspy", "weather", "timer"),
    "microwakeword": ("hey_jarvis", "alexa", "hey_mycroft", "okay_nabu"),
}
CLASSES = {"timer": tuple(word for word in SPOKEN if word.endswith("_timer"))}
"""The words of a model with several classes."""
DISTANCES = {"near": ("near",), "far": ("far",), "quiet": ("quiet",), "faint": ("faint",), "in noise": ROOMS[4:]}
SHOWN = (0.1, 0.3, 0.5, 0.7, 0.9)


class Judged:
    """The results of an engine on the set."""

    def __init__(self, engine: str, pieces: Sequence[Piece]) -> None:
        self.words = judged_words(engine)
        loaded = load_engine(Wake(engine=engine, words=ENGINES[engine], second_opinion=()))  # type: ignore[arg-type]
        evaluator = Evaluator(loaded)
        self.rules: Mapping[str, DetectionRule] = {word: loaded.rules[word] for word in self.words}
        self.pieces = [piece for piece in pieces if not piece.word or piece.word in self.words]
        self.tracks = [evaluator.hear(str(index), [piece.pcm]) for index, piece in enumerate(self.pieces)]
        self.expected = {track.name: piece.word for track, piece in zip(self.tracks, self.pieces, strict=True)}

    def sweeps(self) -> dict[str, list[Errors]]:
        """Return both errors of each word over the thresholds, confusable phrases left out."""
        tracks = self._tracks((*ROOMS, *KINDS[1:]))
        return {word: sweep(tracks, self.expected, word, self.rules[word]) for word in self.words}

    def of(self, word: str, *kinds: str) -> Errors:
        """Return the errors of a word as shipped, in some of the pieces."""
        rule = self.rules[word]
        return errors(self._tracks(kinds), self.expected, word, rule, rule.threshold)

    def phrases(self, kind: str) -> int:
        """Return the number of phrases of a kind."""
        return sum(piece.phrases for piece in self.pieces if piece.kind == kind)

    def _tracks(self, kinds: Sequence[str]) -> list[Track]:
        pairs = zip(self.tracks, self.pieces, strict=True)
        return [track for track, piece in pairs if piece.kind in kinds]


def judged_words(engine: str) -> tuple[str, ...]:
    """Return every word that an engine's models listen for."""
    return tuple(word for model in ENGINES[engine] for word in CLASSES.get(model, (model,)))


def as_shipped(judged: Judged) -> str:
    """Return the errors of each word at its default threshold."""
    head = ["word", "threshold", *(f"missed {place}" for place in DISTANCES)]
    head += [f"taken for it: of {judged.phrases(KINDS[0])} confusable phrases"]
    head += [f"an hour of {kind}" for kind in KINDS[1:]]
    return table(head, [_shipped_row(judged, word) for word in judged.words])


def _shipped_row(judged: Judged, word: str) -> list[str]:
    missed = [judged.of(word, *rooms) for rooms in DISTANCES.values()]
    wrong = [judged.of(word, kind).accepted_per_hour or 0.0 for kind in KINDS[1:]]
    return [
        f"`{word}`",
        f"{judged.rules[word].threshold:.2f}",
        *(f"{found.rejected} of {found.spoken}" for found in missed),
        str(judged.of(word, KINDS[0]).accepted),
        *(f"{rate:.1f}" for rate in wrong),
    ]


def over_thresholds(sweeps: Mapping[str, list[Errors]]) -> str:
    """Return both errors at some thresholds: missed / false accepts an hour."""
    head = ["word", *(f"at {threshold}" for threshold in SHOWN)]
    rows = []
    for word, points in sweeps.items():
        shown = [point for point in points if point.threshold in SHOWN]
        rows.append([f"`{word}`", *(_both(point) for point in shown)])
    return table(head, rows)


def _both(point: Errors) -> str:
    return f"{point.rejected_share or 0:.0%} / {point.accepted_per_hour or 0:.1f}"


def hours(judged: Judged) -> str:
    """Return the amounts of each kind of sound."""
    kinds = [f"{judged.of(judged.words[0], kind).hours * 60:.0f} minutes of {kind}" for kind in KINDS]
    spoken = sum(bool(piece.word) for piece in judged.pieces)
    return f"{spoken} utterances, {', '.join(kinds)}."


def main() -> None:
    """Generate the set, judge both engines, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=90, help="utterances of each word")
    parser.add_argument("--minutes", type=float, default=15, help="of each kind of other sound")
    parser.add_argument("--write", action="store_true", help=f"put them into {PAGE.name}")
    options = parser.parse_args()
    names = dict.fromkeys(word for engine in ENGINES for word in judged_words(engine))
    pieces = [*words(tuple(names), options.count), *others(options.minutes)]
    for engine in ENGINES:
        judged = Judged(engine, pieces)
        sweeps = judged.sweeps()
        text = f"{hours(judged)}\n\n{as_shipped(judged)}\n\n{over_thresholds(sweeps)}"
        publish(f"bench_words {engine}", text, options.write, PAGE)
        if options.write and engine == "openwakeword":
            curves.draw(PICTURE, (), judged.rules, sweeps)


if __name__ == "__main__":
    main()
