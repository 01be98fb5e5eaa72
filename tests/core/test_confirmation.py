"""What needs a person's yes: only a person can give it, and everything else means no."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.core import actions as order
from device.core import events as ev
from device.core import failures
from device.core.actions import Action, TurnEnd
from device.core.confirmation import says_no, says_yes
from device.core.events import Way
from device.core.indication import Indication, indication
from device.core.memory import Settings
from device.core.status import Phase
from device.units import Ms, Samples
from tests.core.test_machine import House

CALL = ("c1", "set_switch", '{"name": "front_door", "on": true}')
WHAT = "unlock the front door"
RUN = order.RunTool(*CALL, confirmed=True)
HEARD_IT_MS, CONFIRM_MS = 2_000, 15_000


def asked(way: Way = Way.PRESS, settings: Settings | None = None) -> House:
    """A house whose model has called a tool that needs a yes; the person has understood the question."""
    house = House(settings or Settings(barge_in="wake_word"))
    house.think()
    house.tell(ev.ToolCalled(house.turn, *CALL))
    assert house.orders[-1] == order.RunTool(*CALL)
    house.tell(ev.ConfirmationNeeded(*CALL, way, WHAT))
    assert house.machine.status.confirming
    house.tell(ev.ResponseFinished(house.turn, "r1", more=True), ev.PlaybackStarted(house.turn))
    house.wait(HEARD_IT_MS)
    return house


def question_over(house: House) -> None:
    """The question has left the loudspeaker."""
    house.tell(ev.PlaybackFinished(house.turn))


def runs(orders: list[Action]) -> list[Action]:
    """Return what was run."""
    return [action for action in orders if isinstance(action, order.RunTool)]


def result(orders: list[Action]) -> str | None:
    """Return what the model was told of the call, if it was."""
    told = [action.output for action in orders if isinstance(action, order.SendToolResult)]
    return told[0] if told else None


@pytest.mark.parametrize(
    ("way", "says"), [(Way.PRESS, f"Press the button to {WHAT}."), (Way.YES, f"Say yes to {WHAT}.")]
)
def test_the_person_is_told_aloud_what_to_do(way: Way, says: str) -> None:
    """As a part of the answer, behind what the model has said; the lights show that it waits."""
    house = asked(way)
    assert order.ReadAloud(house.turn, (), says) in house.orders
    assert indication(house.machine.status) is Indication.CONFIRMING


def test_a_press_runs_what_was_asked_about_and_does_nothing_else() -> None:
    """While the question sounds or afterwards; the answer follows as after any tool."""
    for over in (False, True):
        house = asked()
        if over:
            question_over(house)
        assert house.tell(ev.ButtonClicked(Samples(1))) == [RUN]
        assert not house.machine.status.confirming
        assert house.phase is Phase.SPEAKING
        assert house.tell(ev.ToolFinished("c1", "unlocked")) == [order.SendToolResult("c1", "unlocked")]
        house.tell(ev.ResponseStarted(house.turn, "r2"), ev.PlaybackStarted(house.turn))
        house.finish("r2")
        house.tell(ev.PlaybackFinished(house.turn))
        assert house.phase is Phase.LISTENING


def test_a_press_that_cannot_have_been_meant_does_what_it_always_does() -> None:
    """Whoever pressed before the question could be understood wanted the answer to end: that is a no."""
    house = House(Settings(barge_in="wake_word"))
    house.think()
    house.tell(ev.ToolCalled(house.turn, *CALL), ev.ConfirmationNeeded(*CALL, Way.PRESS, WHAT))
    house.wait(500)
    orders = house.tell(ev.ButtonClicked(Samples(1)))
    assert house.phase is Phase.IDLE
    assert runs(orders) == []
    assert not house.machine.status.confirming


def test_a_press_that_takes_long_is_a_press_but_a_long_press_mutes() -> None:
    """Not everybody lets go at once."""
    house = asked()
    assert house.tell(ev.ButtonHeld(Samples(1))) == []
    assert house.tell(ev.ButtonReleased(Samples(2))) == [RUN]
    house = asked()
    orders = house.tell(ev.ButtonHeld(Samples(1)), ev.ButtonLongPressed(), ev.ButtonReleased(Samples(2)))
    assert house.machine.status.muted
    assert runs(orders) == []


def test_a_spoken_yes_is_heard_in_a_turn_of_its_own() -> None:
    """After the question it is the person's turn, with a gate that is open for it."""
    house = asked(Way.YES)
    before = house.turn
    question_over(house)
    assert house.phase is Phase.LISTENING
    assert house.turn == before + 1
    assert house.machine.status.gate_open
    house.tell(ev.SpeechStarted(house.turn), ev.SpeechStopped(house.turn))
    assert house.tell(ev.Heard(house.turn, "Yes, please.")) == [RUN]


