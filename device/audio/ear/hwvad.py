"""Voice detectors in hardware: a pin, or a microphone array over USB. Software always listens, too.

The hardware is asked in a thread of its own; its newest answer is used while it is fresh, otherwise webrtcvad's.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from device.audio.ear.vad import Vad, WebRtcVad
from device.audio.frames import AudioFrame
from device.audio.settings import Audio
from device.boards.xvf import XVF3000_ID, XVF3800_ID, Xvf3000, Xvf3800
from device.errors import AudioError, ConfigError, HearthsideError, PanelError
from device.foreign.gpio import Input, open_input
from device.foreign.usb import UsbDevice, UsbId, open_device
from device.kit import threads
from device.units import Degrees, Ms, ms_from_seconds

_log = logging.getLogger(__name__)

POLL_S = 0.05
"""Between two questions: the segmenter takes 60 ms for a voice to begin."""

RETRY_S = 5.0
"""Between two attempts at hardware that does not answer."""

MAX_AGE = Ms(300)
"""How old an answer may be: five more were due since then."""

_WANTED_FOR = Ms(1_000)
_LOG_AGAIN = Ms(600_000)
_JOIN_S = 0.3


class Detector(Protocol):
    """Hardware that hears voices. Belongs to one thread; its answers may take long."""

    def read(self) -> bool | None:
        """Return whether there is a voice now; None: it cannot say yet. Raise HearthsideError."""

    def direction(self) -> Degrees | None:
        """Return where the last voice came from; None: it cannot say. Raise HearthsideError."""

    def close(self) -> None:
        """Let it go. Harmless when closed."""


class PinDetector:
    """A microphone with an output that says "voice detected"."""

    def __init__(self, pin: Input) -> None:
        self._pin = pin

    def read(self) -> bool | None:
        """See Detector."""
        return self._pin.is_active

    def direction(self) -> Degrees | None:
        """See Detector: it never knows."""
        return None

    def close(self) -> None:
        """See Detector."""
        with contextlib.suppress(PanelError):
            self._pin.close()


class Chip(Protocol):
    """How to ask one kind of chip."""

    def hears_voice(self) -> bool | None:
        """Return whether there is a voice now; None: it is busy. Raise AudioError."""

    def direction(self) -> Degrees | None:
        """Return where the last voice came from; None: it is busy. Raise AudioError."""


class UsbDetector:
    """A chip on the bus: opened when it is asked first, and again after it failed."""

    def __init__(self, identity: UsbId, chip: Callable[[UsbDevice], Chip], backend: Any = None) -> None:
        self._identity = identity
        self._make_chip = chip
        self._backend = backend
        self._device: UsbDevice | None = None
        self._chip: Chip | None = None

    def read(self) -> bool | None:
        """See Detector."""
        if self._chip is None:
            self._device = open_device(self._identity, self._backend)
            self._chip = self._make_chip(self._device)
        with self._closed_by_errors():
            return self._chip.hears_voice()

    def direction(self) -> Degrees | None:
        """See Detector."""
        with self._closed_by_errors():
            return None if self._chip is None else self._chip.direction()

    def close(self) -> None:
        """See Detector."""
        device, self._device, self._chip = self._device, None, None
        if device is not None:
            device.close()

    @contextlib.contextmanager
    def _closed_by_errors(self) -> Iterator[None]:
        try:
            yield
        except AudioError:
            self.close()
            raise


@dataclass(frozen=True, slots=True)
class Reading:
    """What the hardware said, and when (monotonic clock)."""

    voice: bool
    at: Ms
    direction: Degrees | None = None
    """None: nobody has asked for it lately, or it cannot say."""


class Poller:
    """Asks a detector again and again, in a thread of its own."""

    def __init__(self, detector: Detector, clock: Callable[[], float] = time.monotonic) -> None:
        self._detector = detector
        self._clock = clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.newest: Reading | None = None
        """None: there is none yet, or the last question failed. Written by the thread, whole."""
        self.problem = ""
        """Why the last question failed; empty when it did not."""
        self._direction_wanted = Ms(-math.inf)
        """When somebody last asked where the voice comes from."""

    def start(self) -> None:
        """Begin to ask. Raise ThreadError."""
        self._thread = threads.start(self._run, "voice-detector")

    def direction(self) -> Degrees | None:
        """Return where the last voice came from; None: it is not known now.

        The hardware is asked for it only while somebody asks here. Never waits; may be called in any thread.
        """
        self._direction_wanted = now = ms_from_seconds(self._clock())
        newest = self.newest
        return None if newest is None or now - newest.at > MAX_AGE else newest.direction

    def close(self) -> None:
        """Ask no more. Waits for the running question, at most 0.3 s."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    def _run(self) -> None:
        with contextlib.closing(self._detector):
            while (pause_s := self._ask()) is not None and not self._stop.wait(pause_s):
                pass

    def _ask(self) -> float | None:
        """Return when to ask again; None: never, until a person has changed something."""
        asked = ms_from_seconds(self._clock())
        try:
            voice = self._detector.read()
            wanted = asked - self._direction_wanted <= _WANTED_FOR
            direction = self._detector.direction() if wanted else None
        except HearthsideError as error:
            self.problem, self.newest = str(error), None
            return None if isinstance(error, ConfigError) else RETRY_S
        self.problem = ""
        if voice is not None:
            self.newest = Reading(voice, asked, direction)
        return POLL_S


