"""What others may ask, and how often."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.core.events import LONGEST_TEXT
from device.tools.mqtt.messages import Message, PayloadError
from device.tools.mqtt.presence.commands import (
    COMMANDS,
    MOST_OTHERS,
    MOST_TALK,
    OTHERS_WINDOW,
    TALK_WINDOW,
    Ask,
    CancelTimer,
    ChoosePersona,
    ChooseWakeWord,
    Rations,
    Say,
    SetMute,
    SetVolume,
    Stop,
    command_of,
)
from device.units import Ms


@pytest.mark.parametrize(
    ("name", "payload", "command"),
    [
        ("say", b"The washing is done", Say("The washing is done")),
        ("say", '{"text": "Frühstück!", "urgent": true}'.encode(), Say("Frühstück!", urgent=True)),
        ("say", b"two\nlines \x1b[31mred", Say("two lines red")),
        ("ask", b"Shall I close the blinds?", Ask("Shall I close the blinds?")),
        ("ask", b'{"text": "Now?"}', Ask("Now?")),
        ("stop", b"PRESS", Stop()),
        ("stop", b"", Stop()),
        ("mute/set", b"ON", SetMute(on=True)),
        ("mute/set", b" off\n", SetMute(on=False)),
        ("volume/set", b"40", SetVolume(40)),
        ("volume/set", b"40.0", SetVolume(40)),
        ("timers/cancel", b"pasta", CancelTimer("pasta")),
        ("persona/set", b"butler", ChoosePersona("butler")),
        ("wakes_on/set", b"alexa", ChooseWakeWord("alexa")),
    ],
)
def test_what_is_written_is_understood(name: str, payload: bytes, command: object) -> None:
    """As people and Home Assistant write it."""
    assert command_of(name, Message(name, payload)) == command


@pytest.mark.parametrize("name", ["say", "ask"])
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"   \n",
        b"\xff\xfe",
        "\u200b\u2060".encode(),
        b"x" * (LONGEST_TEXT + 1),
        b"x" * 60_000,
        b"{",
        b'{"text": 5}',
        b'{"text": null}',
        b'{"text": ""}',
        b'{"text": "x", "more": 1}',
        b'{"text": "x", "urgent": "yes"}',
        b'{"text": "' + b"x" * 600 + b'"}',
        b'{"a":' * 10_000,
        b'{"text": ' + b"[" * 30_000,
    ],
)
def test_what_is_no_sentence_is_refused(name: str, payload: bytes) -> None:
    """Empty, binary, too long, of a wrong type, or nested without end."""
    with pytest.raises(PayloadError):
        command_of(name, Message(name, payload))


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("mute/set", b"TOGGLE"),
        ("mute/set", b""),
        ("mute/set", b"ON" * 10_000),
        ("mute/set", b"true"),
        ("volume/set", b"101"),
        ("volume/set", b"-1"),
        ("volume/set", b"nan"),
        ("volume/set", b"1e999"),
        ("volume/set", b"loud"),
        ("volume/set", b"\xff"),
        ("volume/set", b"null"),
        ("volume/set", b"0" * 1_000),
        ("timers/cancel", b""),
        ("timers/cancel", b"x" * 101),
        ("persona/set", b"\xff"),
        ("wakes_on/set", b""),
    ],
)
def test_what_is_none_of_the_values_is_refused(name: str, payload: bytes) -> None:
    """And nothing is guessed."""
    with pytest.raises(PayloadError):
        command_of(name, Message(name, payload))


@given(st.sampled_from(COMMANDS), st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_payload_does_anything_else(name: str, payload: bytes) -> None:
    """A command within its bounds, or a refusal in a short line."""
    try:
        command = command_of(name, Message(name, payload))
    except PayloadError as error:
        told = str(error)
    else:
        told = "done"
        if isinstance(command, Say | Ask):
            assert 0 < len(command.text) <= LONGEST_TEXT
            assert command.text.isprintable()
    assert 0 < len(told) < 200


def test_a_flood_makes_nobody_talk_for_ever() -> None:
    """Long sentences count for more; when the window is over it may go on."""
    rations = Rations()
    assert [rations.allows(Say("short"), Ms(0)) for _ in range(20)].count(True) == MOST_TALK
    assert not rations.allows(Ask("short"), Ms(TALK_WINDOW - 1))
    allowed = [rations.allows(Ask("x" * LONGEST_TEXT), TALK_WINDOW) for _ in range(20)]
    assert allowed.count(True) == MOST_TALK // 5


def test_other_commands_are_counted_each_for_itself() -> None:
    """But to mute is never refused."""
    rations = Rations()
    for command in (Stop(), SetVolume(1), SetMute(on=False)):
        assert [rations.allows(command, Ms(0)) for _ in range(100)].count(True) == MOST_OTHERS
        assert rations.allows(command, OTHERS_WINDOW)
    assert all(rations.allows(SetMute(on=True), Ms(0)) for _ in range(1_000))