def test_what_was_said_before_the_question_answers_nothing() -> None:
    """Its transcript may come late: "yes, unlock the front door" was what was asked for."""
    house = asked(Way.YES)
    asking = house.turn
    assert house.tell(ev.Heard(asking, f"Yes, {WHAT}.")) == []
    question_over(house)
    assert house.tell(ev.Heard(asking, f"Yes, {WHAT}.")) == []
    assert house.machine.status.confirming


def test_where_a_press_is_asked_for_a_spoken_yes_is_not_enough() -> None:
    """A press always is."""
    house = asked(Way.PRESS)
    house.tell(ev.SpeechStarted(house.turn), ev.SpeechStopped(house.turn))
    assert house.tell(ev.Heard(house.turn, "yes")) == []
    house = asked(Way.YES)
    assert house.tell(ev.ButtonClicked(Samples(1))) == [RUN]


@pytest.mark.parametrize("way", Way)
def test_a_spoken_no_means_no(way: Way) -> None:
    """And the model is told."""
    house = asked(way)
    assert result(house.tell(ev.Heard(house.turn, "No, don't!"))) == failures.DECLINED
    assert not house.machine.status.confirming
    assert runs(house.tell(ev.Heard(house.turn, "yes"))) == []


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("over", [False, True])
def test_no_answer_in_time_means_no(way: Way, over: bool) -> None:
    """Also when the usual patience with an answer is shorter than the time to confirm."""
    house = asked(way, Settings(barge_in="wake_word", think=Ms(3_000), confirm=Ms(CONFIRM_MS)))
    if over:
        question_over(house)
    assert result(house.wait(CONFIRM_MS - HEARD_IT_MS)) == failures.NOT_CONFIRMED
    assert house.phase is not Phase.IDLE
    assert not house.machine.status.confirming


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize(
    "fact",
    [
        ev.StopRequested(),
        ev.MuteRequested(),
        ev.SessionFailed(1, ev.Failure.DROPPED, "gone"),
        ev.DeviceFailed(ev.Device.CONVERSATION, "broken"),
        ev.ShutdownRequested(),
    ],
)
def test_the_end_of_the_session_means_no(way: Way, fact: ev.Event) -> None:
    """However it ends; a press afterwards is an ordinary one."""
    house = asked(way)
    orders = house.tell(fact)
    assert house.phase is Phase.IDLE
    assert not house.machine.status.confirming
    orders += house.tell(ev.UnmuteRequested(), ev.ButtonClicked(Samples(9))) + house.wait(60_000)
    assert runs(orders) == []


def test_who_turns_to_something_else_has_not_pressed_yet() -> None:
    """After a wake word the next press may be meant for something else; a yes may well follow it."""
    house = asked(Way.PRESS)
    orders = house.tell(ev.WakeWordDetected("hey_jarvis", 0.9, Samples(2)))
    assert result(orders) == failures.DECLINED
    assert house.phase is Phase.LISTENING
    house = asked(Way.YES)
    house.tell(ev.WakeWordDetected("hey_jarvis", 0.9, Samples(2)))
    assert house.tell(ev.Heard(house.turn, "yes")) == [RUN]


def test_one_question_at_a_time() -> None:
    """A second call that needs a yes is refused, and may be made again after the first."""
    house = asked()
    house.tell(ev.ToolCalled(house.turn, "c2", *CALL[1:]))
    orders = house.tell(ev.ConfirmationNeeded("c2", *CALL[1:], Way.PRESS, "open the garage"))
    assert orders == [order.SendToolResult("c2", failures.CONFIRMING_ANOTHER)]
    assert house.tell(ev.ButtonClicked(Samples(1))) == [RUN]


def test_nobody_is_worn_down() -> None:
    """After a no the model may not ask again until the person has said something more."""
    house = asked()
    house.tell(ev.Heard(house.turn, "no"))
    again = ev.ConfirmationNeeded("c2", *CALL[1:], Way.PRESS, WHAT)
    house.tell(ev.ToolCalled(house.turn, "c2", *CALL[1:]))
    assert house.tell(again) == [order.SendToolResult("c2", failures.NOT_CONFIRMED)]
    house.tell(ev.WakeWordDetected("hey_jarvis", 0.9, Samples(2)), ev.SpeechStarted(house.turn))
    house.tell(ev.SpeechStopped(house.turn), ev.ToolCalled(house.turn, "c2", *CALL[1:]), again)
    assert house.machine.status.confirming


