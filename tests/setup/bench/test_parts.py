"""Each part of the work does it when it is measured, and the rehearsals do all of it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from device.audio.ear.frontend import Frontend
from device.audio.echo.canceller import WebRtcCanceller
from device.audio.frames import level_dbfs
from device.errors import AudioError
from device.house import configuration
from device.ports.wake import Detection
from device.setup.bench import rehearsal
from device.setup.bench.figures import Missing
from device.setup.bench.parts import NO_ECHO_CANCELLER, Part, measure, parts, yardsticks
from device.setup.bench.sounds import sounds
from device.units import Samples
from device.wake.openwakeword.engine import OpenWakeWord

SETTINGS = configuration.parse({})
SHORT_S = 0.05


class DeafEngine:
    """Hears nothing, and counts what it was fed; cannot doze."""

    words = ("hey_jarvis",)
    step = Samples(1280)

    def __init__(self) -> None:
        self.rules: dict[str, object] = {}
        self.scores = {"hey_jarvis": 0.0}
        self.fed = 0

    def process(self, pcm: bytes) -> list[Detection]:
        """Count."""
        self.fed += len(pcm)
        return []

    def pop_near_misses(self) -> list[object]:
        """There are none."""
        return []

    def reset(self) -> None:
        """Nothing is remembered."""


@pytest.fixture
def engine() -> DeafEngine:
    """Return one that costs nothing."""
    return DeafEngine()


def measured(*, engine: object) -> Iterator[Part | Missing]:
    """Return the parts."""
    return parts(SETTINGS, engine)  # type: ignore[arg-type]


def test_every_part_can_be_measured() -> None:
    """With the real engine, which can doze."""
    found = [one for one in measured(engine=OpenWakeWord()) if isinstance(one, Part)]
    assert [one.each_ms for one in found] == [80, 240, 10, 20, 20, 20]
    for speed in (measure(one, SHORT_S) for one in found):
        assert 0 < speed.usual_ms <= speed.slow_ms


def test_an_engine_that_cannot_doze_never_rests(engine: DeafEngine) -> None:
    """There is no part for the quiet room then; the engine is really fed."""
    first, second = (part for part, _ in zip(measured(engine=engine), range(2), strict=False))
    assert isinstance(first, Part)
    assert "quiet" not in second.name  # type: ignore[union-attr]
    measure(first, SHORT_S)
    assert engine.fed > 0


def test_without_its_library_the_canceller_is_missing(engine: DeafEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything else is measured all the same."""

    def fail(canceller: WebRtcCanceller) -> None:
        raise AudioError("no echo cancellation")

    monkeypatch.setattr(WebRtcCanceller, "load", fail)
    found = list(measured(engine=engine))
    assert [one.why for one in found if isinstance(one, Missing)] == ["no echo cancellation"]
    assert len(found) == 5


def test_the_canceller_has_an_echo_to_cancel(engine: DeafEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would pass the sound on, which costs nothing."""
    heard: list[tuple[float, float]] = []
    process = WebRtcCanceller.process

    def noting(canceller: WebRtcCanceller, pcm: bytes, moment: float) -> bytes:
        left = process(canceller, pcm, moment)
        heard.append((level_dbfs(pcm), level_dbfs(left)))
        return left

    monkeypatch.setattr(WebRtcCanceller, "process", noting)
    [part] = [one for one in measured(engine=engine) if isinstance(one, Part) and one.remedy == NO_ECHO_CANCELLER]
    for _ in range(800):
        part.step()
    captured, left = np.mean(heard[400:], axis=0)
    assert left < captured - 15


def test_sounds_are_of_equal_pieces() -> None:
    """Four seconds of each."""
    made = sounds(20)
    assert {len(piece) for piece in (*made.talk, *made.quiet, *made.echoed)} == {640}
    assert {len(piece) for piece in made.played} == {960}
    assert len(made.talk) == len(made.played) == 200


def test_yardsticks_are_above_zero() -> None:
    """All of them."""
    simple = yardsticks(SHORT_S)
    assert min(simple.python_ms, simple.products_gflops, simple.transforms_us, simple.elementwise_us) > 0


async def test_a_rehearsal_hears_and_sends_what_a_house_would(
    engine: DeafEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames come as from a card, and the wake word's engine gets them, also while the device speaks."""
    frames: list[int] = []
    on_frame = Frontend.on_frame

    def noting(frontend: Frontend, pcm: bytes, moment: float) -> None:
        on_frame(frontend, pcm, moment)
        frames.append(frontend.traffic.passed)

    monkeypatch.setattr(Frontend, "on_frame", noting)
    quiet = await rehearsal.listen_to_talk(SETTINGS, engine, 0.3)  # type: ignore[arg-type]
    assert frames
    assert set(frames) == {0}
    assert engine.fed > 0
    frames.clear()
    loud = await rehearsal.speak_and_listen(SETTINGS, engine, 1.0)  # type: ignore[arg-type]
    assert frames[-1] > 0
    assert loud.scene != quiet.scene
    assert loud.core_share > 0


async def test_an_event_loop_that_is_held_up_is_late(engine: DeafEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """By at least as long as it was held up, less a tick."""
    monkeypatch.setattr(Frontend, "on_frame", lambda frontend, pcm, moment: time.sleep(0.1))
    found = await rehearsal.listen_to_talk(SETTINGS, engine, 0.3)  # type: ignore[arg-type]
    assert found.longest_late_ms > 50


async def test_a_machine_that_is_far_too_slow_comes_to_the_end(
    engine: DeafEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ten times the work it could do, no more than a second of which ever waits, and then none."""
    frames: list[bytes] = []

    def slow(frontend: Frontend, pcm: bytes, moment: float) -> None:
        frames.append(pcm)
        time.sleep(0.2)

    monkeypatch.setattr(rehearsal, "_MOST_WAITING", 3)
    monkeypatch.setattr(Frontend, "on_frame", slow)
    found = await rehearsal.listen_to_talk(SETTINGS, engine, 1.0)  # type: ignore[arg-type]
    assert len(frames) <= 6
    assert found.unheard_s > 0
