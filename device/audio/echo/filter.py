"""A linear echo canceller in front of WebRTC's: its own filter reaches back 52 ms only, and no room is that short.

What its filter leaves, WebRTC's module takes away by making the sound quieter in places, and a person's words with it.
With the rest of the room cancelled here, there is little left to take away (`tests/bench/bench_echo.py`).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from device.audio.echo.slip import SlipSearch
from device.audio.resample import FloatArray
from device.units import CAPTURE_RATE, samples_from_ms

BLOCK = samples_from_ms(10, CAPTURE_RATE)
# 400 ms: the longest delay (150 ms) and what follows within 250 ms, in which a living room (60 dB in 0.5 s) falls by
# 30 dB.
PARTS = 40
_BINS = BLOCK + 1
# How sure the filter is of what it has learned, and what it thinks of a room it does not know. Found by trials, and not
# sharp: with half or twice of any of these, 1 dB less is cancelled at most from the 4th to the 16th second.
_FORGETTING = 0.9995**2
_UNKNOWN = 0.004
_FADE_FROM, _FADE_DB = 16, 0.4
_NOISE_MEMORY = 0.9
# Of the parts, so many are kept to their length in each turn: all in each would cost a third more for 1 dB.
_KEPT_IN_SHAPE = 20
# What is left is coherent with what was taken away (over some 250 ms) when the echo has changed, by the volume or by a
# slip of a stream; a person's voice, and what is left in a room that was learned, are not (up to 0.36 in 99 of 100
# blocks, 0.1 in most). Then it unlearns, quicker by this than by forgetting.
_RECENT = 0.93
_COHERENT = 0.25
_UNLEARNING = 0.5
# More comes out than went in: the echo is elsewhere, and to begin anew is quicker. Not before it has learned for a
# second, nor of what is hardly to be heard (-60 dBFS).
_LOST_RATIO = 1.25
# The same, of an echo that was looked for and not found.
_VAIN_RATIO = 0.7
_LEARNED_BLOCKS = 100
_FAINT = BLOCK * 1e-6
# Of what it knew, after the echo has moved: nothing where it was not found; where it was, all but the part of a sample.
_MOVED, _FOUND = 2.0, 0.03
# In blocks that are to be heard: for so long after it has moved, or was found, it may not be cancelled well.
_DOUBTFUL, _DOUBTFUL_WHEN_FOUND = 150, 20
# What no linear filter can cancel, of what this one does: the loudspeaker's distortion.
_DISTORTED = 0.01
# What was played is heard for a while yet.
_FADING = 0.7
_LEAST = 1e-9


class EchoFilter:
    """Learns the way from the loudspeaker to the microphone, for ever and while somebody speaks, too.

    A Kalman filter in the frequency domain, partitioned into blocks of 10 ms (Enzner and Vary 2006; Kuech, Mabande and
    Enzner 2014): it weighs each step by how sure it is of each coefficient, so nothing has to tell it who speaks. No
    delay. Sound is mono at CAPTURE_RATE, 1.0 = full scale. Costs 0.8 % of an x86 core.
    """

    def __init__(self) -> None:
        shape = (PARTS, _BINS)
        self._path = np.zeros(shape, np.complex64)
        self._doubt = np.zeros(shape, np.float32)
        # Two copies one after the other, of which a window moves: nothing is shifted.
        self._played = np.zeros((2 * PARTS, _BINS), np.complex64)
        self._played_power = np.zeros((2 * PARTS, _BINS), np.float32)
        self._newest = PARTS
        self._last = np.zeros(2 * BLOCK, np.float32)
        self._error = np.zeros(2 * BLOCK, np.float32)
        self._noise = np.empty(_BINS, np.float32)
        self._work = np.zeros(shape, np.complex64)
        self._weight = np.zeros(shape, np.float32)
        self._turn = 0
        self.restarts = 0
        """How often it has lost the echo and begun anew."""
        self.near_ratio = 0.0
        """Of the newest block: the power of what was left, over what is expected to be left of an echo."""
        self._expected = 0.0
        self._search: SlipSearch | None = None
        self._known = self._doubt
        self._doubtful = 0
        self._has_learned = False
        self._restart()

    @property
    def is_doubtful(self) -> bool:
        """Whether much of the echo may be left, because it has moved or was lost not long ago."""
        return self._doubtful > 0

    def process(self, near: FloatArray, far: FloatArray) -> FloatArray:
        """Take what was captured in 10 ms and what was played in them; return what is left."""
        played, power = self._take(far)
        np.multiply(played, self._path, out=self._work)
        echo = self._work.sum(axis=0)
        expected = np.asarray(np.fft.irfft(echo, 2 * BLOCK)[BLOCK:], np.float32)
        left = near - expected
        self._error[BLOCK:] = left
        error = np.fft.rfft(self._error).astype(np.complex64)
        self._recent.see(float(near @ near), float(left @ left), error, echo)
        self._learn(error, played, power, float(np.vdot(echo, echo).real))
        self._has_learned |= self._recent.has_learned
        self._doubtful = max(0, self._doubtful - (float(far @ far) > _FAINT))
        if self._search is not None:
            self._look_for_it(self._search, near, expected)
        elif self._recent.is_lost:
            self._begin_anew()
        return left

    def doubt(self) -> None:
        """What was captured and what was played have slipped against each other, nobody knows by how much.

        It learns nothing until it has found the echo again, or given up.
        """
        if not self._has_learned:
            return
        self._doubtful = _DOUBTFUL
        if self._search is None:
            self._known = self._doubt.copy()
            self._unlearn(_MOVED)
        self._search = SlipSearch()

    def shift(self, samples: int) -> None:
        """From now on the echo comes so much later (less than 0: earlier) after what `process` is given as played."""
        response = np.fft.irfft(self._path, 2 * BLOCK, axis=1)[:, :BLOCK].ravel()
        shifted = np.zeros_like(response)
        if samples >= 0:
            shifted[samples:] = response[: len(response) - samples]
        else:
            shifted[:samples] = response[-samples:]
        padded = np.zeros((PARTS, 2 * BLOCK))
        padded[:, :BLOCK] = shifted.reshape(PARTS, BLOCK)
        self._path[:] = np.fft.rfft(padded, axis=1)

    def forget_played(self) -> None:
        """The stream was interrupted: what was played before has no echo in what comes."""
        self._played[:] = 0
        self._played_power[:] = 0
        self._last[:] = 0

    def _look_for_it(self, search: SlipSearch, near: FloatArray, expected: FloatArray) -> None:
        found = search.see(near, expected)
        if found is not None:
            self.shift(found)
            self._doubt = self._known
            self._unlearn(_FOUND)
            self._doubtful = _DOUBTFUL_WHEN_FOUND
            self._search, self._recent = None, _Recent()
        elif search.is_over:
            self._search = None
            if self._recent.is_in_vain:
                self._begin_anew()

    def _begin_anew(self) -> None:
        self.restarts += 1
        self._restart()
        self._doubtful = _DOUBTFUL

    def _unlearn(self, share: float) -> None:
        self._doubt += share * (np.square(self._path.real) + np.square(self._path.imag))

    def _take(self, far: FloatArray) -> tuple[npt.NDArray[np.complex64], FloatArray]:
        """Return the spectra of what was played, newest first, and their power."""
        self._last[:BLOCK] = self._last[BLOCK:]
        self._last[BLOCK:] = far
        spectrum = np.fft.rfft(self._last)
        self._newest = (self._newest - 1) % PARTS
        for row in (self._newest, self._newest + PARTS):
            self._played[row] = spectrum
            self._played_power[row] = np.square(spectrum.real) + np.square(spectrum.imag)
        window = slice(self._newest, self._newest + PARTS)
        return self._played[window], self._played_power[window]

    def _learn(
        self, error: npt.NDArray[np.complex64], played: npt.NDArray[np.complex64], power: FloatArray, echo_power: float
    ) -> None:
        error_power = np.square(error.real) + np.square(error.imag)
        self._noise *= _NOISE_MEMORY
        self._noise += (1 - _NOISE_MEMORY) * error_power
        weight = self._weight
        np.multiply(self._doubt, power, out=weight)
        uncertain = weight.sum(axis=0)
        self._note_expected(float(error_power.sum()), float(uncertain.sum()) + _DISTORTED * echo_power)
        if self._search is not None:
            return
        np.divide(self._doubt, 0.5 * uncertain + self._noise + _LEAST, out=weight)
        np.conjugate(played, out=self._work)
        self._work *= weight
        self._work *= error
        self._path += self._work
        weight *= power
        self._grow_sure(weight)
        self._keep_in_shape()

    def _grow_sure(self, gained: FloatArray) -> None:
        forgotten = 1 - _FORGETTING + _UNLEARNING * max(0.0, self._recent.coherence - _COHERENT)
        gained *= -0.5 * _FORGETTING
        gained += _FORGETTING
        self._doubt *= gained
        np.square(self._path.real, out=gained)
        gained *= forgotten
        self._doubt += gained
        np.square(self._path.imag, out=gained)
        gained *= forgotten
        self._doubt += gained

    def _keep_in_shape(self) -> None:
        """Each part answers for 10 ms only; what it learned of the next 10 is the work of the next."""
        parts = slice(self._turn, self._turn + _KEPT_IN_SHAPE)
        self._turn = (self._turn + _KEPT_IN_SHAPE) % PARTS
        response = np.fft.irfft(self._path[parts], 2 * BLOCK, axis=1)
        response[:, BLOCK:] = 0
        self._path[parts] = np.fft.rfft(response, axis=1)

    def _note_expected(self, left: float, expected: float) -> None:
        self._expected = max(expected, _FADING * self._expected, _LEAST)
        self.near_ratio = left / self._expected

    def _restart(self) -> None:
        fade = _FADE_DB * np.maximum(0, np.arange(PARTS) - _FADE_FROM)
        self._path[:] = 0
        self._noise[:] = 1e-6
        self._expected = 0.0
        self._doubt[:] = (_UNKNOWN * 10 ** (-fade / 10))[:, np.newaxis]
        self._recent = _Recent()
        self._has_learned = False


class _Recent:
    """What came of the newest blocks: whether the echo is where the filter thinks it is."""

    def __init__(self) -> None:
        self._came_in = self._went_out = 0.0
        self._learned = 0
        self._error_power = np.zeros(_BINS)
        self._echo_power = np.zeros(_BINS)
        self._both = np.zeros(_BINS, np.complex128)
        self.coherence = 0.0

    def see(
        self, came_in: float, went_out: float, error: npt.NDArray[np.complex64], echo: npt.NDArray[np.complex64]
    ) -> None:
        """Take the energies of a block, and the spectra of what was left and what was taken away."""
        self._learned += came_in > _FAINT
        self._came_in = _RECENT * self._came_in + came_in
        self._went_out = _RECENT * self._went_out + went_out
        self._both = _RECENT * self._both + error * np.conjugate(echo)
        self._error_power = _RECENT * self._error_power + np.square(np.abs(error))
        self._echo_power = _RECENT * self._echo_power + np.square(np.abs(echo))
        whole = float(self._error_power @ self._echo_power)
        heard = self._went_out > _FAINT / (1 - _RECENT)
        self.coherence = float(np.vdot(self._both, self._both).real) / whole if heard and whole else 0.0

    @property
    def has_learned(self) -> bool:
        """Whether it has heard enough to know a room."""
        return self._learned > _LEARNED_BLOCKS

    @property
    def is_in_vain(self) -> bool:
        """Whether hardly anything is taken away."""
        return self._went_out > _VAIN_RATIO * self._came_in + _FAINT / (1 - _RECENT)

    @property
    def is_lost(self) -> bool:
        """Whether the filter does harm. What is not a number is no echo, either."""
        limit = _LOST_RATIO * self._came_in + _FAINT / (1 - _RECENT)
        return (self.has_learned and self._went_out > limit) or not math.isfinite(self._went_out)


# In dB: below the first all is echo, above the second all is a person (in rooms of all kinds, what is left of an echo
# was 9 dB under to 3 dB over what the filter expects, and a person's voice 10 to 35 dB over it).
_ECHO_DB, _PERSON_DB = 3.0, 10.0
# At once, and slowly: words end softly.
_QUICKER, _SLOWER = 0.7, 0.2
# Of what WebRTC's module leaves where there is only echo; of the filter's sound where a person speaks, since the module
# takes some of the words away.
_ECHO_GAIN = 0.3
# The same while much of the echo may be left: no server shall take it for a person.
_DOUBTFUL_GAIN = 0.1
_FILTERED_SHARE = 0.3


class Balance:
    """Puts together what is left after the filter and after WebRTC's module, by whether a person speaks."""

    def __init__(self) -> None:
        # Until it is known better, everything passes.
        self._person = 1.0
        self._least = _ECHO_GAIN

    def mix(
        self, filtered: FloatArray, suppressed: FloatArray, near_ratio: float, doubtful: bool = False
    ) -> FloatArray:
        """Return a block of the two; `near_ratio` and whether it is `doubtful` are those of EchoFilter."""
        db = 10 * math.log10(max(near_ratio, _LEAST))
        person = min(1.0, max(0.0, (db - _ECHO_DB) / (_PERSON_DB - _ECHO_DB)))
        before = self._person
        self._person += (person - before) * (_QUICKER if person > before else _SLOWER)
        ramp = np.linspace(before, self._person, len(filtered), dtype=np.float32)
        share = _FILTERED_SHARE * ramp
        self._least += ((_DOUBTFUL_GAIN if doubtful else _ECHO_GAIN) - self._least) * _QUICKER
        gain = (self._least + (1 - self._least) * ramp) * (1 - share)
        return np.asarray(share * filtered + gain * suppressed, np.float32)