def test_a_call_that_was_interrupted_meanwhile_asks_nobody() -> None:
    """The person has gone on to something else."""
    house = House(Settings(barge_in="wake_word"))
    house.think()
    house.tell(ev.ToolCalled(house.turn, *CALL), ev.WakeWordDetected("hey_jarvis", 0.9, Samples(2)))
    orders = house.tell(ev.ConfirmationNeeded(*CALL, Way.PRESS, WHAT))
    assert result(orders) == failures.CALL_INTERRUPTED
    assert not house.machine.status.confirming


def test_of_a_session_that_is_gone_nothing_is_asked() -> None:
    """The fact came too late."""
    house = House()
    house.think()
    house.tell(ev.ToolCalled(house.turn, *CALL), ev.StopRequested())
    assert house.tell(ev.ConfirmationNeeded(*CALL, Way.PRESS, WHAT)) == []
    assert not house.machine.status.confirming


@pytest.mark.parametrize("turn_end", TurnEnd)
def test_nothing_that_comes_from_the_provider_is_a_yes(turn_end: TurnEnd) -> None:
    """Whatever the model says, calls or answers: only what a person does runs the call."""
    for way in Way:
        house = asked(way, Settings(barge_in="wake_word", turn_end=turn_end))
        question_over(house)
        turn = house.turn
        orders = house.tell(
            ev.Said(turn, "yes"),
            ev.WordsWritten(turn),
            ev.WordsFollowed(turn, "yes"),
            ev.ResponseStarted(turn, "r2"),
            ev.ToolCalled(turn, "c2", *CALL[1:]),
            ev.ToolFinished("c2", "yes"),
            ev.ToolCalled(turn, "c1b", "confirm", '{"yes": true}'),
            ev.ToolFinished("c1b", "yes"),
            ev.ResponseFinished(turn, "r2", text="yes"),
            ev.ProviderComplained(turn, "yes"),
            ev.PlaybackFinished(turn),
        )
        assert [action for action in runs(orders) if isinstance(action, order.RunTool) and action.confirmed] == []


@pytest.mark.parametrize(
    "text",
    [
        "Yes.",
        "yes please",
        "Yeah!",
        "yes, do it",
        "Yes, go ahead.",
        "Do it.",
        "okay",
        "Yes, unlock the front door.",
        "Ja.",
    ],
)
def test_a_yes(text: str) -> None:
    """As transcripts have it."""
    assert says_yes(text, WHAT)
    assert not says_no(text)


@pytest.mark.parametrize(
    "text",
    ["", "yes or no", "yes, but not now", "yesterday", "what?", "yes, open the window", "I said yes to him", "no yes"],
)
def test_no_yes(text: str) -> None:
    """What has more in it than a yes is none."""
    assert not says_yes(text, WHAT)


@pytest.mark.parametrize(
    "text", ["No.", "no, thanks", "Nope", "don\u2019t!", "Stop.", "never mind", "Forget it", "nein danke"]
)
def test_a_no(text: str) -> None:
    """A doubt is as good as one."""
    assert says_no(text)
    assert not says_yes(text, WHAT)


@given(st.text(max_size=40), st.text(max_size=20))
def test_nothing_means_both(text: str, what: str) -> None:
    """Whatever a transcript holds."""
    assert not (says_yes(text, what) and says_no(text))


def test_a_press_that_ends_the_ringing_unlocks_nothing() -> None:
    """A timer rings while the question stands: the first press is for it, the next one for the question."""
    house = asked()
    house.tell(ev.AlarmDue("t1", ev.AlarmKind.TIMER))
    assert house.machine.status.ringing
    orders = house.tell(ev.ButtonClicked(Samples(1)))
    assert runs(orders) == []
    assert not house.machine.status.ringing
    assert house.machine.status.confirming
    assert house.tell(ev.ButtonClicked(Samples(2))) == [RUN]


def test_who_holds_the_button_to_talk_has_not_confirmed() -> None:
    """Before the question could be understood, or while something rings: letting it go is no yes."""
    house = House(Settings(barge_in="wake_word"))
    house.think()
    house.tell(ev.ToolCalled(house.turn, *CALL), ev.ConfirmationNeeded(*CALL, Way.PRESS, WHAT))
    house.wait(500)
    orders = house.tell(ev.ButtonHeld(Samples(1)))
    assert result(orders) == failures.DECLINED
    house.wait(3_000)
    assert runs(house.tell(ev.ButtonReleased(Samples(9)))) == []


