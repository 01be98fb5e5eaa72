"""What goes into a support bundle, gathered from this machine. Each piece is named here: what is not, is not in it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from socket import gethostname

from device import __version__
from device.control import paths
from device.kit.programs import run
from device.secrets import Secret
from device.service import healthfile
from device.setup.bundle import Entry
from device.setup.credentials import ENCRYPTED_STORE, STORE, Kept, find_key

JOURNAL_LINES = 2_000
_UNIT = "hearthside.service"
# Not its environment: a key may stand there.
_PROPERTIES = (
    "LoadState ActiveState SubState UnitFileState Result NRestarts ExecMainStatus ExecMainStartTimestamp WatchdogUSec "
    "StatusText MemoryCurrent MemoryPeak CPUUsageNSec TasksCurrent FragmentPath DropInPaths User Group"
)
_PACKAGES = (
    *("numpy", "msgspec", "websockets", "gpiozero", "lgpio", "livekit", "onnxruntime", "openwakeword"),
    *("pymicro-wakeword", "PyAudio", "pyusb", "webrtcvad-wheels", "aiohttp", "systemd-python"),
    *("paho-mqtt", "mcp"),
)
_ASOUND = Path("/proc/asound")
_ASOUND_FILES = (
    *("version", "cards", "devices", "pcm", "modules", "card[0-9]*/id", "card[0-9]*/stream[0-9]", "card[0-9]*/usbid"),
    *("card[0-9]*/pcm*/sub*/hw_params", "card[0-9]*/pcm*/sub*/status"),
)
_SYSTEM_FILES = (
    *("/etc/os-release", "/proc/device-tree/model", "/proc/meminfo", "/proc/loadavg", "/proc/uptime"),
    *(f"/proc/device-tree/hat/{name}" for name in ("vendor", "product", "product_id", "product_ver")),
)
_SOUNDS_SECRET = re.compile(r"key|token|secret|passw|enrolment|credential", re.IGNORECASE)
_LEAST_SECRET = 8
_MOST_SECRET = 8_192


async def machine() -> list[Entry]:
    """Return what this machine is, and what runs on it."""
    return [
        Entry("versions.txt", "of Hearthside, Python, its packages and the kernel", _versions()),
        Entry("system.txt", "the distribution, the board, its HAT, memory and load", _files(map(Path, _SYSTEM_FILES))),
        Entry("asound.txt", "the sound cards, as the kernel sees them", _asound()),
        Entry("unit.txt", "how the service runs, as systemd says", await _unit()),
        Entry("health.json", "how the running house says it is", _health()),
        Entry("journal.txt", f"the last {JOURNAL_LINES} lines of the service's log", await _journal()),
    ]


def _versions() -> str:
    kernel = os.uname()
    lines = [
        f"hearthside {__version__}",
        f"python {platform.python_version()}",
        # Not the host's name.
        f"kernel {kernel.sysname} {kernel.release} {kernel.version} {kernel.machine}",
        *(f"{name} {version_of(name)}" for name in _PACKAGES),
    ]
    return "\n".join(lines) + "\n"


def version_of(package: str) -> str:
    """Return the version of an installed package, or that there is none."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "is not installed"


def _asound() -> str:
    return _files(sorted({path for pattern in _ASOUND_FILES for path in _ASOUND.glob(pattern)}))


async def _unit() -> str:
    told = await run("systemctl", "show", _UNIT, f"--property={','.join(_PROPERTIES.split())}")
    version = await run("systemctl", "--version")
    return "".join(ran.output for ran in (version, told) if ran) or "there is no systemd here\n"


async def _journal() -> str:
    # Not what is only logged when everything is asked for: there people's words are.
    options = ("--no-pager", "--no-hostname", "-o", "short-iso", "-p", "info", "-n", str(JOURNAL_LINES))
    told = await run("journalctl", "-u", _UNIT, *options, limit_s=20)
    return told.output or told.complaint if told else "there is no journal here\n"


def _health() -> str:
    found = (_text(socket.with_name(healthfile.NAME)) for socket in paths.sockets())
    return next(filter(None, found), "no house runs here\n")


def _files(paths: Iterable[Path]) -> str:
    return "".join(f"== {path}\n{_text(path).rstrip()}\n\n" for path in paths)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").replace("\0", "")
    except OSError:
        return ""


# -- what must not be in it


async def known_secrets(
    names: Iterable[str],
    given: Mapping[str, Kept],
    environment: Mapping[str, str],
    stores: Iterable[Path] = (STORE, ENCRYPTED_STORE),
) -> list[Secret]:
    """Return every secret that can be found on this machine: given to this process, or kept for a service."""
    kept = [await find_key(name, given) for name in names]
    found = [one.secret for one in kept if one.secret is not None]
    # A path is none: its parts stand everywhere.
    values = [value for name, value in environment.items() if _SOUNDS_SECRET.search(name) and value[:1] != "/"]
    values += [_text(path)[:_MOST_SECRET].strip() for store in stores for path in _inside(store)]
    return [*found, *(Secret(value) for value in dict.fromkeys(values) if len(value) >= _LEAST_SECRET)]


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file())
    except OSError:
        return []


def host_mask() -> Callable[[str], str]:
    """Return a mask for this machine's name, which is often somebody's."""
    name = gethostname()
    if not name or name in ("localhost", "raspberrypi", "hearthside"):
        return lambda text: text
    return lambda text: re.sub(rf"\b{re.escape(name)}\b", "HOST", text)
