"""The machine's clocks, and the alarm clock of the kernel that wakes us: nothing of it runs while nothing is set."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import functools
import os
import time
from collections.abc import Callable
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from device.tools.timers.entry import Now

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
"""Made by systemd-timesyncd once the network has set the clock (or by systemd-time-wait-sync, with another service)."""
_LOCALTIME = Path("/etc/localtime")
_ZONES = "zoneinfo/"

# linux/timerfd.h, linux/timex.h
_TFD_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
_TFD_TIMER_ABSTIME, _TFD_TIMER_CANCEL_ON_SET = 1, 2
_STA_UNSYNC = 0x40
_TIMEX_SIZE, _TIMEX_STATUS_AT = 208, 40
"""Of the struct on 64-bit machines; its first field, `modes`, of 0 asks only."""
_NEVER_S = 1 << 40


class Clocks:
    """What the clocks of this machine say."""

    def __init__(self) -> None:
        self._boot_id = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""

    def now(self) -> Now:
        """Return what they say now."""
        return Now(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), self._boot_id, local_zone())

    def alarm_clock(self, wake: Callable[[], None]) -> AlarmClock:
        """Return one that calls `wake` on the event loop's thread."""
        return AlarmClock(wake)

    def synchronised(self) -> bool:
        """Say whether somebody on this machine says that the network has set the clock."""
        return _SYNCHRONISED.exists() or _kernel_says_synchronised()


def local_zone() -> tzinfo:
    """Return the zone of whoever lives here: $TZ, or else /etc/localtime; UTC where neither can be read."""
    try:
        named = os.environ.get("TZ", "").lstrip(":")
        return _zone(named or os.path.realpath(_LOCALTIME))
    except (OSError, ValueError, KeyError):
        return UTC


@functools.cache
def _zone(where: str) -> tzinfo:
    """Return the zone of a name, or of a file; cached. Raise OSError, ValueError or KeyError."""
    if not where.startswith("/"):
        return ZoneInfo(where)
    _, found, key = where.partition(_ZONES)
    with contextlib.suppress(OSError, ValueError, KeyError):
        if found:
            return ZoneInfo(key)
    with Path(where).open("rb") as file:
        return ZoneInfo.from_file(file)


def _kernel_says_synchronised() -> bool:
    """Ask adjtimex; False also where it may not be asked (ProtectClock= of the service), or is of another shape."""
    if ctypes.sizeof(ctypes.c_long) != ctypes.sizeof(ctypes.c_int64):
        return False
    timex = ctypes.create_string_buffer(_TIMEX_SIZE)
    if ctypes.CDLL(None, use_errno=True).adjtimex(timex) < 0:
        return False
    status = ctypes.c_int.from_buffer(timex, _TIMEX_STATUS_AT).value
    return not status & _STA_UNSYNC


class _Moment(ctypes.Structure):
    """struct timespec."""

    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    """struct itimerspec."""

    _fields_ = (("interval", _Moment), ("value", _Moment))


class AlarmClock:
    """Wakes once at a moment of the boot clock, and whenever somebody sets the wall clock. Two timers of the kernel.

    On the event loop's thread; `wake` is called there.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._boot: int | None = None
        self._wall: int | None = None

    def set(self, at_boot: float | None) -> None:
        """Wake at this moment (s of the boot clock), and when the wall clock is set until then; None: not at all.

        Raise OSError.
        """
        if at_boot is None:
            self.close()
            return
        if self._boot is None:
            self._boot = self._create(time.CLOCK_BOOTTIME)
        self._set(self._boot, at_boot, _TFD_TIMER_ABSTIME)
        if self._wall is None:
            self._wall = self._create(time.CLOCK_REALTIME)
            self._watch_wall_clock()

    def close(self) -> None:
        """Let both go."""
        for timer in filter(None, (self._boot, self._wall)):
            asyncio.get_running_loop().remove_reader(timer)
            os.close(timer)
        self._boot = self._wall = None

    def _create(self, clock: int) -> int:
        timer: int = self._libc.timerfd_create(clock, _TFD_NONBLOCK_CLOEXEC)
        if timer < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        asyncio.get_running_loop().add_reader(timer, self._ring, timer)
        return timer

    def _watch_wall_clock(self) -> None:
        """Never rings, but is cancelled when the clock is set."""
        if self._wall is not None:
            self._set(self._wall, _NEVER_S, _TFD_TIMER_ABSTIME | _TFD_TIMER_CANCEL_ON_SET)

    def _set(self, timer: int, at: float, flags: int) -> None:
        # A moment of 0 would switch it off; one that is past rings at once.
        nanoseconds = max(1, int(at * 1e9))
        setting = _Setting(value=_Moment(*divmod(nanoseconds, 1_000_000_000)))
        if self._libc.timerfd_settime(timer, flags, ctypes.byref(setting), None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def _ring(self, timer: int) -> None:
        try:
            os.read(timer, 8)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ECANCELED:
                raise
            self._watch_wall_clock()
        self._wake()
