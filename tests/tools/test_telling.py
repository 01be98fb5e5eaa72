"""What the model is not told, people are: once."""

from __future__ import annotations

import logging

import pytest

from device.ports.tools import Told, ToolSpec
from device.tools.telling import Telling, lacking

ALL = Told((), (), 2, 100)
LESS = Told((), (), 90, 100, shortened=("a",), left_out=("b", "c"))


def test_it_is_logged_once_and_seen_in_the_health(caplog: pytest.LogCaptureFixture) -> None:
    """With what to do, and again when it is put right."""
    caplog.set_level(logging.INFO)
    telling = Telling()
    assert telling.health() == ()
    for told in (ALL, LESS, LESS, LESS):
        telling.note(told)
    assert len(caplog.records) == 1
    (health,) = telling.health()
    assert not health.ok
    assert health.why == "tools.budget_bytes = 100 is too little; left out: b, c; shortened: a"
    assert "tools.budget_bytes" in health.what_to_do
    telling.note(ALL)
    assert telling.health()[0].ok
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (ALL, ""),
        (Told((), (), 90, 100, lacks_overview=True), "the overview of the home is not complete"),
        (Told((ToolSpec("a", "", {}),), (101,), 101, 100), "the house's own tools alone take 101 bytes"),
    ],
)
def test_what_is_lacking_is_said_in_words(told: Told, why: str) -> None:
    """Nothing where nothing is."""
    assert lacking(told).endswith(why)
    assert bool(lacking(told)) == bool(why)
