"""The interview: what is asked, what is usual, and what cannot be. Without a terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.house import configuration
from device.setup.wizard.facts import Answerer, Board, Choice, Facts
from device.setup.wizard.questions import AnswerError, Interview, Question, questions

OPENAI = "wss://api.openai.com/v1/realtime"
OWN = Answerer("openai", ("conversation", "openai", "url"), OPENAI, OPENAI)


def facts(own: dict[str, Any] | None = None, **others: Any) -> Facts:
    """Return what is found on a Pi with a USB card; `own` is what is configured already."""
    holds = configuration.parse(own or {})
    found = Facts(
        microphones=(Choice("Device", "USB PnP: Audio (hw:1,0)"), Choice("default", "whatever")),
        loudspeakers=(Choice("Headphones", "bcm2835 (hw:0,0)"), Choice("default", "whatever")),
        boards=(
            Board("auto", "find out"),
            Board("generic", "Any"),
            Board("respeaker_2mic_v1", "ReSpeaker", "seeed2micvoicec", "seeed2micvoicec"),
        ),
        words=("hey_jarvis", "alexa"),
        providers=(replace(OWN, address=holds.conversation.openai.url),),  # type: ignore[attr-defined]
        likely_board=holds.hardware.profile,
        holds=holds,
        own=own or {},
    )
    return replace(found, **others)


def asked(interview: Interview, **answers: str) -> list[str]:
    """Answer everything, as usual where no answer is given; return the names of what was asked."""
    names = []
    while (question := interview.next()) is not None:
        names.append(question.name)
        interview = interview.answer(question, answers.get(question.name, ""))
    return names


def at(interview: Interview, name: str) -> Question:
    """Return a question by its name."""
    return next(one for one in questions(interview.facts) if one.name == name)


def test_every_question_is_asked_once_in_order() -> None:
    """Who answers is not asked where there is only one."""
    assert asked(Interview(facts())) == ["board", "microphone", "loudspeaker", "wake_word", "openai_address"]


def test_of_several_providers_only_the_chosen_one_is_asked_about() -> None:
    """The others' servers are not."""
    found = facts(providers=(OWN, Answerer("pipeline")))
    assert "openai_address" in asked(Interview(found), provider="openai")
    assert "openai_address" not in asked(Interview(found), provider="pipeline")


def test_what_holds_is_usual() -> None:
    """All that a person does not want to change is left by pressing Enter."""
    own = {"audio": {"input": "Device"}, "wake": {"words": ["alexa", "hey_jarvis"]}}
    interview = Interview(facts(own))
    assert interview.usual(at(interview, "microphone")) == "Device"
    assert interview.usual(at(interview, "wake_word")) == "alexa, hey_jarvis"
    assert Choice("alexa, hey_jarvis", "as it is now") in interview.choices(at(interview, "wake_word"))


def test_of_another_board_its_own_card_is_usual() -> None:
    """Not the one of the board before."""
    interview = Interview(facts({"audio": {"input": "Device"}}))
    interview = interview.answer(at(interview, "board"), "respeaker_2mic_v1")
    microphone = at(interview, "microphone")
    assert interview.usual(microphone) == "seeed2micvoicec"
    assert interview.choices(microphone)[0] == Choice("seeed2micvoicec", "the board's own")


@pytest.mark.parametrize(
    ("name", "answer", "part"),
    [
        ("board", "respeaker_2mic", 'did you mean "respeaker_2mic_v1"?'),
        ("board", "banana", "there are: auto, generic"),
        ("microphone", "USB\x1b[2J", "cannot be printed"),
    ],
)
def test_what_cannot_be_is_refused(name: str, answer: str, part: str) -> None:
    """With what can be; nothing has changed then."""
    interview = Interview(facts())
    with pytest.raises(AnswerError, match=name) as caught:
        interview.answer(at(interview, name), answer)
    assert part in str(caught.value)
    assert not interview.answers


def test_a_name_of_ones_own_is_taken_where_that_makes_sense() -> None:
    """A PCM, or the path of a model."""
    interview = Interview(facts())
    assert interview.answer(at(interview, "microphone"), "plughw:2,0").answers == {"microphone": "plughw:2,0"}


def test_a_script_answers_what_it_wants() -> None:
    """The rest is as usual; a question that there is not is refused."""
    answers = Interview(facts()).take_all({"wake_word": "alexa"}).answers
    assert (answers["wake_word"], answers["microphone"]) == ("alexa", "default")
    with pytest.raises(AnswerError, match='did you mean "wake_word"'):
        Interview(facts()).take_all({"wake_words": "alexa"})


@given(st.dictionaries(st.sampled_from(["board", "microphone", "wake_word", "openai_address"]), st.text(max_size=30)))
def test_an_interview_always_comes_to_an_end(given_answers: dict[str, str]) -> None:
    """Every question that was asked has an answer then, or the answers are refused."""
    try:
        done = Interview(facts()).take_all(given_answers)
    except AnswerError:
        return
    assert done.next() is None
    assert all(value and value.isprintable() for value in done.answers.values())
