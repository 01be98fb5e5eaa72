"""Times each part of the work by itself, without a pause in between."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from device.audio.ear.vad import WebRtcVad
from device.audio.echo.canceller import WebRtcCanceller
from device.audio.echo.farend import FarEnd
from device.audio.frames import AudioFrame
from device.audio.resample import StreamResampler
from device.errors import AudioError
from device.house.configuration import Config
from device.kit.yardstick import add_up
from device.ports.wake import Skipping, WakeWord
from device.setup.bench.figures import Missing, PartSpeed, Yardsticks, percentile
from device.setup.bench.sounds import ANSWER_RATE, ahead, sounds
from device.units import CAPTURE_RATE, Hz, Samples
from device.wake.doze import Doze

CARD_RATE = Hz(48_000)
"""Of most sound cards."""
LOOK_MS, CHUNK_MS, FRAME_MS, BLOCK_MS = 240, 80, 20, 10

# What is done only once, or until the caches hold what is needed, is left out.
_WARM_UP = 12
_LEAST_STEPS = 20
# Looks at a quiet room until the engine dozes: 4.8 s.
_FALLING_ASLEEP = 20
# What is played is known so much sooner than it sounds.
_AHEAD_MS = 100

FEWER_WORDS = "configure fewer wake words (`wake.words`)"
NO_ECHO_CANCELLER = (
    'switch the echo canceller off: `conversation.barge_in = "wake_word"`; then the wake word interrupts an answer'
)

Step = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the work; `step` does it once, which is due every `each_ms`."""

    name: str
    each_ms: float
    step: Step
    remedy: str = ""


def parts(settings: Config, engine: WakeWord) -> Iterator[Part | Missing]:
    """Yield the parts that this configuration makes use of. `engine` is fed."""
    words = ", ".join(engine.words)
    chunks = sounds(CHUNK_MS)
    yield Part(f"wake word ({words}), while somebody talks", CHUNK_MS, _fed(engine.process, chunks.talk), FEWER_WORDS)
    if settings.wake.doze and isinstance(engine, Skipping):
        yield Part("wake word, in a quiet room", LOOK_MS, _dozing(Doze(), sounds(LOOK_MS).quiet))
    yield _echo_canceller()
    frames = sounds(FRAME_MS)
    yield Part("voice detector", FRAME_MS, _detecting(WebRtcVad(settings.audio.vad_aggressiveness), frames.talk))
    up = StreamResampler(CAPTURE_RATE, ANSWER_RATE)
    yield Part("resampler, to the provider (16 to 24 kHz)", FRAME_MS, _fed(up.process, frames.talk))
    out = StreamResampler(ANSWER_RATE, CARD_RATE)
    yield Part("resampler, to the loudspeaker (24 to 48 kHz)", FRAME_MS, _fed(out.process, frames.played))


def measure(part: Part, seconds: float) -> PartSpeed:
    """Do it again and again for so long."""
    took = _times_ms(part.step, seconds)
    return PartSpeed(part.name, part.each_ms, percentile(took, 0.5), percentile(took, 0.99), part.remedy)


def yardsticks(seconds: float) -> Yardsticks:
    """Measure this machine with simple work, for so long altogether.

    The quickest tenth counts, in which other programs had no turn: it is the machine that is measured, not its load.
    """
    each_s = seconds / 5
    noise = np.random.default_rng(1)

    def matrix(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return noise.standard_normal(shape).astype(np.float32)

    def quick_ms(step: Step) -> float:
        return percentile(_times_ms(step, each_s), 0.1)

    square, patches, weights, blocks = matrix(256, 256), matrix(160, 217), matrix(217, 24), matrix(16, 320)
    spectra = np.asarray(matrix(40, 161) + 1j * matrix(40, 161), np.complex64)
    product = np.empty_like(spectra)
    return Yardsticks(
        python_ms=quick_ms(add_up),
        products_gflops=2 * 256**3 / quick_ms(partial(np.matmul, square, square)) / 1e6,
        small_products_gflops=2 * 160 * 217 * 24 / quick_ms(partial(np.matmul, patches, weights)) / 1e6,
        transforms_us=quick_ms(partial(np.fft.rfft, blocks)) * 1000,
        elementwise_us=quick_ms(partial(np.multiply, spectra, spectra, product)) * 1000,
    )


def _times_ms(step: Step, seconds: float) -> list[float]:
    for _ in range(_WARM_UP):
        step()
    took: list[float] = []
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end or len(took) < _LEAST_STEPS:
        step()
        took.append((time.perf_counter() - begun) * 1000)
    return took


def _fed(process: Callable[[bytes], object], pieces: list[bytes]) -> Step:
    following = itertools.cycle(pieces)
    return lambda: process(next(following))


def _dozing(doze: Doze, pieces: list[bytes]) -> Step:
    feed = _fed(doze.feed, pieces)
    for _ in range(_FALLING_ASLEEP):
        feed()
    return feed


def _detecting(vad: WebRtcVad, pieces: list[bytes]) -> Step:
    return _fed(lambda pcm: vad.is_voice(AudioFrame(pcm, Samples(0))), pieces)


def _echo_canceller() -> Part | Missing:
    name, blocks, far_end = "echo canceller, while it speaks", sounds(BLOCK_MS), FarEnd(ANSWER_RATE)
    canceller = WebRtcCanceller(far_end)
    try:
        canceller.load()
    except AudioError as error:
        return Missing(name, str(error))
    moments = itertools.count(step=BLOCK_MS / 1000)
    following = itertools.cycle(zip(ahead(blocks.played, _AHEAD_MS // BLOCK_MS), blocks.echoed, strict=True))

    def cancel() -> None:
        moment, (played, heard) = next(moments), next(following)
        far_end.write(played, ANSWER_RATE, moment + _AHEAD_MS / 1000)
        canceller.process(heard, moment)

    return Part(name, BLOCK_MS, cancel, NO_ECHO_CANCELLER)
