"""An adaptive linear echo canceller, which runs before WebRTC's audio processing module (AEC3).

AEC3's own linear filter is 52 ms long, which is shorter than the reverberation of any room. It removes the rest of the
echo by suppression, which also attenuates the words of a person who speaks at the same time (double talk). This filter
is 400 ms long and leaves little to suppress (`tests/bench/bench_echo.py`).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from device.audio.echo.slip import SlipSearch
from device.audio.resample import FloatArray
from device.units import CAPTURE_RATE, samples_from_ms

BLOCK = samples_from_ms(10, CAPTURE_RATE)
# Partitions of 10 ms, 400 ms in all: the longest delay (150 ms), and 250 ms of reverberation, in which the sound in a
# living room (RT60 of 0.5 s) falls by 30 dB.
PARTITIONS = 40
_BINS = BLOCK + 1
# The parameters of the Kalman filter: the transition factor of the echo path, squared (1: the path never changes); the
# initial error covariance, which falls by _FADE_DB with each partition from _FADE_FROM on; the smoothing of the noise
# power. Found by trials, and not critical: with half or twice of any, the ERLE from the 4th to the 16th second falls by
# 1 dB at most.
_TRANSITION = 0.9995**2
_INITIAL_COVARIANCE = 0.004
_FADE_FROM, _FADE_DB = 16, 0.4
_NOISE_SMOOTHING = 0.9
# Partitions that the gradient constraint is applied to in each block: all would cost a third more, for 1 dB of ERLE.
_CONSTRAINED = 20
# The error (what is left) is coherent with the estimated echo, over some 250 ms, when the echo path has changed: the
# volume was changed, or a stream has slipped. A person's voice is not, nor what is left after convergence (coherence of
# up to 0.36 in 99 of 100 blocks, 0.1 in most). Above _COHERENT the error covariance is raised, so the filter adapts
# faster.
_SMOOTHING = 0.93
_COHERENT = 0.25
_COVARIANCE_PER_COHERENCE = 0.5
# When the error has this many times the power of the captured sound, the estimate does harm, and starting again from
# zero is faster. Only after a second of adaptation, and only if the error is above -60 dBFS.
_DIVERGED_RATIO = 1.25
# The same limit after an echo was searched for and not found.
_USELESS_RATIO = 0.7
_ADAPTED_BLOCKS = 100
_FAINT = BLOCK * 1e-6
# How far the error covariance is raised, relative to the squared coefficients: after a slip (they may be wrong by all),
# and after the slip was found (they are shifted by whole samples, so only a fraction of a sample is wrong).
_AFTER_SLIP, _AFTER_SEARCH = 2.0, 0.03
# Blocks with far-end sound, after a slip and after it was found, in which the echo may not be cancelled well.
_DOUBTFUL_BLOCKS, _DOUBTFUL_BLOCKS_WHEN_FOUND = 150, 20
# Power of the loudspeaker's distortion, relative to the estimated echo: no linear filter can cancel it.
_DISTORTION = 0.01
# The expected residual echo falls by this factor per block at most: the room reverberates.
_DECAY = 0.7
# Avoids division by zero.
_TINY = 1e-9


class EchoFilter:
    """Estimates the echo path from loudspeaker to microphone, and subtracts the estimated echo.

    A Kalman filter in the frequency domain, partitioned into blocks of 10 ms (Enzner and Vary 2006; Kuech, Mabande and
    Enzner 2014). Its step size follows from the error covariance of each coefficient, so it adapts all the time, also
    in double talk, and needs no double-talk detector. It adds no delay. Sound is mono at CAPTURE_RATE, 1.0 = full
    scale. Costs 0.8 % of an x86 core.
    """

    def __init__(self) -> None:
        shape = (PARTITIONS, _BINS)
        self._coefficients = np.zeros(shape, np.complex64)
        self._covariance = np.zeros(shape, np.float32)
        # Far-end spectra, stored twice, one copy behind the other: the newest PARTITIONS always lie side by side.
        self._far = np.zeros((2 * PARTITIONS, _BINS), np.complex64)
        self._far_power = np.zeros((2 * PARTITIONS, _BINS), np.float32)
        self._newest = PARTITIONS
        self._last = np.zeros(2 * BLOCK, np.float32)
        self._error = np.zeros(2 * BLOCK, np.float32)
        self._noise = np.empty(_BINS, np.float32)
        self._work = np.zeros(shape, np.complex64)
        self._gain = np.zeros(shape, np.float32)
        self._first_constrained = 0
        self.restarts = 0
        """How often the filter has diverged and started again."""
        self.near_ratio = 0.0
        """Power of the newest block's error, relative to the residual echo that is expected in it."""
        self._expected = 0.0
        self._search: SlipSearch | None = None
        self._covariance_before_slip = self._covariance
        self._doubtful_blocks = 0
        self._has_adapted = False
        self._restart()

    @property
    def is_doubtful(self) -> bool:
        """Whether much of the echo may be left, because a stream has slipped or the filter has diverged recently."""
        return self._doubtful_blocks > 0

    def process(self, near: FloatArray, far: FloatArray) -> FloatArray:
        """Return the 10 ms captured (`near`) without the echo of the 10 ms played at the same time (`far`)."""
        spectra, power = self._add_far(far)
        np.multiply(spectra, self._coefficients, out=self._work)
        echo = self._work.sum(axis=0)
        estimated = np.asarray(np.fft.irfft(echo, 2 * BLOCK)[BLOCK:], np.float32)
        left = near - estimated
        self._error[BLOCK:] = left
        error = np.fft.rfft(self._error).astype(np.complex64)
        self._convergence.update(float(near @ near), float(left @ left), error, echo)
        self._adapt(error, spectra, power, float(np.vdot(echo, echo).real))
        self._has_adapted |= self._convergence.has_adapted
        self._doubtful_blocks = max(0, self._doubtful_blocks - (float(far @ far) > _FAINT))
        if self._search is not None:
            self._continue_search(self._search, near, estimated)
        elif self._convergence.has_diverged:
            self._start_again()
        return left

    def search_slip(self) -> None:
        """Search for the echo: near and far end have slipped against each other by an unknown time.

        The filter does not adapt until it has found the echo or given up.
        """
        if not self._has_adapted:
            return
        self._doubtful_blocks = _DOUBTFUL_BLOCKS
        if self._search is None:
            self._covariance_before_slip = self._covariance.copy()
            self._raise_covariance(_AFTER_SLIP)
        self._search = SlipSearch()

    def shift(self, samples: int) -> None:
        """Shift the impulse response: from now on the echo comes this much later (negative: earlier) after `far`."""
        response = np.fft.irfft(self._coefficients, 2 * BLOCK, axis=1)[:, :BLOCK].ravel()
        shifted = np.zeros_like(response)
        if samples >= 0:
            shifted[samples:] = response[: len(response) - samples]
        else:
            shifted[:samples] = response[-samples:]
        padded = np.zeros((PARTITIONS, 2 * BLOCK))
        padded[:, :BLOCK] = shifted.reshape(PARTITIONS, BLOCK)
        self._coefficients[:] = np.fft.rfft(padded, axis=1)

    def forget_far_end(self) -> None:
        """Forget the far end, because the captured stream was interrupted: what follows has no echo of it."""
        self._far[:] = 0
        self._far_power[:] = 0
        self._last[:] = 0

    def _continue_search(self, search: SlipSearch, near: FloatArray, estimated: FloatArray) -> None:
        found = search.update(near, estimated)
        if found is not None:
            self.shift(found)
            self._covariance = self._covariance_before_slip
            self._raise_covariance(_AFTER_SEARCH)
            self._doubtful_blocks = _DOUBTFUL_BLOCKS_WHEN_FOUND
            self._search, self._convergence = None, _Convergence()
        elif search.is_over:
            self._search = None
            if self._convergence.is_useless:
                self._start_again()

    def _start_again(self) -> None:
        self.restarts += 1
        self._restart()
        self._doubtful_blocks = _DOUBTFUL_BLOCKS

    def _raise_covariance(self, share: float) -> None:
        self._covariance += share * (np.square(self._coefficients.real) + np.square(self._coefficients.imag))

    def _add_far(self, far: FloatArray) -> tuple[npt.NDArray[np.complex64], FloatArray]:
        """Return the far-end spectra, newest first, and their power."""
        self._last[:BLOCK] = self._last[BLOCK:]
        self._last[BLOCK:] = far
        spectrum = np.fft.rfft(self._last)
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        self._newest = (self._newest - 1) % PARTITIONS
        for row in (self._newest, self._newest + PARTITIONS):
            self._far[row] = spectrum
            self._far_power[row] = power
        window = slice(self._newest, self._newest + PARTITIONS)
        return self._far[window], self._far_power[window]

    def _adapt(
        self, error: npt.NDArray[np.complex64], far: npt.NDArray[np.complex64], power: FloatArray, echo_power: float
    ) -> None:
        error_power = np.square(error.real) + np.square(error.imag)
        self._noise *= _NOISE_SMOOTHING
        self._noise += (1 - _NOISE_SMOOTHING) * error_power
        gain = self._gain
        np.multiply(self._covariance, power, out=gain)
        uncertainty = gain.sum(axis=0)
        self._update_near_ratio(float(error_power.sum()), float(uncertainty.sum()) + _DISTORTION * echo_power)
        if self._search is not None:
            return
        np.divide(self._covariance, 0.5 * uncertainty + self._noise + _TINY, out=gain)
        np.conjugate(far, out=self._work)
        self._work *= gain
        self._work *= error
        self._coefficients += self._work
        gain *= power
        self._update_covariance(gain)
        self._constrain()

    def _update_covariance(self, step: FloatArray) -> None:
        """`step`: the step size of each coefficient, 0 to 1; overwritten."""
        process_noise = 1 - _TRANSITION + _COVARIANCE_PER_COHERENCE * max(0.0, self._convergence.coherence - _COHERENT)
        step *= -0.5 * _TRANSITION
        step += _TRANSITION
        self._covariance *= step
        for part in (self._coefficients.real, self._coefficients.imag):
            np.square(part, out=step)
            step *= process_noise
            self._covariance += step

    def _constrain(self) -> None:
        """Apply the gradient constraint: the impulse response of each partition is only 10 ms long."""
        partitions = slice(self._first_constrained, self._first_constrained + _CONSTRAINED)
        self._first_constrained = (self._first_constrained + _CONSTRAINED) % PARTITIONS
        response = np.fft.irfft(self._coefficients[partitions], 2 * BLOCK, axis=1)
        response[:, BLOCK:] = 0
        self._coefficients[partitions] = np.fft.rfft(response, axis=1)

    def _update_near_ratio(self, error_power: float, expected: float) -> None:
        self._expected = max(expected, _DECAY * self._expected, _TINY)
        self.near_ratio = error_power / self._expected

    def _restart(self) -> None:
        fade = _FADE_DB * np.maximum(0, np.arange(PARTITIONS) - _FADE_FROM)
        self._coefficients[:] = 0
        self._noise[:] = 1e-6
        self._expected = 0.0
        self._covariance[:] = (_INITIAL_COVARIANCE * 10 ** (-fade / 10))[:, np.newaxis]
        self._convergence = _Convergence()
        self._has_adapted = False


