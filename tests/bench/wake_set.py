"""A reproducible set of wake words in rooms: many voices, speeds, pitches, distances, levels and noises.

Each scene is one stream: some seconds of the room alone, the word (with a command or alone), and the room again.
"""

from __future__ import annotations

import subprocess
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

RATE = 16_000
CHUNK = 1280
LEAD_S = 9.0
"""Long enough for the engine to begin dozing, and to have forgotten the scene before."""
TAIL_S = 2.0
SPELLING = {"hey_jarvis": "hey jarvis", "alexa": "alexa", "hey_rhasspy": "hey raspy", "hey_mycroft": "hey my croft"}
COMMANDS = ("", "", "turn on the light", "what time is it", "stop", "play some quiet music")
ESPEAK = ("en-us", "en-us+f2", "en-us+m3", "en-us+f4", "en-us+m7", "en-gb", "en-gb+f2", "en-gb-scotland", "en-us+linda")
FLITE = ("slt", "rms", "awb", "kal16")
ROOMS = ("near", "far", "quiet", "faint", "hiss", "fan", "rumble", "loud hiss", "babble")

Sound = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """`pcm`: s16le in whole chunks; `spoken`: where the utterance begins and ends in it (samples)."""

    room: str
    word: str
    pcm: bytes
    spoken: tuple[int, int]


def scenes(count: int, seed: int = 1) -> Iterator[Scene]:
    """Yield `count` scenes, room by room, all words in turn."""
    chance = np.random.default_rng(seed)
    words = tuple(SPELLING)
    for index in range(count):
        word, room = words[index % len(words)], ROOMS[index * len(ROOMS) // count]
        text = f"{SPELLING[word]} {chance.choice(COMMANDS)}".strip()
        spoken = say(text, chance)
        lead = int(LEAD_S * RATE) + int(chance.integers(CHUNK))
        silence = np.zeros(lead), np.zeros(int(TAIL_S * RATE))
        sound = in_room(room, np.concatenate([silence[0], spoken, silence[1]]), (lead, lead + len(spoken)), chance)
        whole = len(sound) // CHUNK * CHUNK
        pcm = np.clip(np.round(sound[:whole]), -32768, 32767).astype("<i2").tobytes()
        yield Scene(room, word, pcm, (lead, lead + len(spoken)))


def say(text: str, chance: np.random.Generator) -> Sound:
    """Return `text` in some voice, speed and pitch; its loudest sample is 1."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/spoken.wav"
        if chance.random() < 0.3:
            voice, stretch = str(chance.choice(FLITE)), chance.uniform(0.8, 1.4)
            command = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch:.2f}", "-t", text, "-o", path]
        else:
            speed, pitch = int(chance.integers(115, 200)), int(chance.integers(25, 75))
            voice = str(chance.choice(ESPEAK))
            command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "-w", path, text]
        subprocess.run(command, check=True)
        with wave.open(path) as file:
            sound, rate = np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getframerate()
    sound = soxr.resample(sound.astype(np.float64), rate, RATE)
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    return sound[loud[0] : loud[-1] + 1] / np.abs(sound).max()


def in_room(room: str, sound: Sound, spoken: tuple[int, int], chance: np.random.Generator) -> Sound:
    """Move the speaker to some distance or level, and add the room's own noise."""
    match room:
        case "near":
            return sound * chance.uniform(4000, 20_000) + noise("hiss", sound, 5, chance)
        case "far":
            return echoing(sound, chance) * chance.uniform(500, 3000) + noise("hiss", sound, 5, chance)
        case "quiet":
            return sound * chance.uniform(100, 500) + noise("hiss", sound, 3, chance)
        case "faint":
            # Down to a few steps of the converter, and below the microphone's own noise.
            return sound * chance.uniform(8, 100) + noise("hiss", sound, chance.uniform(0, 5), chance)
    kind, level = {"loud hiss": ("hiss", 1500.0)}.get(room, (room, chance.uniform(20, 300)))
    around = noise(kind, sound, level, chance)
    speech = sound[slice(*spoken)]
    # From plainly above the noise to just below it.
    ratio = 10 ** (chance.uniform(-3, 20) / 20)
    return sound * (level * ratio / np.sqrt(np.mean(speech**2))) + around


def echoing(sound: Sound, chance: np.random.Generator) -> Sound:
    """Add reverberation of 0.3 to 0.7 s, which is louder than the direct sound."""
    length = RATE // 2
    decay = np.exp(-6.9 * np.arange(length) / RATE / chance.uniform(0.3, 0.7))
    impulse = chance.standard_normal(length) * decay * 0.05
    impulse[0] = 0.7
    size = 1 << (len(sound) + length).bit_length()
    return np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(impulse, size), size)[: len(sound)]


def noise(kind: str, like: Sound, level: float, chance: np.random.Generator) -> Sound:
    """Return noise as long as `like`, of `level` (its standard deviation, in steps of 16 bit)."""
    white = chance.standard_normal(len(like))
    if kind == "hiss":
        return white * level
    spectrum = np.fft.rfft(white)
    hertz = np.maximum(np.fft.rfftfreq(len(like), 1 / RATE), 20)
    coloured = np.fft.irfft(spectrum / (hertz if kind == "rumble" else np.sqrt(hertz)), len(like))
    if kind == "babble":
        # Noise whose level varies three times a second, like many voices.
        coloured *= 1 + 0.7 * np.sin(2 * np.pi * 3 * np.arange(len(like)) / RATE)
    return coloured * level / coloured.std()
