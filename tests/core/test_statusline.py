"""How the house is, in a line for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.core.events import Device
from device.core.health import PROVIDER, Health
from device.core.status import Phase, Status
from device.core.statusline import status_line
from device.units import Ms

GONE = Health("microphone", False, Ms(842), "it is unplugged", "look at its plug")
DARK = Health("light", False, Ms(900), "no such pin", "look at its wires")
AWAY = Health(PROVIDER, False, Ms(901), "sk-secret and 1000 words", "check the network")
WELL = Health("speaker", True, Ms(1))


def line(status: Status, *parts: Health, words: tuple[str, ...] = ("hey_jarvis",)) -> str:
    """Return the line, with milliseconds for the time of day."""
    return status_line(status, parts, words, lambda moment: f"{moment:g}")


@pytest.mark.parametrize(
    ("status", "parts", "expected"),
    [
        (Status(), (WELL,), "listening for hey jarvis"),
        (Status(muted=True), (GONE,), "muted: the microphone is closed"),
        (Status(phase=Phase.WAKING), (DARK,), "woken: opening a conversation"),
        (Status(phase=Phase.SPEAKING), (), "in a conversation: speaking"),
        (Status(phase=Phase.SPEAKING, confirming=True), (), "in a conversation: waiting for a person to confirm"),
        (Status(), (DARK, GONE), "deaf since 842: the microphone does not work (it is unplugged); look at its plug"),
        (
            Status(),
            (DARK,),
            "listening for hey jarvis; but since 900 the light does not work (no such pin)",
        ),
        (
            Status(online=False),
            (AWAY,),
            "listening for hey jarvis; but no answer could be had since 901; check",
        ),
    ],
)
def test_it_says_what_a_person_wants_to_know_first(status: Status, parts: tuple[Health, ...], expected: str) -> None:
    """What it does, or what is wrong, since when, and what to do."""
    assert line(status, *parts).startswith(expected)


def test_words_are_named_as_they_are_said() -> None:
    """A word of one's own is a file."""
    assert line(Status(), words=("alexa", "/srv/ok_house.onnx")) == "listening for alexa or ok house"


@given(st.sampled_from(Phase), st.booleans(), st.frozensets(st.sampled_from([GONE, DARK, AWAY, WELL])))
def test_what_the_provider_said_is_never_in_it(phase: Phase, muted: bool, parts: frozenset[Health]) -> None:
    """And there is always a line, in one piece."""
    told = line(Status(phase=phase, muted=muted), *parts)
    assert told
    assert "\n" not in told
    assert "secret" not in told


def test_every_ear_makes_it_deaf() -> None:
    """The engine as well as the microphone."""
    for device in (Device.MICROPHONE, Device.WAKE_WORD):
        part = Health(device.value.replace("_", " "), False, Ms(0), "broken", "repair it")
        assert line(Status(faults=frozenset({device})), part).startswith("deaf since 0")
