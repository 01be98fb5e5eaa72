"""An ALSA PCM for playback, through libasound itself.

PortAudio keeps the card's buffer full to the brim. Whoever wants little sound ahead then has a short buffer, and a card
or a machine that needs more runs it dry. Here the buffer is long, and how much of it is filled is decided anew with
every block (see playout.py).
"""

from __future__ import annotations

import ctypes
import errno
import functools
import re
from typing import NamedTuple

from device.audio.cards.alsa.config import LIBRARY
from device.units import BYTES_PER_SAMPLE, Hz, Ms, Samples, samples_from_ms

PERIOD_MS = Ms(5)
"""How often a card says where it is. Cards that do not divide time so finely take what is nearest."""
BUFFER_MS = Ms(250)
# alsa/pcm.h
_PLAYBACK, _NONBLOCK = 0, 1
_RW_INTERLEAVED, _S16_LE = 3, 2
# Dry, or asleep with the machine: both are taken up again by preparing anew.
_DRY = frozenset({errno.EPIPE, errno.ESTRPIPE})
_ADDRESS = re.compile(r"\((hw:\d+(?:,\d+)?)\)$")


class DryError(OSError):
    """Nothing was left to play."""


class Fill(NamedTuple):
    """How full a PCM is, in samples: `queued` is not taken yet; a sample written now sounds after `delay`."""

    queued: Samples
    delay: Samples


def alsa_name(listed: str) -> str:
    """Return ALSA's name of a device that PortAudio lists: a card's address, or the PCM's own name."""
    found = _ADDRESS.search(listed)
    return found[1] if found else listed


class OutputPcm:
    """A PCM that takes s16le mono at `rate`; it begins to play when it is started. Every failure is an OSError."""

    def __init__(self, name: str, rate: Hz) -> None:
        self._library = _library()
        self._pcm = ctypes.c_void_p()
        self._buffer = ctypes.c_ulong()
        self._period = ctypes.c_ulong()
        self._avail, self._delay = ctypes.c_long(), ctypes.c_long()
        try:
            self._open(name, rate, is_converted=False)
        except OSError:
            # A card that does no mono, or no 16 bits. Its rate is not converted: we do that better.
            self.close()
            self._open(f'plug:SLAVE="{name}"', rate, is_converted=True)

    @property
    def period(self) -> Samples:
        """How many samples the card takes at once."""
        return Samples(self._period.value)

    @property
    def room(self) -> Samples:
        """How many samples it holds."""
        return Samples(self._buffer.value)

    def start(self) -> None:
        """Play what was written."""
        self._check(self._library.snd_pcm_start(self._pcm))

    def fill(self) -> Fill:
        """Say how full it is, while it plays. Raise DryError when it is not, or has been, any more."""
        found = self._library.snd_pcm_avail_delay(self._pcm, ctypes.byref(self._avail), ctypes.byref(self._delay))
        self._check(found)
        queued = max(0, self._buffer.value - self._avail.value)
        return Fill(Samples(queued), Samples(max(queued, self._delay.value)))

    def write(self, pcm: bytes) -> Samples:
        """Add to what it holds; return how many samples it took."""
        written = self._library.snd_pcm_writei(self._pcm, pcm, ctypes.c_ulong(len(pcm) // BYTES_PER_SAMPLE))
        if written == -errno.EAGAIN:
            return Samples(0)
        self._check(written)
        return Samples(written)

    def prepare(self) -> None:
        """Be ready to be filled and started again."""
        self._check(self._library.snd_pcm_prepare(self._pcm))

    def drop(self) -> None:
        """Fall silent at once and forget what it holds; it must be prepared then."""
        self._check(self._library.snd_pcm_drop(self._pcm))

    def close(self) -> None:
        """Let the card go, dropping what it holds. Harmless when it is closed."""
        pcm, self._pcm = self._pcm, ctypes.c_void_p()
        if pcm:
            self._library.snd_pcm_close(pcm)

    def _open(self, name: str, rate: Hz, is_converted: bool) -> None:
        self._check(self._library.snd_pcm_open(ctypes.byref(self._pcm), name.encode(), _PLAYBACK, _NONBLOCK))
        try:
            self._agree(rate, is_converted)
            self._start_when_told()
        except OSError:
            self.close()
            raise

    def _agree(self, rate: Hz, is_converted: bool) -> None:
        library, pcm, params = self._library, self._pcm, _Params("hw")
        self._buffer.value = samples_from_ms(BUFFER_MS, rate)
        self._period.value = samples_from_ms(PERIOD_MS, rate)
        with params as chosen:
            self._check(library.snd_pcm_hw_params_any(pcm, chosen))
            if is_converted:
                self._check(library.snd_pcm_hw_params_set_rate_resample(pcm, chosen, 0))
            self._check(library.snd_pcm_hw_params_set_access(pcm, chosen, _RW_INTERLEAVED))
            self._check(library.snd_pcm_hw_params_set_format(pcm, chosen, _S16_LE))
            self._check(library.snd_pcm_hw_params_set_channels(pcm, chosen, 1))
            self._check(library.snd_pcm_hw_params_set_rate(pcm, chosen, rate, 0))
            period, buffer = ctypes.byref(self._period), ctypes.byref(self._buffer)
            self._check(library.snd_pcm_hw_params_set_period_size_near(pcm, chosen, period, None))
            self._check(library.snd_pcm_hw_params_set_buffer_size_near(pcm, chosen, buffer))
            self._check(library.snd_pcm_hw_params(pcm, chosen))

    def _start_when_told(self) -> None:
        with _Params("sw") as chosen:
            self._check(self._library.snd_pcm_sw_params_current(self._pcm, chosen))
            never = ctypes.c_ulong(2**31 - 1)
            self._check(self._library.snd_pcm_sw_params_set_start_threshold(self._pcm, chosen, never))
            self._check(self._library.snd_pcm_sw_params(self._pcm, chosen))

    def _check(self, result: int) -> None:
        if result >= 0:
            return
        reason = self._library.snd_strerror(result).decode(errors="replace")
        raise (DryError if -result in _DRY else OSError)(-result, reason)


class _Params:
    """Room for ALSA's hardware ("hw") or software ("sw") parameters, in a `with` block."""

    def __init__(self, kind: str) -> None:
        self._free = getattr(_library(), f"snd_pcm_{kind}_params_free")
        self._room = ctypes.c_void_p()
        getattr(_library(), f"snd_pcm_{kind}_params_malloc")(ctypes.byref(self._room))

    def __enter__(self) -> ctypes.c_void_p:
        return self._room

    def __exit__(self, *error: object) -> None:
        self._free(self._room)


@functools.cache
def _library() -> ctypes.CDLL:
    """Raise OSError when there is none."""
    library = ctypes.CDLL(LIBRARY)
    library.snd_strerror.restype = ctypes.c_char_p
    library.snd_pcm_writei.restype = ctypes.c_long
    return library
