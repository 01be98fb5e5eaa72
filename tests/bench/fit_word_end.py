"""Fits and evaluates the word-end estimators of device/wake/openwakeword/wordend.py on voices with known word ends.

`python tests/bench/fit_word_end.py` prints a table; `--write` also renews wordend.toml, beside it. Needs libespeak-ng
and flite. The estimators are evaluated on voices that were left out of the fit (five folds); takes about three minutes.
"""

from __future__ import annotations

import argparse
import base64
import ctypes
import random
import subprocess
import tempfile
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soxr

from device.wake.networks.onnx import OnnxNetwork
from device.wake.openwakeword.features import Features
from device.wake.openwakeword.mel import CHUNK_SAMPLES
from device.wake.openwakeword.models import shipped_words
from device.wake.openwakeword.wordend import MARGIN, ROWS, WordEnd

RATE = 16_000
TOML = Path(__file__).parents[2] / "device" / "wake" / "openwakeword" / "wordend.toml"
# How each word is spelt for a synthesiser, how many segments flite has for it, and whether it ends in a sibilant.
WORDS = {"hey_jarvis": ("hey jarvis", 8, True), "alexa": ("alexa", 6, False), "hey_rhasspy": ("hey raspy", 7, False)}
COMMANDS = (
    "turn on the light",
    "what time is it",
    "all lights off",
    "set a timer for five minutes",
    "stop",
    "open the garage",
    "is it raining",
    "who are you",
    "please call mom",
    "switch the light off",
    "every light on",
    "how are you",
    "volume up",
    "play some music",
    "send a message",
)
_AMERICAN = ("", "+f1", "+f2", "+f4", "+f5", "+m1", "+m3", "+m7", "+linda", "+steph", "+edward")
ESPEAK_VOICES = (*(f"en-us{variant}" for variant in _AMERICAN), "en", "en+f2", "en+m3", "en-gb-scotland")
FLITE_VOICES = ("slt", "rms", "awb", "kal16")
FOLDS = 5
RIDGE = 1e4


@dataclass
class Utterance:
    """One rendering: 16 kHz sound, where the word ends in it (samples), who spoke."""

    sound: np.ndarray
    end: int
    voice: str
    scores: list[float] = field(default_factory=list)
    features: list[np.ndarray] = field(default_factory=list)


class Espeak:
    """libespeak-ng, which tells when each phoneme begins."""

    RATE = 22_050
    WORD, PHONEME = 1, 7

    class Event(ctypes.Structure):
        """espeak_EVENT of speak_lib.h."""

        _fields_ = (
            ("type", ctypes.c_int),
            ("identifier", ctypes.c_uint),
            ("text_position", ctypes.c_int),
            ("length", ctypes.c_int),
            ("audio_position", ctypes.c_int),
            ("sample", ctypes.c_int),
            ("user_data", ctypes.c_void_p),
            ("name", ctypes.c_char * 8),
        )

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        # 2: synchronous without playing; 1: phoneme events too.
        self._library.espeak_Initialize(2, 500, None, 1)
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(self.Event))
        self._callback = kind(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, words: int, voice: str, speed: int, pitch: int) -> tuple[np.ndarray, int]:
        """Return the sound at 16 kHz and where the first `words` words end in it."""
        self._sound: list[np.ndarray] = []
        self._events: list[tuple[int, int, int, bytes]] = []
        assert self._library.espeak_SetVoiceByName(voice.encode()) == 0, voice
        self._library.espeak_SetParameter(1, speed, 0)
        self._library.espeak_SetParameter(3, pitch, 0)
        spoken = text.encode()
        self._library.espeak_Synth(spoken, len(spoken) + 1, 0, 1, 0, 1, None, None)
        return resample(np.concatenate(self._sound), self.RATE), self._word_end(words) * RATE // 1000

    def _receive(self, sound: ctypes._Pointer, count: int, events: ctypes._Pointer) -> int:
        if sound and count > 0:
            self._sound.append(np.ctypeslib.as_array(sound, (count,)).copy())
        index = 0
        while (event := events[index]).type:
            self._events.append((event.type, event.text_position, event.audio_position, event.name))
            index += 1
        return 0

    def _word_end(self, words: int) -> int:
        """Return in ms where the phoneme after the word's last one begins, or the next word if that is earlier."""
        starts = [(position, at) for kind, position, at, _ in self._events if kind == self.WORD]
        phonemes = [event for event in self._events if event[0] == self.PHONEME]
        last = starts[words - 1][0]
        index = max(i for i, (_, at, _, name) in enumerate(phonemes) if at == last and not name.startswith(b"_"))
        end = phonemes[index + 1][2]
        return min(end, starts[words][1]) if len(starts) > words else end


