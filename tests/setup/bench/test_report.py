"""The tables and sentences of `hearthside bench`."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.setup.bench import report
from device.setup.bench.figures import Machine, Missing, PartSpeed, Rehearsal, Yardsticks, percentile

MACHINE = Machine("Raspberry Pi Zero 2 W Rev 1.0", "Cortex-A53, 4 cores", "0.4 GiB", "Debian 13", "3.13.5", "numpy 2.4")
SIMPLE = Yardsticks(70.0, 3.1, 1.2, 400.0, 55.0)
QUICK = PartSpeed("voice detector", 20, 0.1, 0.2)
SLOW = PartSpeed("echo canceller", 10, 12.0, 15.0, remedy="switch it off")
KEEPS_UP = Rehearsal("somebody talks", 0.2, 1.0, 3.0, 20.0, unheard_s=0.0)


def test_everything_can_be_pasted_into_a_report() -> None:
    """Four tables of Markdown, the machine first, and what they mean below."""
    text = report.report(MACHINE, "load 0.1", [QUICK, SLOW], [KEEPS_UP], SIMPLE)
    *tables, sentences = text.split("\n\n")
    assert len(tables) == 4
    assert "Raspberry Pi Zero 2 W Rev 1.0" in tables[0]
    assert "load 0.1" in tables[0]
    assert all(line.startswith("| ") and line.endswith(" |") for table in tables for line in table.splitlines())
    assert all(line.startswith("- ") for line in sentences.splitlines())


def test_a_part_that_is_too_slow_says_what_to_do() -> None:
    """And only such a part."""
    told = report.meaning([QUICK, SLOW], [])
    assert told == ["echo canceller: too slow here; switch it off"]


def test_a_machine_that_is_quick_enough_is_told_so() -> None:
    """In one sentence for all parts, and one for each rehearsal."""
    told = report.meaning([QUICK], [KEEPS_UP])
    assert told[0] == "every part of the work fits"
    assert told[1].startswith("while somebody talks: it keeps up with room")


def test_what_is_missing_here_is_named_with_the_reason() -> None:
    """In the table and below it."""
    missing = Missing("echo canceller", "no echo cancellation; install livekit")
    text = report.report(MACHINE, "", [missing], [], SIMPLE)
    assert "not here" in text
    assert "- echo canceller: no echo cancellation; install livekit" in text


@pytest.mark.parametrize(
    ("share", "verdict"),
    [(0.1, "fits with room"), (0.4, "fits with room"), (0.6, "fits"), (0.9, "hardly fits"), (1.1, "too slow here")],
)
def test_the_share_of_a_core_decides(share: float, verdict: str) -> None:
    """From plenty of room to none."""
    assert report.verdict(share) == verdict


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"longest_late_ms": 120.0}, "up to 120 ms late"),
        ({"slow_late_ms": 900.0, "longest_late_ms": 3000.0, "core_share": 1.2}, "too slow here"),
        ({"slow_late_ms": 900.0, "longest_late_ms": 3000.0, "core_share": 0.1}, "something else keeps"),
        ({"unheard_s": 2.5}, "for 2.5 s nobody listened"),
    ],
)
def test_lateness_is_told_in_words(changes: dict[str, float], words: str) -> None:
    """And who is to blame for it."""
    [told] = report.meaning([], [dataclasses.replace(KEEPS_UP, **changes)])[1:]
    assert words in told


def test_programs_read_the_same() -> None:
    """As JSON, with the sentences."""
    table = json.loads(report.as_json(MACHINE, "load 0.1", [QUICK], [KEEPS_UP], SIMPLE))
    assert table["machine"]["model"] == MACHINE.model
    assert table["machine"]["meanwhile"] == "load 0.1"
    assert table["parts"] == [dataclasses.asdict(QUICK)]
    assert table["rehearsals"][0]["longest_late_ms"] == 20.0
    assert table["meaning"] == report.meaning([QUICK], [KEEPS_UP])


@settings(deadline=None)
@given(st.lists(st.tuples(st.text("ab ", max_size=9), st.text("µx", max_size=9)), max_size=5))
def test_columns_are_aligned(rows: list[tuple[str, str]]) -> None:
    """Whatever is in them."""
    lines = report.markdown(("", "here"), rows).splitlines()
    assert len(lines) == len(rows) + 2
    assert len({len(line) for line in lines}) == 1


@settings(deadline=None)
@given(st.lists(st.floats(0, 1000), min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values(values: list[float], share: float) -> None:
    """So many of them do not exceed it."""
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
