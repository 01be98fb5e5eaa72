"""Lets people speak over the device's rings and answers, in simulated rooms, and cuts out what its recogniser judges.

So the network for the stop word (fit_stop_word.py) is trained on what reaches it in a house: voices as the canceller
leaves them, and what it leaves of the device's own. Everything but the sound card is the device's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "audio" / "echo"))

import stop_speech
import wake_set
from bench_stop import BYTES, Listening, Ringing, Said, ringing, spans
from echo_stage import ANSWER_DBFS, FRAME, NEAR_DBFS, RATE, at_level, room

from device.sim.room.acoustics import Room, pcm_from_samples
from device.wake.stopword.utterance import LEAD, PAUSE, STEP, Utterances

Floats = npt.NDArray[np.float32]
Spoken = npt.NDArray[np.int16]

SCENES = {"espeak": 80, "hibari": 45, "joe": 40, "kokoro": 40, "ked": 20}
"""How many, each a minute, with the voices of each synthesizer."""
_SECONDS = 60.0
_FIRST_S = 3.0
_SOFT = 0.03
# How much of the word must be in an utterance that counts as it; and of anything else, to be told from the echo.
_WHOLE, _A_LITTLE = 0.75, 0.02
_MOST_OWN = 20
"""How many pieces of a minute of its own sound."""


@dataclass(frozen=True)
class Cut:
    """An utterance as it is judged (16 kHz mono s16le), and what was said in it: "" for the device's own sound."""

    sound: Spoken
    text: str


def cuts(name: str, folder: Path) -> list[Cut]:
    """Return what is cut out of the scenes with a synthesizer's voices; kept in the folder."""
    file = folder / f"{name}-cuts.npz"
    if not file.exists():
        said, sounding = stop_speech.spoken(name, folder), stop_speech.answered(name, folder)
        number = 1000 * list(SCENES).index(name)
        made = [cut for seed in range(SCENES[name]) for cut in _scene(said, sounding, number + seed)]
        ends = np.cumsum([len(cut.sound) for cut in made])
        np.savez(file, texts=[cut.text for cut in made], sound=np.concatenate([cut.sound for cut in made]), ends=ends)
    with np.load(file) as kept:
        sounds = np.split(kept["sound"], kept["ends"][:-1])
        return [Cut(sound, text) for sound, text in zip(sounds, kept["texts"].tolist(), strict=True)]


def _scene(known: Sequence[tuple[str, Spoken]], sounding: Sequence[Spoken], seed: int) -> list[Cut]:
    """Let somebody speak for a minute over a ring or over answers, which go on after each interruption."""
    chance = np.random.default_rng(seed)
    place, said = somewhere(chance), list(_said(known, chance))
    is_ring = chance.random() < 0.45
    played = ringing(_SECONDS, 0) if is_ring else played_answers(sounding, _SECONDS, chance)
    near = np.zeros_like(played)
    for one in said:
        near[one.at : one.end] += one.sound
    noise = wake_set.noise(str(chance.choice(NOISES)), near, float(10 ** chance.uniform(0.3, 2.1)), chance)
    near += (noise / 32_768).astype(np.float32)
    device = Ringing() if is_ring else Listening(reacts=True)
    left = device.hear(played, near, place, [one.end + int(chance.uniform(0.2, 0.8) * RATE) for one in said]).left
    pcm = pcm_from_samples(left)
    # Of its own sound more is learned than is taken for a voice.
    own = [cut for cut in _cut_out(pcm, [(0, len(left))], said) if not cut.text]
    return [*_cut_out(pcm, spans(device.facts, len(left)), said), *own[:_MOST_OWN]]


NOISES = ("hiss", "fan", "rumble", "babble")


def somewhere(chance: np.random.Generator) -> Room:
    """Return some room."""
    return room(
        float(chance.uniform(15, 160)),
        float(chance.uniform(-18, 2)),
        seed=int(chance.integers(1_000, 1_000_000)),
        rt60_s=float(chance.uniform(0.2, 0.55)),
        distortion=float(chance.choice([0.3, 0.5, 1.0])),
    )


def played_answers(sounding: Sequence[Spoken], seconds: float, chance: np.random.Generator) -> Floats:
    """Return what the device says, with short pauses between."""
    parts, count = [np.zeros(RATE // 2, np.float32)], 0
    while count < seconds * RATE:
        one = sounding[int(chance.integers(len(sounding)))].astype(np.float32) / 32_768
        parts += [at_level(one, ANSWER_DBFS), np.zeros(int(chance.uniform(0.1, 0.8) * RATE), np.float32)]
        count = sum(map(len, parts))
    return np.concatenate(parts)[: int(seconds * RATE)]


def _said(known: Sequence[tuple[str, Spoken]], chance: np.random.Generator) -> Iterator[Said]:
    """Yield what people say in a minute, one after the other."""
    at = int(_FIRST_S * RATE)
    # Between two the device goes on, so that it is heard alone, too.
    pause_s = (1.5, 3.0) if chance.random() < 0.3 else (0.45, 1.1)
    while True:
        text, sound = known[int(chance.integers(len(known)))]
        one = Said(text, somebody(sound, chance), at)
        if one.end + RATE > _SECONDS * RATE:
            return
        yield one
        at = one.end + int(chance.uniform(*pause_s) * RATE)


def somebody(sound: Spoken, chance: np.random.Generator) -> Floats:
    """Return it as another person says it, somewhere in a room."""
    said = sound.astype(np.float64)[: 4 * RATE]
    if chance.random() < 0.6:
        # Another size of head, too, and another pace.
        said = soxr.resample(said, RATE, RATE * chance.uniform(0.85, 1.17))
    if chance.random() < 0.5:
        # Another microphone, or another side of the head.
        said = np.convolve(said, (1.0, chance.uniform(-0.6, 0.6)))
    if chance.random() < 0.3:
        said = wake_set.echoing(np.concatenate([said, np.zeros(RATE // 4)]), chance)
    # The rest of it fades in the room: it is no part of the word.
    loud = np.flatnonzero(np.abs(said) > _SOFT * np.abs(said).max())
    level = NEAR_DBFS + float(chance.uniform(-8, 8))
    return at_level((said[: loud[-1] + 1] / 32_768).astype(np.float32), level)


def _cut_out(pcm: bytes, voices: Sequence[tuple[int, int]], said: Sequence[Said]) -> Iterator[Cut]:
    utterances = Utterances()
    for begin, end in voices:
        utterances.begin()
        for at in range(begin, end, FRAME):
            for cut in utterances.hear(pcm[at * BYTES : (at + FRAME) * BYTES]):
                sound = np.frombuffer(cut, "<i2")
                text = _text_of(at + FRAME - len(sound) + LEAD * STEP, at + FRAME - PAUSE * STEP, said)
                if text is not None:
                    yield Cut(sound, text)


def _text_of(begin: int, end: int, said: Sequence[Said]) -> str | None:
    """Return what was said there; None: a torn "stop", of which nothing can be learned."""
    for one in said:
        share = (min(end, one.end) - max(begin, one.at)) / len(one.sound)
        if share > _A_LITTLE:
            is_torn = share < _WHOLE and stop_speech.is_stop(one.text)
            return None if is_torn else one.text
    return ""