class _Convergence:
    """Tells from the newest blocks whether the estimated echo is right."""

    def __init__(self) -> None:
        self._near_energy = self._error_energy = 0.0
        self._adapted_blocks = 0
        self._error_power = np.zeros(_BINS)
        self._echo_power = np.zeros(_BINS)
        self._cross_power = np.zeros(_BINS, np.complex128)
        self.coherence = 0.0
        """Of error and estimated echo, 0 to 1."""

    def update(
        self,
        near_energy: float,
        error_energy: float,
        error: npt.NDArray[np.complex64],
        echo: npt.NDArray[np.complex64],
    ) -> None:
        """Add a block: the energies of the captured sound and of the error, the spectra of error and estimated echo."""
        self._adapted_blocks += near_energy > _FAINT
        self._near_energy = _SMOOTHING * self._near_energy + near_energy
        self._error_energy = _SMOOTHING * self._error_energy + error_energy
        self._cross_power = _SMOOTHING * self._cross_power + error * np.conjugate(echo)
        self._error_power = _SMOOTHING * self._error_power + np.square(np.abs(error))
        self._echo_power = _SMOOTHING * self._echo_power + np.square(np.abs(echo))
        whole = float(self._error_power @ self._echo_power)
        is_audible = self._error_energy > _FAINT / (1 - _SMOOTHING)
        self.coherence = (
            float(np.vdot(self._cross_power, self._cross_power).real) / whole if is_audible and whole else 0.0
        )

    @property
    def has_adapted(self) -> bool:
        """Whether the filter has heard enough sound to have converged."""
        return self._adapted_blocks > _ADAPTED_BLOCKS

    @property
    def is_useless(self) -> bool:
        """Whether the filter removes hardly anything."""
        return self._error_energy > _USELESS_RATIO * self._near_energy + _FAINT / (1 - _SMOOTHING)

    @property
    def has_diverged(self) -> bool:
        """Whether the filter adds sound instead of removing it, or its output is not a number."""
        limit = _DIVERGED_RATIO * self._near_energy + _FAINT / (1 - _SMOOTHING)
        return (self.has_adapted and self._error_energy > limit) or not math.isfinite(self._error_energy)


