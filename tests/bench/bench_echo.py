"""Echo cancellation and voice barge-in in simulated rooms, with and without: prints Markdown tables.

`tests/bench/bench_echo.py [--minutes 20]`. It needs espeak-ng and flite, and no sound card: it runs
many times faster than real time. Levels are the echo's against the person's speech at the microphone.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr

from device.espeak import VoiceStyle
from device.ports import Phrase, ToolSpec
from device.sim.person import without_silence
from device.sim.room import Room, Sound, pcm_from_samples, samples_from_pcm
from device.sim.understanding import Understanding, Understood
from device.units import Hz

sys.path.insert(0, str(Path(__file__).parents[1] / "audio"))

from echo_stage import (
    ASKING,
    CARD_S,
    NEAR_DBFS,
    RATE,
    Device,
    answers,
    at_level,
    cancellation_db,
    room,
    spoken,
    spoken_s,
)

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
    """What became of a command."""

    noticed_ms: float | None
    understood: bool
    understood_raw: bool
    """In what the microphone captured, echo and all."""


class Listener:
    """The recogniser, asked whether it got a command right."""

    def __init__(self) -> None:
        self._understanding = Understanding(TOOLS)

    def understands(self, sound: Sound, command: Command) -> bool:
        """Say whether the command is understood in what a server was sent."""
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
    """Return what is said over `seconds` of answers: all commands by all askers take turns."""
    everything = list(itertools.product(ASKERS, COMMANDS))
    at, said = int(FIRST_COMMAND_S * RATE) + seed * 1_777, []
    for asker, text in itertools.islice(itertools.cycle(everything), seed * 7, None):
        command = Command(text, asked(text, asker), at)
        if command.end + PAUSE_S * RATE > seconds * RATE:
            return said
        said.append(command)
        at = command.end + int(PAUSE_S * RATE)
    return said


def interrupt(place: Room, seed: int, seconds: float, listener: Listener) -> list[Interruption]:
    """Say commands over an answer that ducks and stops as the device does it."""
    answer = answers(seconds, seed)
    said = commands(seconds, seed)
    near = np.zeros_like(answer)
    for command in said:
        near[command.at : command.end] += command.sound
    heard = Device(reacts=True).hear(answer, near, place, [command.end + RATE for command in said])
    return [
        Interruption(
            noticed_ms(heard.noticed, command),
            listener.understands(heard.left, command),
            listener.understands(heard.captured, command),
        )
        for command in said
    ]


def noticed_ms(noticed: Sequence[int], command: Command) -> float | None:
    """Return how long after its onset a command was noticed; None when it was not."""
    during = [at for at in noticed if command.at < at < command.end + RATE // 5]
    return (during[0] - command.at) * 1000 / RATE if during else None


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


def cancellation_rows() -> Iterator[tuple[object, ...]]:
    """ERLE in single talk for 8 s and more after 3 s of speech, in rooms that are quiet: their noise stays."""
    for delay in DELAYS_MS:
        found = []
        for place in (replace(place, noise_dbfs=-85.0) for place in ROOMS if place.delay_ms == delay):
            answer = answers(16, place.seed)
            heard = Device().hear(answer, np.zeros_like(answer), place)
            found.append(f"{cancellation_db(heard.captured, heard.left, spoken_s(answer, 3.0), 16):.0f}")
        yield (f"{delay} ms", *found)


def self_interruptions(minutes: float, cancels: bool) -> int:
    """Let it answer in every room in turn, with nobody there; count the voices it noticed."""
    seconds, count = minutes * 60 / len(ROOMS), 0
    for place in ROOMS:
        answer = answers(seconds, place.seed)
        count += len(Device(cancels=cancels).hear(answer, np.zeros_like(answer), place).noticed)
    return count


def interruption_rows(listener: Listener, seconds: float) -> Iterator[tuple[object, ...]]:
    """One row for each level of echo, and one for all."""
    everything = []
    for level in LEVELS_DB:
        places = [(seed, place) for seed, place in enumerate(ROOMS) if seed % len(LEVELS_DB) == LEVELS_DB.index(level)]
        found = [one for seed, place in places for one in interrupt(place, seed, seconds, listener)]
        everything += found
        yield (f"{level} dB", *figures(found))
    alone = understood_alone(listener, enumerate(ROOMS), seconds)
    yield ("all", *figures(everything))
    yield ("none", len(everything), "", "", "", f"{alone:.0%}", "")


def figures(found: Sequence[Interruption]) -> tuple[object, ...]:
    """Return count, share noticed, time to notice and to the quieter sound, share understood."""
    times = sorted(one.noticed_ms for one in found if one.noticed_ms is not None)
    median, late = statistics.median(times), times[len(times) * 9 // 10]
    noticed = percent(one.noticed_ms is not None for one in found)
    shares = percent(one.understood for one in found), percent(one.understood_raw for one in found)
    ducked = f"{median + CARD_S * 1000:.0f}"
    return len(found), noticed, f"{median:.0f} / {late:.0f}", ducked, *shares


def percent(flags: Iterable[bool]) -> str:
    """Return the share that is true."""
    return f"{statistics.mean(flags):.0%}"


def cost_rows() -> Iterator[tuple[object, ...]]:
    """CPU of 60 s of audio in this process; import and memory in a fresh one."""
    answer = answers(60, 0)
    silence = np.zeros_like(answer)
    spent = {}
    for cancels in (False, True):
        begun = time.process_time()
        Device(cancels=cancels).hear(answer, silence, ROOMS[5])
        spent[cancels] = time.process_time() - begun
    yield "CPU while it cancels, the far end and levels included", f"{(spent[True] - spent[False]) / 60:.2%} of a core"
    output = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True).stdout
    load_s, pss_kb, threads = output.split()
    yield "load (import and make it)", f"{float(load_s) * 1000:.0f} ms"
    yield "PSS, beside numpy and asyncio", f"{int(pss_kb) * 1024 / 1e6:.0f} MB, {threads} threads"


FRESH = """
import asyncio, pathlib, re, threading, time
from device.audio.echo import WebRtcCanceller
from device.audio.farend import FarEnd
def look(file, key): return int(re.search(key + r":\\s+(\\d+)", pathlib.Path("/proc/self", file).read_text())[1])
pss, threads, begun = look("smaps_rollup", "Pss"), look("status", "Threads"), time.monotonic()
canceller = WebRtcCanceller(FarEnd(24_000))
canceller.load()
loaded = time.monotonic() - begun
print(loaded, look("smaps_rollup", "Pss") - pss, look("status", "Threads") - threads)
"""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table as its rows come."""
    for row in (head, ["---"] * len(head), *rows):
        print("|", " | ".join(map(str, row)), "|", flush=True)
    print()


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20, help="answers without anybody there (default 20)")
    parser.add_argument("--seconds", type=float, default=45, help="answers talked over, in each room (default 45)")
    arguments = parser.parse_args()
    levels = [f"{level} dB" for level in LEVELS_DB]
    print("Echo return loss enhancement, dB, after 3 s of speech\n")
    table(("delay", *levels), cancellation_rows())
    print(f"Self-interruptions in {arguments.minutes:g} minutes of answers\n")
    counts = [(name, self_interruptions(arguments.minutes, on)) for name, on in (("with", True), ("without", False))]
    table(("cancellation", "interruptions"), counts)
    print("Commands spoken over an answer, which ducks and stops\n")
    head = ("echo", "commands", "noticed", "ms, median / p90", "ms to ducked", "understood", "as captured")
    table(head, interruption_rows(Listener(), arguments.seconds))
    print("Cost\n")
    table(("what", "figure"), cost_rows())


if __name__ == "__main__":
    main()
