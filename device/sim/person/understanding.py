"""From speech to tool calls with pocketsphinx and a grammar of the tools' phrases. The only file that imports it.

A recogniser with a grammar finds a sentence in any sound, so each result is checked in three ways: whether a free
sequence of phonemes matches the sound much better, whether a word is too long for its number of phonemes, and whether
the words cover the loud part of the sound. The limits are from trials with 90 sentences, spoken by espeak-ng (two
voices, two speeds) and flite (two voices), and 50 sentences that are not in the grammar.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pocketsphinx

from device.foreign.espeak import phonemes
from device.ports.tools import ToolSpec
from device.sim.person.phrases import NotUnderstood, Phrasebook, Understood
from device.sim.person.pronunciation import arpabet
from device.units import CAPTURE_RATE

__all__ = ["TALK", "NotUnderstood", "Understanding", "Understood"]

TALK = (
    "hello",
    "good morning",
    "good night",
    "thank you",
    "how are you",
    "what can you do",
    "tell me a story",
    "tell me a joke",
    "stop",
    "never mind",
)
"""Sentences that the simulation understands besides the tools' phrases."""

# Parts of "hey jarvis" that may precede the command, from nearly all of it to its last sounds.
_WAKE_REMAINS = {"wakeall": "HH EY JH AA R V IH S", "wakename": "JH AA R V IH S", "wakerest": "AA R V IH S"}
_WAKE_REMAINS |= {"waketail": "V IH S", "wakehiss": "IH S"}

Sound = np.ndarray[Any, np.dtype[np.int16]]

_FRAME = CAPTURE_RATE // 100  # pocketsphinx counts in frames of 10 ms
_MARGIN = 20  # frames
_LONGEST_S = 15
_DITHER = 0.0015  # of full scale: the recogniser fails on digital silence, which has no spectrum
_PEAK = 0.5
_MOST_GAIN = 20.0
_SHORT_PHONEMES = 5

_MOST_FRAMES_PER_PHONEME = 24.0
_MOST_FRAMES_PER_LAST_PHONEME = 36.0  # the last word is spoken longer, and fades
_LEAST_COVERAGE = 0.75
_LOUD_DB = -25.0  # against the loudest frame
_MOST_MISFIT = 4.5e-4  # per frame, of pocketsphinx's score
_MOST_MISFIT_SHORT = 25e-4  # a free sequence of phonemes matches a word as short as "stop" well


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    end: int
    phonemes: int

    @property
    def frames(self) -> int:
        return self.end - self.start + 1


class Understanding:
    """Recognises the tools' phrases and TALK in 16 kHz speech; about 100 ms of one core for a sentence."""

    def __init__(self, tools: Iterable[ToolSpec], talk: Iterable[str] = TALK) -> None:
        """Load the acoustic model (about 0.1 s). Raise ConfigError for a phrase that cannot be pronounced."""
        self._lock = threading.Lock()
        self._talk = tuple(talk)
        self.learn(tools)

    def learn(self, tools: Iterable[ToolSpec]) -> None:
        """Replace the tools' phrases by those of `tools`. Raise ConfigError."""
        book = Phrasebook(tools, self._talk)
        decoder = _decoder(book)
        with self._lock:
            self.phrasebook, self._decoder = book, decoder

    async def recognise(self, pcm: bytes) -> Understood | NotUnderstood:
        """Return what was said in the last 15 s of `pcm` (s16le mono at 16 kHz). Decodes in a thread."""
        return await asyncio.to_thread(self.recognise_blocking, pcm)

    def recognise_blocking(self, pcm: bytes) -> Understood | NotUnderstood:
        """Do what `recognise` does, in the caller's thread."""
        sound = _levelled(pcm)
        if len(sound) < _FRAME * 10:
            return NotUnderstood()
        with self._lock:
            return self._decode(sound)

    def read(self, text: str) -> Understood | NotUnderstood:
        """Return what a written sentence asks for."""
        return self.phrasebook.read(text)

    def _decode(self, sound: Sound) -> Understood | NotUnderstood:
        score = self._run("phrases", sound)
        if score is None:
            return NotUnderstood()
        words = self._words()
        said = self.phrasebook.read(" ".join(w.text for w in words if w.text not in _WAKE_REMAINS))
        if isinstance(said, NotUnderstood) or not _plausible(words, sound):
            return NotUnderstood(said.text)
        free = self._run("phonemes", sound) or score
        return said if _fits(words, free - score) else NotUnderstood(said.text)

    def _run(self, search: str, sound: Sound) -> float | None:
        self._decoder.activate_search(search)
        self._decoder.start_utt()
        self._decoder.process_raw(sound.tobytes(), full_utt=True)
        self._decoder.end_utt()
        best = self._decoder.hyp()
        return None if best is None else float(best.score)

    def _words(self) -> list[_Word]:
        found = [(s.word, s.start_frame, s.end_frame) for s in self._decoder.seg() or () if s.word[0] not in "<[("]
        return [
            _Word(word.partition("(")[0], start, end, len(self._decoder.lookup_word(word).split()))
            for word, start, end in found
        ]


