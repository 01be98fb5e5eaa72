"""Answers that come otherwise than they should, and those without end: told, and the conversation goes on."""

from __future__ import annotations

import pytest

from device.core import actions as order
from device.core import answers, failures
from device.core import events as ev
from device.core.actions import Action, Cue
from device.core.events import Failure, Shortfall
from device.core.memory import Settings
from device.core.status import Phase
from device.units import Ms, Samples
from tests.core import test_machine
from tests.core.test_machine import names


class House(test_machine.House):
    """One that keeps what is asked of the link to itself: that is another matter."""

    def wait(self, duration: float) -> list[Action]:
        return [o for o in super().wait(duration) if not isinstance(o, order.CheckLink)]


def silent(response: str = "r1", turn: int = 1, **changes: object) -> ev.ResponseFinished:
    """The end of a response without sound."""
    return ev.ResponseFinished(turn, response, **{"sound": False, **changes})  # type: ignore[arg-type]


def thinking() -> House:
    house = House()
    house.think()
    return house


# -- without sound


def test_words_without_sound_are_read_and_the_follow_up_window_opens() -> None:
    """As after any answer."""
    house = thinking()
    assert house.tell(silent(text="It is five.")) == [order.ReadAloud(1, ("It is five.",), "")]
    house.tell(ev.PlaybackStarted(1))
    assert house.phase is Phase.SPEAKING
    house.tell(ev.PlaybackFinished(1))
    assert house.phase is Phase.LISTENING


def test_the_words_of_a_response_before_a_tool_are_read_with_the_others() -> None:
    """In their order, when the answer is complete."""
    house = thinking()
    house.tell(ev.ToolCalled(1, "c", "get_time", "{}"))
    assert house.tell(silent(text="One moment.", more=True)) == []
    house.tell(ev.ToolFinished("c", "noon"), ev.ResponseStarted(1, "r2"))
    assert house.tell(silent("r2", text="It is noon.")) == [order.ReadAloud(1, ("One moment.", "It is noon."), "")]


def test_long_words_are_read_in_pieces() -> None:
    """The first is heard while the local voice works on the next; nothing is lost."""
    house = thinking()
    text = "Once upon a time. " * 3 + "and " * 200 + "so on."
    (reading,) = house.tell(silent(text=text))
    assert isinstance(reading, order.ReadAloud)
    assert reading.text[:3] == ("Once upon a time.",) * 3
    assert max(map(len, reading.text)) <= answers.LONGEST_PIECE
    assert " ".join(reading.text) == text


def test_words_behind_a_sound_are_read_behind_it() -> None:
    """A preface was spoken, the answer was written."""
    house = thinking()
    house.tell(ev.PlaybackStarted(1), ev.ResponseFinished(1, "r1", more=True), ev.ResponseStarted(1, "r2"))
    assert house.tell(silent("r2", text="It is noon.")) == [order.ReadAloud(1, ("It is noon.",), "")]
    assert house.phase is Phase.SPEAKING


def test_a_response_that_only_calls_a_tool_says_nothing() -> None:
    """It is no answer without sound."""
    house = thinking()
    house.tell(ev.ToolCalled(1, "c", "get_time", "{}"))
    assert house.tell(silent(more=True)) == []
    house.wait(10_000)
    assert house.phase is Phase.THINKING


def test_nothing_at_all_is_told_when_no_words_have_followed() -> None:
    """Some servers send them behind the end."""
    house = thinking()
    assert house.tell(silent()) == []
    assert house.wait(2_000) == [order.ReadAloud(1, (), failures.NO_SOUND)]
    house.tell(ev.PlaybackStarted(1), ev.PlaybackFinished(1))
    assert house.phase is Phase.LISTENING


def test_words_that_follow_are_read_once() -> None:
    """And the sentence that nothing came is not said."""
    house = thinking()
    house.tell(silent())
    assert house.tell(ev.WordsFollowed(1, "It is five.")) == [order.ReadAloud(1, ("It is five.",), "")]
    assert house.tell(ev.WordsFollowed(1, "It is six.")) == []
    assert not any(isinstance(o, order.ReadAloud) for o in house.wait(2_000))


