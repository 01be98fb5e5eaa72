"""What moves the lights: by the event loop's timers where a write never waits, else in a thread of their own.

Either way nothing wakes up for lights that stand still, and 25 times a second at most for lights that move.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from device.core.indication import Indication
from device.errors import PanelError, where
from device.foreign.pixels import Frame
from device.kit import threads
from device.panel.dimming import Dimming
from device.panel.lights.drivers import open_light
from device.panel.lights.faults import SOON, Faults, Patience
from device.panel.lights.light import Light
from device.panel.patterns import LIVE
from device.panel.scene import Scene, dimmed, is_lit
from device.panel.settings import Led
from device.ports.facts import Post
from device.ports.panel import Direction
from device.units import Degrees, Ms, ms_from_seconds

log = logging.getLogger(__name__)

LIT_WITHIN_S = 0.05
"""How long sound that may leave waits for a light that is not lit yet. A write takes 10 ms at most where all is well;
the light is nearly always lit by then, for a session takes longer to open."""

_JOIN_S = 0.25


def no_direction() -> Degrees | None:
    """Nobody tells where a voice comes from."""
    return None


def open_lights(
    led: Led,
    post: Post,
    loop: asyncio.AbstractEventLoop,
    direction: Direction | None = None,
    usb_backend: Any = None,
) -> LoopLights | ThreadLights | None:
    """Open the lights that are configured; None: there are none. Raise ConfigError for pins.

    `direction` tells where a voice comes from.
    """
    light = open_light(led, usb_backend)
    if light is None:
        return None
    picture = Picture(light, led, direction)
    return LoopLights(light, picture, post, loop) if led.chosen == "gpio" else ThreadLights(light, picture, post, loop)


def local_minute() -> float:
    """Return the minute of the day, by the clock of the device."""
    now = time.localtime()
    return now.tm_hour * 60 + now.tm_min + now.tm_sec / 60


class Picture:
    """What is to be seen at a moment: the scene, turned as the ring is, and as bright as the time of day asks for."""

    def __init__(
        self,
        light: Light,
        led: Led,
        direction: Direction | None,
        minute: Callable[[], float] = local_minute,
    ) -> None:
        follows = direction is not None and light.count > 1
        self.scene = Scene(light.count, light.dimmable, follows)
        self._dimming = Dimming(led)
        self._direction = direction or no_direction
        self._first_pixel = led.first_pixel
        self._sense = -1 if led.reverse else 1
        self._minute = minute

    def frame(self, now: Ms) -> Frame:
        """Return what the lights are to show."""
        direction = self._from_first_pixel() if self.scene.wants_direction else None
        return dimmed(self.scene.frame(now, direction), self._dimming.brightness(self._minute()))

    def next_change(self, now: Ms) -> Ms | None:
        """Return how soon they are to be set again; None: when they are to show something else."""
        waits = (self.scene.next_change(now), self._dimming.next_change(self._minute()))
        return min((wait for wait in waits if wait is not None), default=None)

    def _from_first_pixel(self) -> Degrees | None:
        direction = self._direction()
        if direction is None:
            return None
        return Degrees((direction - self._first_pixel) * self._sense % 360)


class LoopLights:
    """Lights that never keep anybody waiting: set by the event loop."""

    def __init__(self, light: Light, picture: Picture, post: Post, loop: asyncio.AbstractEventLoop) -> None:
        self._light: Light | None = light
        self._picture = picture
        self._loop = loop
        self._faults = Faults(post)
        self._timer: asyncio.TimerHandle | None = None

    def show(self, indication: Indication) -> None:
        """See Panel."""
        if self._picture.scene.show(indication, self._now()):
            self._refresh()

    def show_volume(self, percent: int) -> None:
        """See Panel."""
        if self._picture.scene.show_volume(percent, self._now()):
            self._refresh()

    def close(self) -> None:
        """See Panel."""
        self._stop_timer()
        light, self._light = self._light, None
        if light is not None:
            _close(light)

    def _refresh(self) -> None:
        self._stop_timer()
        if self._light is None:
            return
        now = self._now()
        self._write(self._light, self._picture.frame(now))
        wait = SOON if self._faults.failed else self._picture.next_change(now)
        if wait is not None:
            self._timer = self._loop.call_later(wait / 1000, self._refresh)

    def _write(self, light: Light, frame: Frame) -> None:
        try:
            light.write(frame)
        except PanelError as error:
            self._faults.note_failure(error)
        else:
            self._faults.note_success(is_lit(frame))

    def _now(self) -> Ms:
        return ms_from_seconds(self._loop.time())

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class ThreadLights:
    """Lights on a bus, where a write waits: a thread of their own sets them, always to what is newest."""

    def __init__(self, light: Light, picture: Picture, post: Post, loop: asyncio.AbstractEventLoop) -> None:
        """Start the thread. Raise ThreadError."""
        self._light = light
        self._picture = picture
        self._loop = loop
        self._faults = Faults(post)
        self._patience = Patience()
        self._news = threading.Condition()
        """Guards what follows, and the scene. Never held while something is written."""
        self._fresh = False
        """Something is to be shown that the thread has not looked at."""
        self._closed = False
        self._lit = False
        """Some light is lit for certain."""
        self._error: PanelError | None = None
        """Why the last attempt failed; None: it did not."""
        self._told: tuple[bool, bool] | None = None
        """What the loop was told last: written, and lit. None: it is to be told whatever comes."""
        self._thread = threads.start(self._run, "lights")

    def show(self, indication: Indication) -> None:
        """See Panel."""
        if self._change(lambda now: self._picture.scene.show(indication, now)) and indication in LIVE:
            self._wait_until_lit()

    def show_volume(self, percent: int) -> None:
        """See Panel."""
        self._change(lambda now: self._picture.scene.show_volume(percent, now))

    def close(self) -> None:
        """See Panel. Waits for the thread, but not long."""
        with self._news:
            self._closed = True
            self._news.notify_all()
        self._thread.join(_JOIN_S)

    def _change(self, change: Callable[[Ms], bool]) -> bool:
        with self._news:
            changed = not self._closed and change(_now())
            if changed:
                self._fresh = True
                self._news.notify_all()
        return changed

    def _wait_until_lit(self) -> None:
        if self._faults.failed:
            return
        with self._news:
            self._news.wait_for(lambda: self._lit or self._error is not None, LIT_WITHIN_S)
            if self._lit:
                return
            late = PanelError(f"the lights were not lit within {LIT_WITHIN_S * 1000:.0f} ms")
            error = self._error or late
            # Should it be lit after all, the thread tells of it.
            self._told, self._fresh = None, True
            self._news.notify_all()
        self._faults.note_failure(error)

    # -- what the thread does

    def _run(self) -> None:
        wait: Ms | None = None
        while (now := self._await_change(wait)) is not None:
            wait = self._refresh(now)
        _close(self._light)

    def _await_change(self, wait: Ms | None) -> Ms | None:
        """Wait for what is new, `wait` at most (None: for ever); return the time, or None at the end."""
        with self._news:
            if not (self._fresh or self._closed):
                self._news.wait(None if wait is None else wait / 1000)
            self._fresh = False
            return None if self._closed else _now()

    def _refresh(self, now: Ms) -> Ms | None:
        """Set the lights; return how soon that is due again."""
        with self._news:
            frame, wait = self._picture.frame(now), self._picture.next_change(now)
        error, lit = self._write(frame), is_lit(frame)
        with self._news:
            self._error, self._lit = error, lit and error is None
            told, self._told = self._told, (error is None, lit)
            is_news = told != self._told
            self._news.notify_all()
        # The event loop is not woken for each frame.
        if is_news:
            self._tell(error, lit)
        if error is not None:
            return self._patience.wait()
        self._patience.reset()
        return None if wait is None else Ms(max(0.0, wait - (_now() - now)))

    def _write(self, frame: Frame) -> PanelError | None:
        try:
            self._light.write(frame)
        except PanelError as error:
            return error
        except Exception as error:  # noqa: BLE001 - else the thread would end, and the lights stand still unnoticed
            log.error("the lights: %s", where(error))
            return PanelError(f"the lights cannot be set ({type(error).__name__}); the log says more")
        return None

    def _tell(self, error: PanelError | None, lit: bool) -> None:
        """Cross over to the event loop."""
        with contextlib.suppress(RuntimeError):  # the loop may have been closed
            if error is not None:
                self._loop.call_soon_threadsafe(self._faults.note_failure, error)
            else:
                self._loop.call_soon_threadsafe(self._faults.note_success, lit)


def _now() -> Ms:
    return ms_from_seconds(time.monotonic())


def _close(light: Light) -> None:
    try:
        light.close()
    except PanelError as error:
        log.warning("closing the lights: %s", error)
