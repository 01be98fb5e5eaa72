"""Measures echo cancellation and voice barge-in in simulated rooms, with and without a canceller; prints tables.

`tests/bench/bench_echo.py [--minutes 20] [--write]`. It needs espeak-ng and flite, and no sound card: it runs many
times faster than real time. Levels are those of the echo relative to the person's speech at the microphone.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import math
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr

from device.foreign.espeak import VoiceStyle
from device.ports.tools import Phrase, ToolSpec
from device.sim.person.understanding import Understanding, Understood
from device.sim.person.voice import without_silence
from device.sim.room.acoustics import Room, Sound, pcm_from_samples, samples_from_pcm
from device.units import Hz, samples_from_ms

sys.path.insert(0, str(Path(__file__).parents[1] / "audio" / "echo"))

from common import publish, table
from echo_stage import (
    ASKING,
    CARD_S,
    NEAR_DBFS,
    RATE,
    Device,
    after_running_dry,
    answers,
    at_level,
    cancellation_db,
    room,
    spoken,
    spoken_s,
)

Row = tuple[str, ...]

DELAYS_MS = (20, 60, 100, 150)
LEVELS_DB = (-15, -10, -5, 0)
ROOMS = tuple(
    room(delay, level, seed=seed, rt60_s=rt60_s, distortion=distortion)
    for seed, ((delay, level), rt60_s, distortion) in enumerate(
        zip(
            itertools.product(DELAYS_MS, LEVELS_DB),
            itertools.cycle((0.2, 0.3, 0.4, 0.5, 0.25)),
            itertools.cycle((0.3, 0.5, 1.0)),
            strict=False,
        )
    )
)
LAMPS = {"state": {"on": True, "off": False}, "thing": {"lamp": "lamp", "heater": "heater", "fan": "fan"}}
TOOLS = (
    ToolSpec("set_relay", "", {}, (Phrase("turn {state} the {thing}", LAMPS),)),
    ToolSpec("get_time", "", {}, (Phrase("what time is it"),)),
    ToolSpec(
        "set_volume",
        "",
        {},
        (Phrase("set the volume to {level}", {"level": {"ten percent": 10, "fifty percent": 50}}),),
    ),
)
COMMANDS = (
    *("turn on the lamp", "turn off the heater", "turn on the fan", "what time is it", "stop", "thank you"),
    *("set the volume to fifty percent", "tell me a joke", "never mind", "turn off the lamp", "tell me a story"),
)
ASKERS: tuple[VoiceStyle | str, ...] = (ASKING, VoiceStyle("en-us", 170, 30), "slt")
# A person comes in after the canceller's warm-up, and the answer goes on when the person has been heard.
FIRST_COMMAND_S = 4.0
PAUSE_S = 2.5


@dataclass(frozen=True)
class Command:
    """What a person says over an answer, and when."""

    text: str
    sound: Sound
    at: int

    @property
    def end(self) -> int:
        return self.at + len(self.sound)


@dataclass(frozen=True)
class Interruption:
    """The result of a command."""

    noticed_ms: float | None
    silenced_ms: float | None
    """To silence at the loudspeaker; None: it was a short word, and the answer went on."""
    understood: bool
    understood_raw: bool
    """In what the microphone captured, echo and all."""


class Listener:
    """A speech recogniser that tells whether a command can be understood."""

    def __init__(self) -> None:
        self._understanding = Understanding(TOOLS)

    def understands(self, sound: Sound, command: Command) -> bool:
        """Tell whether the command can be understood in the outgoing audio."""
        span = sound[command.at - RATE // 10 : command.end + RATE * 3 // 10]
        said = self._understanding.recognise_blocking(pcm_from_samples(span))
        return isinstance(said, Understood) and said.text == command.text


@functools.cache
def asked(text: str, asker: VoiceStyle | str) -> Sound:
    """Return a command by espeak-ng or, for a name, by flite."""
    if isinstance(asker, VoiceStyle):
        return spoken(text, asker)
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["flite", "-voice", asker, "-t", text, "-o", file.name], check=True)
        with wave.open(file.name, "rb") as sound:
            rate, pcm = Hz(sound.getframerate()), sound.readframes(sound.getnframes())
    samples = soxr.resample(samples_from_pcm(without_silence(pcm, rate)), rate, RATE)
    return at_level(np.asarray(samples, np.float32), NEAR_DBFS)


def commands(seconds: float, seed: int) -> list[Command]:
    """Return what is said over `seconds` of answers: all commands, by all voices in turn."""
    everything = list(itertools.product(ASKERS, COMMANDS))
    at, said = int(FIRST_COMMAND_S * RATE) + seed * 1_777, []
    for asker, text in itertools.islice(itertools.cycle(everything), seed * 7, None):
        command = Command(text, asked(text, asker), at)
        if command.end + PAUSE_S * RATE > seconds * RATE:
            return said
        said.append(command)
        at = command.end + int(PAUSE_S * RATE)
    return said


def interrupt(place: Room, seed: int, seconds: float, listener: Listener, turn_taking: str) -> list[Interruption]:
    """Say commands over an answer that is ducked and stopped as by the device."""
    answer = answers(seconds, seed)
    said = commands(seconds, seed)
    near = np.zeros_like(answer)
    for command in said:
        near[command.at : command.end] += command.sound
    device = Device(reacts=True, turn_taking=turn_taking)
    heard = device.hear(answer, near, place, [command.end + RATE for command in said])
    return [
        Interruption(
            delay_ms(heard.noticed, command.at, command.end),
            delay_ms(heard.silenced, command.at, command.end),
            listener.understands(heard.left, command),
            listener.understands(heard.captured, command),
        )
        for command in said
    ]


def delay_ms(moments: Sequence[int], onset: int, end: int) -> float | None:
    """Return the time from the onset of a sound to the device's reaction, card included; None without a reaction."""
    during = [at for at in moments if onset < at < end + RATE // 5]
    return (during[0] - onset) * 1000 / RATE + CARD_S * 1000 if during else None


def understood_alone(listener: Listener, places: Iterable[tuple[int, Room]], seconds: float) -> float:
    """Return the share of commands understood where nothing is played."""
    found = []
    for seed, place in places:
        noise = np.random.default_rng(seed).normal(0.0, 10 ** ((place.noise_dbfs or -120) / 20), int(seconds * RATE))
        for command in commands(seconds, seed):
            sound = np.asarray(noise, np.float32)
            sound[command.at : command.end] += command.sound
            found.append(listener.understands(sound, command))
    return statistics.mean(found)


def cancellation_rows() -> Iterator[Row]:
    """ERLE in single talk, for at least 8 s after 3 s of adaptation, in quiet rooms, because noise is not cancelled."""
    for delay in DELAYS_MS:
        found = []
        for place in (replace(place, noise_dbfs=-85.0) for place in ROOMS if place.delay_ms == delay):
            answer = answers(16, place.seed)
            heard = Device().hear(answer, np.zeros_like(answer), place)
            found.append(f"{cancellation_db(heard.captured, heard.left, spoken_s(answer, 3.0), 16):.0f}")
        yield (f"{delay} ms", *found)


def self_interruptions(minutes: float, cancels: bool) -> int:
    """Play answers in every room in turn, with nobody speaking; count the voices that the device noticed."""
    seconds, count = minutes * 60 / len(ROOMS), 0
    for place in ROOMS:
        answer = answers(seconds, place.seed)
        count += len(Device(cancels=cancels).hear(answer, np.zeros_like(answer), place).noticed)
    return count


def on_a_bad_card(minutes: float) -> str:
    """Do the same with a card that runs dry every 20 s and reports wrong times for a while."""
    seconds, stopped, ducked = minutes * 60 / len(ROOMS), 0, 0
    for place in ROOMS:
        answer = answers(seconds, place.seed)
        device = Device(reacts=True, moments_off=after_running_dry)
        heard = device.hear(answer, np.zeros_like(answer), place)
        stopped, ducked = stopped + len(heard.silenced), ducked + len(heard.noticed)
    return f"{stopped}; quieter for a moment: {ducked}"


def interruption_rows(listener: Listener, seconds: float) -> Iterator[Row]:
    """One row for each level of echo, and for all; what local turn taking changes; and what is understood alone."""
    everything = []
    for level in LEVELS_DB:
        places = [(seed, place) for seed, place in enumerate(ROOMS) if seed % len(LEVELS_DB) == LEVELS_DB.index(level)]
        found = [one for seed, place in places for one in interrupt(place, seed, seconds, listener, "server")]
        everything += found
        yield (f"{level} dB", *figures(found))
    yield ("all", *figures(everything))
    local = [one for seed, place in enumerate(ROOMS) for one in interrupt(place, seed, seconds, listener, "local")]
    yield ("all, local turn taking", *figures(local))
    alone = understood_alone(listener, enumerate(ROOMS), seconds)
    yield ("no answer, no echo", str(len(everything)), "", "", "", "", f"{alone:.0%}", "")


def figures(found: Sequence[Interruption]) -> Row:
    """Return count, share noticed, time to the quieter sound and to silence, share stopped and understood."""
    noticed = percent(one.noticed_ms is not None for one in found)
    stopped = percent(one.silenced_ms is not None for one in found)
    shares = percent(one.understood for one in found), percent(one.understood_raw for one in found)
    ducked, silent = (times([getattr(one, name) for one in found]) for name in ("noticed_ms", "silenced_ms"))
    return (str(len(found)), noticed, ducked, silent, stopped, *shares)


def times(found: Sequence[float | None]) -> str:
    """Return the median and the 90th percentile; a missing reaction counts as the longest time."""
    order = sorted(math.inf if one is None else one for one in found)
    return f"{statistics.median(order):.0f} / {order[len(order) * 9 // 10]:.0f}"


def noise_rows(seconds: float) -> Iterator[Row]:
    """Play noises over answers in all rooms; return how many duck the answer, and how many stop it."""
    ducked: dict[str, list[bool]] = {name: [] for name in NOISES}
    stopped: dict[str, list[bool]] = {name: [] for name in NOISES}
    for seed, place in enumerate(ROOMS):
        answer = answers(seconds, seed)
        near, made = noises(seconds, seed)
        heard = Device(reacts=True).hear(answer, near, place, [end + RATE * 3 // 4 for _, _, end in made])
        for name, onset, end in made:
            ducked[name].append(delay_ms(heard.noticed, onset, end + RATE // 4) is not None)
            stopped[name].append(delay_ms(heard.silenced, onset, end + RATE // 4) is not None)
    for name in NOISES:
        yield (name, str(len(ducked[name])), percent(ducked[name]), percent(stopped[name]))


def noises(seconds: float, seed: int) -> tuple[Sound, list[tuple[str, int, int]]]:
    """Return all noises in turn, as loud as a person's speech, 1.5 s apart; and each one's name, onset and end."""
    random = np.random.default_rng(seed)
    near, made = np.zeros(int(seconds * RATE), np.float32), []
    at = int(FIRST_COMMAND_S * RATE) + seed * 1_777
    for name in itertools.islice(itertools.cycle(NOISES), seed, None):
        sound = at_level(NOISES[name](random), NEAR_DBFS)
        end = at + len(sound)
        if end + RATE > len(near):
            return near, made
        near[at:end] += sound
        made.append((name, at, end))
        at = end + RATE * 3 // 2
    raise AssertionError("a cycle has no end")


def cough(duration_ms: float, random: np.random.Generator) -> Sound:
    """Return a cough: noise with three formants, a fast attack and a slow release."""
    count = samples_from_ms(duration_ms, RATE)
    frequency = np.fft.rfftfreq(count, 1 / RATE)
    shape = sum(gain / (1 + ((frequency - at) / width) ** 2) for at, width, gain in FORMANTS)
    sound = np.fft.irfft(np.fft.rfft(random.normal(0.0, 1.0, count)) * shape, count)
    return enveloped(sound, 5, 0.7 * duration_ms)


FORMANTS = ((500, 400, 1.0), (1_500, 600, 0.6), (3_000, 1_000, 0.2))


def hum(duration_ms: float, random: np.random.Generator) -> Sound:
    """Return "mhm": a nasal voice whose pitch rises and falls once."""
    seconds = np.arange(samples_from_ms(duration_ms, RATE)) / RATE
    pitch = random.uniform(100, 200) * (1 + 0.15 * np.sin(2 * np.pi * seconds * 1000 / duration_ms))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    sound = sum(np.sin(n * phase) * math.exp(-(((n * 150 - 250) / 300) ** 2)) for n in range(1, 12))
    return enveloped(np.asarray(sound), 30, 50)


def knocks(random: np.random.Generator) -> Sound:
    """Return three knocks at a door, 180 ms apart: a few decaying modes of a wooden plate."""
    seconds = np.arange(RATE * 8 // 100) / RATE
    modes = ((180, 60), (420, 90), (950, 140))
    knock = sum(np.exp(-seconds * fall) * np.sin(2 * np.pi * at * seconds) for at, fall in modes)
    sound = np.zeros(RATE * 55 // 100)
    for at in (0, RATE * 18 // 100, RATE * 36 // 100):
        sound[at : at + len(knock)] += knock * random.uniform(0.7, 1.0)
    return np.asarray(sound, np.float32)


def enveloped(sound: np.ndarray, rise_ms: float, fall_ms: float) -> Sound:
    """Fade a sound in and out."""
    rise, fall = samples_from_ms(rise_ms, RATE), samples_from_ms(fall_ms, RATE)
    shape = np.ones(len(sound))
    shape[:rise] = np.linspace(0, 1, rise)
    shape[-fall:] *= np.exp(-5 * np.arange(fall) / fall)
    return np.asarray(sound * shape, np.float32)


NOISES: dict[str, Callable[[np.random.Generator], Sound]] = {
    "cough, 200 ms": functools.partial(cough, 200.0),
    "cough, 300 ms": functools.partial(cough, 300.0),
    "cough, 400 ms": functools.partial(cough, 400.0),
    '"mhm", 200 ms': functools.partial(hum, 200.0),
    '"mhm", 300 ms': functools.partial(hum, 300.0),
    "three knocks": knocks,
    "a door, 100 ms": functools.partial(cough, 100.0),
}


def percent(flags: Iterable[bool]) -> str:
    """Return the share that is true."""
    return f"{statistics.mean(flags):.0%}"


def cost_rows() -> Iterator[Row]:
    """CPU of 60 s of audio in this process; import and memory in a fresh one."""
    answer = answers(60, 0)
    silence = np.zeros_like(answer)
    spent = {}
    for cancels in (False, True):
        begun = time.process_time()
        Device(cancels=cancels).hear(answer, silence, ROOMS[5])
        spent[cancels] = time.process_time() - begun
    yield "CPU while it cancels, the far end and levels included", f"{(spent[True] - spent[False]) / 60:.1%} of a core"
    output = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True).stdout
    load_s, pss_kb, threads = output.split()
    yield "load (import and make it)", f"{float(load_s) * 1000:.0f} ms"
    yield "PSS, beside numpy and asyncio", f"{int(pss_kb) * 1024 / 1e6:.0f} MB, {threads} threads"


FRESH = """
import asyncio, pathlib, re, threading, time
from device.audio.echo.canceller import WebRtcCanceller
from device.audio.echo.farend import FarEnd
def look(file, key): return int(re.search(key + r":\\s+(\\d+)", pathlib.Path("/proc/self", file).read_text())[1])
pss, threads, begun = look("smaps_rollup", "Pss"), look("status", "Threads"), time.monotonic()
canceller = WebRtcCanceller(FarEnd(24_000))
canceller.load()
loaded = time.monotonic() - begun
print(loaded, look("smaps_rollup", "Pss") - pss, look("status", "Threads") - threads)
"""


def main() -> None:
    """Make every table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20, help="answers without anybody there (default 20)")
    parser.add_argument("--seconds", type=float, default=90, help="answers talked over, in each room (default 90)")
    parser.add_argument("--write", action="store_true", help="put the tables on docs/figures.md")
    arguments = parser.parse_args()
    counts = [
        (name, str(self_interruptions(arguments.minutes, on))) for name, on in (("with", True), ("without", False))
    ]
    counts.append(("with, the card's moments wrong for 10 of every 20 s", on_a_bad_card(arguments.minutes)))
    texts = (
        "Echo return loss enhancement, dB, after 3 s of speech, by delay and by level of the echo:",
        table(("delay", *(f"{level} dB" for level in LEVELS_DB)), list(cancellation_rows())),
        "Commands spoken over answers:",
        table(COMMANDS_HEAD, list(interruption_rows(Listener(), arguments.seconds))),
        "Noises as loud as a person, over answers:",
        table(("noise", "times", "quieten the answer", "stop it"), list(noise_rows(arguments.seconds))),
        f"Answers with nobody there, for {arguments.minutes:g} minutes:",
        table(("echo cancellation", "the device interrupted itself"), counts),
        "What it costs:",
        table(("what", "figure"), list(cost_rows())),
    )
    publish("bench_echo", "\n\n".join(texts), arguments.write)


COMMANDS_HEAD = (
    *("echo", "commands", "noticed", "ms to quieter, median / p90", "ms to silence, median / p90"),
    *("stopped by the device itself", "understood", "understood without cancellation"),
)


if __name__ == "__main__":
    main()
