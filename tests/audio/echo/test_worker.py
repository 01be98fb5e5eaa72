"""The echo canceller's own thread: order, interruptions, and that the event loop is not kept waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.audio.ear.frontend import Frontend
from device.audio.ear.gate import Gate
from device.audio.ear.preroll import PrerollRing
from device.audio.ear.segmenter import Segmenter
from device.audio.echo import canceller as cancelling
from device.audio.echo.canceller import EchoLevels, HandOn, WebRtcCanceller
from device.audio.echo.farend import FarEnd
from device.audio.echo.worker import MOST_S, EchoWorker
from device.audio.frames import AudioFrame
from device.kit.threads import Threads
from device.units import CAPTURE_RATE, Hz, Ms, Samples
from tests.waiting import LIMIT_S, block_until, until

FRAME = 320
SECRET = b"\x77\x77" * FRAME
HERE = threading.current_thread().name


class FakeCanceller:
    """Marks the first byte of what it was given to do, and waits while `gate` is shut."""

    def __init__(self) -> None:
        self.has = True
        self.gate = threading.Event()
        self.gate.set()
        self.did: list[tuple[str, bytes, str]] = []
        """What, with which frame, and in which thread."""
        self.is_trusted = False

    def has_work(self, moment: float) -> bool:
        """Say what is wanted."""
        return self.has

    def feed(self, pcm: bytes, moment: float, hand_on: HandOn) -> bool:
        """See EchoRemover."""
        hand_on(self.process(pcm, moment))
        return True

    def process(self, pcm: bytes, moment: float) -> bytes:
        """Note it."""
        self._note("process", pcm)
        assert self.gate.wait(LIMIT_S)
        if pcm == b"broken":
            raise RuntimeError("a bug")
        return b"-" + pcm

    def interrupt(self) -> None:
        """Note it."""
        self._note("interrupt")

    def distrust(self) -> None:
        """Note it."""
        self._note("distrust")

    def levels(self) -> tuple[EchoLevels, ...]:
        """Return one that tells how many frames there were."""
        return (EchoLevels(0.0, 0.0, float(len(self.did)), Ms(0)),)

    def restored(self) -> bytes | None:
        """Return something that tells how many frames there were."""
        return b"+%d" % len(self.did)

    def _note(self, what: str, pcm: bytes = b"") -> None:
        self.did.append((what, pcm, threading.current_thread().name))


class House:
    """A worker, its canceller, and what was handed on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.canceller = FakeCanceller()
        self.worker = EchoWorker(self.canceller, Threads("echo-canceller"), lambda: self.now)  # type: ignore[arg-type]
        self.left: list[bytes] = []

    def feed(self, *frames: bytes) -> None:
        """Feed frames that are as good as any."""
        for frame in frames:
            assert self.worker.feed(frame, 0.0, self.left.append)

    async def until_left(self, *frames: bytes) -> None:
        """Wait until exactly these have been handed on."""
        await until(lambda: len(self.left) >= len(frames) and not self.worker.overdue_s, "the frames")
        assert self.left == [b"-" + frame for frame in frames]


@pytest.fixture
def house() -> Iterator[House]:
    """Return one whose canceller is let go in the end."""
    house = House()
    yield house
    house.canceller.gate.set()


async def test_without_an_echo_a_frame_passes_at_once_and_without_a_thread(house: House) -> None:
    """As it did before there was one: an idle house wakes up no thread for it."""
    house.canceller.has = False
    house.feed(b"a")
    assert house.left == [b"-a"]
    assert house.canceller.did == [("process", b"a", HERE)]


async def test_with_an_echo_it_is_cancelled_in_the_thread_and_handed_on_here(house: House) -> None:
    """In the order in which the frames came."""
    threads: list[str] = []
    house.worker.feed(b"a", 0.0, lambda left: threads.append(threading.current_thread().name))
    house.feed(b"b", b"c")
    assert house.left == []
    await house.until_left(b"b", b"c")
    assert {thread for _, _, thread in house.canceller.did} == {"echo-canceller"}
    assert threads == [HERE]


async def test_the_event_loop_goes_on_while_it_cancels(house: House) -> None:
    """For as long as it takes."""
    house.canceller.gate.clear()
    house.feed(b"a")
    for _ in range(100):
        await asyncio.sleep(0)
    assert house.left == []
    house.canceller.gate.set()
    await house.until_left(b"a")


async def test_a_frame_without_an_echo_does_not_overtake_those_before(house: House) -> None:
    """Once they have been handed on, frames pass at once again."""
    house.canceller.gate.clear()
    house.feed(b"a")
    house.canceller.has = False
    house.feed(b"b")
    assert house.left == []
    house.canceller.gate.set()
    await house.until_left(b"a", b"b")
    house.feed(b"c")
    assert house.left[2:] == [b"-c"]
    assert house.canceller.did[-1] == ("process", b"c", HERE)


