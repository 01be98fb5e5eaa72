"""Which machine this is, and what else goes on on it, for whoever reads the figures elsewhere; not its name."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

from device import __version__
from device.setup.bench.figures import Machine
from device.setup.daemon import Running, find_running
from device.setup.doctor.finding import Grade
from device.setup.doctor.machine import judge_firmware, read_firmware
from device.setup.evidence import version_of

# "CPU part" of /proc/cpuinfo (Linux, arch/arm64/include/asm/cputype.h): the cores of Pis, and some others.
_ARM = "0x41"
_CORES = {
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd09": "Cortex-A73",
    "0xd0b": "Cortex-A76",
}
_PACKAGES = ("numpy", "livekit", "webrtcvad-wheels", "openwakeword")
_GIB = 2**30


def look_at_machine(root: Path = Path("/")) -> Machine:
    """Return what the files under `root` tell of this machine, and what this Python tells of itself."""
    return Machine(
        model=_first(root, "proc/device-tree/model", "sys/class/dmi/id/product_name") or "not known",
        processor=_processor(root),
        memory=_memory(_text(root / "proc/meminfo")),
        system=f"{_distribution(root)}, Linux {platform.release()} ({platform.machine()})",
        python=platform.python_version(),
        packages=", ".join([f"hearthside {__version__}", *(f"{name} {version_of(name)}" for name in _PACKAGES)]),
    )


async def look_at_rest() -> str:
    """Return what may have disturbed the figures; blocks for some seconds at most. Ask when all has been measured."""
    found = [finding for finding in judge_firmware(await read_firmware()) if finding.grade is not Grade.SKIPPED]
    load = f"load {os.getloadavg()[0]:.1f} (of the last minute, this one included)"
    return "; ".join([_house(find_running()), load, *(finding.text for finding in found)])


def _house(running: Running | None) -> str:
    return "no house runs" if running is None else f"a house runs beside it ({running.state})"


def _processor(root: Path) -> str:
    told = _text(root / "proc/cpuinfo")
    name = _field(told, "model name") or "not known"
    if _field(told, "CPU implementer") == _ARM:
        part = _field(told, "CPU part")
        name = _CORES.get(part, f"Arm, part {part}")
    policy = root / "sys/devices/system/cpu/cpu0/cpufreq"
    most, governor = _text(policy / "cpuinfo_max_freq"), _text(policy / "scaling_governor")
    # In kHz.
    clock = f"{int(most) / 1000:.0f} MHz at most" if most.isdecimal() else ""
    cores = len(os.sched_getaffinity(0))
    return ", ".join(filter(None, [name, f"{cores} cores" if cores > 1 else "1 core", clock, governor]))


def _memory(told: str) -> str:
    whole, free = (re.search(rf"^{name}: *(\d+) kB", told, re.M) for name in ("MemTotal", "MemAvailable"))
    if whole is None or free is None:
        return "not known"
    return f"{int(whole[1]) * 1024 / _GIB:.1f} GiB, {int(free[1]) * 1024 / _GIB:.1f} available"


def _distribution(root: Path) -> str:
    found = re.search(r'^PRETTY_NAME="?([^"\n]*)', _text(root / "etc/os-release"), re.M)
    return found[1] if found else "an unknown distribution"


def _field(cpuinfo: str, name: str) -> str:
    found = re.search(rf"^{name}\s*: *(.+?) *$", cpuinfo, re.M)
    return found[1] if found else ""


def _first(root: Path, *paths: str) -> str:
    return next(filter(None, (_text(root / path) for path in paths)), "")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").replace("\0", "").strip()
    except OSError:
        return ""
