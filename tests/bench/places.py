"""Where the device runs for a measurement: on this machine, or on an emulated arm64 with the sound card of this one.

Needs root, the network for the first time, and debootstrap: see tests/system/bare_debian.sh.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

import common
from probed import MICROPHONE_THREAD, SPEAKER_THREAD

from device.sim.devices.soundcard import MICROPHONE, SPEAKER, VirtualSoundCard
from device.sim.realtime import DEFAULT_KEY

PROCESSOR = "cortex-a53"
"""Of a Pi 3 and a Zero 2 W."""
KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hearthside" / "small-pi"
BARE_DEBIAN = common.ROOT / "tests" / "system" / "bare_debian.sh"
# From qemu 10 on it has a second thread of its own.
ROLES = {
    "MainThread": "event loop",
    "wake-word": "wake word",
    "echo-canceller": "echo canceller",
    MICROPHONE_THREAD: "microphone's callback",
    SPEAKER_THREAD: "what fills the loudspeaker",
}
OTHERS = "all others"
# A process that is computed by software takes its time to end.
_END_S = 20.0


def emulated(folder: Path, *command: str) -> list[str]:
    """Return a command that runs another one on the emulated machine, where `folder` is, too."""
    return [str(BARE_DEBIAN), "--keep", str(KEPT), "--share", str(folder), "trixie", "arm64", *command]


def set_up(folder: Path) -> None:
    """Install the program on the emulated machine, at the commit of this checkout: ten minutes the first time."""
    KEPT.mkdir(parents=True, exist_ok=True)
    install = "./scripts/setup && apt-get install -qq --no-install-recommends libasound2-plugins"
    subprocess.run(emulated(folder, "sh", "-c", install), env={**os.environ, "QEMU_CPU": PROCESSOR}, check=True)


class Device(common.Program):
    """A device that tells how late it gets, and what each of its threads costs."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], probe: Path) -> None:
        super().__init__(command, env, "ready: listening")
        self._said = deque(maxlen=10_000)
        self._probe = probe
        self._found: int | None = None
        self._spent: dict[str, tuple[str, float]] = {}
        """By thread: what kind it is, and its CPU time (s) when it was last seen. Some end meanwhile."""

    @property
    def pid(self) -> int:
        """The process that listens; the others only lead to it."""
        if self._found is None:
            inside = self._lines()[-1]["pid"]
            family = _descendants(self._process.pid)
            self._found = next(pid for pid in family if _inner_id(Path(f"/proc/{pid}")) == inside)
        return self._found

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        with contextlib.suppress(LookupError, StopIteration, OSError):
            os.kill(self.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_END_S)
        for pid in reversed(_descendants(self._process.pid)[1:]):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        super().__exit__(kind, *error)

    def cpu_by_role(self) -> dict[str, float]:
        """Return the CPU time (s) so far of each kind of thread."""
        names: dict[str, str] = {}
        for line in self._lines():
            names.update(line["threads"])
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                role = ROLES.get(names.get(str(_inner_id(task)), ""), OTHERS)
                self._spent[task.name] = (role, int((task / "schedstat").read_text().split()[0]) / 1e9)
        return {role: sum(s for of, s in self._spent.values() if of == role) for role in (*ROLES.values(), OTHERS)}

    def latest_ms(self, since: float, until: float) -> dict[str, float]:
        """Return the greatest latenesses (ms) between two moments (`time.monotonic`)."""
        worst: dict[str, float] = {}
        for line in self._lines():
            if since <= line["at"] <= until:
                worst |= {what: max(late, worst.get(what, 0.0)) for what, late in line["late_ms"].items()}
        return worst

    def held_ms(self, since: float, until: float) -> dict[str, float]:
        """Return what held the event loop for long between two moments, and for how long (ms), the longest first."""
        worst: dict[str, float] = {}
        for line in self._lines():
            if since <= line["at"] <= until:
                worst |= {what: max(took, worst.get(what, 0.0)) for what, took in line["held_ms"].items()}
        return dict(sorted(worst.items(), key=lambda held: -held[1]))

    def given_up(self) -> list[str]:
        """Return what it said that it does without, because it fell behind."""
        told = re.findall(r"for the time being the house does without (.*)", "".join(self.said))
        return list(dict.fromkeys(told))

    def cancels_echoes(self) -> bool:
        """Return whether it does not say that it goes on without, because it fell behind."""
        told = re.findall(r"echo cancellation is lost|EchoCancellationRecovered", "".join(self.said))
        return not told or told[-1].startswith("Echo")

    def own_memory_mb(self) -> float:
        """Return its memory (PSS) in MB of 10^6 bytes, without what an emulator keeps beside it."""
        text = Path(f"/proc/{self.pid}/smaps").read_text()
        return sum(map(_own_kb, re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", text))) * 1024 / 1e6

    def _lines(self) -> list[dict[str, object]]:  # type: ignore[override]
        return [json.loads(line) for line in self._probe.read_text().splitlines(keepends=True) if line.endswith("\n")]


def _own_kb(mapping: str) -> int:
    """Return the PSS of a mapping; 0 for the emulator's file and for its translations, which alone may be executed and
    written to."""
    head, *_ = mapping.splitlines()
    found = re.search(r"^Pss: +(\d+) kB", mapping, re.MULTILINE)
    is_emulators = "qemu-aarch64" in head or head.split()[1].startswith("rwx")
    return 0 if is_emulators or found is None else int(found[1])


def _descendants(pid: int) -> list[int]:
    """Return a process and all that come of it, parents first."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name, in parentheses, may have spaces and parentheses in it.
            parents.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    family = [pid]
    for one in family:
        family += parents.get(one, [])
    return family


def _inner_id(folder: Path) -> int:
    """Return the id of a process or thread in its own namespace."""
    try:
        found = re.search(r"^NSpid:.*?(\d+)$", (folder / "status").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def start(card: VirtualSoundCard, folder: Path, settings: Sequence[str], is_emulated: bool) -> Device:
    """Start the device on the virtual card; `folder` and the card's lie in a folder that is shared."""
    config, probe = folder / "config.toml", folder / f"probe-{is_emulated}.jsonl"
    config.write_text("")
    probe.unlink(missing_ok=True)
    # Not the board of the simulation: that is said to cancel echoes by itself.
    audio = (f"audio.input={MICROPHONE}", f"audio.output={SPEAKER}", "hardware.profile=generic")
    overrides = [word for setting in (*audio, f"service.state_dir={folder}", *settings) for word in ("--set", setting)]
    run = ["tests/bench/probed.py", str(probe), "run", "--config", str(config), *overrides]
    env = {**card.env(), "OPENAI_API_KEY": DEFAULT_KEY, "PYTHONUNBUFFERED": "1"}
    if not is_emulated:
        return Device([sys.executable, str(common.ROOT / run[0]), *run[1:]], env, probe)
    given = [f"{name}={value}" for name, value in env.items()]
    command = emulated(folder.parent, "env", *given, ".venv/bin/python", *run)
    return Device(command, {"QEMU_CPU": PROCESSOR}, probe)
