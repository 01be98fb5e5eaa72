"""Tells systemd how far the service is, through Debian's python3-systemd.

Started by hand (no $NOTIFY_SOCKET) nobody wants to know, and every call does nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

_log = logging.getLogger(__name__)


def is_service() -> bool:
    """Tell whether systemd started this process: nobody looks on who could plug something in and try again."""
    return bool({"NOTIFY_SOCKET", "INVOCATION_ID"} & os.environ.keys())


def watchdog_s() -> float:
    """Return how long systemd waits for a sign of life from this process before it ends it; 0.0: it expects none."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    try:
        return int(os.environ.get("WATCHDOG_USEC", "0")) / 1_000_000
    except ValueError:
        return 0.0


class ServiceManager:
    """The systemd that started this process, if one did. Its methods never raise."""

    def __init__(self) -> None:
        """Find out, once, whether anybody listens."""
        self._notify = _find_notify()

    def notify_ready(self) -> None:
        """Say that the service listens: units ordered after it may start."""
        self._send("READY=1")

    def notify_stopping(self) -> None:
        """Say that the service is on its way out."""
        self._send("STOPPING=1")

    def notify_status(self, text: str) -> None:
        """Set the line that `systemctl status` shows."""
        # A line break would begin another assignment.
        self._send(f"STATUS={' '.join(text.splitlines())}")

    def notify_alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, state: str) -> None:
        try:
            self._notify(state)
        except OSError as error:
            _log.warning("cannot tell systemd %s: %s", state, error.strerror)


def _find_notify() -> Callable[[str], object]:
    if not os.environ.get("NOTIFY_SOCKET"):
        _log.debug("not started by systemd as Type=notify: it is told nothing")
        return _nobody
    try:
        from systemd.daemon import notify
    except ImportError:
        _log.warning("systemd waits to be told READY=1, but python3-systemd is missing; install it with apt")
        return _nobody
    found: Callable[[str], object] = notify
    return found


def find_journal() -> Callable[..., object] | None:
    """Return what sends lines FIELD=value to the journal; None where standard error does not lead there."""
    if not _stderr_is_journal():
        return None
    try:
        # What systemd.journal shows of it; the module itself reads journals as well, and takes 0.6 MB.
        from systemd._journal import sendv
    except ImportError:
        return None
    found: Callable[..., object] = sendv
    return found


def _stderr_is_journal() -> bool:
    """Tell as systemd.exec(5) says: somebody may have led it elsewhere since."""
    try:
        stderr = os.fstat(2)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{stderr.st_dev}:{stderr.st_ino}"


def _nobody(state: str) -> None:
    """Null object: takes what it is told and does nothing."""
