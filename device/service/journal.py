"""Logs to standard error: with the time on a terminal, with the journal's priorities under systemd."""

from __future__ import annotations

import logging
import os
import sys

# sd-daemon(3): a line that begins with <N> has syslog priority N in the journal.
_PRIORITIES = ((logging.ERROR, "<3>"), (logging.WARNING, "<4>"), (logging.INFO, "<6>"), (0, "<7>"))


class JournalFormatter(logging.Formatter):
    """Prefixes each line with its priority; the journal adds the time itself."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as lines that each carry the priority."""
        priority = next(prefix for level, prefix in _PRIORITIES if record.levelno >= level)
        return "\n".join(priority + line for line in super().format(record).splitlines())


def start(level: str) -> None:
    """Log everything from `level` ("debug", "info", ...) on."""
    handler = logging.StreamHandler(sys.stderr)
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(JournalFormatter("%(name)s: %(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d %(levelname)s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Its debug lines hold whole messages: keys at the handshake, audio after it.
    logging.getLogger("websockets").setLevel(logging.WARNING)
