"""What a sound card's own thread does for itself, and the program's first thread must not."""

from __future__ import annotations

import os
import resource
import threading

import pytest

from device.audio.cards.cardthread import SPEAKER_NICE, SPEAKER_PRIORITY, hurry


def priority() -> int:
    """Return the nice value of this thread."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def in_a_thread() -> list[int]:
    """Return the nice values of a new thread before and after it hurries."""
    seen: list[int] = []

    def run() -> None:
        seen.append(priority())
        hurry()
        seen.append(priority())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return seen


def test_the_first_thread_of_the_program_is_left_as_it_is() -> None:
    """Where a test plays the card in it, or a card calls from it: what is started later would inherit the hurry."""
    before = priority()
    hurry()
    assert priority() == before
    assert in_a_thread()[0] == before


def test_the_thread_of_a_card_goes_before_others_where_that_is_allowed() -> None:
    """And no other with it."""
    before = priority()
    after = in_a_thread()[1]
    if after == before:
        pytest.skip("this user may not raise a priority; run as root")
    assert after == SPEAKER_NICE
    assert priority() == before


@pytest.mark.parametrize(
    ("limit", "refuses", "asked", "nice"),
    [
        (0, False, False, True),
        (SPEAKER_PRIORITY, False, True, False),
        (-1, False, True, False),
        # Some kernels give no real time to a control group.
        (SPEAKER_PRIORITY, True, True, True),
    ],
)
def test_it_runs_in_real_time_where_a_limit_allows_it(
    monkeypatch: pytest.MonkeyPatch, limit: int, refuses: bool, asked: bool, nice: bool
) -> None:
    """As the unit's LimitRTPRIO does; else by niceness. The power of root is not enough."""
    calls: list[tuple[object, ...]] = []

    def schedule(thread: int, policy: int, parameters: os.sched_param) -> None:
        calls.append((thread, policy, parameters.sched_priority))
        if refuses:
            raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(resource, "getrlimit", lambda which: (limit, limit))
    monkeypatch.setattr(os, "sched_setscheduler", schedule)
    monkeypatch.setattr(os, "setpriority", lambda *arguments: calls.append(("nice", *arguments[1:])))
    monkeypatch.setattr(threading, "get_native_id", lambda: 4711)
    hurry()
    expected: list[tuple[object, ...]] = []
    if asked:
        expected.append((4711, os.SCHED_RR | os.SCHED_RESET_ON_FORK, SPEAKER_PRIORITY))
    if nice:
        expected.append(("nice", 4711, SPEAKER_NICE))
    assert calls == expected
