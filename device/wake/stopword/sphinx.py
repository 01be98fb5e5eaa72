"""Recognises stop words with pocketsphinx; the only file of the device that calls it.

Its C functions are called by ctypes: the package's own module would hold Python's global lock while it decodes, and the
threads that keep the loudspeaker's card filled would wait for that. Only its acoustic model is loaded (7 MB in files),
neither its language model nor its dictionary of 130,000 words.

One that looks for a single word finds "stop" in many a sentence. So what it finds counts only as a whole utterance,
with pauses around it, and if it fits better than some short words that people say over an answer.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from device.errors import ConfigError
from device.units import BYTES_PER_SAMPLE
from device.wake.stopword.utterance import LONGEST, PAUSE, Stretch, Utterance, utterance

PACKAGE = "pocketsphinx"
# 29 MB to fetch, for words that hardly anybody sets.
HOW_TO_INSTALL = "run scripts/install --with stop-words (in a clone: scripts/setup --with stop-words)"

# Of ARPAbet, as in its dictionary, which need not be read for these.
_USUAL = {"stop": "S T AA P"}
_RIVALS = {
    "start": "S T AA R T",
    "thanks": "TH AE NG K S",
    "thankyou": "TH AE NG K Y UW",
    "next": "N EH K S T",
    "yes": "Y EH S",
}
# How likely a word must be against any other sequence of phonemes to be looked at more closely; found by trials
# (tests/bench/bench_stop.py).
_PROMISING = 1e-48
# The word may be found a little before or after the beginning of its utterance (steps of 10 ms).
_EARLIEST, _LATEST = -25, 30
# A voice that goes on is heard in pieces.
_LONGEST_PIECE = 1000
_PEAK = 16_000
_MOST_GAIN = 20.0

_Pointer, _Int, _Text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
_IntRef = ctypes.POINTER(_Int)
# Result and parameter types, from pocketsphinx.h and pocketsphinx/search.h of version 5.
_FUNCTIONS = {
    "err_set_loglevel_str": (_Text, (_Text,)),
    "ps_config_init": (_Pointer, (_Pointer,)),
    "ps_config_set_str": (_Pointer, (_Pointer, _Text, _Text)),
    "ps_config_free": (_Int, (_Pointer,)),
    "ps_init": (_Pointer, (_Pointer,)),
    "ps_free": (_Int, (_Pointer,)),
    "ps_add_word": (_Int, (_Pointer, _Text, _Text, _Int)),
    "ps_add_kws": (_Int, (_Pointer, _Text, _Text)),
    "ps_add_jsgf_string": (_Int, (_Pointer, _Text, _Text)),
    "ps_activate_search": (_Int, (_Pointer, _Text)),
    "ps_start_utt": (_Int, (_Pointer,)),
    "ps_process_raw": (_Int, (_Pointer, _Text, ctypes.c_size_t, _Int, _Int)),
    "ps_end_utt": (_Int, (_Pointer,)),
    "ps_get_cmn": (_Text, (_Pointer, _Int)),
    "ps_set_cmn": (_Int, (_Pointer, _Text)),
    "ps_get_hyp": (_Text, (_Pointer, _IntRef)),
    "ps_seg_iter": (_Pointer, (_Pointer,)),
    "ps_seg_next": (_Pointer, (_Pointer,)),
    "ps_seg_frames": (None, (_Pointer, _IntRef, _IntRef)),
}


class UnavailableError(Exception):
    """Nobody can listen for stop words here; the message says why."""


def is_installed() -> bool:
    """Tell whether the package is there. Reads folders."""
    return _folder() is not None


def open_recogniser(words: Sequence[str]) -> Sphinx:
    """Return a recogniser of these words or phrases, which loads its model when it is first needed. May read files.

    Raise UnavailableError, or ConfigError for a word that is not English.
    """
    folder = _folder()
    if folder is None:
        raise UnavailableError(f"the package {PACKAGE} is missing; {HOW_TO_INSTALL}")
    phrases = [" ".join(word.lower().split()) for word in words]
    return Sphinx(phrases, _pronunciations({part for phrase in phrases for part in phrase.split()}, folder))


class Sphinx:
    """A Recogniser (see listener.py). While it hears it costs 4 % of an x86 core."""

    def __init__(self, phrases: Sequence[str], pronunciations: Mapping[str, str]) -> None:
        """`pronunciations`: of each word, in ARPAbet."""
        self._phrases = phrases
        self._pronunciations = pronunciations
        self._decoder: Decoder | None = None
        self._stretch = Stretch()

    def begin(self, eager: bool = False) -> None:
        """See Recogniser. It is as eager as ever."""
        if self._decoder is None:
            self._decoder = Decoder(self._phrases, self._pronunciations)
        self._decoder.look()
        self._stretch.clear()

    def hear(self, pcm: bytes) -> str:
        """See Recogniser."""
        if self._decoder is None:
            return ""
        self._decoder.hear(pcm)
        self._stretch.add(pcm)
        whole = self._utterance(self._decoder)
        if whole is None:
            if len(self._stretch.levels) > _LONGEST_PIECE:
                self.begin()
            return ""
        said = self._decoder.best(self._cut(whole))
        self.begin()
        return said if said in self._phrases else ""

    def rest(self) -> None:
        """See Recogniser: 7 MB, which take 15 ms to load."""
        self._decoder = None
        self._stretch.clear()

    def _utterance(self, decoder: Decoder) -> Utterance | None:
        """Return an utterance that is over, and that may be one of the phrases as a whole."""
        for first, last in decoder.places():
            whole = utterance(self._stretch.levels, first, last)
            if whole and whole.steps <= LONGEST and _EARLIEST <= first - whole.first <= _LATEST:
                return whole
        return None

    def _cut(self, whole: Utterance) -> bytes:
        """Return it with some of the pauses around it, at a standard level."""
        sound = np.frombuffer(self._stretch.cut(whole.first - PAUSE, whole.last + PAUSE), "<i2").astype(np.float32)
        gain = min(_MOST_GAIN, _PEAK / max(1.0, float(np.abs(sound).max(initial=0.0))))
        return np.asarray(sound * gain).astype("<i2").tobytes()


class Decoder:
    """pocketsphinx with two searches: for the phrases in a stream, and for the best of some words in an utterance."""

    def __init__(self, phrases: Sequence[str], pronunciations: Mapping[str, str]) -> None:
        """Load the model: 15 ms. Raise OSError or RuntimeError."""
        self._sphinx = _library()
        self._is_looking = False
        self._pointer = self._open()
        rivals = {word: sounds for word, sounds in _RIVALS.items() if word not in pronunciations}
        for word, sounds in {**pronunciations, **rivals}.items():
            self._check(self._sphinx.ps_add_word(self._pointer, word.encode(), sounds.encode(), 1) < 0)
        self._add_phrases(phrases)
        grammar = f"#JSGF V1.0;\ngrammar words;\npublic <word> = {' | '.join([*phrases, *rivals])} ;\n"
        self._check(self._sphinx.ps_add_jsgf_string(self._pointer, b"words", grammar.encode()))

    def __del__(self) -> None:
        """Free its memory."""
        if getattr(self, "_pointer", None):
            self._sphinx.ps_free(self._pointer)

    def look(self) -> None:
        """Look for the phrases in a stream that begins now."""
        self._end()
        self._begin(b"phrases")
        self._is_looking = True

    def hear(self, pcm: bytes) -> None:
        """Hear more of it (16 kHz mono s16le)."""
        self._sphinx.ps_process_raw(self._pointer, pcm, len(pcm) // BYTES_PER_SAMPLE, 0, 0)

    def places(self) -> Iterator[tuple[int, int]]:
        """Yield where phrases were found in it so far: the first and the last step of 10 ms of each."""
        first, last = _Int(), _Int()
        one = self._sphinx.ps_seg_iter(self._pointer)
        while one:
            self._sphinx.ps_seg_frames(one, first, last)
            yield first.value, last.value
            one = self._sphinx.ps_seg_next(one)

    def best(self, pcm: bytes) -> str:
        """Return the phrase or the rival that an utterance fits best, "" for none. The stream is over by this."""
        self._end()
        # What it has learned of the microphone and the room: the utterance has another level.
        learned = self._sphinx.ps_get_cmn(self._pointer, 0)
        self._begin(b"words")
        self._sphinx.ps_process_raw(self._pointer, pcm, len(pcm) // BYTES_PER_SAMPLE, 0, 1)
        self._sphinx.ps_end_utt(self._pointer)
        self._sphinx.ps_set_cmn(self._pointer, learned)
        return (self._sphinx.ps_get_hyp(self._pointer, None) or b"").decode().strip()

    def _open(self) -> int:
        config = self._sphinx.ps_config_init(None)
        model = str((_folder() or Path()) / "model/en-us/en-us")
        for name, value in {"hmm": model, "logfn": os.devnull, "loglevel": "FATAL"}.items():
            self._sphinx.ps_config_set_str(config, name.encode(), value.encode())
        pointer: int | None = self._sphinx.ps_init(config)
        self._sphinx.ps_config_free(config)
        self._check(pointer is None)
        return pointer or 0

    def _begin(self, search: bytes) -> None:
        self._check(self._sphinx.ps_activate_search(self._pointer, search))
        self._check(self._sphinx.ps_start_utt(self._pointer))

    def _end(self) -> None:
        if self._is_looking:
            self._sphinx.ps_end_utt(self._pointer)
        self._is_looking = False

    def _add_phrases(self, phrases: Sequence[str]) -> None:
        # It reads them from a file, which this one is in memory only.
        file = os.memfd_create("stop words")
        try:
            os.write(file, "".join(f"{phrase} /{_PROMISING:g}/\n" for phrase in phrases).encode())
            self._check(self._sphinx.ps_add_kws(self._pointer, b"phrases", f"/proc/self/fd/{file}".encode()))
        finally:
            os.close(file)

    def _check(self, failed: int | bool) -> None:
        if failed:
            raise RuntimeError("pocketsphinx does not do what it is told")


def _folder() -> Path | None:
    """Return the package's folder, without importing it; None where it is not installed."""
    spec = find_spec(PACKAGE)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(next((_folder() or Path()).glob("_pocketsphinx*.so"))))
    for name, (result, parameters) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, parameters
    # The level in a decoder's settings counts only once there is one.
    library.err_set_loglevel_str(b"FATAL")
    return library


def _pronunciations(words: set[str], folder: Path) -> dict[str, str]:
    """Return how words are said, from the package's dictionary. Raise ConfigError."""
    known = {word: sounds for word, sounds in _USUAL.items() if word in words}
    if missing := words - known.keys():
        known |= _looked_up(missing, folder / "model/en-us/cmudict-en-us.dict")
    if unknown := sorted(words - known.keys()):
        raise ConfigError(f'wake.stop_words: nobody knows how "{unknown[0]}" is said; give English words')
    return known


def _looked_up(words: set[str], dictionary: Path) -> dict[str, str]:
    with dictionary.open(encoding="utf-8") as lines:
        entries = (line.rstrip().partition(" ") for line in lines)
        return {word: sounds for word, _, sounds in entries if word in words}
