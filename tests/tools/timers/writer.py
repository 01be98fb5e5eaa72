"""Writes one state after the other into a store, and says so: to be killed, or to have its power cut."""

from __future__ import annotations

import os
import sys
from datetime import date, time
from pathlib import Path

from device.core.events import AlarmKind
from device.tools.timers.entry import Countdown, Entry, TimeOfDay
from device.tools.timers.store import Kept, Store


def kept_of(number: int) -> Kept:
    """Return the state of a number: each changes some timers, sets one, and calls one off."""
    entries = {
        n: Entry(n, AlarmKind.TIMER, f"timer {n} of {number}" * (n % 7), Countdown(60.0 * number, n, "boot", number))
        for n in range(max(1, number - 20), number + 1)
    }
    if number % 3 == 0:
        entries[number] = Entry(number, AlarmKind.ALARM, time_of_day=TimeOfDay(time(7), date(2026, 12, 1)))
    return Kept(entries, number + 1)


def main() -> None:
    """Take a folder, how many states to write, and perhaps how to keep the journal and the lock."""
    folder, count, *modes = sys.argv[1:]
    store = Store(Path(folder), *modes)
    for number in range(1, int(count) + 1):
        store.write(kept_of(number))
        # Not through a buffer: whoever kills us counts what has been said.
        os.write(1, f"{number}\n".encode())
    store.close()


if __name__ == "__main__":
    main()
