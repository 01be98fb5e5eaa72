"""Logs to standard error."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from device.service import journal


@pytest.fixture(autouse=True)
def usual_logging() -> Iterator[None]:
    """Give the handlers back that were there before."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before[0], before[1]


def test_under_systemd_every_line_has_its_priority(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The journal sorts by them."""
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    journal.start("info")
    logging.getLogger("house").error("two\nlines")
    logging.getLogger("house").debug("nothing")
    assert capsys.readouterr().err == "<3>house: two\n<3>lines\n"


def test_on_a_terminal_every_line_has_its_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """For people."""
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    journal.start("warning")
    logging.getLogger("house").info("nothing")
    logging.getLogger("house").warning("something")
    assert capsys.readouterr().err.endswith(" WARNING something\n")
