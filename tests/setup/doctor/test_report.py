"""What was found can be read without colour, in any width, and by programs."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from device.setup.doctor.finding import hint, skipped, well, wrong
from device.setup.doctor.report import as_json, lines, summary

FINDINGS = [
    well("disk", "roomy"),
    hint("power", "low", "more"),
    wrong("key", "none", "give one"),
    skipped("gpio", "no"),
]


def test_a_finding_is_a_word_a_name_and_a_text() -> None:
    """The fix stands under it."""
    assert lines(FINDINGS[0], 80) == ["ok     disk           roomy"]
    assert lines(FINDINGS[2], 80) == ["WRONG  key            none", "                      -> give one"]


@given(st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=60), st.integers(60, 200))
def test_no_line_is_wider_than_asked_and_no_word_is_lost(words: list[str], width: int) -> None:
    """However long the text is."""
    text = " ".join(words)
    found = lines(wrong("key", text, text), width)
    assert all(len(line) <= width for line in found)
    assert " ".join(" ".join(found).split()).split()[2:] == [*words, "->", *words]


def test_the_sum_says_how_many() -> None:
    """And that all is well, when it is."""
    assert summary(FINDINGS) == "1 thing is wrong, 1 hint, 1 not looked at."
    assert summary(FINDINGS[:1]) == "All is well."
    assert summary([*FINDINGS, *FINDINGS]).startswith("2 things are wrong, 2 hints")


def test_programs_get_the_same() -> None:
    """As JSON."""
    told = json.loads(as_json(FINDINGS, "1.2"))
    assert (told["version"], told["well"]) == ("1.2", False)
    assert told["findings"][2] == {"check": "key", "grade": "wrong", "text": "none", "fix": "give one"}
