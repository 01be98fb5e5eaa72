"""Mixes words into rooms and what is left of rings and answers, many more than stop_scenes.py lets people say.

It is quicker and less faithful: the canceller has not heard the words, so it has taken nothing away from them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "audio" / "echo"))

import stop_speech
import wake_set
from bench_stop import Listening, ringing
from echo_stage import RATE
from stop_scenes import NOISES, Cut, Floats, Spoken, played_answers, somebody, somewhere

from device.sim.room.acoustics import pcm_from_samples
from device.wake.stopword.utterance import Utterances

MIXES = {"espeak": 6000, "hibari": 3500, "joe": 3500, "kokoro": 3000, "ked": 2500}
"""How many of the voices of each synthesizer."""
_RESIDUES = 12
_RESIDUE_S = 45.0
_LEAD = RATE // 2
_WINDOW, _HOP = 400, 80


def mixes(name: str, folder: Path) -> list[Cut]:
    """Return as many utterances with a synthesizer's voices as the device cuts out of that. Torn ones are left out."""
    said, left_over, utterances = stop_speech.spoken(name, folder), _residues(folder), Utterances()
    chance = np.random.default_rng(list(MIXES).index(name))
    found: list[Cut] = []
    for _ in range(MIXES[name]):
        text, sound = said[int(chance.integers(len(said)))]
        utterances.begin()
        cuts = list(utterances.hear(_mixed(sound, left_over, chance).tobytes()))
        if len(cuts) == 1 or not stop_speech.is_stop(text):
            found += [Cut(np.frombuffer(cut, "<i2"), text) for cut in cuts]
    return found


def _residues(folder: Path) -> list[Floats]:
    """Return what the canceller leaves of rings and answers in some rooms with nobody there; kept in the folder."""
    file = folder / "residues.npz"
    if not file.exists():
        np.savez(file, *[_residue(number, folder) for number in range(_RESIDUES)])
    with np.load(file) as kept:
        return [kept[name].astype(np.float32) for name in kept.files]


def _residue(number: int, folder: Path) -> Spoken:
    chance, names = np.random.default_rng(500 + number), list(MIXES)
    sounding = stop_speech.answered(names[number // 2 % len(names)], folder)
    played = played_answers(sounding, _RESIDUE_S, chance) if number % 2 else ringing(_RESIDUE_S, 0)
    left = Listening(reacts=False).hear(played, np.zeros_like(played), somewhere(chance)).left
    return np.frombuffer(pcm_from_samples(left[3 * RATE :]), "<i2")


def _mixed(sound: Spoken, left_over: Sequence[Floats], chance: np.random.Generator) -> Spoken:
    """Return it with silence around, as from another person, in a room, over what is left of an echo."""
    said = somebody(sound, chance) * 32_768
    if chance.random() < 0.5:
        said = _blurred(said, chance)
    around = np.pad(said, _LEAD)
    if chance.random() < 0.6:
        around += _left(len(around), left_over[int(chance.integers(len(left_over)))], chance)
    noise = wake_set.noise(str(chance.choice(NOISES)), around, float(10 ** chance.uniform(0.3, 2.3)), chance)
    return np.clip(np.round(around + noise), -32_768, 32_767).astype(np.int16)


def _blurred(said: Floats, chance: np.random.Generator) -> Floats:
    """Return it with its timbre smoothed over frequency and time, as a vocoder has it, and somebody who mumbles."""
    count = -(-len(said) // _HOP) + _WINDOW // _HOP
    padded = np.pad(said.astype(np.float64), (_WINDOW, count * _HOP - len(said)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP] * np.hanning(_WINDOW)
    spectra = np.fft.rfft(frames, axis=1)
    cepstra = np.fft.irfft(np.log(np.abs(spectra) + 1.0), axis=1)
    kept = int(chance.integers(12, 30))
    cepstra[:, kept:-kept] = 0.0
    timbre = np.fft.rfft(cepstra, axis=1).real
    reach = np.hanning(int(chance.integers(5, 24)) + 2)[1:-1]
    smooth = np.apply_along_axis(np.convolve, 0, timbre, reach / reach.sum(), "same")
    pieces = np.fft.irfft(spectra * np.exp(smooth - timbre), axis=1) * np.hanning(_WINDOW)
    made = np.zeros(len(padded) + _WINDOW)
    for number, piece in enumerate(pieces):
        made[number * _HOP : number * _HOP + _WINDOW] += piece
    made = made[_WINDOW : _WINDOW + len(said)]
    return np.asarray(made * (np.abs(said).max() / max(1.0, np.abs(made).max())), np.float32)


def _left(length: int, whole: Floats, chance: np.random.Generator) -> Floats:
    """Return a piece of what is left, which mostly becomes quieter when the voice is noticed."""
    at = int(chance.integers(len(whole) - length))
    piece = whole[at : at + length].copy()
    if chance.random() < 0.7:
        piece[_LEAD + int(chance.uniform(0.1, 0.3) * RATE) :] *= 10 ** (chance.uniform(-22, -8) / 20)
    return piece