async def test_nothing_from_before_an_interruption_is_handed_on(house: House) -> None:
    """Neither what is being cancelled nor what waits, which is not even looked at; the canceller learns of it."""
    house.canceller.gate.clear()
    house.feed(b"a", b"b")
    await until(lambda: house.canceller.did, "the first frame")
    house.worker.interrupt()
    house.feed(b"c")
    house.canceller.gate.set()
    await house.until_left(b"c")
    assert [(what, frame) for what, frame, _ in house.canceller.did] == [
        *(("process", b"a"), ("interrupt", b""), ("process", b"c")),
    ]


async def test_what_is_asked_of_it_meanwhile_is_done_in_its_thread(house: House) -> None:
    """Two threads never use the canceller at once; while there is nothing to do it is done at once."""
    house.worker.distrust()
    assert house.canceller.did == [("distrust", b"", HERE)]
    house.canceller.gate.clear()
    house.feed(b"a")
    house.worker.distrust()
    house.canceller.gate.set()
    await house.until_left(b"a")
    await until(lambda: len(house.canceller.did) == 3, "the call")
    assert house.canceller.did[1:] == [("process", b"a", "echo-canceller"), ("distrust", b"", "echo-canceller")]


async def test_levels_and_trust_are_those_of_the_frame_that_was_handed_on(house: House) -> None:
    """Though the canceller may be further by then."""
    seen: list[tuple[float, bytes | None, bool]] = []

    def look(left: bytes) -> None:
        [levels] = house.worker.levels()
        seen.append((levels.left, house.worker.restored(), house.worker.is_trusted))

    house.canceller.gate.clear()
    for _ in range(3):
        house.worker.feed(b"a", 0.0, look)
    house.canceller.gate.set()
    # All three are done before this thread looks for the first time.
    block_until(lambda: len(house.canceller.did) == 3, "the frames")
    house.canceller.is_trusted = True
    await until(lambda: len(seen) == 3, "the frames")
    assert [told[:2] for told in seen] == [(1.0, b"+1"), (2.0, b"+2"), (3.0, b"+3")]
    assert not seen[0][2]
    house.canceller.has = False
    house.worker.feed(b"a", 0.0, look)
    assert seen[-1] == (4.0, b"+4", True)


async def test_it_tells_how_long_the_oldest_frame_waits_and_takes_none_when_that_is_too_long(house: House) -> None:
    """Until it is interrupted: then what waited is forgotten."""
    house.canceller.gate.clear()
    house.feed(b"a")
    house.now += 0.25
    house.feed(b"b")
    assert house.worker.overdue_s == 0.25
    house.now = MOST_S + 0.01
    assert not house.worker.feed(b"c", 0.0, house.left.append)
    house.worker.interrupt()
    assert house.worker.overdue_s == 0.0
    house.feed(b"d")
    house.canceller.gate.set()
    await house.until_left(b"d")


async def test_a_canceller_that_breaks_loses_that_frame_and_no_other(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """It should not: but a house that is deaf for ever would be worse."""
    house.feed(b"a", b"broken", b"c")
    await house.until_left(b"a", b"c")
    assert "a bug" in caplog.text


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["frame", "frame", "frame", "interrupt", "distrust", "work", "none", "wait"])))
def test_frames_are_handed_on_once_and_in_order_whatever_happens(steps: list[str]) -> None:
    """All that came after the last interruption; of those before, none after it."""

    async def run() -> None:
        house, fed, since = House(), 0, 0
        for step in steps:
            if step == "frame":
                house.feed(b"%d" % fed)
                fed += 1
            elif step == "wait":
                await asyncio.sleep(0)
            elif step in ("work", "none"):
                house.canceller.has = step == "work"
            else:
                getattr(house.worker, step)()
                since = fed if step == "interrupt" else since
            if step == "interrupt":
                house.left.clear()
        await until(lambda: not house.worker._calls, "the thread")
        assert house.left == [b"-%d" % number for number in range(since, fed)]

    asyncio.run(run())


class Ear:
    """A frontend whose canceller works in its thread: everything that leaves is in `sent`."""

    def __init__(self, house: House) -> None:
        self.sent: list[bytes] = []
        ring = PrerollRing()
        self.frontend = Frontend(
            ring=ring,
            gate=Gate(ring, CAPTURE_RATE, self.sent.append),
            vad=Deaf(),
            segmenter=Segmenter(),
            feed_wake=lambda pcm: None,
            reset_wake=lambda: None,
            post=lambda fact: None,
            canceller=house.worker,
        )


class Deaf:
    """Hears no voice."""

    def is_voice(self, frame: AudioFrame) -> bool:
        """Return that there is none."""
        return False


class Unmarked(FakeCanceller):
    """Leaves frames as they are."""

    def process(self, pcm: bytes, moment: float) -> bytes:
        """Wait, if need be."""
        return super().process(pcm, moment)[1:]