class Hardware(Protocol):
    """Where a FallbackVad looks: a Poller."""

    @property
    def newest(self) -> Reading | None:
        """What was said last; None when the hardware fails."""

    @property
    def problem(self) -> str:
        """Why it fails; empty when it does not."""

    def direction(self) -> Degrees | None:
        """Say where the last voice came from; None: it is not known now. Never waits."""


class FallbackVad:
    """A `vad.Vad`: the hardware's answer while it is fresh, otherwise software's.

    Software listens all the time, so that it knows the room's noise when it is needed. Each loss of the hardware
    counts as one of `fallbacks`; it is logged, but not again within ten minutes.
    """

    def __init__(
        self,
        hardware: Hardware,
        software: Vad,
        max_age: Ms = MAX_AGE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hardware = hardware
        self._software = software
        self._max_age = max_age
        self._clock = clock
        # The first answer takes as long as it takes to open the device.
        self._patient_until = Ms(self._now() + RETRY_S * 1000)
        self._quiet_until = Ms(0)
        self._logged_loss = False
        self.by_hardware = False
        """Whether the newest frame was judged by hardware."""
        self.fallbacks = 0

    def is_voice(self, frame: AudioFrame) -> bool:
        """Return whether there is a voice. Raise ValueError for a length that webrtcvad does not take."""
        voiced = self._software.is_voice(frame)
        reading, now = self._hardware.newest, self._now()
        fresh = reading is not None and now - reading.at <= self._max_age
        if fresh is not self.by_hardware:
            self.by_hardware = fresh
            self._recover() if fresh else self._lose(now)
        elif not fresh and not self.fallbacks and (self._hardware.problem or now > self._patient_until):
            # It never worked.
            self._lose(now)
        return reading.voice if reading is not None and fresh else voiced

    def direction(self) -> Degrees | None:
        """Say where the last voice came from; None: it is not known now. Never waits; may be asked in any thread."""
        return self._hardware.direction()

    def _lose(self, now: Ms) -> None:
        self.fallbacks += 1
        if now < self._quiet_until:
            return
        self._quiet_until = Ms(now + _LOG_AGAIN)
        self._logged_loss = True
        reason = self._hardware.problem or f"it said nothing new for {self._max_age:.0f} ms"
        _log.warning("the hardware's voice detector is not used: %s; voices are heard by software meanwhile", reason)

    def _recover(self) -> None:
        if self._logged_loss:
            _log.info("the hardware's voice detector works again")
        self._logged_loss = False

    def _now(self) -> Ms:
        return ms_from_seconds(self._clock())


@contextlib.contextmanager
def open_vad(audio: Audio, usb_backend: Any = None) -> Iterator[Vad]:
    """Yield the detector that the configuration (with its profile applied) names, asking hardware until the end.

    USB hardware may come and go. `usb_backend`: see `device.foreign.usb.open_device`. Raise ConfigError when the pin
    cannot be used.
    """
    software = WebRtcVad(audio.vad_aggressiveness)
    detector = _detector(audio, usb_backend)
    if detector is None:
        yield software
        return
    poller = Poller(detector)
    poller.start()
    with contextlib.closing(poller):
        yield FallbackVad(poller, software)


def _detector(audio: Audio, usb_backend: Any) -> Detector | None:
    match audio.vad:
        case "xvf3000":
            return UsbDetector(XVF3000_ID, Xvf3000, usb_backend)
        case "xvf3800":
            return UsbDetector(XVF3800_ID, Xvf3800, usb_backend)
        case "gpio" | "auto" if audio.vad_pin is not None:
            return PinDetector(open_input(audio.vad_pin, active_high=audio.vad_active_high, key="audio.vad_pin"))
    return None
