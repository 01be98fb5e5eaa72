"""Measures how soon a finger is answered: on mock pins, in real time, in a whole house that hears and has a server.

`python tests/bench/bench_gestures.py [--presses 50]` prints a Markdown table. A press begins at a random moment, when
the button has been left alone for more than a second, and lasts as long as a tap does; both edges bounce for up to
5 ms. A press begins with the first of its edges, and a release with the last: the finger has gone then.

The pins are read as on a Pi (lgpio: looked at), and as where a pin tells of its edges by itself.

- press to light: from the press until the pin of the LED, dark before, has a level.
- release to action: from the release of a click until the order to open a session has been carried out.

The house is the daemon's, with microphone and loudspeaker in memory: 50 frames a second of noise go through it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import common

sys.path.insert(0, str(common.ROOT))

import pytest

from device.core import actions as order
from device.core.events import StopRequested
from device.core.status import Phase
from device.foreign import gpio
from device.foreign.gpio import MockBoard
from tests.conversation.mutings import counting_server
from tests.house.cardless import CardlessHouse, open_cardless
from tests.waiting import until

LED, BUTTON = 18, 17
HARDWARE = {"profile": "generic", "led": {"pin": LED}, "button": {"pin": BUTTON}}


@dataclass
class Waits:
    """In ms."""

    light: list[float] = field(default_factory=list)
    action: list[float] = field(default_factory=list)


class Finger:
    """Presses from a thread of its own, as a GPIO library's does."""

    def __init__(self, board: MockBoard) -> None:
        self._board = board
        self.pressed_at = self.released_at = 0.0

    def tap(self) -> None:
        """Press and let go, each with bounces before the contact is settled."""
        self.pressed_at = time.monotonic()
        self._bounce(down=True)
        time.sleep(random.uniform(0.06, 0.15))
        self._bounce(down=False)
        self.released_at = time.monotonic()

    def _bounce(self, down: bool) -> None:
        for closed in (down, not down) * random.randrange(3):
            self._move(closed)
            time.sleep(random.uniform(0.0002, 0.0012))
        self._move(down)

    def _move(self, down: bool) -> None:
        self._board.press(BUTTON) if down else self._board.release(BUTTON)


async def measure(presses: int, polled: bool) -> Waits:
    """Click again and again; what each click begins is ended otherwise."""
    waits = Waits()
    with contextlib.ExitStack() as stack:
        board = MockBoard()
        stack.callback(board.close)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if polled:
            patch.setattr(gpio, "_is_lgpio", lambda factory: True)
            patch.setattr(gpio, "_claim_outputs_without_blip", lambda factory: None)
        settings: dict[str, Any] = {"hardware": HARDWARE, "audio": {"cues": False}}
        async with counting_server() as server, open_cardless(folder, patch, server.url, **settings) as house:
            hearing = asyncio.create_task(hear(house))
            finger = Finger(board)
            for _ in range(presses):
                await one(house, board, finger, waits)
            hearing.cancel()
    return waits


async def hear(house: CardlessHouse) -> None:
    """Let the house hear noise as it comes from a card."""
    while True:
        house.hear(0.02)
        await asyncio.sleep(0.02)


async def one(house: CardlessHouse, board: MockBoard, finger: Finger, waits: Waits) -> None:
    """Click once in an idle house, and note how soon it was seen and obeyed."""
    controller = house.app.controller
    opened: list[float] = []

    def note(what: object, status: object) -> None:
        if isinstance(what, order.OpenSession):
            opened.append(time.monotonic())

    await until(lambda: board.level(LED) == 0, "a dark light")
    controller.observers.append(note)
    # A button that has been left alone is looked at less often.
    await asyncio.sleep(gpio.LIVELY_S + random.uniform(0.05, 0.15))
    before = len(board.changes(LED))
    await asyncio.to_thread(finger.tap)
    await until(lambda: bool(opened), "a session")
    controller.observers.remove(note)
    lit = next(moment for moment, level in board.changes(LED)[before:] if level)
    waits.light.append((lit - finger.pressed_at) * 1e3)
    waits.action.append((opened[0] - finger.released_at) * 1e3)
    await until(lambda: controller.status.phase is Phase.LISTENING, "the person's turn")
    controller.post(StopRequested())


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presses", type=int, default=50, help="with each kind of pin (default: 50)")
    parser.add_argument("--write", action="store_true", help="put the table on docs/figures.md")
    options = parser.parse_args()
    rows = []
    for kind, polled in (("a pin that tells of its edges", False), ("a pin that is looked at, as on a Pi", True)):
        waits = asyncio.run(measure(options.presses, polled))
        rows.append([kind, spread(waits.light), spread(waits.action)])
    head = ["ms", "press to light (aim 50 at most)", "release of a click to action (aim 30 at the median)"]
    common.publish("bench_gestures", common.table(head, rows), options.write)
    return 0


def spread(values: list[float]) -> str:
    """Return the median, the extremes, and what 95 % do not exceed."""
    most = statistics.quantiles(values, n=20)[-1]
    return f"{common.spread(values)[:-1]}; 95 % within {most:.1f})"


if __name__ == "__main__":
    sys.exit(main())
