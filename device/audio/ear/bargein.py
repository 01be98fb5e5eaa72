"""Tells a person who speaks over the answer from what the echo canceller left of the answer. Pure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from device.audio.ear.vad import Vad
from device.audio.echo.canceller import WARM_UP, EchoLevels
from device.audio.echo.loudness import PlayedLevel, Quantile
from device.audio.frames import AudioFrame, level_dbfs
from device.units import Ms


@dataclass(frozen=True, slots=True, kw_only=True)
class BargeInSettings:
    """What counts as a person; numbers from trials in simulated rooms (tests/bench/bench_echo.py).

    A new canceller may leave the whole echo for a moment: during its `warm_up` a person must be `over_echo_db` louder
    than the echo before cancellation. Later it attenuates the echo by 25 dB at least, and a person must only be louder
    than `below_echo_db` under the echo, and `over_left_db` louder than nearly all residual echo so far. After the echo
    has moved the first rule holds again. Nothing under `floor_dbfs` is a person.
    """

    warm_up: Ms = WARM_UP
    over_echo_db: float = 4.0
    below_echo_db: float = 20.0
    over_left_db: float = 6.0
    floor_dbfs: float = -55.0


# Most echoes have arrived by then; a longer one is taken for a person more often, and a person for one less often.
_HELD = Ms(250)
# Before a little was learned of the echo nobody can be recognised.
_LEARNING = Ms(500)
# With the echo a canceller suppresses the room's own noise by 10 dB. When that comes back in a pause of the answer,
# webrtcvad was seen to take it for a voice until it had adapted to it.
_GETTING_USED_TO_NOISE = Ms(3_000)


class ResidualEcho:
    """Learns how loud the echo of what is played is, before and after cancellation; fed every 10 ms."""

    def __init__(self, settings: BargeInSettings) -> None:
        self._settings = settings
        self._played = PlayedLevel(_HELD)
        self._came_in = Quantile(0.8)
        self._left = Quantile(0.95)

    def hear(self, played: float) -> None:
        """Note the level (dBFS) of what was played in the newest 10 ms."""
        self._played.hear(played)

    def learn(self, captured: float, left: float, trained: Ms, doubtful: bool = False) -> None:
        """Nobody spoke: all that was `captured`, and of that `left`, was echo or noise."""
        if self._played.teaches(trained):
            self._came_in.see(captured - self._played.dbfs)
            if not doubtful:
                self._left.see(left - self._played.dbfs)

    def threshold(self, trained: Ms, doubtful: bool = False) -> float:
        """Return the level (dBFS) above which it is a person; infinite while too little is known to tell."""
        came_in, left = self._came_in.level, self._left.level
        if came_in is None or trained < _LEARNING:
            return math.inf
        settings, echo = self._settings, self._played.dbfs + came_in
        if doubtful or left is None or trained < settings.warm_up:
            return max(settings.floor_dbfs, echo + settings.over_echo_db)
        left_too = self._played.dbfs + left + settings.over_left_db
        return max(settings.floor_dbfs, echo - settings.below_echo_db, left_too)


class BargeInVad:
    """A Vad in front of the segmenter. While an echo is cancelled, only what is louder than its residue is a voice.

    `levels` gives the canceller's newest levels; they are those of the frame asked about.
    """

    def __init__(
        self, vad: Vad, levels: Callable[[], Sequence[EchoLevels]], settings: BargeInSettings | None = None
    ) -> None:
        self._vad = vad
        self._levels = levels
        self._settings = settings or BargeInSettings()
        self._echo = ResidualEcho(self._settings)
        self._trained = Ms(0)
        self._passing = _GETTING_USED_TO_NOISE

    def is_voice(self, frame: AudioFrame) -> bool:
        """Return whether `frame` holds a person's voice."""
        voiced = self._vad.is_voice(frame)
        levels = self._levels()[-int(frame.ms // 10) :]
        if not levels:
            return voiced and self._is_no_noise(frame)
        self._passing = Ms(0)
        self._begin_anew_with(levels[-1].trained)
        for ten_ms in levels:
            self._echo.hear(ten_ms.played)
        left, captured, doubtful = _of_frame(levels)
        spoken = voiced and left > self._echo.threshold(levels[-1].trained, doubtful)
        if not spoken:
            self._echo.learn(captured, left, levels[-1].trained, doubtful)
        return spoken

    def _is_no_noise(self, frame: AudioFrame) -> bool:
        """Whether it is louder than noise to which the detector may not have adapted, now that nothing is cancelled."""
        self._passing = Ms(self._passing + frame.ms)
        return self._passing > _GETTING_USED_TO_NOISE or level_dbfs(frame.pcm) > self._settings.floor_dbfs

    def _begin_anew_with(self, trained: Ms) -> None:
        """Forget how loud the echo was when the canceller has begun to train anew."""
        if trained < self._trained:
            self._echo = ResidualEcho(self._settings)
        self._trained = trained


def _of_frame(levels: Sequence[EchoLevels]) -> tuple[float, float, bool]:
    """Return what was left, what was captured, and whether that is doubtful."""
    left = mean_dbfs([ten_ms.left for ten_ms in levels])
    captured = mean_dbfs([ten_ms.captured for ten_ms in levels])
    doubtful = any(ten_ms.doubtful for ten_ms in levels)
    # A canceller that is out of step adds a second echo to the first.
    return min(left, captured) if doubtful else left, captured, doubtful


# Of the newest 400 ms a voice takes up 300, and goes on. Commands were confirmed 365 ms after their onset at the median
# (with the sound card), and 96 % of them at all: the others are one short word. Of noises of 200 ms none pass (a cough,
# "mhm", knocks), of a hum of 300 ms 16 %, of a cough of 400 ms 42 % (tests/bench/bench_echo.py).
CONFIRMING_FRAMES = 20
CONFIRMING_VOICED = 15
GOES_ON_FRAMES = 3


class ConfirmingVad:
    """A Vad in front of the segmenter that says when a voice has gone on for long enough to be meant.

    Counted over single frames (of 20 ms), because the segmenter takes a pause to know that a voice is over.
    """

    def __init__(self, vad: Vad, on_confirmed: Callable[[], None]) -> None:
        self._vad = vad
        self._on_confirmed = on_confirmed
        self._voiced: deque[bool] = deque(maxlen=CONFIRMING_FRAMES)
        self._confirmed = False

    def is_voice(self, frame: AudioFrame) -> bool:
        """Return whether `frame` holds a person's voice."""
        voiced = self._vad.is_voice(frame)
        self._voiced.append(voiced)
        was, self._confirmed = self._confirmed, self._goes_on()
        if self._confirmed and not was:
            self._on_confirmed()
        return voiced

    def _goes_on(self) -> bool:
        newest = list(self._voiced)[-GOES_ON_FRAMES:]
        return all(newest) and sum(self._voiced) >= CONFIRMING_VOICED


def mean_dbfs(levels: Sequence[float]) -> float:
    """Return the level of sound whose parts, equally long, have these."""
    return 10 * math.log10(sum(10 ** (level / 10) for level in levels) / len(levels))
