"""A dialogue with a person who is played by the test: what is asked again, what is tried, what comes of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from device.errors import AudioError
from device.ports.provider import KeyTrial, KeyVerdict
from device.secrets import Secret
from device.setup.credentials import Kept
from device.setup.wizard import dialogue, keys, service, trying
from device.setup.wizard.dialogue import Dialogue
from device.setup.wizard.draft import Outcome
from device.setup.wizard.facts import Choice
from device.units import Ms
from tests.setup.wizard.test_questions import facts

NO_KEY = Kept(None, problem="missing")
KEY = "sk-proj-planted-7461686c"


class Person:
    """Stands for the screen and for whoever sits before it."""

    def __init__(self, *says: str, yes: Callable[[str], bool] = lambda question: True) -> None:
        self._says = list(says)
        self._yes = yes
        self.heard: list[str] = []

    def title(self, text: str) -> None:
        """Hear it."""
        self.heard.append(text)

    say = complain = show = title

    def choose(self, choices: Sequence[Choice], usual: str, takes_others: bool) -> str:
        """Say the next thing, or press Enter."""
        return self._next()

    def secret(self, text: str) -> str:
        """Type the next thing."""
        return self._next()

    def confirm(self, text: str, usual: bool = True) -> bool:
        """Answer by what is asked."""
        self.heard.append(text)
        return self._yes(text)

    @contextlib.contextmanager
    def meter(self, text: str) -> Iterator[tuple[Callable[[float, str], None], Callable[[], bool]]]:
        """Have seen enough at once."""
        yield lambda filled, beside: None, lambda: True

    def _next(self) -> str:
        said = self._says.pop(0) if self._says else ""
        if said == "^C":
            raise KeyboardInterrupt
        return said


@pytest.fixture(autouse=True)
def trials(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let all trials go well: what they do with a real card is tried with one. Return what was tried and ordered."""
    done: dict[str, Any] = {"ordered": [], "tried": []}

    async def microphone(audio: Any, show: Any, is_over: Any) -> float:
        done["tried"].append(audio.input)
        return -20.0

    async def loudspeaker(audio: Any) -> None:
        done["tried"].append(audio.output)

    async def wake_word(audio: Any, wake: Any, show: Any, is_over: Any) -> int:
        done["tried"].append(wake.words)
        return 3

    for function in (microphone, loudspeaker, wake_word):
        monkeypatch.setattr(trying, function.__name__, function)
    monkeypatch.setattr(service, "runs", lambda: False)
    monkeypatch.setattr(service, "order", lambda verb: done["ordered"].append(verb) or "")
    monkeypatch.setattr(keys, "kept", lambda name, given: NO_KEY)
    monkeypatch.setattr(keys, "tried", lambda settings, key: KeyTrial(KeyVerdict.TAKEN, Ms(1)))
    return done


def hold(person: Person, only_keys: bool = False, own: dict[str, Any] | None = None) -> Outcome:
    """Hold the dialogue."""
    return Dialogue(person, facts(own), "config.toml", {}).hold(only_keys)  # type: ignore[arg-type]


def test_whoever_only_presses_enter_changes_nothing(trials: dict[str, Any]) -> None:
    """But has tried it all."""
    outcome = hold(Person(), own={"wake": {"threshold": 0.6}})
    assert outcome == Outcome({"wake": {"threshold": 0.6}}, {})
    assert trials["tried"] == ["default", "default", ("hey_jarvis",)]


def test_answers_become_a_configuration_and_a_key() -> None:
    """The key is not in the configuration, nor in anything that is shown."""
    person = Person("auto", "Device", "Headphones", "alexa", "", KEY)
    outcome = hold(person)
    assert outcome.table == {"audio": {"input": "Device", "output": "Headphones"}, "wake": {"words": ["alexa"]}}
    assert outcome.keys["OPENAI_API_KEY"].reveal() == KEY
    assert "It is taken." in person.heard
    assert not any(KEY in text for text in person.heard)


