"""The loudspeaker: a sound card's output that pulls what it plays."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable

from device.audio.cards.devices import Direction, SoundDevice, rates_to_try
from device.audio.cards.filling.depth import Depth
from device.audio.cards.filling.depths import Depths
from device.audio.cards.filling.outputpcm import OutputPcm, alsa_name
from device.audio.cards.filling.playout import Cause, Playout
from device.audio.cards.line import XRUN_NOTE_S, Line
from device.audio.cards.owner import HANG_S, Owner
from device.core.events import Device
from device.errors import AudioError
from device.kit.threads import Threads
from device.ports.sound import Source
from device.units import Hz, Samples

log = logging.getLogger(__name__)


class AlsaSpeaker(Line[Playout]):
    """A `device.ports.sound.Speaker`: an ALSA PCM."""

    device = Device.SPEAKER
    direction = Direction.OUTPUT
    noun = "loudspeaker"
    gives = "takes"
    # A PulseAudio null sink with its defaults, waking up, takes 2 s at once, and then nothing for as long.
    farthest_ahead_s = 4.0

    def __init__(self, owner: Owner, rate: Hz, depths: Depths | None = None) -> None:
        """`rate` is what it is opened at where the card does it; `depths`: what the cards were seen to need before."""
        super().__init__(owner)
        self._best_rate = rate
        self.rate = rate
        self._source: Source = _silence
        self._on_lost: Callable[[], None] = _nothing
        self._on_break: Callable[[float], None] = _ignore
        self._depths = depths or Depths()
        self._depth = Depth()
        self._dry: Counter[Cause] = Counter()
        # One more than is needed: a card that hangs keeps its own.
        self._threads = Threads("loudspeaker", 2)

    def attach(self, source: Source, on_lost: Callable[[], None], on_break: Callable[[float], None]) -> None:
        """See device.ports.sound.Speaker."""
        self._source = source
        self._on_lost = on_lost
        self._on_break = on_break

    @property
    def in_use(self) -> bool:
        """Whether it may be sounding."""
        return self.is_open

    async def flush(self) -> float:
        """See device.ports.sound.Speaker."""
        try:
            return await asyncio.wait_for(self._owner.call(self._drop_sound), HANG_S)
        except OSError as error:
            raise AudioError(str(error) or "it hangs") from error

    def feed(self, count: Samples, moment: float) -> bytes | None:
        """See device.audio.cards.filling.playout.Feeder."""
        if not self.note_block(count / self.rate):
            return None
        return self._source(count, moment)

    def note_break(self, moment: float) -> None:
        """See device.audio.cards.filling.playout.Feeder."""
        self._on_break(moment)

    def note_dry(self, cause: Cause) -> None:
        """See device.audio.cards.filling.playout.Feeder."""
        self._dry[cause] += 1
        self._losses += cause is not Cause.BEGINNING

    def _drop_sound(self) -> float:
        """In PortAudio's thread."""
        return self._stream.drop() if self._stream is not None else self.drop()

    def _note_gap(self) -> None:
        self._on_lost()

    def _note_xruns(self, now: float) -> None:
        if self._dry and now - self._xruns_noted_at >= XRUN_NOTE_S:
            dry, self._dry, self._xruns_noted_at = self._dry, Counter(), now
            level = logging.INFO if set(dry) == {Cause.BEGINNING} else logging.WARNING
            times = ", ".join(f"{_times(count)} {cause.value}" for cause, count in dry.items())
            log.log(level, "the loudspeaker ran dry %s; it now keeps %.0f ms ahead", times, self._depth.ahead_ms)
            self._depths.keep()

    def _rates(self, device: SoundDevice) -> Iterable[Hz]:
        return rates_to_try(self._best_rate, device)

    def _open_at(self, device: SoundDevice, rate: Hz) -> Playout:
        self._depth = self._depths.of(device.name)
        before, self.rate = self.rate, rate
        try:
            return self._open_playout(device, rate)
        except OSError:
            self.rate = before
            raise

    def _open_playout(self, device: SoundDevice, rate: Hz) -> Playout:
        playout = Playout(OutputPcm(alsa_name(device.name), rate), rate, self._depth, self, self._threads.post)
        playout.start()
        self._log_opened(device, rate, f"{self._depth.ahead_ms:.0f} ms ahead")
        return playout


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _silence(count: int, moment: float) -> bytes:
    return bytes(2 * count)


def _nothing() -> None:
    """Nobody wants to know."""


def _ignore(moment: float) -> None:
    """Nobody wants to know."""
