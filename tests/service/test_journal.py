"""Logs to standard error."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from device.core.events import ResponseStarted, SpeechStarted, ToolCalled
from device.secrets import MASK, Secret
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


@pytest.mark.parametrize("stream", ["8:1", None])
def test_no_line_shows_a_part_of_the_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stream: str | None
) -> None:
    """Whoever put it there: a server's id of a response, or an error."""
    if stream:
        monkeypatch.setenv("JOURNAL_STREAM", stream)
    else:
        monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    monkeypatch.setattr(journal, "_masks", [])
    journal.start("debug")
    journal.hide(Secret("sk-test-abcdefghijklmnop").mask)
    log = logging.getLogger("house")
    log.info("%s", ResponseStarted(1, "resp_sk-test-abcdefghijklmnop"))
    log.debug("%s", ToolCalled(1, "call_defghijk", "x", "{}"))
    try:
        raise ValueError("no abcdefghijkl here")
    except ValueError:
        log.exception("broken")
    lines = capsys.readouterr().err
    assert MASK in lines
    assert "turn=1" in lines
    assert "broken" in lines
    assert not any("abcdefghijklmnop"[at : at + 6] in lines for at in range(11))


def test_a_long_line_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """An id may be as long as a message."""
    journal.start("info")
    logging.getLogger("house").info("%s", ResponseStarted(1, "r" * 100_000))
    line = capsys.readouterr().err
    assert len(line) < journal.LONGEST + 200
    assert "characters more" in line


def test_a_flood_of_lines_of_one_kind_is_rationed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each response of a server that has no end; others are still written, and later it is again."""
    now = 1_000.0
    monkeypatch.setattr(journal.Brevity.__init__, "__defaults__", (lambda: now,))
    journal.start("info")
    log = logging.getLogger("house")

    def tell() -> list[str]:
        for number in range(1_000):
            log.info("%s", ResponseStarted(1, f"r{number}") if number < 999 else SpeechStarted(1))
        return capsys.readouterr().err.splitlines()

    lines = tell()
    assert len(lines) == journal.RATION + 1
    assert "left out" in lines[-2]
    assert "SpeechStarted" in lines[-1]
    now += 61
    assert len(tell()) == journal.RATION + 1
