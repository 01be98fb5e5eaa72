"""Measures what a second opinion keeps out, what it loses, and what it costs (see device/wake/agreement/).

`python tests/bench/bench_agreement.py [--voices FOLDER] [--minutes 30] [--write]`. FOLDER holds recordings of people
(16 kHz WAV), each named after the word in it (`alexa-1.wav`); without it only synthetic voices are used.
"""

from __future__ import annotations

import argparse
import gc
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import common
from word_set import KINDS, others, words

from device.audio.wavfile import open_wav
from device.units import CAPTURE_RATE
from device.wake.agreement.opinion import EngineJudge, SecondOpinion
from device.wake.agreement.words import ENGINE, THRESHOLD
from device.wake.decision import rules
from device.wake.evaluation import Evaluator
from device.wake.microwakeword.engine import MicroWakeWord
from device.wake.openwakeword.engine import OpenWakeWord
from device.wake.settings import Wake

PAGE = common.ROOT / "docs/wake-words.md"
WORDS = ("alexa", "hey_jarvis", "hey_mycroft")
"""Those that both engines know."""
TALK = KINDS[:2]


@dataclass
class Question:
    """One question to the second engine."""

    score: float = 0.0
    computing_s: float = 0.0
    first_s: float = 0.0
    """Of that, for what had been heard by the time of the detection."""
    waited: int = 0
    """How many samples it was given after that."""

    @property
    def delay_ms(self) -> float:
        """How much later the word is detected for it."""
        return self.computing_s * 1000 + self.waited * 1000 / CAPTURE_RATE


@dataclass
class WatchedJudge:
    """An EngineJudge, and all questions to it."""

    inner: EngineJudge
    asked: list[Question] = field(default_factory=list)
    _open: Question | None = None
    _is_supposed: bool = False
    """Whether it has been given only what there was and a silence after it; after a no the question goes on."""

    @property
    def threshold(self) -> float:
        """Its own."""
        return self.inner.threshold

    def hear(self, pcm: bytes) -> float:
        """Take the time."""
        began = time.perf_counter()
        score = self.inner.hear(pcm)
        spent = time.perf_counter() - began
        if self._open is None:
            self._open, self._is_supposed = Question(first_s=spent), True
            self.asked.append(self._open)
        elif self._is_supposed:
            self._open.first_s += spent
            self._is_supposed = False
        else:
            self._open.waited += len(pcm) // 2
        self._open.score, self._open.computing_s = score, self._open.computing_s + spent
        return score

    def forget(self) -> None:
        """The question is decided, or goes on with what really comes."""
        is_refused = self._open is not None and self._open.score < self.threshold
        if not (self._is_supposed and is_refused):
            self._open = None
        self.inner.forget()


class Pair:
    """Both engines, with one word."""

    def __init__(self, word: str) -> None:
        wake = Wake(words=(word,))
        self.judge = WatchedJudge(EngineJudge(word, THRESHOLD, partial(MicroWakeWord, (word,))))
        self.judge.inner.hear(bytes(1280))
        self.judge.inner.forget()
        self._both = Evaluator(SecondOpinion(OpenWakeWord((word,), rules(wake)), {word: self.judge}, ENGINE))
        self.second_alone = Evaluator(MicroWakeWord((word,)))

    def hear(self, sound: Iterable[bytes]) -> tuple[int, int]:
        """Return how often the first engine detects the word, and how often both do."""
        before = len(self.judge.asked)
        both = len(self._both.hear("", sound).detections)
        return len(self.judge.asked) - before, both


def of_people(folder: Path, pairs: dict[str, Pair]) -> str:
    """Return what becomes of recordings of people, each with one word."""
    rows = []
    for word, pair in pairs.items():
        files = sorted(folder.glob(f"{word}-*.wav"))
        heard = [pair.hear([_pcm(file)]) for file in files]
        scores = [question.score for question in pair.judge.asked]
        alone = sum(bool(pair.second_alone.hear("", [_pcm(file)]).detections) for file in files)
        first, both = (sum(map(bool, column)) for column in zip(*heard, strict=True))
        rows.append([f"`{word}`", *map(str, (len(files), first, both, alone)), f"{min(scores, default=0.0):.2f}"])
    head = ["word", "recordings", "heard by `openwakeword`", "by both", f"by `{ENGINE}` alone", "its lowest score"]
    return common.table(head, rows)