@pytest.fixture
def ear(house: House) -> Ear:
    """Return one that is as slow as the house's canceller."""
    house.canceller = Unmarked()
    house.worker = EchoWorker(house.canceller, Threads("echo-canceller"), lambda: house.now)  # type: ignore[arg-type]
    return Ear(house)


async def test_what_is_still_being_cancelled_when_the_house_is_muted_never_leaves(house: House, ear: Ear) -> None:
    """Nor is it remembered: not by a gate that is opened again, and reaches back."""
    ear.frontend.open_gate(None)
    house.canceller.gate.clear()
    for number in range(5):
        ear.frontend.on_frame(SECRET, number * 0.02)
    ear.frontend.clear()
    ear.frontend.open_gate(Samples(0))
    house.canceller.gate.set()
    await until(lambda: not house.worker._calls, "the thread")
    assert ear.sent == []
    assert ear.frontend.recall(Samples(0), Samples(10 * FRAME)) == b""
    house.canceller.has = False
    ear.frontend.on_frame(b"\1\0" * FRAME, 1.0)
    assert b"".join(ear.sent) == b"\1\0" * FRAME


async def test_what_is_still_being_cancelled_when_the_gate_is_cut_does_not_leave(house: House, ear: Ear) -> None:
    """It is remembered, as what comes later is."""
    ear.frontend.open_gate(None)
    house.canceller.gate.clear()
    ear.frontend.on_frame(SECRET, 0.0)
    ear.frontend.cut_gate()
    house.canceller.gate.set()
    await until(lambda: not house.worker._calls, "the thread")
    assert ear.sent == []
    assert ear.frontend.position == FRAME


async def test_a_press_is_dated_right_though_frames_are_under_way(house: House, ear: Ear) -> None:
    """A position names the sample that was captured then, before it has been handed on as well."""
    ear.frontend.on_frame(SECRET, 100.0)
    await until(lambda: ear.frontend.position == FRAME, "the first frame")
    house.canceller.gate.clear()
    for number in range(1, 6):
        ear.frontend.on_frame(SECRET, 100.0 + number * 0.02)
    assert ear.frontend.position_at(100.06) == 3 * FRAME
    house.canceller.gate.set()
    await until(lambda: ear.frontend.position == 6 * FRAME, "the others")
    assert ear.frontend.position_at(100.06) == 3 * FRAME


async def test_a_canceller_that_hangs_costs_what_waits_and_the_stream_goes_on_after_a_gap(
    house: House, ear: Ear
) -> None:
    """No more than MOST_S ever waits."""
    house.canceller.gate.clear()
    for _ in range(3 * round(MOST_S / 0.02)):
        ear.frontend.on_frame(SECRET, house.now)
        house.now += 0.02
        assert len(house.worker._waiting) <= round(MOST_S / 0.02) + 2
    house.canceller.gate.set()
    await until(lambda: not house.worker._calls, "the thread")
    assert 0 < ear.frontend.position <= (round(MOST_S / 0.02) + 2) * FRAME


async def test_the_real_canceller_gives_the_same_in_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the bit, over the beginning and the end of an answer, and an interruption in it."""
    monkeypatch.setattr(cancelling, "AudioProcessing", Halving)
    noise = np.random.default_rng(5)
    frames = [noise.integers(-300, 300, FRAME).astype("<i2").tobytes() for _ in range(150)]
    answer = [noise.integers(-9_000, 9_000, 480).astype("<i2").tobytes() for _ in range(60)]

    def canceller() -> tuple[WebRtcCanceller, Callable[[int], None]]:
        far_end = FarEnd(Hz(24_000))
        made = WebRtcCanceller(far_end)
        made.load()

        def play(number: int) -> None:
            if 20 <= number < 80:
                far_end.write(answer[number - 20], Hz(24_000), number * 0.02 + 0.03)

        return made, play

    alone, play = canceller()
    expected = []
    for number, frame in enumerate(frames):
        play(number)
        if number == 50:
            alone.interrupt()
        expected.append(alone.process(frame, number * 0.02))
    inner, play = canceller()
    worker, left = EchoWorker(inner, Threads("echo-canceller")), list[bytes]()
    for number, frame in enumerate(frames):
        play(number)
        if number == 50:
            await until(lambda: len(left) == 50, "the frames before")
            worker.interrupt()
        worker.feed(frame, number * 0.02, left.append)
        # What is played is known as far as it was then.
        await until(lambda number=number: len(left) == number + 1, "a frame")
    assert left == expected
    assert any(a != b for a, b in zip(left, frames, strict=True))


class Halving:
    """A module that makes everything quieter."""

    def process(self, block: bytes, far_end: bytes, rate: Hz) -> bytes:
        """Return the block, halved."""
        return (np.frombuffer(block, "<i2") // 2).astype("<i2").tobytes()