def test_sound_that_follows_is_an_answer_that_ends_by_running_dry() -> None:
    """No other end comes."""
    house = thinking()
    house.tell(silent(), ev.PlaybackStarted(1))
    assert house.phase is Phase.SPEAKING
    house.tell(ev.PlaybackRanDry(1, ended=False))
    assert house.wait(16_000) == [order.AbandonResponse()]
    assert house.tell(ev.ResponseFinished(1, "", cancelled=True)) == [order.EndAnswer(1)]


def test_sound_behind_the_end_of_an_answer_that_is_heard_does_not_keep_it_open() -> None:
    """The player waits for its end once more."""
    house = House()
    house.speak()
    house.finish()
    assert house.tell(ev.PlaybackRanDry(1, ended=False)) == [order.EndAnswer(1)]
    house.tell(ev.PlaybackFinished(1))
    assert house.phase is Phase.LISTENING


def test_a_silence_before_the_local_voice_speaks_is_not_the_end() -> None:
    """It needs a moment."""
    house = House()
    house.speak()
    house.tell(ev.ResponseFinished(1, "r1", lack=Shortfall.FILTERED))
    assert house.tell(ev.PlaybackRanDry(1, ended=True)) == []
    assert house.wait(20_000) == []
    assert house.phase is Phase.SPEAKING


def test_an_empty_response_behind_a_sound_is_no_news() -> None:
    """Some models have nothing to add to what they said before the tool ran."""
    house = thinking()
    house.tell(ev.PlaybackStarted(1), ev.ResponseFinished(1, "r1", more=True), ev.ResponseStarted(1, "r2"))
    assert house.tell(silent("r2")) == [order.EndAnswer(1)]


def test_a_cancelled_response_without_sound_is_no_news() -> None:
    """Somebody wanted none."""
    house = thinking()
    assert house.tell(silent(cancelled=True, text="It is")) == [order.EndAnswer(1)]


@pytest.mark.parametrize("lack", list(Shortfall))
def test_what_lacks_is_said_instead_of_the_answer_or_behind_it(lack: Shortfall) -> None:
    """Nothing is cut off silently."""
    house = thinking()
    assert house.tell(silent(lack=lack)) == [order.ReadAloud(1, (), failures.OF_ANSWER[lack])]
    house = House()
    house.speak()
    assert house.tell(ev.ResponseFinished(1, "r1", lack=lack)) == [order.ReadAloud(1, (), failures.OF_REST[lack])]
    house = thinking()
    assert house.tell(silent(lack=lack, text="It is")) == [order.ReadAloud(1, ("It is",), failures.OF_REST[lack])]


def test_a_local_voice_that_fails_leaves_a_cue_and_the_conversation() -> None:
    """The next question may be answered."""
    house = thinking()
    house.tell(silent(text="It is five."))
    assert house.tell(ev.ReadingFailed(1, "no espeak-ng")) == [order.PlayCue(Cue.ERROR), order.EndAnswer(1)]
    house.tell(ev.PlaybackFinished(1))
    assert house.phase is Phase.LISTENING


def test_whoever_interrupts_hears_nothing_of_the_old_words() -> None:
    """They belong to the turn before."""
    house = thinking()
    house.tell(silent(text="One moment.", more=True), ev.SpeechStarted(1), ev.SpeechStopped(2))
    house.tell(ev.ResponseStarted(2, "r2"))
    assert house.tell(silent("r2", 2, text="Yes?")) == [order.ReadAloud(2, ("Yes?",), "")]


# -- an end that is not told


def test_words_whose_end_is_not_told_are_read_soon() -> None:
    """The response is asked for what it has."""
    house = thinking()
    house.tell(ev.WordsWritten(1))
    assert house.wait(3_999) == []
    assert house.wait(1) == [order.AbandonResponse()]
    assert house.tell(silent(text="It is five.")) == [order.ReadAloud(1, ("It is five.",), "")]


def test_words_before_a_call_do_not_end_the_answer() -> None:
    """A tool may take longer than the rest of a response."""
    house = thinking()
    house.tell(ev.WordsWritten(1), ev.ToolCalled(1, "c", "get_time", "{}"))
    assert house.wait(20_000) == []
    assert house.phase is Phase.THINKING


def test_words_before_sound_do_not_end_the_answer() -> None:
    """The sound follows."""
    house = thinking()
    house.tell(ev.WordsWritten(1), ev.PlaybackStarted(1))
    assert house.wait(60_000) == []
    assert house.phase is Phase.SPEAKING