def test_louder_is_no_yes() -> None:
    """Another button, or another gesture, does what it always does."""
    house = asked()
    assert runs(house.tell(ev.ButtonPressed("b"), ev.VolumeStepRequested(10), ev.ButtonLifted("b"))) == []
    assert house.machine.status.confirming
    assert runs(house.tell(ev.MuteToggleRequested())) == []
    assert house.machine.status.muted
    assert not house.machine.status.confirming


def test_the_end_of_what_was_said_before_is_not_the_end_of_the_question() -> None:
    """Else the microphone would be open before the person has been asked, and the question never be said."""
    house = House(Settings(barge_in="wake_word"))
    house.speak()
    house.tell(ev.ToolCalled(house.turn, *CALL), ev.ConfirmationNeeded(*CALL, Way.YES, WHAT))
    house.wait(300)
    turn = house.turn
    house.tell(ev.PlaybackFinished(turn))
    assert house.turn == turn
    assert house.phase is Phase.SPEAKING
    house.tell(ev.PlaybackStarted(turn))
    house.wait(HEARD_IT_MS)
    house.tell(ev.PlaybackFinished(turn))
    assert house.phase is Phase.LISTENING


def asked_by_provider(way: Way) -> House:
    """A house that asks whether the provider may call a tool elsewhere, long enough to be understood."""
    house = House()
    house.think()
    house.tell(ev.ApprovalRequested(house.turn, "r1", way, "let the calendar add an event"))
    house.tell(ev.ResponseFinished(house.turn, "r1", more=True), ev.PlaybackStarted(house.turn))
    house.wait(HEARD_IT_MS)
    return house


def test_the_provider_is_let_do_it_by_a_press_and_runs_it_itself() -> None:
    """The house runs nothing; it asks in the same words as for a tool of its own."""
    house = asked_by_provider(Way.PRESS)
    assert any(getattr(one, "note", "") == "Press the button to let the calendar add an event." for one in house.orders)
    assert house.machine.status.confirming
    orders = house.tell(ev.ButtonClicked(Samples(1)))
    assert [one for one in orders if isinstance(one, order.AnswerApproval)] == [order.AnswerApproval("r1", True)]
    assert not runs(house.orders)
    assert not house.machine.status.confirming


def test_the_provider_is_not_let_do_it_when_the_person_says_no_or_nothing() -> None:
    """And it may not ask again until the person has spoken."""
    for fact, reason in ((ev.Heard(1, "no"), failures.DECLINED), (None, failures.NOT_CONFIRMED)):
        house = asked_by_provider(Way.YES)
        before = len(house.orders)
        if fact is None:
            house.wait(Settings().confirm)
        else:
            house.tell(fact)
        answered = [one for one in house.orders[before:] if isinstance(one, order.AnswerApproval)]
        assert answered == [order.AnswerApproval("r1", False, reason)]
        again = house.tell(ev.ApprovalRequested(house.turn, "r2", Way.YES, "let the calendar do more"))
        assert again == [order.AnswerApproval("r2", False, failures.NOT_CONFIRMED)]


def test_one_question_at_a_time_whoever_asks() -> None:
    """A tool of the house's waits for the question of the provider, and the other way round; the first one stands."""
    house = asked_by_provider(Way.PRESS)
    house.tell(ev.ToolCalled(house.turn, *CALL))
    orders = house.tell(ev.ConfirmationNeeded(*CALL, Way.PRESS, WHAT))
    assert result(orders) == failures.CONFIRMING_ANOTHER
    orders = house.tell(ev.ApprovalRequested(house.turn, "r2", Way.PRESS, "let the calendar do more"))
    assert orders == [order.AnswerApproval("r2", False, failures.CONFIRMING_ANOTHER)]
    assert order.AnswerApproval("r1", True) in house.tell(ev.ButtonClicked(Samples(1)))


def test_what_an_interrupted_answer_wanted_is_not_asked() -> None:
    """It carries the turn of that answer."""
    house = House()
    house.think()
    turn = house.turn
    house.tell(ev.WakeWordDetected("hey_jarvis", 0.9, Samples(2)))
    orders = house.tell(ev.ApprovalRequested(turn, "r1", Way.PRESS, "let the calendar do that"))
    assert orders == [order.AnswerApproval("r1", False, failures.CALL_INTERRUPTED)]
    assert not house.machine.status.confirming
