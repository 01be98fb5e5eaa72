"""A virtual sound card: ALSA PCMs for a microphone and a loudspeaker on a machine that has neither.

The PCMs lead to a private PulseAudio daemon with two null sinks: the device plays to `speaker`, and its microphone
records what is played to `room`. The daemon needs no D-Bus, udev or display, and does not affect any other PulseAudio.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import wave
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Self

from device.errors import HearthsideError
from device.kit import threads
from device.sim.devices.roomsound import spread, wav_file
from device.units import BYTES_PER_SAMPLE, Hz, Ms, Samples, ms_from_samples

MICROPHONE = "hearthside_mic"
SPEAKER = "hearthside_speaker"
RECORDING_RATE = Hz(48_000)
SINK_RATE = Hz(48_000)
START_LIMIT_S = 10.0
# PulseAudio renders a null sink in blocks as long as the shortest latency that a client asks for; 5 ms is typical of a
# good sound card.
RECORDING_LATENCY_MS = 5
# A block that is longer than a pipe's buffer arrives in pieces without a pause; between blocks there is at least this.
_BETWEEN_BLOCKS_S = 0.002
# ALSA's order of channels; PulseAudio mixes nothing when both sides use the same map.
CHANNEL_MAP = ("front-left", "front-right", "rear-left", "rear-right", "front-center", "lfe")
ALSA_SYSTEM_CONFIG = Path("/usr/share/alsa/alsa.conf")

# The shell around the daemon kills it as soon as this process closes the shell's stdin: also when this process is
# killed and cannot clean up.
_KILLED_WITH_US = 'told=$1; shift; "$@" & echo $! >"$told"; cat; kill -KILL $!; wait'
_PROGRAMS = ("pacat", "parec", "pactl")
_HOW_TO_INSTALL = "run scripts/setup --sim, which brings it without touching the sound of this machine"
# scripts/setup installs this where the machine has no PulseAudio.
_PRIVATE_PULSEAUDIO = "hearthside-pulseaudio"
# ALSA's own configuration begins with this block. The files that it loads (a sound server's "default", ~/.asoundrc)
# override everything else in the file, even what follows the block.
_LOADS_OTHERS = re.compile(r"^@hooks \[.*?^\]$", re.DOTALL | re.MULTILINE)


class SimulationError(HearthsideError):
    """The simulation cannot run on this machine."""


class VirtualSoundCard:
    """A context manager: inside it the card is plugged in.

    `channels` is the number of microphones: more than one make an array. `sleepy` leaves the null sinks at PulseAudio's
    defaults: they rewind, sleep for up to 2 s when a stream begins, and use blocks as long as the program under test
    asks for. Recordings, and sound played into the room, do not ask for shorter blocks then.
    """

    def __init__(self, channels: int = 1, sleepy: bool = False) -> None:
        if not 1 <= channels <= len(CHANNEL_MAP):
            raise SimulationError(f"a virtual sound card has 1 to {len(CHANNEL_MAP)} microphones, not {channels}")
        self.channels = channels
        self.sleepy = sleepy
        self.folder = Path()
        """Where the card's files are, inside the context."""
        self._daemon: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        _check_programs()
        self.folder = Path(tempfile.mkdtemp(prefix="hearthside-card-"))
        self._alsa_config.write_text(_alsa_config(self.socket), encoding="utf-8")
        try:
            self.replug()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, trace)

    def env(self) -> dict[str, str]:
        """Return the environment variables to set before PortAudio is initialised, in this process or another."""
        return {
            "ALSA_CONFIG_PATH": str(self._alsa_config),
            "PULSE_SERVER": f"unix:{self.socket}",
            "PULSE_RUNTIME_PATH": str(self.folder),
            "JACK_NO_START_SERVER": "1",
        }

    def unplug(self) -> None:
        """Unplug the card: every program that has a PCM open gets errors at once. Harmless when it is unplugged."""
        if self._daemon is None:
            return
        self._daemon.communicate()
        self._daemon = None
        self.socket.unlink(missing_ok=True)

    def replug(self) -> None:
        """Plug the card in again, and wait until it can be opened. Raise SimulationError."""
        if self._daemon is not None:
            return
        with self._log.open("wb") as log:
            command = ["sh", "-c", _KILLED_WITH_US, "sh", str(self._pid), *self._daemon_command()]
            self._daemon = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=self.client_env()
            )
        deadline = time.monotonic() + START_LIMIT_S
        while not self._answers():
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                raise SimulationError(f"pulseaudio does not start: {self._log.read_text(errors='replace')[-500:]}")
            time.sleep(0.01)

    async def stand_still(self, seconds: float) -> None:
        """Stop the card for some seconds, as happens to a sound server on a machine that is too busy.

        Afterwards it plays what it holds at once, to catch up, and runs dry.
        """
        with self.hanging():
            await asyncio.sleep(seconds)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Stop the card inside the context: whoever calls it waits."""
        pid = int(self._pid.read_text(encoding="ascii"))
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    async def play_into_room(self, sound: Path | bytes, rate: Hz = SINK_RATE, channel: int | None = None) -> None:
        """Play a WAV file, or mono s16le PCM at `rate`, to the microphone; return when it has been played.

        `channel` gives the sound to one microphone of an array only.
        """
        pcm, rate = _read_wav(sound) if isinstance(sound, Path) else (sound, rate)
        if self.channels > 1:
            pcm = spread(pcm, self.channels, channel)
        hurry = () if self.sleepy else ("--latency-msec=20",)
        command = ["pacat", "--playback", "--device=room", *hurry, "--client-name=person"]
        # From a file: while pacat plays from a pipe it looks for more all the time, and takes half of a core.
        with wav_file(self.folder, pcm, rate, self.channels) as file:
            player = await asyncio.create_subprocess_exec(
                *command, "--file-format=wav", _mapped(self.channels), file, env=self.client_env()
            )
            try:
                await player.wait()
            finally:
                if player.returncode is None:
                    player.kill()
                    await player.wait()

    def record_speaker(self, rate: Hz = RECORDING_RATE) -> Recording:
        """Return a context manager that records what leaves the loudspeaker."""
        return self._record("speaker.monitor", rate)

    def record_room(self, rate: Hz = RECORDING_RATE) -> Recording:
        """Return a context manager that records what the (first) microphone hears."""
        return self._record("room.monitor", rate, is_captured=True)

    def _record(self, source: str, rate: Hz, is_captured: bool = False) -> Recording:
        if self.sleepy:
            return SleepyRecording(source, rate, self.client_env(), is_captured)
        return Recording(source, rate, self.client_env())

    @property
    def _alsa_config(self) -> Path:
        return self.folder / "asound.conf"

    @property
    def socket(self) -> Path:
        """Where PulseAudio is reached, while the card is plugged in."""
        return self.folder / "native"

    @property
    def _log(self) -> Path:
        return self.folder / "pulseaudio.log"

    @property
    def _pid(self) -> Path:
        return self.folder / "pulseaudio.pid"

    def client_env(self) -> dict[str, str]:
        """Return the environment for a program that uses the card through PulseAudio itself."""
        return {**os.environ, **self.env(), "HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder)}

    def _daemon_command(self) -> list[str]:
        # norewinds: rendered sound is not replaced any more. With rewinding, an idle null sink sleeps for up to 2 s
        # before it notices a new stream, and the recorded monitor contains sound that was replaced later.
        sink = f"module-null-sink norewinds={int(not self.sleepy)} rate={SINK_RATE}"
        maps = f"channels={self.channels} channel_map={_channel_map(self.channels)}"
        options = "-n --daemonize=no --exit-idle-time=-1 --use-pid-file=no --disallow-exit --log-level=warn"
        return [
            find_pulseaudio(),
            *options.split(),
            # Real hardware is not slowed down by a busy machine. Where real-time priority is not allowed, it runs
            # without.
            *("--realtime=yes", "--high-priority=yes"),
            *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={self.socket}"),
            *("-L", f"{sink} sink_name=speaker channels=1"),
            *("-L", f"{sink} sink_name=room {maps}"),
        ]

    def _answers(self) -> bool:
        if not self.socket.exists():
            return False
        command = ["pactl", "list", "short", "sinks"]
        listed = subprocess.run(command, env=self.client_env(), capture_output=True, check=False)
        return b"room" in listed.stdout


class Recording:
    """A recording of a sink's monitor, as s16le mono; it grows until the context is left."""

    _hurry: tuple[str, ...] = (f"--latency-msec={RECORDING_LATENCY_MS}",)

    def __init__(self, source: str, rate: Hz, env: dict[str, str]) -> None:
        self.rate = rate
        self._command = ["parec", f"--device={source}", *self._hurry, *_format(rate, 1)]
        self._env = env
        self._chunks: list[bytes] = []
        self._size = 0
        self._start = float("inf")
        self._begun = threading.Event()

    @property
    def pcm(self) -> bytes:
        """Everything recorded so far."""
        return b"".join(self._chunks)

    @property
    def start(self) -> float:
        """When the first sample left the card, in seconds of `time.monotonic`.

        The earliest of all estimates, one from each chunk: its arrival time minus its position (the card's clock is the
        machine's). One block is added, because the card renders a block ahead (measured against PortAudio's DAC times:
        4.7 ms, always).
        """
        return self._start + RECORDING_LATENCY_MS / 1000

    @property
    def duration(self) -> Ms:
        """Duration of everything recorded so far."""
        return ms_from_samples(self._size // BYTES_PER_SAMPLE, self.rate)

    def position(self, moment: float) -> Samples:
        """Return the sample that left the card at `moment` (seconds of `time.monotonic`)."""
        return Samples(round((moment - self.start) * self.rate))

    def moment(self, position: int) -> float:
        """Return when a sample left the card, in seconds of `time.monotonic`."""
        return self.start + position / self.rate

    def __enter__(self) -> Self:
        self._recorder = subprocess.Popen(self._command, stdout=subprocess.PIPE, env=self._env)
        self._reader = threads.start(self._read, "recording")
        if not self._begun.wait(START_LIMIT_S):
            self.__exit__(None, None, None)
            raise SimulationError("the virtual sound card gives nothing to record; is it plugged in?")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recorder.terminate()
        self._recorder.wait()
        self._reader.join()
        if self._recorder.stdout:
            self._recorder.stdout.close()

    def _read(self) -> None:
        pipe = self._recorder.stdout
        while pipe and (chunk := os.read(pipe.fileno(), 65_536)):
            arrived = time.monotonic()
            self._chunks.append(chunk)
            self._size += len(chunk)
            self._note(len(chunk) // BYTES_PER_SAMPLE, arrived)
            self._begun.set()

    def _note(self, count: int, arrived: float) -> None:
        """Note when a chunk of `count` samples arrived. Called in the reader's thread."""
        self._start = min(self._start, arrived - self._size / BYTES_PER_SAMPLE / self.rate)


class SleepyRecording(Recording):
    """A recording of a card at PulseAudio's defaults, in which each block has its own time.

    The card renders in blocks of any length, and after a rewind the recording contains some sound twice. As on a real
    card, the arrival time of a block is its end for the microphone (`is_captured`), its beginning for the loudspeaker.
    """

    _hurry = ()

    def __init__(self, source: str, rate: Hz, env: dict[str, str], is_captured: bool) -> None:
        super().__init__(source, rate, env)
        self._is_captured = is_captured
        # The position of each block's first sample, and its arrival time.
        self._blocks: list[tuple[int, float]] = []
        self._came = float("-inf")

    @property
    def start(self) -> float:
        """When the first sample left the card, in seconds of `time.monotonic`."""
        return self.moment(0)

    def position(self, moment: float) -> Samples:
        """Return the sample that left the card at `moment` (seconds of `time.monotonic`)."""
        number = max(0, bisect_right(range(len(self._blocks)), moment, key=self._time) - 1)
        return Samples(self._blocks[number][0] + round((moment - self._time(number)) * self.rate))

    def moment(self, position: int) -> float:
        """Return when a sample left the card, in seconds of `time.monotonic`, from the time of its block."""
        number = max(0, bisect_right(self._blocks, position, key=itemgetter(0)) - 1)
        return self._time(number) + (position - self._blocks[number][0]) / self.rate

    def _time(self, number: int) -> float:
        """Return when the first sample of a block left the card."""
        first, arrived = self._blocks[number]
        if not self._is_captured:
            return arrived
        end = self._blocks[number + 1][0] if number + 1 < len(self._blocks) else self._size // BYTES_PER_SAMPLE
        return arrived - (end - first) / self.rate

    def _note(self, count: int, arrived: float) -> None:
        if arrived - self._came > _BETWEEN_BLOCKS_S:
            self._blocks.append((self._size // BYTES_PER_SAMPLE - count, arrived))
        self._came = arrived


def find_pulseaudio() -> str:
    """Return the path of the daemon: the machine's own, else the one of this virtual environment.

    Raise SimulationError where there is none.
    """
    private = Path(sys.prefix) / "bin" / _PRIVATE_PULSEAUDIO
    if found := shutil.which("pulseaudio") or shutil.which(private):
        return str(found)
    raise SimulationError(f"the virtual sound card needs pulseaudio; {_HOW_TO_INSTALL}")


def _check_programs() -> None:
    find_pulseaudio()
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    missing += [] if ALSA_SYSTEM_CONFIG.exists() else [str(ALSA_SYSTEM_CONFIG)]
    if missing:
        raise SimulationError(f"the virtual sound card needs {', '.join(missing)}; {_HOW_TO_INSTALL}")


def _channel_map(channels: int) -> str:
    return "mono" if channels == 1 else ",".join(CHANNEL_MAP[:channels])


def _mapped(channels: int) -> str:
    return f"--channel-map={_channel_map(channels)}"


def _format(rate: Hz, channels: int) -> list[str]:
    return ["--raw", "--format=s16le", f"--rate={rate}", f"--channels={channels}", _mapped(channels)]


def _read_wav(path: Path) -> tuple[bytes, Hz]:
    with wave.open(str(path), "rb") as sound:
        if sound.getsampwidth() != BYTES_PER_SAMPLE or sound.getnchannels() != 1:
            raise SimulationError(f"{path} is not a mono 16-bit WAV file; convert it first")
        return sound.readframes(sound.getnframes()), Hz(sound.getframerate())


def alsa_pcms(socket: Path) -> str:
    """Return ALSA's configuration of the card's PCMs, for programs that see the card's socket there."""
    pulse = f'type pulse server "unix:{socket}"'
    return f"""\
pcm.{MICROPHONE} {{ {pulse} device "room.monitor" hint {{ show on description "Virtual microphone" }} }}
pcm.{SPEAKER} {{ {pulse} device "speaker" hint {{ show on description "Virtual loudspeaker" }} }}
pcm.!default {{ type asym capture.pcm "{MICROPHONE}" playback.pcm "{SPEAKER}" }}
ctl.!default {{ {pulse} }}
"""


def _alsa_config(socket: Path) -> str:
    alsa_alone = _LOADS_OTHERS.sub("", ALSA_SYSTEM_CONFIG.read_text(encoding="utf-8"), count=1)
    return f"{alsa_alone}\n{alsa_pcms(socket)}"
