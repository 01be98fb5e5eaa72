"""The synthetic set for evaluating wake words: the words in many rooms, and sound without them.

All of it is generated (espeak-ng, flite, arithmetic), and the same for the same seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from wake_set import COMMANDS, RATE, ROOMS, Sound, in_room, noise, say

SPOKEN = {
    "hey_jarvis": ("hey jarvis",),
    "alexa": ("alexa",),
    "hey_mycroft": ("hey my croft",),
    "hey_rhasspy": ("hey raspy",),
    "okay_nabu": ("okay nah boo",),
    "weather": ("what's the weather", "what is the weather like today", "what's the weather going to be"),
    **{
        f"{label}_timer": (f"set a timer for {length}", f"set a {length.removesuffix('s')} timer")
        for label, length in (
            ("1_minute", "one minute"),
            ("5_minute", "five minutes"),
            ("10_minute", "ten minutes"),
            ("20_minute", "twenty minutes"),
            ("30_minute", "thirty minutes"),
            ("1_hour", "one hour"),
        )
    },
}
"""How each word sounds: spelt for a synthesiser."""
SENTENCES_BY_THEMSELVES = ("weather", *(word for word in SPOKEN if word.endswith("_timer")))
CONFUSABLE = (
    *("hey Marvin", "hey Travis", "jar of jam", "hey Charles", "hey Harvey", "a harvest", "hey Davis", "the service"),
    *("Alexander", "a Lexus", "Alex is here", "the election", "I'll ask her", "relax a bit", "electric light"),
    *("hey Microsoft", "my craft", "hey Michael", "microphone", "the aircraft", "hey my loft", "a minecraft game"),
    *("raspberry pie", "hey Casper", "hey crispy", "a rhapsody", "grasp it", "hey, ask me", "a wasp, see"),
    *("okay never", "okay, now you", "okay neighbour", "a caribou", "okay Nathan", "okay, no blue", "a canoe"),
    *("whether or not", "what a leather", "set the table for ten", "it took ten minutes", "a time for tea"),
)
TALK = (
    "I left the keys on the kitchen table this morning",
    "the train was late again and I missed the first half of the meeting",
    "could you pass me the salt and a clean glass please",
    "my sister is coming over on Sunday with the children",
    "they say it will be the coldest winter in twenty years",
    "no, I think he moved to another town after the wedding",
    "the recipe says two eggs, a cup of flour and some butter",
    "who left the door of the garage open all night",
    "she has been learning the violin since she was seven",
    "we should paint the fence before the rain begins",
    "the doctor told him to walk for half an hour every day",
    "good evening, here is the news of the day from around the world",
    "the government has announced new rules for small companies",
    "and in the last minute of the match they scored once more",
    "I have never understood how that machine works",
    "put the books back on the shelf when you have finished",
    "his grandfather worked in the harbour for forty years",
    "it was a dark night and the wind howled round the house",
    "shall we watch a film or play a game of cards",
    "the dog next door barks whenever the postman comes",
)
KINDS = ("confusable phrases", "speech", "noise", "music")
_NOISES = ("hiss", "fan", "rumble", "babble")
# Equal temperament around A3; a major, a minor and a suspended chord.
_CHORDS = ((0, 4, 7, 12), (0, 3, 7, 12), (0, 5, 7, 12))


@dataclass(frozen=True)
class Piece:
    """`kind`: the room, or what kind of other sound; `word`: "" for none; `phrases`: how many are said in it."""

    kind: str
    word: str
    pcm: bytes
    phrases: int = 0


def words(names: tuple[str, ...], count: int, seed: int = 2) -> Iterator[Piece]:
    """Yield `count` utterances of every word, in all rooms in turn."""
    chance = np.random.default_rng(seed)
    for name in names:
        for index in range(count):
            room = ROOMS[index % len(ROOMS)]
            text = str(chance.choice(SPOKEN[name]))
            if name not in SENTENCES_BY_THEMSELVES:
                text = f"{text} {chance.choice(COMMANDS)}".strip()
            spoken, lead = say(text, chance), int(RATE * chance.uniform(0.5, 0.6))
            stream = np.concatenate([np.zeros(lead), spoken, np.zeros(RATE)])
            yield Piece(room, name, pcm16(in_room(room, stream, (lead, lead + len(spoken)), chance)))


def others(minutes: float, seed: int = 3) -> Iterator[Piece]:
    """Yield `minutes` of each kind of sound without a wake word, in pieces of at least half a minute."""
    chance = np.random.default_rng(seed)
    for _ in range(round(minutes * 2)):
        yield _spoken("confusable phrases", CONFUSABLE, chance)
        yield _spoken("speech", TALK, chance)
        like = np.zeros(30 * RATE)
        yield Piece("noise", "", pcm16(noise(str(chance.choice(_NOISES)), like, chance.uniform(20, 6000), chance)))
        yield Piece("music", "", pcm16(music(30, chance) * chance.uniform(500, 12_000)))


def music(seconds: int, chance: np.random.Generator) -> Sound:
    """Return chords, a melody and a drum; the loudest sample is about 1."""
    beat = int(RATE * chance.uniform(0.25, 0.6))
    sound = np.zeros(seconds * RATE + 8 * beat)
    for number, at in enumerate(range(0, seconds * RATE, beat)):
        if number % 4 == 0:
            root, chord = int(chance.integers(-12, 8)), _CHORDS[int(chance.integers(len(_CHORDS)))]
            for step in chord:
                sound[at : at + 4 * beat] += 0.12 * note(root + step, 4 * beat, chance)
        sound[at : at + beat] += 0.25 * note(root + 12 + int(chance.choice(chord)), beat, chance)
        hit = chance.standard_normal(beat) * np.exp(-np.arange(beat) / (0.02 * RATE))
        sound[at : at + beat] += (0.3 if number % 2 else 0.15) * hit
    return sound[: seconds * RATE]


def note(semitones: int, length: int, chance: np.random.Generator) -> Sound:
    """Return a plucked tone of six harmonics with some vibrato."""
    at = np.arange(length) / RATE
    phase = 2 * np.pi * 220 * 2 ** (semitones / 12) * (at + 0.0004 * np.sin(2 * np.pi * chance.uniform(4, 7) * at))
    tone = sum(np.sin(harmonic * phase) / harmonic**1.3 for harmonic in range(1, 7))
    return np.asarray(tone) * np.minimum(1, at * 100) * np.exp(-3 * at)


def pcm16(sound: Sound) -> bytes:
    """Return the sound as s16le."""
    return np.clip(np.round(sound), -32768, 32767).astype("<i2").tobytes()


def _spoken(kind: str, texts: tuple[str, ...], chance: np.random.Generator) -> Piece:
    """Let several voices speak for half a minute, at one distance from the microphone."""
    parts, phrases = [np.zeros(RATE // 2)], 0
    while sum(map(len, parts)) < 30 * RATE:
        parts += [say(str(chance.choice(texts)), chance), np.zeros(int(RATE * chance.uniform(0.4, 1.2)))]
        phrases += 1
    sound = np.concatenate(parts)
    room = str(chance.choice(("near", "near", "far", "quiet")))
    return Piece(kind, "", pcm16(in_room(room, sound, (0, len(sound)), chance)), phrases)
