"""Logs: with the time on a terminal; under systemd to its journal, with fields where python3-systemd is there.

What others say (a server's ids and messages, a model's arguments) ends up in lines, too. So every line passes here
last: what shows a part of a secret is masked, what is long is cut, and of lines of one kind there is a ration.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import time
from collections.abc import Callable, Iterator

from device.core.ration import Ration, Verdict
from device.core.status import Status
from device.kit.outsiders import visible
from device.service.systemd import find_journal
from device.units import Ms, ms_from_seconds

# sd-daemon(3): a line that begins with <N> has syslog priority N in the journal.
_PRIORITIES = ((logging.ERROR, "<3>"), (logging.WARNING, "<4>"), (logging.INFO, "<6>"), (0, "<7>"))

# A spoken answer's words or a long list of devices fit; what a server may invent does not.
LONGEST = 1_000

RATION = 60
"""Lines of a kind in a minute. A conversation needs a few; who floods the device shall not flood the disk."""
SAME = 3
"""The same warning in ten minutes."""
KIND_NOTE = " (more of this kind within a minute are only counted)"
SAME_NOTE = " (the same again within ten minutes is only counted)"
SAMPLE = 200
_MINUTE, _TEN_MINUTES = Ms(60_000), Ms(600_000)

FIELDS = ("phase", "turn", "reason", "latency_ms")
"""What a record's `extra` may hold for the journal."""

_masks: list[Callable[[str], str]] = []
_context: dict[str, object] = {}


def hide(mask: Callable[[str], str]) -> None:
    """Mask by this, too, in every line from now on (see Secret.mask)."""
    _masks.append(mask)


def masked(text: str) -> str:
    """Return a text without what is secret."""
    for mask in _masks:
        text = mask(text)
    return text


class PlainFormatter(logging.Formatter):
    """Masks what is secret."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as lines."""
        return masked(super().format(record))


class JournalFormatter(PlainFormatter):
    """Prefixes each line with its priority; the journal adds the time itself."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as lines that each carry the priority."""
        priority = next(prefix for level, prefix in _PRIORITIES if record.levelno >= level)
        return "\n".join(priority + line for line in super().format(record).splitlines())


class JournalSender(logging.Handler):
    """Hands lines to the journal with fields to look for: the phase and turn that they were written in, and what the
    record says itself (`extra`): its turn, its phase, a reason, a latency in milliseconds.
    """

    def __init__(self, send: Callable[..., object]) -> None:
        """`send` takes lines FIELD=value."""
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record."""
        try:
            self._send(*self._lines(record))
        except OSError:
            # There is nobody left to be told.
            return

    def _lines(self, record: logging.LogRecord) -> Iterator[str]:
        priority = next(prefix for level, prefix in _PRIORITIES if record.levelno >= level).strip("<>")
        yield f"MESSAGE={self.format(record)}"
        yield f"PRIORITY={priority}"
        yield "SYSLOG_IDENTIFIER=hearthside"
        for name in FIELDS:
            value = getattr(record, name, _context.get(name))
            if value is not None:
                # A line break would begin another field.
                yield f"HEARTHSIDE_{name.upper()}={masked(' '.join(str(value).split()))}"


class Brief(logging.Handler):
    """Cuts long messages, and counts what comes too often instead of writing it; what is for debugging it writes.

    Of lines of a kind there is a ration in a minute, and of the same warning again one in ten minutes. How many were
    left out is written when the time is over and there is something to write, and at the end.
    """

    def __init__(self, handler: logging.Handler, clock: Callable[[], float] = time.monotonic) -> None:
        """`handler` writes what is left."""
        super().__init__()
        self._handler = handler
        self._clock = clock
        self._kinds = Ration(RATION, _MINUTE)
        self._same = Ration(SAME, _TEN_MINUTES)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or count it."""
        now = ms_from_seconds(self._clock())
        self._tell_excess(now)
        note = self._note(record, now)
        if note is None:
            return
        text = record.getMessage()
        if len(text) > LONGEST:
            text = f"{text[:LONGEST]} ... ({len(text) - LONGEST} characters more)"
        # Whatever a text from outside holds: a terminal that shows the log obeys none of it.
        record.msg, record.args = visible(text) + note, None
        self._handler.handle(record)

    def close(self) -> None:
        """Write what was counted, and no more."""
        self._tell_excess(Ms(math.inf))
        self._handler.close()
        super().close()

    def _note(self, record: logging.LogRecord, now: Ms) -> str | None:
        """Return what is to be said behind a record; None: it is not written."""
        if record.levelno < logging.INFO:
            return ""
        text = record.getMessage()[:LONGEST]
        verdict = self._kinds.take(_kind(record), text, now)
        if verdict is Verdict.TAKEN and record.levelno >= logging.WARNING:
            same = self._same.take((record.name, text), text, now)
            return {Verdict.TAKEN: "", Verdict.LAST: SAME_NOTE}.get(same)
        return {Verdict.TAKEN: "", Verdict.LAST: KIND_NOTE}.get(verdict)

    def _tell_excess(self, now: Ms) -> None:
        for ration in (self._kinds, self._same):
            for excess in ration.pop_due(now):
                text = f"left out {excess.count} more like this: {excess.sample[:SAMPLE]}"
                record = logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, None, None)
                self._handler.handle(record)


def _kind(record: logging.LogRecord) -> tuple[object, ...]:
    """Return the place that wrote it, and which facts: all of them are written by one line."""
    what = record.args[0] if isinstance(record.args, tuple) and record.args else None
    return record.name, record.lineno, type(what)


def note_status(status: Status) -> None:
    """Lines that are written from now on belong to this phase and turn."""
    _context.update(phase=status.phase.value, turn=status.turn)


def start(level: str) -> None:
    """Log everything from `level` ("debug", "info", ...) on."""
    logging.basicConfig(level=level.upper(), handlers=[Brief(_writer())], force=True)
    # Its debug lines hold whole messages: keys at the handshake, audio after it.
    logging.getLogger("websockets").setLevel(logging.WARNING)


def _writer() -> logging.Handler:
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if (send := find_journal()) is not None:
        handler = JournalSender(send)
        handler.setFormatter(PlainFormatter("%(name)s: %(message)s"))
    elif "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(JournalFormatter("%(name)s: %(message)s"))
    else:
        handler.setFormatter(PlainFormatter("%(asctime)s.%(msecs)03d %(levelname)s %(message)s", "%H:%M:%S"))
    return handler