def flite(text: str, segments: int, voice: str, stretch: float) -> tuple[np.ndarray, int]:
    """Return the sound at 16 kHz and where its first `segments` segments end."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/spoken.wav"
        command = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch}", "-psdur", "-t", text, "-o", path]
        printed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        with wave.open(path) as file:
            sound, rate = np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getframerate()
    ends = [float(end) for name, end in (part.split(":") for part in printed.split()) if name != "pau"]
    return resample(sound, rate), int(ends[segments - 1] * RATE)


def resample(sound: np.ndarray, rate: int) -> np.ndarray:
    """Return `sound` at 16 kHz."""
    return np.clip(soxr.resample(sound.astype(np.float32), rate, RATE), -32768, 32767).astype("<i2")


def render(word: str, count: int) -> Iterator[Utterance]:
    """Say `word` and a command `count` times: every third with a pause of 0.2 to 1 s between the two."""
    text, segments, _ = WORDS[word]
    espeak, chance = Espeak(), random.Random(word)
    for index in range(count):
        command = chance.choice(COMMANDS)
        if index % 5 == 4:
            voice, stretch = chance.choice(FLITE_VOICES), chance.choice((0.8, 0.9, 1.0, 1.1, 1.25, 1.4))
            alone, full = (flite(t, segments, voice, stretch) for t in (text, f"{text} {command}"))
        else:
            voice, speed, pitch = chance.choice(ESPEAK_VOICES), chance.randint(115, 200), chance.randint(25, 75)
            words = len(text.split())
            alone, full = (espeak.speak(t, words, voice, speed, pitch) for t in (text, f"{text} {command}"))
        if index % 3 == 0:
            pause = np.zeros(chance.choice((3200, 4800, 8000, 16_000)), "<i2")
            full = np.concatenate([alone[0][: alone[1]], pause, full[0][full[1] :]]), alone[1]
        yield Utterance(*in_a_room(*full, np.random.default_rng(index)), voice)


def in_a_room(sound: np.ndarray, end: int, chance: np.random.Generator) -> tuple[np.ndarray, int]:
    """Place the sound at any alignment, at any level, half of the time in noise of 10 to 20 dB SNR."""
    lead = int(chance.integers(24_000, 36_000))
    gain = chance.uniform(0.15, 0.9) * 20_000 / np.abs(sound).max()
    loud = np.concatenate([np.zeros(lead), sound * gain, np.zeros(16_000)])
    level = np.sqrt(np.mean((sound[:end] * gain) ** 2))
    hiss = 5.0 if chance.random() < 0.5 else level / 10 ** (chance.uniform(10, 20) / 20)
    spectrum = np.fft.rfft(chance.standard_normal(len(loud)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), len(loud))
    return np.clip(loud + noise * hiss / noise.std(), -32768, 32767).astype("<i2"), lead + end


def score(utterance: Utterance, features: Features, run: Callable[[], None], target: np.ndarray) -> None:
    """Keep the score and the embeddings of every 80 ms."""
    features.reset()
    for chunk in utterance.sound[: len(utterance.sound) // CHUNK_SAMPLES * CHUNK_SAMPLES].reshape(-1, CHUNK_SAMPLES):
        features.push(chunk.tobytes())
        run()
        utterance.scores.append(float(target[0, 0]))
        utterance.features.append(features.embeddings[-ROWS:].copy())


def fit(utterances: list[Utterance], sibilant: bool) -> WordEnd:
    """Ridge regression of the time since the word's end, over the chunks in which the model hears it."""
    rows, since_ms = [], []
    for utterance in utterances:
        for index, (value, embeddings) in enumerate(zip(utterance.scores, utterance.features, strict=True)):
            since = ((index + 1) * CHUNK_SAMPLES - utterance.end) * 1000 / RATE
            if -200 < since < 650 and value > 0.02:
                rows.append(embeddings.ravel())
                since_ms.append(since)
    x, y = np.array(rows, np.float64), np.array(since_ms)
    centred = x - x.mean(axis=0)
    weights = np.linalg.solve(centred.T @ centred + RIDGE * np.eye(x.shape[1]), centred.T @ (y - y.mean()))
    # As they are stored.
    weights = weights.astype("<f2").astype(np.float32)
    return WordEnd(weights, float(y.mean() - x.mean(axis=0) @ weights), sibilant)