def speaking_dry(ended: bool = True) -> House:
    house = House()
    house.speak()
    house.tell(ev.PlaybackRanDry(1, ended))
    return house


@pytest.mark.parametrize(("ended", "patience"), [(True, 4_000), (False, 15_000)])
def test_an_answer_that_was_heard_is_over_though_nobody_says_so(ended: bool, patience: int) -> None:
    """Sooner when its sound was told to be complete than in the middle of it."""
    house = speaking_dry(ended)
    assert house.wait(patience - 1) == []
    assert house.wait(1) == [order.AbandonResponse()]
    assert house.finish() == [order.EndAnswer(1)]
    house.tell(ev.PlaybackFinished(1))
    assert house.phase is Phase.LISTENING


@pytest.mark.parametrize("first", ["call", "dry"])
def test_a_call_that_takes_long_to_write_is_waited_for(first: str) -> None:
    """The sound of the response is at its end, and it goes on all the same."""
    house = House()
    house.speak()
    facts = [ev.CallBegun(1), ev.PlaybackRanDry(1, ended=True)]
    house.tell(*(facts if first == "call" else facts[::-1]))
    assert house.wait(29_000) == []
    assert house.tell(ev.ToolCalled(1, "c", "get_time", "{}")) == [order.RunTool("c", "get_time", "{}")]


def test_sound_that_goes_on_is_waited_for_anew() -> None:
    """A network that came back."""
    house = speaking_dry(ended=False)
    house.wait(14_000)
    house.tell(ev.PlaybackStarted(1))
    assert house.wait(60_000) == []
    assert house.phase is Phase.SPEAKING


@pytest.mark.parametrize("running", ["tool", "response"])
def test_a_tool_or_the_next_response_is_waited_for_longer(running: str) -> None:
    """What was heard was only a preface; but not for two minutes."""
    house = House()
    house.speak()
    house.tell(ev.ToolCalled(1, "c", "get_time", "{}"), ev.ResponseFinished(1, "r1", more=True))
    if running == "response":
        house.tell(ev.ToolFinished("c", "noon"), ev.ResponseStarted(1, "r2"))
    house.tell(ev.PlaybackRanDry(1, ended=True))
    assert house.wait(29_000) == []
    assert order.Announce(failures.TOO_SLOW) in house.wait(1_000)
    assert house.phase is Phase.IDLE


# -- errors


def test_an_error_that_may_be_the_end_of_the_answer_is_waited_out_and_told() -> None:
    """Not for as long as for an answer."""
    house = thinking()
    assert house.tell(ev.ProviderComplained(1, "odd", Failure.BUSY)) == []
    assert house.phase is Phase.THINKING
    orders = house.wait(5_000)
    assert order.Announce(failures.OF_CONVERSATION[Failure.BUSY]) in orders
    assert house.phase is Phase.IDLE


@pytest.mark.parametrize(
    "sign",
    [
        ev.ResponseStarted(1, "r2"),
        ev.ToolCalled(1, "c", "get_time", "{}"),
        ev.PlaybackStarted(1),
        ev.ResponseFinished(1, "r1", more=True),
    ],
)
def test_a_sign_of_the_answer_ends_the_doubt(sign: ev.Event) -> None:
    """It was about something else."""
    house = thinking()
    house.tell(ev.ProviderComplained(1, "odd", Failure.BUSY), sign)
    assert house.wait(20_000) == []
    assert house.phase in (Phase.THINKING, Phase.SPEAKING)


def test_more_errors_do_not_make_the_wait_longer() -> None:
    """A server that complains every second."""
    house = thinking()
    for _ in range(5):
        house.tell(ev.ProviderComplained(1, "odd", Failure.BUSY))
        house.wait(1_000)
    assert house.phase is Phase.IDLE


def test_a_harmless_complaint_changes_nothing() -> None:
    """About a truncation, say."""
    house = thinking()
    house.tell(ev.ProviderComplained(1, "odd"))
    assert house.wait(20_000) == []
    assert house.phase is Phase.THINKING


def test_an_error_over_an_answer_that_sounds_counts_only_when_it_runs_dry() -> None:
    """Then the person is told what it was."""
    house = House()
    house.speak()
    house.tell(ev.ProviderComplained(1, "odd", Failure.BUSY))
    house.wait(60_000)
    assert house.phase is Phase.SPEAKING
    house.tell(ev.PlaybackRanDry(1, ended=False))
    assert order.Announce(failures.OF_CONVERSATION[Failure.BUSY]) in house.wait(15_000)


