"""Turns the edges of a button into events: runs the timers of the gestures and posts what they recognise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from device.core.events import ButtonClicked, ButtonHeld, ButtonLongPressed, ButtonReleased, Event
from device.panel.gestures import Clicked, Gesture, Gestures, Held, LongPressed
from device.panel.settings import Button
from device.ports.facts import Post
from device.units import Ms, Samples, ms_from_seconds

PositionAt = Callable[[float], Samples]
"""A moment (s, `time.monotonic`) -> the position in the capture stream that was being captured then."""


class GestureButton:
    """Posts ButtonClicked, ButtonHeld, ButtonLongPressed and ButtonReleased. Create it on the loop's thread."""

    def __init__(
        self,
        settings: Button,
        post: Post,
        position_at: PositionAt,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._gestures = Gestures(settings.hold_s, settings.long_press_s)
        self._post = post
        self._position_at = position_at
        self._loop = loop or asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def press(self) -> None:
        """The contact closed just now. May be called on any thread."""
        self._cross_over(self._gestures.handle_press)

    def release(self) -> None:
        """The contact opened just now. May be called on any thread."""
        self._cross_over(self._gestures.handle_release)

    def close(self) -> None:
        """Post nothing more. Harmless when closed."""
        self._closed = True
        self._stop_timer()

    def _cross_over(self, handle: Callable[[Ms], list[Gesture]]) -> None:
        # The time is taken here, on the edge's own thread: the loop may come to it later.
        now = self._now()
        if not (self._closed or self._loop.is_closed()):
            self._loop.call_soon_threadsafe(self._handle, handle, now)

    def _handle(self, handle: Callable[[Ms], list[Gesture]], now: Ms) -> None:
        if self._closed:
            return
        self._post_all(handle(now))
        self._stop_timer()
        if (due := self._gestures.get_timer()) is not None:
            self._timer = self._loop.call_at(due / 1000, self._handle_timer)

    def _handle_timer(self) -> None:
        # The loop fires up to its clock's resolution early; the gestures compare exactly.
        due = self._gestures.get_timer()
        self._handle(self._gestures.handle_timer, max(self._now(), due or Ms(0)))

    def _post_all(self, gestures: Iterable[Gesture]) -> None:
        for gesture in gestures:
            self._post(self._event_of(gesture))

    def _event_of(self, gesture: Gesture) -> Event:
        if isinstance(gesture, Clicked):
            return ButtonClicked(self._position_at(gesture.pressed_at / 1000))
        if isinstance(gesture, Held):
            return ButtonHeld(self._position_at(gesture.pressed_at / 1000))
        if isinstance(gesture, LongPressed):
            return ButtonLongPressed()
        return ButtonReleased(self._position_at(gesture.released_at / 1000))

    def _now(self) -> Ms:
        return ms_from_seconds(self._loop.time())

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