def judge(utterance: Utterance, end: WordEnd, threshold: float) -> tuple[float, float, float] | None:
    """Return crossing, estimate and detection in ms after the true end, as OpenWakeWord would find them."""
    crossing = next((i for i, value in enumerate(utterance.scores) if value >= threshold), None)
    if crossing is None or (crossing + 1) * CHUNK_SAMPLES > utterance.end + RATE:
        return None
    for index in range(crossing, crossing + 4):
        now = (index + 1) * CHUNK_SAMPLES
        ago = end.samples_ago(utterance.features[index], utterance.sound[max(0, now - 10 * CHUNK_SAMPLES) : now])
        if ago > 0:
            break
    places = ((crossing + 1) * CHUNK_SAMPLES, now - max(0, ago), now)
    return tuple((place - utterance.end) * 1000 / RATE for place in places)


def report(word: str, utterances: list[Utterance], sibilant: bool) -> None:
    """Judge every voice with an estimator that was fitted without it."""
    voices = sorted({utterance.voice for utterance in utterances})
    ends = {}
    for fold in range(FOLDS):
        held_out = set(voices[fold::FOLDS])
        end = fit([u for u in utterances if u.voice not in held_out], sibilant)
        ends |= dict.fromkeys(held_out, end)
    for threshold in (0.3, 0.5, 0.8):
        judged = np.array([j for u in utterances if (j := judge(u, ends[u.voice], threshold))])
        crossing, estimate, detection = judged.T
        inside, late = np.mean((estimate >= -200) & (estimate <= 0)), np.mean(estimate > 0)
        spread = "..".join(f"{p:4.0f}" for p in np.percentile(crossing, (5, 50, 95)))
        detected = "..".join(f"{p:4.0f}" for p in np.percentile(detection, (5, 50, 95)))
        kept = "..".join(f"{p:4.0f}" for p in np.percentile(estimate, (2.5, 50, 97.5)))
        print(
            f"{word:12} {threshold:.1f} {len(judged):4d}/{len(utterances)}  {spread}  {kept}  "
            f"{inside:6.1%} {late:6.1%} {np.percentile(estimate, 99.5):5.0f}  {detected}"
        )


def write(ends: dict[str, WordEnd]) -> None:
    """Write the estimators where device/wake/openwakeword/wordend.py reads them."""
    lines = ["# Written by tests/bench/fit_word_end.py: ms since a word's end from the newest 8 embeddings."]
    for word, end in ends.items():
        weights = base64.b64encode(end.weights.astype("<f2").tobytes()).decode()
        sibilant = "true" if end.sibilant else "false"
        lines += ["", f"[{word}]", f"bias = {end.bias:.3f}", f"sibilant = {sibilant}", 'weights = """']
        lines += [weights[at : at + 100] for at in range(0, len(weights), 100)] + ['"""']
    TOML.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Fit, judge, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--count", type=int, default=600, help="utterances a word")
    options = parser.parse_args()
    print(f"margin {MARGIN * 1000 // RATE} ms; ms after the true end of the word; inside: -200..0")
    print("word  threshold detected  crossing 5/50/95  estimate 2.5/50/97.5  inside late 99.5%  detection 5/50/95")
    features, ends = Features(34), {}
    for word, (_, _, sibilant) in WORDS.items():
        network, target = OnnxNetwork(shipped_words()[word]), np.zeros((1, 1), np.float32)
        run = network.bind(features.embeddings[-network.input_shape[1] :][None], target)
        utterances = list(render(word, options.count))
        for utterance in utterances:
            score(utterance, features, run, target)
        ends[word] = fit(utterances, sibilant)
        report(word, utterances, sibilant)
    if options.write:
        write(ends)


if __name__ == "__main__":
    main()
