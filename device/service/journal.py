"""Logs to standard error: with the time on a terminal, with the journal's priorities under systemd.

What others say (a server's ids and messages, a model's arguments) ends up in lines, too. So every line passes here
last: what shows a part of a secret is masked, what is long is cut, and of lines of one kind there is a ration.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable

# sd-daemon(3): a line that begins with <N> has syslog priority N in the journal.
_PRIORITIES = ((logging.ERROR, "<3>"), (logging.WARNING, "<4>"), (logging.INFO, "<6>"), (0, "<7>"))

# A spoken answer's words or a long list of devices fit; what a server may invent does not.
LONGEST = 1_000

RATION = 60
"""Lines of a kind in a minute. A conversation needs a few; who floods the device shall not flood the disk."""
_MINUTE_S = 60.0

_masks: list[Callable[[str], str]] = []


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


class Brevity(logging.Filter):
    """Cuts long messages, and lets through only so many of a kind in a minute. At the debug level all of them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._minute = 0.0
        self._counts: dict[tuple[object, ...], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is written."""
        count = self._count(record)
        text = record.getMessage()
        if count == RATION:
            text = f"{text[:LONGEST]} (and more of this kind, which are left out for a minute)"
        elif len(text) > LONGEST:
            text = f"{text[:LONGEST]} ... ({len(text) - LONGEST} characters more)"
        record.msg, record.args = text, None
        return count <= RATION

    def _count(self, record: logging.LogRecord) -> int:
        if record.levelno < logging.INFO:
            return 0
        now = self._clock()
        if now - self._minute > _MINUTE_S:
            self._minute = now
            self._counts.clear()
        kind = _kind(record)
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind]


def _kind(record: logging.LogRecord) -> tuple[object, ...]:
    """Return the place that wrote it, and which facts: all of them are written by one line."""
    what = record.args[0] if isinstance(record.args, tuple) and record.args else None
    return record.name, record.lineno, type(what)


def start(level: str) -> None:
    """Log everything from `level` ("debug", "info", ...) on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Brevity())
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(JournalFormatter("%(name)s: %(message)s"))
    else:
        handler.setFormatter(PlainFormatter("%(asctime)s.%(msecs)03d %(levelname)s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Its debug lines hold whole messages: keys at the handshake, audio after it.
    logging.getLogger("websockets").setLevel(logging.WARNING)