def test_what_cannot_be_is_asked_again() -> None:
    """With what can be."""
    person = Person("banana", "auto", "", "", "", "https://x", "")
    assert hold(person).table == {}
    assert any('there is no "banana"' in text for text in person.heard)
    assert any("must begin with wss://" in text for text in person.heard)


def test_a_microphone_that_does_not_open_is_asked_for_again(
    trials: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless the person wants it all the same."""
    works = trying.microphone

    async def microphone(audio: Any, show: Any, is_over: Any) -> float:
        if audio.input == "Device":
            raise AudioError("it is broken")
        return await works(audio, show, is_over)

    monkeypatch.setattr(trying, "microphone", microphone)
    person = Person("", "Device", "default", yes=lambda question: "all the same" not in question)
    assert hold(person).table == {}
    assert "it is broken" in person.heard
    assert hold(Person("", "Device")).table == {"audio": {"input": "Device"}}


def test_a_key_that_is_refused_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is no key at all, too; one that could not be tried is kept."""
    refused = KeyTrial(KeyVerdict.REFUSED, Ms(1), "HTTP 401", "check the key")
    verdicts = [refused, KeyTrial(KeyVerdict.UNKNOWN, Ms(1), "no network", "wait")]
    monkeypatch.setattr(keys, "tried", lambda settings, key: verdicts.pop(0))
    person = Person("OPENAI_API_KEY=sk-x", "sk-first", "sk-second")
    outcome = hold(person, only_keys=True)
    assert outcome.keys["OPENAI_API_KEY"].reveal() == "sk-second"
    assert any("what you typed begins with" in text for text in person.heard)
    assert "it is refused: HTTP 401; check the key" in person.heard
    assert "It could not be tried: no network; wait" in person.heard


def test_a_key_that_is_there_may_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is not asked for."""
    monkeypatch.setattr(keys, "kept", lambda name, given: Kept(Secret(KEY), "/etc/credstore/openai_api_key"))
    assert hold(Person(), only_keys=True).keys == {}
    assert "OPENAI_API_KEY" in hold(Person("sk-new", yes=lambda question: False), only_keys=True).keys


def test_where_a_broker_gives_keys_none_is_asked_for() -> None:
    """Unless it is the key that one has come for."""
    own = {"conversation": {"openai": {"broker": "https://broker.home:8788"}}}
    person = Person()
    assert hold(person, own=own) == Outcome(own, {})
    assert not any("The key" in text for text in person.heard)
    assert "OPENAI_API_KEY" in hold(Person(KEY), only_keys=True, own=own).keys


@pytest.mark.parametrize("answers", [(), ("^C",), ("", "", "^C")])
def test_a_service_that_was_stopped_is_started_again(
    answers: tuple[str, ...], trials: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the dialogue ends."""
    monkeypatch.setattr(service, "runs", lambda: True)
    with contextlib.suppress(KeyboardInterrupt):
        hold(Person(*answers))
    assert trials["ordered"] == ["stop", "start"]


def test_a_service_that_is_to_run_on_keeps_its_card(trials: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing is tried; the same when it cannot be stopped."""
    monkeypatch.setattr(service, "runs", lambda: True)
    hold(Person(yes=lambda question: "Stop it" not in question))
    assert (trials["ordered"], trials["tried"]) == ([], [])
    monkeypatch.setattr(service, "order", lambda verb: "access denied")
    person = Person()
    hold(person)
    assert trials["tried"] == []
    assert any("access denied" in text for text in person.heard)


def test_a_meter_is_filled_by_what_a_voice_can_be() -> None:
    """From a quiet room to full scale."""
    assert (trying.filled(-120.0), trying.filled(-70.0), trying.filled(0.0)) == (0.0, 0.0, 1.0)
    assert 0.4 < trying.filled(-35.0) < 0.6
    assert dialogue._HEARD_DBFS > trying.FLOOR
