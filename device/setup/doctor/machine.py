"""The machine itself: disk, temperature, power supply, and its clock."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from device.kit.programs import run
from device.service.statefolder import state_folder
from device.setup.doctor.check import Check, Findings
from device.setup.doctor.finding import Finding, hint, skipped, well, wrong
from device.setup.doctor.patient import Patient

MEGABYTE = 1_000_000
# The journal, a wake clip and the mute state still fit; an update does not.
TIGHT_BYTES = 500 * MEGABYTE
FULL_BYTES = 50 * MEGABYTE

# Where the firmware begins to slow a Pi down (config.txt's temp_soft_limit on a Pi 3B+, temp_limit on all).
WARM_C, HOT_C = 70.0, 80.0
_THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")

# Bits of `vcgencmd get_throttled` (Raspberry Pi's documentation of vcgencmd): now, and since the start.
_LOW_VOLTAGE, _WAS_LOW_VOLTAGE = 1 << 0, 1 << 16
_SLOWED, _WAS_SLOWED = 0b1110, 0b1110 << 16
_SUPPLY = "use the Pi's own power supply and a short, thick cable, and look what else draws power from its USB ports"
_COOL = "give it air, or a heat sink or a fan; a closed case may need one"

# No release of this program is older: a clock before it is a clock that was never set.
FIRST_RELEASE = time.mktime((2026, 1, 1, 0, 0, 0, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system that `place` is on."""

    place: str
    free_bytes: int
    free_inodes: int
    read_only: bool


async def look_at_disk(patient: Patient) -> Disk:
    """Look at the state folder's file system."""
    place = state_folder(patient.settings.service)
    while not place.exists():
        place = place.parent
    found = os.statvfs(place)
    # Some file systems (btrfs) count no inodes.
    inodes = found.f_favail if found.f_files else 1_000_000
    return Disk(str(place), found.f_bavail * found.f_frsize, inodes, bool(found.f_flag & os.ST_RDONLY))


def judge_disk(disk: Disk) -> Findings:
    """Say whether something can be written, and for how long."""
    free = f"{disk.free_bytes / MEGABYTE:,.0f} MB are free at {disk.place}"
    if disk.read_only:
        text = f"the file system of {disk.place} may only be read"
        return [wrong("disk", text, "look at `dmesg` for errors of the card: it may be worn out")]
    if disk.free_bytes < FULL_BYTES or disk.free_inodes < 1000:
        what = free if disk.free_bytes < FULL_BYTES else f"{disk.place} has room for no more files"
        return [wrong("disk", what, "delete what is not needed: `sudo du -xh / | sort -h | tail` shows what is large")]
    if disk.free_bytes < TIGHT_BYTES:
        return [hint("disk", f"{free}: too little for an update", "delete what is not needed: `sudo apt-get clean`")]
    return [well("disk", free)]


@dataclass(frozen=True, slots=True)
class Firmware:
    """What the Pi's firmware says of its temperature and power; None where there is nobody to say it."""

    celsius: float | None
    throttled: int | None


async def ask_firmware(patient: Patient) -> Firmware:
    """See `read_firmware`."""
    return await read_firmware()


async def read_firmware() -> Firmware:
    """Ask vcgencmd, and the kernel where there is none."""
    throttled, temperature = await run("vcgencmd", "get_throttled"), await run("vcgencmd", "measure_temp")
    celsius = _number(r"temp=([\d.]+)", temperature.output if temperature else "")
    flags = re.search(r"throttled=0x([0-9a-fA-F]+)", throttled.output if throttled else "")
    return Firmware(_kernel_celsius() if celsius is None else celsius, int(flags[1], 16) if flags else None)


def judge_firmware(firmware: Firmware) -> Findings:
    """Say whether it is slowed down by heat or by want of power."""
    return [_judge_temperature(firmware), *_judge_power(firmware.throttled)]


def _judge_temperature(firmware: Firmware) -> Finding:
    if firmware.celsius is None:
        return skipped("temperature", "nothing here tells the temperature")
    text = f"{firmware.celsius:.0f} °C"
    if firmware.celsius >= HOT_C:
        return wrong("temperature", f"{text}: it is slowed down so as not to burn", _COOL)
    return hint("temperature", f"{text}: warm", _COOL) if firmware.celsius >= WARM_C else well("temperature", text)


def _judge_power(throttled: int | None) -> Findings:
    if throttled is None:
        return [skipped("power", "only a Raspberry Pi tells of it, to root and the group video (vcgencmd)")]
    if throttled & _LOW_VOLTAGE:
        return [wrong("power", "the voltage is too low at this moment", _SUPPLY)]
    if throttled & _SLOWED:
        return [wrong("power", "the processor is slowed down at this moment", f"{_COOL}; {_SUPPLY}")]
    if throttled & _WAS_LOW_VOLTAGE:
        return [hint("power", "the voltage was too low at some time since the start", _SUPPLY)]
    if throttled & _WAS_SLOWED:
        return [hint("power", "the processor was slowed down at some time since the start", _COOL)]
    return [well("power", "the voltage was never too low, and the processor never slowed down")]


@dataclass(frozen=True, slots=True)
class Clock:
    """The machine's clock (unix s), and whether systemd says that it is kept right."""

    now: float
    synchronised: bool | None
    kept: bool | None
    """Whether somebody is to keep it right; None where nobody can be asked."""


async def look_at_clock(patient: Patient) -> Clock:
    """Ask timedatectl."""
    told = await run("timedatectl", "show", "--property=NTP,NTPSynchronized")
    said = dict(line.partition("=")[::2] for line in told.output.splitlines()) if told else {}
    return Clock(time.time(), _yes(said.get("NTPSynchronized")), _yes(said.get("NTP")))


def judge_clock(clock: Clock) -> Findings:
    """Say whether it can be right: TLS and timers need it."""
    turn_on = "sudo timedatectl set-ntp true"
    if clock.now < FIRST_RELEASE:
        day = time.strftime("%d %B %Y", time.gmtime(clock.now))
        fix = f"{turn_on}, and wait a minute"
        return [wrong("clock", f"it shows {day}: no server is trusted with such a date", fix)]
    if clock.synchronised:
        return [well("clock", "synchronised with the network")]
    if clock.synchronised is None:
        return [skipped("clock", "whether it is kept right is not known here (timedatectl does not say)")]
    if clock.kept is False:
        return [hint("clock", "nobody keeps it right: it will be wrong after a power cut", turn_on)]
    return [hint("clock", "it has not been synchronised yet", "wait a minute; then see `timedatectl timesync-status`")]


def _yes(value: str | None) -> bool | None:
    return None if value is None else value == "yes"


def _kernel_celsius() -> float | None:
    try:
        return int(_THERMAL.read_text(encoding="ascii")) / 1000
    except (OSError, ValueError):
        return None


def _number(pattern: str, text: str) -> float | None:
    found = re.search(pattern, text)
    return float(found[1]) if found else None


_HANGS = "look at `dmesg`: something of the system hangs"

DISK = Check("disk", look_at_disk, judge_disk, 5, "look at `dmesg`: the disk does not answer")
FIRMWARE = Check("temperature", ask_firmware, judge_firmware, 12, _HANGS)
CLOCK = Check("clock", look_at_clock, judge_clock, 6, _HANGS)