def _pcm(file: Path) -> bytes:
    with open_wav(file) as sound:
        return b"".join(sound)


def without_the_word(folder: Path | None, pairs: dict[str, Pair], minutes: float) -> str:
    """Return how often each word is detected in sound without it: talk, and other words of people."""
    pieces = [(piece.kind, piece.pcm) for piece in others(minutes) if piece.kind in TALK]
    if folder is not None:
        pieces += [(file.stem, _pcm(file)) for file in sorted(folder.glob("*.wav"))]
    rows = []
    for word, pair in pairs.items():
        for kind in (*TALK, "people") if folder else TALK:
            chosen = [pcm for name, pcm in pieces if name == kind or (kind == "people" and _is_other(name, word))]
            heard = [pair.hear([pcm]) for pcm in chosen]
            counts = sum(first for first, _ in heard), sum(both for _, both in heard)
            rows.append([f"`{word}`", f"{_minutes(chosen):.1f} minutes of {kind}", *map(str, counts)])
    return common.table(["word", "sound without it", "`openwakeword`", "both"], rows)


def _is_other(name: str, word: str) -> bool:
    # The one recording that is not named after the "alexa" in it.
    return name not in TALK and not name.startswith(word) and not (word == "alexa" and name.endswith("alexa"))


def _minutes(pieces: Sequence[bytes]) -> float:
    return sum(map(len, pieces)) / 2 / CAPTURE_RATE / 60


def synthetic(pairs: dict[str, Pair], count: int) -> str:
    """Return what becomes of the words of synthetic voices in many rooms."""
    rows = []
    for word, pair in pairs.items():
        heard = [pair.hear([piece.pcm]) for piece in words((word,), count)]
        first, both = (sum(map(bool, column)) for column in zip(*heard, strict=True))
        rows.append([f"`{word}`", str(count), str(first), str(both)])
    return common.table(["word", "synthetic utterances", "heard by `openwakeword`", "by both"], rows)


def cost(pairs: dict[str, Pair], load_ms: float, memory_mb: float) -> str:
    """Return what a question costs; what the first one does is known."""
    agreed = {word: [one for one in pair.judge.asked if one.score >= THRESHOLD] for word, pair in pairs.items()}
    asked = [question for pair in pairs.values() for question in pair.judge.asked]
    rows = [
        *(
            [f"delay of a detection of `{word}`, ms", common.spread([one.delay_ms for one in of])]
            for word, of in agreed.items()
        ),
        ["of all three words", common.spread([one.delay_ms for of in agreed.values() for one in of])],
        ["computing for a question, ms", common.spread([question.first_s * 1000 for question in asked])],
        ["the first question after the start, ms", f"{load_ms:.0f}"],
        ["memory (PSS) from the first question on, MB", f"+{memory_mb:.1f}"],
    ]
    return common.table(["what", "figure"], rows)


def show_fresh() -> None:
    """Print what the first question takes in a process that has only the first engine: ms, and MB."""
    first = OpenWakeWord(("alexa",), rules(Wake(words=("alexa",))))
    first.process(bytes(64_000))
    judge = EngineJudge("alexa", THRESHOLD, partial(MicroWakeWord, ("alexa",)))
    before = _pss_mb()
    began = time.perf_counter()
    judge.hear(bytes(64_000))
    spent = time.perf_counter() - began
    judge.forget()
    print(spent * 1000, _pss_mb() - before)


def _pss_mb() -> float:
    gc.collect()
    found = re.search(r"^Pss:\s+(\d+) kB", Path("/proc/self/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voices", type=Path, help="a folder with recordings of people")
    parser.add_argument("--minutes", type=float, default=30, help="of each kind of sound without the word")
    parser.add_argument("--count", type=int, default=90, help="synthetic utterances of each word")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    parser.add_argument("--fresh", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fresh:
        show_fresh()
        return
    # Before this process holds the library: they would share its memory.
    fresh = subprocess.check_output([sys.executable, __file__, "--fresh"], text=True)
    load_ms, memory_mb = map(float, fresh.split())
    pairs = {word: Pair(word) for word in WORDS}
    texts = [of_people(options.voices, pairs)] if options.voices else []
    texts += [without_the_word(options.voices, pairs, options.minutes), synthetic(pairs, options.count)]
    texts += [cost(pairs, load_ms, memory_mb)]
    common.publish("bench_agreement", "\n\n".join(texts), options.write, PAGE)


if __name__ == "__main__":
    main()
