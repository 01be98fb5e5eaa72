"""What the gestures of buttons are mapped to, on mock pins."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from device.core.events import (
    ButtonClicked,
    ButtonHeld,
    ButtonLifted,
    ButtonLongPressed,
    ButtonPressed,
    ButtonReleased,
    Event,
    MuteToggleRequested,
    StopRequested,
    VolumeStepRequested,
)
from device.foreign.gpio import MockBoard
from device.panel.gpio import GpioPanel
from device.panel.settings import Button, MoreButton, PanelSettings
from device.units import Samples

TALK, LOUDER, QUIETER, MUTE = 17, 22, 23, 24
FOUR = PanelSettings(
    button=Button(pin=TALK),
    buttons={
        "louder": MoreButton(pin=LOUDER, click="volume_up"),
        "quieter": MoreButton(pin=QUIETER, click="volume_down", double_click="stop"),
        "mute": MoreButton(pin=MUTE, click="mute", hold="stop", long_hold="talk"),
    },
)

Open = Callable[[PanelSettings], list[Event]]


def position_at(moment: float) -> Samples:
    """The stream began with the clock."""
    return Samples(round(moment * 16_000))


@pytest.fixture
def open_panel(board: MockBoard, loop):
    """Return what opens a panel; what it posts comes into the list."""
    opened: list[GpioPanel] = []

    def open_panel(settings: PanelSettings) -> list[Event]:
        posted: list[Event] = []
        opened.append(GpioPanel(settings, posted.append, position_at, loop))
        return posted

    yield open_panel
    for panel in opened:
        panel.close()


def asked(posted: list[Event]) -> list[Event]:
    """Return what is asked for: not that fingers came and went."""
    return [fact for fact in posted if not isinstance(fact, ButtonPressed | ButtonLifted)]


def tap(board: MockBoard, loop, pin: int, seconds: float = 0.06) -> None:
    """Press and let go, and let the contact settle."""
    board.press(pin)
    loop.advance(seconds)
    board.release(pin)
    loop.advance(0.03)


def test_four_buttons_do_what_is_written_on_them(board: MockBoard, loop, open_panel: Open) -> None:
    """Each at once but the one that has a double click."""
    posted = open_panel(FOUR)
    begun = loop.time()
    tap(board, loop, TALK)
    tap(board, loop, LOUDER)
    tap(board, loop, MUTE)
    assert asked(posted) == [ButtonClicked(position_at(begun)), VolumeStepRequested(10), MuteToggleRequested()]
    tap(board, loop, QUIETER)
    assert len(asked(posted)) == 3
    loop.advance(0.3)
    assert asked(posted)[3:] == [VolumeStepRequested(-10)]


def test_two_quick_clicks_are_a_double_click_where_it_means_something(board: MockBoard, loop, open_panel: Open) -> None:
    """And two clicks where it does not."""
    posted = open_panel(FOUR)
    for pin in (QUIETER, QUIETER, LOUDER, LOUDER):
        tap(board, loop, pin)
    loop.advance(1)
    assert asked(posted) == [StopRequested(), VolumeStepRequested(10), VolumeStepRequested(10)]


def test_a_hold_and_a_long_hold_of_a_button_that_is_not_for_talking(board: MockBoard, loop, open_panel: Open) -> None:
    """Each is an action, and letting go is none."""
    posted = open_panel(FOUR)
    begun = loop.time()
    board.press(MUTE)
    loop.advance(0.5)
    assert asked(posted) == [StopRequested()]
    loop.advance(3)
    board.release(MUTE)
    loop.advance(1)
    assert asked(posted) == [StopRequested(), ButtonClicked(position_at(begun))]


def test_fingers_on_two_buttons_do_not_disturb_each_other(board: MockBoard, loop, open_panel: Open) -> None:
    """One talks while another hand makes it louder."""
    posted = open_panel(FOUR)
    board.press(TALK)
    loop.advance(0.5)
    tap(board, loop, LOUDER)
    board.release(TALK)
    loop.advance(1)
    kinds = [type(fact) for fact in asked(posted)]
    assert kinds == [ButtonHeld, VolumeStepRequested, ButtonReleased]


def test_every_press_is_told_as_soon_as_it_has_settled_and_every_end_of_one(
    board: MockBoard, loop, open_panel: Open
) -> None:
    """By the button's key, and the end behind what the press has meant."""
    posted = open_panel(FOUR)
    board.press(LOUDER)
    loop.advance(0.021)
    assert posted == [ButtonPressed("hardware.buttons.louder")]
    board.release(LOUDER)
    loop.advance(0.021)
    assert posted[1:] == [VolumeStepRequested(10), ButtonLifted("hardware.buttons.louder")]


def test_push_to_talk_may_be_on_another_button(board: MockBoard, loop, open_panel: Open) -> None:
    """Its long hold mutes in silence, as the first one's does."""
    more = MoreButton(pin=LOUDER, hold="push_to_talk", long_hold="mute")
    posted = open_panel(PanelSettings(buttons={"talk": more}))
    board.press(LOUDER)
    loop.advance(4)
    board.release(LOUDER)
    loop.advance(1)
    assert [type(fact) for fact in asked(posted)] == [ButtonHeld, ButtonLongPressed, ButtonReleased]


def test_a_button_of_which_nothing_is_wanted_says_nothing(board: MockBoard, loop, open_panel: Open) -> None:
    """A gesture that is mapped to nothing does nothing."""
    posted = open_panel(PanelSettings(button=Button(pin=TALK, click="none", hold="none", long_hold="none")))
    tap(board, loop, TALK)
    tap(board, loop, TALK, 5)
    assert asked(posted) == []


def test_the_second_of_two_buttons_on_one_pin_is_refused_and_the_first_let_go(
    board: MockBoard, loop, open_panel: Open
) -> None:
    """The configuration refuses it before; another program may have the pin."""
    twice = PanelSettings(button=Button(pin=TALK), buttons={"again": MoreButton(pin=TALK, click="stop")})
    with pytest.raises(Exception, match=r"hardware\.buttons\.again\.pin: GPIO 17"):
        open_panel(twice)
    assert open_panel(PanelSettings(button=Button(pin=TALK))) == []