def test_an_error_before_the_end_of_the_question_is_told_when_the_person_has_finished() -> None:
    """The provider may never say that it heard the end; while the person speaks it is given its time."""
    house = House()
    house.listen()
    house.tell(ev.VoiceStarted(Samples(20_000)), ev.SpeechStarted(1), ev.ProviderComplained(1, "odd", Failure.BUSY))
    house.wait(20_000)
    assert house.phase is Phase.LISTENING
    house.tell(ev.VoiceStopped(Samples(400_000)))
    assert order.Announce(failures.OF_CONVERSATION[Failure.BUSY]) in house.wait(5_000)


def test_an_error_before_the_end_of_a_question_that_is_heard_is_forgotten() -> None:
    """The provider goes on as if nothing had been."""
    house = House()
    house.listen()
    house.tell(ev.SpeechStarted(1), ev.ProviderComplained(1, "odd", Failure.BUSY), ev.SpeechStopped(1))
    assert house.wait(20_000) == []
    assert house.phase is Phase.THINKING


# -- without end


def chain(house: House, rounds: int) -> None:
    """The model calls a tool, again and again."""
    for number in range(rounds):
        house.tell(ev.ResponseStarted(house.turn, f"r{number}"))
        house.tell(ev.ToolCalled(house.turn, f"c{number}", "get_time", "{}"))
        house.tell(silent(f"r{number}", house.turn, more=True), ev.ToolFinished(f"c{number}", "noon"))


def asking() -> House:
    house = House()
    house.listen()
    house.tell(ev.SpeechStarted(1), ev.SpeechStopped(1))
    return house


def test_ten_rounds_of_tools_and_the_answer_are_allowed() -> None:
    """Real errands take fewer."""
    house = asking()
    chain(house, 10)
    house.tell(ev.ResponseStarted(1, "answer"), ev.PlaybackStarted(1))
    assert house.phase is Phase.SPEAKING


def test_a_model_that_calls_tools_for_ever_is_stopped_aloud() -> None:
    """And the session with it."""
    house = asking()
    chain(house, 50)
    assert house.phase is Phase.IDLE
    assert order.Announce(failures.NO_END_OF_TOOLS) in house.orders
    assert names(house.orders).count("RunTool") == 11


def test_each_turn_has_its_rounds() -> None:
    """A long conversation is not stopped."""
    house = asking()
    for _ in range(5):
        chain(house, 9)
        house.tell(ev.ResponseStarted(1, "answer"), ev.PlaybackStarted(1))
        house.tell(ev.ResponseFinished(1, "answer"), ev.PlaybackFinished(1))
        house.tell(ev.SpeechStarted(1), ev.SpeechStopped(1))
    assert house.phase is Phase.THINKING


def test_a_thousand_calls_are_all_answered_and_few_are_run() -> None:
    """The others are answered at once."""
    house = asking()
    house.tell(ev.ResponseStarted(1, "r"))
    calls = [ev.ToolCalled(1, f"c{number}", "get_time", "{}") for number in range(1_000)]
    orders = house.tell(*calls, silent("r", more=True))
    assert names(orders).count("RunTool") == Settings().calls
    refused = {o.call_id for o in orders if isinstance(o, order.SendToolResult)}
    assert len(refused) == 1_000 - Settings().calls
    ran = {o.call_id for o in orders if isinstance(o, order.RunTool)}
    answered = house.tell(*(ev.ToolFinished(call, "noon") for call in ran))
    assert refused | {o.call_id for o in answered if isinstance(o, order.SendToolResult)} == {c.call_id for c in calls}
    assert house.tell(ev.ToolCalled(1, "later", "get_time", "{}")) == [order.RunTool("later", "get_time", "{}")]


def test_a_hold_while_words_are_read_begins_a_turn_of_its_own() -> None:
    """Reading is an answer like any other: it can be interrupted."""
    house = thinking()
    house.tell(silent(text="A long story."), ev.PlaybackStarted(1))
    orders = house.tell(ev.ButtonHeld(Samples(500)))
    assert order.StopPlayback() in orders
    assert house.tell(ev.PlaybackStopped(1, "", Ms(0), Ms(0))) == []
