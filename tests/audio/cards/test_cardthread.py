"""What a sound card's own thread does for itself, and the program's first thread must not."""

from __future__ import annotations

import os
import threading

import pytest

from device.audio.cards.cardthread import SPEAKER_NICE, hurry


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
