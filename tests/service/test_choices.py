"""What people choose holds at once and after a restart, and names that are gone are forgotten."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.core.events import Event
from device.core.machine import Machine
from device.core.memory import Settings
from device.errors import ChoiceError
from device.kit import keptfile
from device.service.choices import ChosenByPeople
from device.units import Ms

WORDS = ("hey_jarvis", "alexa")


async def at_once(function: Callable[..., Any], *arguments: Any) -> Any:
    """Stands for the thread that waits for the disk."""
    return function(*arguments)


class House:
    """A machine that is told of the choices, from a start on."""

    def __init__(
        self, folder: Path, personas: tuple[str, ...] = ("butler", "pirate"), usual: str = "", words: Any = WORDS
    ) -> None:
        self.machine = Machine(Settings())
        self.choices = ChosenByPeople(
            personas, words, folder / "state" / "choices.json", at_once, lambda: self.machine.status
        )
        self.choices.start(self.post, usual)

    def post(self, fact: Event) -> None:
        """See Post."""
        self.machine.handle_event(fact, Ms(0))

    @property
    def chosen(self) -> tuple[str, str]:
        """Who, and which word."""
        return self.choices.persona, self.choices.wake_word


async def test_a_choice_holds_at_once_and_after_a_restart(tmp_path: Path) -> None:
    """Each by itself."""
    house = House(tmp_path)
    assert house.choices.personas == ("default", "butler", "pirate")
    assert house.choices.wake_words == ("all", *WORDS)
    assert house.chosen == ("default", "all")
    await house.choices.choose_persona("pirate")
    assert House(tmp_path).chosen == house.chosen == ("pirate", "all")
    await house.choices.choose_wake_word("alexa")
    assert House(tmp_path).chosen == house.chosen == ("pirate", "alexa")
    assert not house.machine.status.heeds("hey_jarvis")
    await house.choices.choose_wake_word("all")
    await house.choices.choose_persona("default")
    assert House(tmp_path, usual="butler").chosen == ("default", "all"), "what is chosen outweighs the configuration"


def test_until_somebody_is_chosen_the_configured_persona_answers(tmp_path: Path) -> None:
    """Nothing is written for that."""
    assert House(tmp_path, usual="butler").chosen == ("butler", "all")
    assert list(tmp_path.iterdir()) == []


async def test_what_is_not_configured_any_more_is_not_chosen_any_more(tmp_path: Path) -> None:
    """A persona and a word that were taken out of the configuration."""
    house = House(tmp_path)
    await house.choices.choose_persona("pirate")
    await house.choices.choose_wake_word("alexa")
    assert House(tmp_path, ("butler",), "butler", ("hey_jarvis",)).chosen == ("butler", "all")


async def test_a_name_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    """And changes nothing."""
    house = House(tmp_path)
    with pytest.raises(ChoiceError, match='did you mean "pirate"\\? there are: default, butler, pirate'):
        await house.choices.choose_persona("pirat")
    with pytest.raises(ChoiceError, match='"hey_jervis" is none of the wake words; did you mean "hey_jarvis"'):
        await house.choices.choose_wake_word("hey_jervis")
    assert house.chosen == ("default", "all")


@given(st.binary(max_size=40) | st.sampled_from([b'{"persona": 3}', b'{"persona": "x", "wake_word": null}', b"[]"]))
def test_whatever_is_in_the_file_a_house_starts(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """With what is configured."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "state").mkdir()
    (folder / "state" / "choices.json").write_bytes(content)
    assert House(folder, usual="butler").chosen == ("butler", "all")


async def test_a_disk_that_refuses_is_told_and_the_choice_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Until the next start."""

    def refuse(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keptfile, "replace_whole", refuse)
    house = House(tmp_path)
    with caplog.at_level(logging.WARNING):
        await house.choices.choose_persona("pirate")
    assert house.chosen == ("pirate", "all")
    assert "the choice is not remembered" in caplog.text
    assert House(tmp_path).chosen == ("default", "all")
