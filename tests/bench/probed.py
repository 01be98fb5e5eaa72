"""Runs the command `hearthside` and writes down how late it gets; the program itself knows nothing of it.

`probed.py FILE run --config c.toml`: four times a second FILE gets a line of JSON with the moment (`time.monotonic`),
the process, the greatest latenesses since the line before (ms), what held the event loop longest (ms), and the names of
the threads by their ids.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import sys
import threading
import time
from asyncio.events import Handle
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

TICK_S, LINE_S = 0.02, 0.25
# What takes the event loop less is not told.
LONG_S = 0.02
LOOP, WAITED, CANCELLED, SCORED, CALLBACK, FILLER = (
    *("the event loop comes late", "sound waits for the event loop", "sound waits for the echo canceller"),
    *("the wake word is overdue", "the microphone's callback comes late", "the loudspeaker's thread comes late"),
)
MICROPHONE_THREAD, SPEAKER_THREAD = "microphone", "loudspeaker"


class Probe:
    """Gathers lateness in any thread, and writes it on the event loop."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._worst: dict[str, float] = defaultdict(float)
        self._held: dict[str, float] = defaultdict(float)
        self._names: dict[int, str] = {}

    def note(self, what: str, late_s: float, thread: str = "") -> None:
        """Note a lateness; `thread` names the one that this is."""
        self._worst[what] = max(self._worst[what], late_s * 1000)
        if thread:
            self._names[threading.get_native_id()] = thread

    def note_held(self, what: str, took_s: float) -> None:
        """Note how long something held the event loop."""
        self._held[what] = max(self._held[what], took_s * 1000)

    async def watch(self) -> None:
        """Look how late the event loop is, and write."""
        due, written = time.monotonic(), 0.0
        with self._file.open("w", encoding="utf-8") as file:
            while True:
                due = max(due + TICK_S, time.monotonic())
                await asyncio.sleep(due - time.monotonic())
                now = time.monotonic()
                self.note(LOOP, now - due)
                if now - written >= LINE_S:
                    written = now
                    file.write(self._line(now) + "\n")
                    file.flush()

    def _line(self, now: float) -> str:
        worst, self._worst = self._worst, defaultdict(float)
        held, self._held = self._held, defaultdict(float)
        names = {thread.native_id: thread.name for thread in threading.enumerate()}
        told = {"at": now, "pid": os.getpid(), "late_ms": worst, "held_ms": held}
        return json.dumps({**told, "threads": {**names, **self._names}})


def look_into(probe: Probe) -> None:
    """Let the card's threads and the way from them to the event loop tell the probe."""
    from device.audio.cards.filling.playout import Playout
    from device.audio.cards.handover import Handover
    from device.audio.echo.worker import EchoWorker
    from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE
    from device.wake.worker import WakeWorker

    put, take, turn, hand_on = Handover.put, Handover.take, Playout._turn, EchoWorker._take
    last: dict[Any, float] = {}

    def noting_put(self: Handover[Any], source: Any, piece: Any) -> bool:
        now = time.monotonic()
        length_s = len(piece.pcm) / BYTES_PER_SAMPLE / CAPTURE_RATE
        probe.note(CALLBACK, max(0.0, now - last.get(source, now) - length_s), MICROPHONE_THREAD)
        last[source] = now
        return put(self, source, piece)

    def noting_take(self: Handover[Any]) -> Any:
        taken = take(self)
        if taken is not None:
            probe.note(WAITED, taken.waited_s)
        return taken

    def noting_turn(self: Playout, now: float) -> None:
        probe.note(FILLER, max(0.0, now - self._due), SPEAKER_THREAD)
        turn(self, now)

    def noting_hand_on(self: EchoWorker, *call: Any) -> None:
        probe.note(CANCELLED, self.overdue_s)
        hand_on(self, *call)

    overdue_s = WakeWorker.overdue_s.fget

    def noting_overdue(self: WakeWorker) -> float:
        late_s: float = overdue_s(self)  # type: ignore[misc]
        probe.note(SCORED, late_s)
        return late_s

    EchoWorker._take = noting_hand_on  # type: ignore[method-assign]
    WakeWorker.overdue_s = property(noting_overdue)  # type: ignore[assignment,method-assign]
    Handover.put, Handover.take, Playout._turn = noting_put, noting_take, noting_turn  # type: ignore[method-assign]
    look_at_callbacks(probe)


def look_at_callbacks(probe: Probe) -> None:
    """Let everything that the event loop runs tell the probe how long it takes, if that is long."""
    run = Handle._run

    def noting_run(self: Handle) -> None:
        begun, callback = time.monotonic(), self._callback
        run(self)
        took_s = time.monotonic() - begun
        if took_s > LONG_S:
            probe.note_held(_name(callback), took_s)

    Handle._run = noting_run  # type: ignore[method-assign]


def _name(callback: Any) -> str:
    while isinstance(callback, functools.partial):
        callback = callback.func
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.Task):
        return f"task {owner.get_coro().__qualname__}"
    return str(getattr(callback, "__qualname__", type(callback).__name__))


def probing(run: Callable[..., Any], probe: Probe) -> Callable[..., Any]:
    """Return an `asyncio.run` that lets the probe watch."""

    async def watched(main: Any) -> Any:
        watching = asyncio.create_task(probe.watch())
        try:
            return await main
        finally:
            watching.cancel()

    def run_watched(main: Any, **options: Any) -> Any:
        # Late: the command says how numpy is to be, before anything imports it.
        look_into(probe)
        return run(watched(main), **options)

    return run_watched


def main() -> int:
    """Run."""
    file, *arguments = sys.argv[1:]
    asyncio.run = probing(asyncio.run, Probe(Path(file)))
    from device.cli import main as hearthside

    return hearthside(arguments)


if __name__ == "__main__":
    sys.exit(main())
