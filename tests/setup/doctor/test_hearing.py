"""What is made of what was heard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.house import configuration
from device.setup.daemon import Levels, Running
from device.setup.doctor.acoustics import Echo, Level
from device.setup.doctor.finding import Finding, Grade
from device.setup.doctor.hearing import Hearing, SelfTest, hear, judge_hearing, judge_models, load_models
from device.setup.doctor.patient import Patient
from device.units import Ms
from device.wake.stopword import sphinx

ROOM, VOICE = Level(-52.0, 0.0, 0.01), Level(-25.0, 0.0, 0.01)
ECHO = Echo(Ms(14), 0.6, 25.0)
HEARD = SelfTest("hey jarvis", 0.5, 1.0, 0.97)
WELL = Hearing("", ROOM, VOICE, ECHO, HEARD)


def judged(hearing: Hearing) -> dict[str, Finding]:
    """Return what is found, by the name of the check; of two the second."""
    return {finding.check: finding for finding in judge_hearing(hearing)}


def test_a_house_that_hears_itself_is_well() -> None:
    """Level, echo, wake word."""
    assert {check: finding.grade for check, finding in judged(WELL).items()} == {
        "levels": Grade.WELL,
        "echo": Grade.WELL,
        "self-test": Grade.WELL,
    }


@pytest.mark.parametrize(
    ("room", "grade", "part"),
    [
        (Level(-120.0, 0.0, 1.0), Grade.WRONG, "digital silence"),
        (Level(-3.0, 0.2, 0.0), Grade.WRONG, "clips"),
        (Level(-82.0, 0.0, 0.4), Grade.HINT, "very quiet"),
        (Level(-60.0, 0.0, 0.1), Grade.WELL, "-60"),
    ],
)
def test_levels_are_told_apart(room: Level, grade: Grade, part: str) -> None:
    """A mute key looks like digital silence."""
    found = judged(Hearing(room=room, mute_why="--silent"))["levels"]
    assert found.grade is grade
    assert part in found.text


def test_a_loudspeaker_that_drives_the_microphone_too_far_is_a_hint() -> None:
    """The room alone was well."""
    found = judged(Hearing("", ROOM, Level(-2.0, 0.05, 0.0), ECHO, HEARD))["levels"]
    assert found.grade is Grade.HINT
    assert "5.0%" in found.text


@pytest.mark.parametrize(
    ("echo", "grade", "part"),
    [
        (Echo(Ms(0), 0.02, 0.5), Grade.WRONG, "does not hear"),
        (Echo(Ms(0), 0.02, 20.0), Grade.HINT, "not what was played"),
        (Echo(Ms(700), 0.5, 20.0), Grade.HINT, "too late"),
    ],
)
def test_an_echo_that_is_not_as_it_should_be_is_told(echo: Echo, grade: Grade, part: str) -> None:
    """Not there, distorted, too late."""
    found = judged(Hearing("", ROOM, VOICE, echo, HEARD))["echo"]
    assert found.grade is grade
    assert part in found.text


@pytest.mark.parametrize(
    ("clean", "score", "grade"), [(1.0, 0.2, Grade.WRONG), (0.2, 0.0, Grade.SKIPPED), (0.5, 0.5, Grade.WELL)]
)
def test_a_word_that_the_voice_cannot_say_is_no_failure(clean: float, score: float, grade: Grade) -> None:
    """As with a model of one's own in another language."""
    test = SelfTest("computer", 0.5, clean, score)
    assert judged(Hearing("", ROOM, VOICE, ECHO, test))["self-test"].grade is grade


LEVELS = st.one_of(st.none(), st.builds(Level, st.floats(-120, 0), st.floats(0, 1), st.floats(0, 1)))
HEARINGS = st.builds(
    Hearing,
    st.sampled_from(["", "busy"]),
    LEVELS,
    LEVELS,
    st.one_of(st.none(), st.builds(Echo, st.floats(-100, 1_000).map(Ms), st.floats(0, 1), st.floats(-60, 60))),
    st.one_of(st.none(), st.builds(SelfTest, st.just("hey"), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))),
    st.just("no voice"),
)


@given(HEARINGS)
def test_everything_that_can_be_heard_is_judged(hearing: Hearing) -> None:
    """What is not well says what to do; and something is always said."""
    findings = judge_hearing(hearing)
    assert findings
    assert all(finding.text for finding in findings)
    assert all(finding.fix for finding in findings if finding.grade in (Grade.WRONG, Grade.HINT))


async def test_the_card_of_a_running_house_is_left_alone() -> None:
    """That is no failure, even if it does not say how loud it is."""
    patient = Patient(configuration.parse({}), None, "", Running("listening"), {})
    [found] = judge_hearing(await hear(patient))
    assert found.grade is Grade.SKIPPED
    assert "systemctl stop" in found.text


@pytest.mark.parametrize(
    ("levels", "grade"),
    [
        (Levels(-50.0, 0, False, 1000.0, False), Grade.WELL),
        (Levels(None, 0, True, 1000.0, False), Grade.WRONG),
        (Levels(-3.0, 4_000, False, 1000.0, False), Grade.WRONG),
        (Levels(-85.0, 0, False, 1000.0, False), Grade.HINT),
        (Levels(None, 0, True, 1000.0, True), Grade.SKIPPED),
        (Levels(None, 0, False, 0.0, False), Grade.SKIPPED),
    ],
)
def test_what_a_running_house_hears_is_judged_like_what_is_heard_here(levels: Levels, grade: Grade) -> None:
    """And one that is muted is not: its microphone is closed."""
    assert judged(Hearing("the service has it", heard_there=levels))["levels"].grade is grade


async def test_the_models_are_loaded_as_the_service_does() -> None:
    """With their names."""
    models = await load_models(Patient(configuration.parse({}), None, "", None, {}))
    assert models.words == ("hey_jarvis",)


async def test_stop_words_whose_package_is_missing_are_named_with_what_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The usual word needs none."""
    patient = Patient(configuration.parse({"wake": {"stop_words": ["stop", "be quiet"]}}), None, "", None, {})
    assert [finding.check for finding in judge_models(await load_models(patient))] == ["wake words"]
    monkeypatch.setattr(sphinx, "is_installed", lambda: False)
    found = judge_models(await load_models(patient))[1]
    assert (found.check, found.grade, found.misconfigured) == ("stop words", Grade.WRONG, True)
    assert "nobody listens for “be quiet”" in found.text
    assert "scripts/install --with stop-words" in found.fix