# Limits of `near_ratio` in dB: below the first there is only residual echo, above the second a person speaks. In rooms
# of all kinds the residual echo was from 9 dB below to 3 dB above the expected one, a person's voice 10 to 35 dB above.
_ECHO_DB, _PERSON_DB = 3.0, 10.0
# Shares of the way to the new value in each block: fast when a person begins, slow at the end: words end softly.
_ATTACK, _RELEASE = 0.7, 0.2
# Gain for the output of WebRTC's module where there is only echo.
_ECHO_GAIN = 0.3
# The same while much of the echo may be left, so that the provider's server does not take it for a person.
_DOUBTFUL_GAIN = 0.1
# Share of the filter's output where a person speaks: the module has suppressed some of the words.
_FILTERED_SHARE = 0.3
# The way from 0 to 1 in a block.
_RAMP = np.linspace(0, 1, BLOCK, dtype=np.float32)


def follow(share: float, wanted: float) -> float:
    """Return how far a share (0 to 1) of a person comes in a block on its way to the wanted one."""
    return share + (wanted - share) * (_ATTACK if wanted > share else _RELEASE)


def ramp(since: float, until: float) -> FloatArray:
    """Return, for each sample of a block, a share that goes from `since` to `until`."""
    return np.asarray(np.float32(since) + np.float32(until - since) * _RAMP, np.float32)


class Balance:
    """Mixes the output of the filter with the output of WebRTC's module, by whether a person speaks."""

    def __init__(self) -> None:
        # Everything passes until the first block was judged.
        self._person = 1.0
        self._echo_gain = _ECHO_GAIN

    def mix(
        self, filtered: FloatArray, suppressed: FloatArray, near_ratio: float, doubtful: bool = False
    ) -> FloatArray:
        """Return a block mixed from both; `near_ratio` and `doubtful` are those of EchoFilter."""
        db = 10 * math.log10(max(near_ratio, _TINY))
        person = min(1.0, max(0.0, (db - _ECHO_DB) / (_PERSON_DB - _ECHO_DB)))
        before = self._person
        self._person = follow(before, person)
        way = ramp(before, self._person)
        share = _FILTERED_SHARE * way
        self._echo_gain += ((_DOUBTFUL_GAIN if doubtful else _ECHO_GAIN) - self._echo_gain) * _ATTACK
        gain = (self._echo_gain + (1 - self._echo_gain) * way) * (1 - share)
        return np.asarray(share * filtered + gain * suppressed, np.float32)