def _decoder(book: Phrasebook) -> Any:
    model = f"{pocketsphinx.get_model_path()}/en-us"
    settings = {"hmm": f"{model}/en-us", "dict": f"{model}/cmudict-en-us.dict", "lm": None}
    decoder = pocketsphinx.Decoder(pocketsphinx.Config(**settings, logfn="/dev/null", loglevel="FATAL"))
    for name, pronunciation in _WAKE_REMAINS.items():
        decoder.add_word(name, pronunciation, False)
    for word in sorted(book.words()):
        if decoder.lookup_word(word) is None:
            decoder.add_word(word, arpabet(word, phonemes(word)), False)
    decoder.add_jsgf_string("phrases", book.grammar(before=" | ".join(_WAKE_REMAINS)))
    decoder.add_allphone_file("phonemes", f"{model}/en-us-phone.lm.bin")
    return decoder


def _levelled(pcm: bytes) -> Sound:
    """Return the last 15 s of `pcm` at a standard level, with a little dither (always the same), without quiet ends."""
    sound = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2")[-_LONGEST_S * CAPTURE_RATE :] / 32768.0
    peak = float(np.abs(sound).max(initial=0.0))
    gain = min(_MOST_GAIN, _PEAK / peak) if peak else 1.0
    noise = np.random.default_rng(0).normal(0.0, _DITHER, len(sound))
    return _without_quiet_ends((np.clip(sound * gain + noise, -1.0, 1.0) * 32767).astype(np.int16))


def _without_quiet_ends(sound: Sound) -> Sound:
    """Keep 200 ms before and after the loud part: the recogniser would extend the last word over a long noise."""
    loud = np.flatnonzero(_loud_frames(sound))
    if not len(loud):
        return sound
    start, end = max(0, loud[0] - _MARGIN), loud[-1] + 1 + _MARGIN
    return sound[start * _FRAME : end * _FRAME]


def _loud_frames(sound: Sound) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell which frames are within 25 dB of the loudest, and nearer (in dB) to the loudest than to the background."""
    frames = sound[: len(sound) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
    if not len(frames):
        return np.zeros(0, np.bool_)
    power = np.mean(frames**2, axis=1) + 1.0
    halfway = np.sqrt(power.max() * np.percentile(power, 5))
    return np.asarray(power > max(halfway, power.max() * 10 ** (_LOUD_DB / 10)), np.bool_)


def _plausible(words: list[_Word], sound: Sound) -> bool:
    *before, last = [w.frames / w.phonemes for w in words]
    if max(before, default=0.0) > _MOST_FRAMES_PER_PHONEME or last > _MOST_FRAMES_PER_LAST_PHONEME:
        return False
    loud = _loud_frames(sound)
    covered = np.zeros(len(loud), np.bool_)
    for word in words:
        covered[word.start : word.end + 1] = True
    return bool(np.sum(loud & covered) >= _LEAST_COVERAGE * np.sum(loud))


def _fits(words: list[_Word], misfit: float) -> bool:
    limit = _MOST_MISFIT_SHORT if sum(w.phonemes for w in words) < _SHORT_PHONEMES else _MOST_MISFIT
    return misfit <= limit * sum(w.frames for w in words)
