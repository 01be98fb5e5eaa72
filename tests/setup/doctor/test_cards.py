"""What is made of the sound cards; who has one open is read from /proc/asound."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.audio.cards.devices import Direction
from device.foreign.asound import Card, CardPcm, Holder, read_holders
from device.setup.doctor.cards import Cards, Line, judge_cards
from device.setup.doctor.finding import Finding, Grade
from device.units import Hz

PCM = CardPcm(Card(1, "Device", "USB PnP"), 0, "USB Audio", captures=True, plays=True)
MICROPHONE = Line(Direction.INPUT, "USB PnP: - (hw:1,0)", (Hz(16_000), Hz(48_000)))
SPEAKER = Line(Direction.OUTPUT, "USB PnP: - (hw:1,0)", (Hz(44_100),))


def judged(cards: Cards) -> dict[str, Finding]:
    """Return what is found, by the name of the check."""
    return {finding.check: finding for finding in judge_cards(cards)}


def test_cards_and_rates_are_named() -> None:
    """A rate that must be converted is a hint."""
    found = judged(Cards((PCM,), (), (MICROPHONE, SPEAKER), house_runs=False))
    assert found["sound cards"].text == "USB PnP"
    assert "16, 48 kHz" in found["microphone"].text
    assert found["loudspeaker"].grade is Grade.HINT


def test_a_card_that_somebody_has_is_no_error() -> None:
    """But it is said who."""
    shut = Line(Direction.INPUT, problem="it cannot be opened; is another program using it?")
    found = judged(Cards((PCM,), (Holder(1, True, 17, "arecord"),), (shut, SPEAKER), house_runs=False))
    assert found["microphone"].grade is Grade.SKIPPED
    assert "arecord (process 17)" in found["microphone"].text


@pytest.mark.parametrize("problem", ["", "it cannot be opened", "it cannot be opened; mend it"])
def test_a_card_that_nobody_has_and_that_does_not_open_is_wrong(problem: str) -> None:
    """With what to do."""
    found = judged(Cards((PCM,), (), (Line(Direction.INPUT, "USB", problem=problem),), house_runs=False))
    assert found["microphone"].grade is Grade.WRONG
    assert found["microphone"].fix


def test_the_cards_of_a_running_house_are_left_alone() -> None:
    """That is no failure either."""
    found = judged(Cards((PCM,), (Holder(1, True, 17, "python3"),), (), house_runs=True))
    assert {finding.grade for finding in found.values()} == {Grade.WELL, Grade.SKIPPED}


def test_holders_are_read_as_the_kernel_prints_them(tmp_path: Path) -> None:
    """A closed device has none; of a process that may not be looked at there is the number."""
    for name, status in (
        ("card1/pcm0c", "state: RUNNING\nowner_pid   : 17\ntrigger_time: 1\n"),
        ("card1/pcm0p", "closed\n"),
        ("card2/pcm3p", "state: PREPARED\nowner_pid   : 18\n"),
    ):
        (tmp_path / name / "sub0").mkdir(parents=True)
        (tmp_path / name / "sub0" / "status").write_text(status)
    (tmp_path / "17").mkdir()
    (tmp_path / "17" / "comm").write_text("arecord\n")
    assert read_holders(tmp_path, tmp_path) == (
        Holder(1, True, 17, "arecord"),
        Holder(2, False, 18, "a program"),
    )
