"""Turns the edges of a button into events: runs the timers of its gestures, and posts what each is mapped to.

The configuration maps a gesture to an action; what an action does while it rings, speaks or listens is decided in
core/transitions.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from device.core import events as ev
from device.core.events import Event
from device.panel.gestures import Clicked, Gesture, Gestures, Held, LongHeld, Pressed, Released, Wanted, wanted
from device.panel.settings import FIRST_BUTTON, Button
from device.ports.facts import Post
from device.units import Ms, Samples, ms_from_seconds

PositionAt = Callable[[float], Samples]
"""A moment (s, `time.monotonic`) -> the position in the capture stream that was being captured then."""

VOLUME_STEP = 10
"""Percentage points, as many as "louder" said aloud."""


class GestureButton:
    """Posts what the gestures of one button are mapped to. Create it on the loop's thread."""

    def __init__(
        self,
        settings: Button,
        post: Post,
        position_at: PositionAt,
        loop: asyncio.AbstractEventLoop | None = None,
        key: str = FIRST_BUTTON,
    ) -> None:
        """`key` tells this button from the others."""
        self._settings = settings
        self._key = key
        self._gestures = Gestures(_wanted(settings))
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
            for event in self._events_of(gesture):
                self._post(event)

    def _events_of(self, gesture: Gesture) -> list[Event]:
        button = self._settings
        match gesture:
            case Pressed():
                return [ev.ButtonPressed(self._key)]
            case Clicked():
                return self._asked(button.clicks.get(gesture.count, "none"), gesture.pressed_at)
            case Held() if button.hold == "push_to_talk":
                return [ev.ButtonHeld(self._at(gesture.pressed_at))]
            case Held():
                return self._asked(button.hold, gesture.pressed_at)
            case LongHeld() if button.hold == "push_to_talk":
                # Its mute depends on whether a word was spoken meanwhile.
                return [ev.ButtonLongPressed()]
            case LongHeld():
                return self._asked(button.long_hold, gesture.pressed_at)
            case Released():
                return self._lifted(gesture)

    def _lifted(self, gesture: Released) -> list[Event]:
        talked = gesture.held and self._settings.hold == "push_to_talk"
        released: list[Event] = [ev.ButtonReleased(self._at(gesture.at))] if talked else []
        return [*released, ev.ButtonLifted(self._key)]

    def _asked(self, action: str, pressed_at: Ms) -> list[Event]:
        match action:
            case "talk":
                return [ev.ButtonClicked(self._at(pressed_at))]
            case "stop":
                return [ev.StopRequested()]
            case "mute":
                return [ev.MuteToggleRequested()]
            case "volume_up" | "volume_down":
                return [ev.VolumeStepRequested(VOLUME_STEP if action == "volume_up" else -VOLUME_STEP)]
        return []

    def _at(self, moment: Ms) -> Samples:
        return self._position_at(moment / 1000)

    def _now(self) -> Ms:
        return ms_from_seconds(self._loop.time())

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _wanted(button: Button) -> Wanted:
    hold_s = None if button.hold == "none" else button.hold_s
    long_hold_s = None if button.long_hold == "none" else button.long_press_s
    return wanted(hold_s, long_hold_s, frozenset(button.clicks), button.double_click_s)
