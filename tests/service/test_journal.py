"""Logs to standard error."""

from __future__ import annotations

import logging
import os
import sys
import types

import pytest

from device.core.events import ResponseStarted, SpeechStarted, ToolCalled
from device.core.status import Phase, Status
from device.secrets import MASK, Secret
from device.service import journal


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


def test_no_line_holds_what_a_terminal_would_obey(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a text from outside brought into it."""
    journal.start("info")
    logging.getLogger("device.test").warning("named %s", "\x1b]0;x\x07\u202elamp")
    assert "named ?]0;x??lamp" in capsys.readouterr().err


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set."""
    now = [1_000.0]
    monkeypatch.setattr(journal.Brief.__init__, "__defaults__", (lambda: now[0],))
    return now


def test_a_flood_of_lines_of_one_kind_is_rationed(now: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each response of a server that has no end; others are still written, and later it is again."""
    journal.start("info")
    log = logging.getLogger("house")

    def tell() -> list[str]:
        for number in range(1_000):
            log.info("%s", ResponseStarted(1, f"r{number}") if number < 999 else SpeechStarted(1))
        return capsys.readouterr().err.splitlines()

    lines = tell()
    assert len(lines) == journal.RATION + 1
    assert lines[-2].endswith(journal.KIND_NOTE)
    assert "SpeechStarted" in lines[-1]
    now[0] += 61
    lines = tell()
    assert len(lines) == journal.RATION + 2
    assert f"left out {999 - journal.RATION} more like this: ResponseStarted" in lines[0]


def test_the_same_warning_again_and_again_is_counted(now: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """However slowly it comes; another one is written at once."""
    journal.start("info")
    log = logging.getLogger("house")
    for _ in range(20):
        log.warning("the disk is full: %s", "/var")
        now[0] += 20
    log.warning("the disk is full: %s", "/home")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == journal.SAME + 1
    assert lines[journal.SAME - 1].endswith(journal.SAME_NOTE)
    now[0] += 600
    log.info("something else")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("WARNING ")[-1] for line in lines[:1]] == ["left out 17 more like this: the disk is full: /var"]
    assert lines[1].endswith("something else")


def test_what_was_counted_is_written_at_the_end(now: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is silently lost."""
    journal.start("info")
    for _ in range(10):
        logging.getLogger("house").warning("again")
    logging.getLogger().handlers[0].close()
    assert "left out 7 more like this: again" in capsys.readouterr().err


class Journal:
    """What was sent to it."""

    def __init__(self) -> None:
        self.entries: list[dict[str, str]] = []

    def sendv(self, *lines: str) -> None:
        """See systemd.journal.sendv."""
        self.entries.append(dict(line.split("=", 1) for line in lines))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The entries of a journal that standard error leads to."""
    found = Journal()
    stderr = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{stderr.st_dev}:{stderr.st_ino}")
    monkeypatch.setitem(sys.modules, "systemd._journal", types.SimpleNamespace(sendv=found.sendv))
    monkeypatch.setitem(sys.modules, "systemd", types.SimpleNamespace(_journal=found))
    monkeypatch.setattr(journal, "_context", {})
    return found.entries


def test_the_journal_gets_fields_to_look_for(sent: list[dict[str, str]]) -> None:
    """The phase and turn of the moment, and what the line itself knows better."""
    journal.start("info")
    log = logging.getLogger("house")
    log.info("before anything")
    journal.note_status(Status(phase=Phase.THINKING, turn=3))
    log.warning("slow", extra={"latency_ms": 640, "reason": "reply"})
    log.info("stale", extra={"turn": 2})
    plain = {"MESSAGE": "house: before anything", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "hearthside"}
    assert sent[0] == plain
    assert sent[1]["PRIORITY"] == "4"
    names = [f"HEARTHSIDE_{name}" for name in ("PHASE", "TURN", "REASON", "LATENCY_MS")]
    assert [sent[1].get(name) for name in names] == ["thinking", "3", "reply", "640"]
    assert [sent[2].get(name) for name in names] == ["thinking", "2", None, None]


def test_no_field_of_the_journal_shows_a_part_of_the_key(
    sent: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither does it begin another field, nor does the trace of an error show one."""
    monkeypatch.setattr(journal, "_masks", [Secret("sk-test-abcdefghijklmnop").mask])
    journal.start("info")
    log = logging.getLogger("house")
    log.warning("no abcdefghijkl here", extra={"reason": "x\nPRIORITY=0 sk-test-abcdefghijklmnop"})
    try:
        raise ValueError("abcdefghijkl")
    except ValueError:
        log.exception("broken")
    assert "abcdefgh" not in str(sent)
    assert sent[0]["HEARTHSIDE_REASON"] == f"x PRIORITY=0 {MASK}"
    assert "Traceback" in sent[1]["MESSAGE"]


@pytest.mark.usefixtures("sent")
def test_a_journal_that_is_gone_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    """The house goes on."""

    def refuse(*lines: str) -> None:
        raise OSError(111, "Connection refused")

    monkeypatch.setitem(sys.modules, "systemd._journal", types.SimpleNamespace(sendv=refuse))
    journal.start("info")
    logging.getLogger("house").warning("nobody reads this")


def test_standard_error_that_leads_elsewhere_is_written_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`systemd-run --pipe`, or a shell below a service."""
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    journal.start("info")
    logging.getLogger("house").info("here")
    assert capsys.readouterr().err == "<6>house: here\n"
