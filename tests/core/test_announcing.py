"""What the house says of its own accord: when, what comes of it, and who is told."""

from __future__ import annotations

import pytest

from device.core import actions as order
from device.core import events as ev
from device.core.actions import Action, Outcome, Purpose, TurnEnd
from device.core.failures import MOST_WAITING, OF_ANNOUNCEMENT
from device.core.memory import Settings
from device.core.status import Phase
from device.units import Samples
from tests.core.test_machine import House, names

SOON = 300
"""The pause before an announcement."""


class Announcing(House):
    """A house, and what those who asked were told."""

    def request(
        self, text: str = "Dinner is ready.", ticket: int = 1, asks: bool = False, urgent: bool = False
    ) -> None:
        self.tell(ev.AnnouncementRequested(text, ticket, asks, urgent))

    def said(self, serial: int = 1) -> list[Action]:
        """The sentence has left the loudspeaker."""
        return self.tell(ev.AnnouncementSaid(serial, Samples(48_000)))

    def ask(self) -> None:
        """Ask, until the question was heard and the session is ready."""
        self.request("Shall I lock the door?", asks=True)
        self.wait(SOON)
        self.said()
        self.tell(ev.SessionReady(self.turn))

    def answer(self, text: str = "yes please") -> list[Action]:
        """The person answers, and the provider sends the words."""
        turn = self.turn
        self.tell(ev.SpeechStarted(turn), ev.SpeechStopped(turn))
        return self.tell(ev.Understood(turn, text))

    @property
    def texts(self) -> list[str]:
        return [action.text for action in self.orders if isinstance(action, order.SayAnnouncement)]

    @property
    def told(self) -> list[tuple[int, Outcome, str]]:
        found = [action for action in self.orders if isinstance(action, order.TellOutcome)]
        return [(action.ticket, action.outcome, action.words) for action in found]


def test_an_announcement_is_said_when_nobody_talks_and_opens_nothing() -> None:
    """No session, no gate: only the local voice."""
    house = Announcing()
    house.request()
    house.wait(SOON)
    assert house.orders == [order.SayAnnouncement(1, "Dinner is ready.")]
    assert house.machine.status.announcing
    assert house.told == []
    house.said()
    assert house.told == [(1, Outcome.SAID, "")]
    assert not house.machine.status.announcing
    assert house.machine.get_timer() is None
    assert names(house.orders) == ["SayAnnouncement", "TellOutcome"]


def test_announcements_wait_for_a_conversation_and_for_each_other() -> None:
    """In the order in which they were asked for."""
    house = Announcing(Settings(follow_up=Settings().follow_up))
    house.speak()
    house.request("One.", 1)
    house.request("Two.", 2)
    house.wait(5_000)
    assert house.texts == []
    house.finish()
    house.tell(ev.PlaybackFinished(house.turn))
    house.wait(2_000)
    assert house.phase is Phase.LISTENING
    assert house.texts == []
    house.wait(7_000)
    assert house.texts == ["One."]
    house.said(1)
    house.wait(SOON - 1)
    assert house.texts == ["One."]
    house.wait(1)
    assert house.texts == ["One.", "Two."]


def test_a_question_is_followed_by_one_turn_that_is_only_heard() -> None:
    """The gate opens after the sentence and shuts with the answer; the answer goes to who asked."""
    house = Announcing()
    house.request("Shall I lock the door?", asks=True)
    house.wait(SOON)
    assert house.phase is Phase.IDLE
    assert not house.machine.status.gate_open
    assert house.said() == [order.StopPlayback(), order.OpenSession(1, TurnEnd.PROVIDER, Purpose.LISTEN)]
    assert house.phase is Phase.WAKING
    assert house.tell(ev.SessionReady(1)) == [order.OpenGate(Samples(48_000))]
    ends = house.answer()
    assert house.phase is Phase.IDLE
    assert names(ends)[:2] == ["CutGate", "CloseSession"]
    assert house.told == [(1, Outcome.ANSWERED, "yes please")]
    assert not house.machine.status.announcing


def test_an_answer_with_a_pause_in_it_is_told_as_a_whole() -> None:
    """The words of the first half come when the person is speaking again."""
    house = Announcing()
    house.ask()
    first = house.turn
    house.tell(ev.SpeechStarted(first), ev.SpeechStopped(first), ev.SpeechStarted(first))
    assert house.phase is Phase.LISTENING
    house.tell(ev.Understood(first, "well"))
    house.answer("yes")
    assert house.told == [(1, Outcome.ANSWERED, "well yes")]


def test_the_words_of_the_first_half_that_come_last_but_one_do_not_end_the_answer() -> None:
    """Both halves are waited for."""
    house = Announcing()
    house.ask()
    first = house.turn
    house.tell(ev.SpeechStarted(first), ev.SpeechStopped(first), ev.SpeechStarted(first), ev.SpeechStopped(house.turn))
    house.tell(ev.Understood(first, "well"))
    assert house.phase is Phase.THINKING
    house.tell(ev.Understood(house.turn, "yes"))
    assert house.told == [(1, Outcome.ANSWERED, "well yes")]


def test_where_the_device_ends_turns_it_ends_that_of_the_answer() -> None:
    """And the provider is asked for nothing but the words."""
    house = Announcing(Settings(turn_end=TurnEnd.DEVICE))
    house.ask()
    house.tell(ev.VoiceStarted(Samples(60_000)), ev.VoiceStopped(Samples(80_000)))
    assert house.orders[-1] == order.CommitTurn()
    house.tell(ev.Understood(house.turn, "no"))
    assert house.told == [(1, Outcome.ANSWERED, "no")]


def test_nobody_who_answers_ends_it_soon() -> None:
    """An announcement never holds a session open."""
    house = Announcing()
    house.ask()
    house.wait(8_000)
    assert house.phase is Phase.IDLE
    assert house.told == [(1, Outcome.UNANSWERED, "")]


def test_words_that_never_come_end_it_too() -> None:
    """A server that transcribes nothing."""
    house = Announcing()
    house.ask()
    house.tell(ev.SpeechStarted(1), ev.SpeechStopped(1))
    house.wait(10_000)
    assert house.phase is Phase.IDLE
    assert house.told == [(1, Outcome.UNCLEAR, "")]


def test_a_provider_that_answers_all_the_same_is_cut_short_and_not_listened_to() -> None:
    """Nothing is said, and no follow-up begins."""
    house = Announcing()
    house.ask()
    house.tell(ev.SpeechStarted(1), ev.SpeechStopped(1))
    assert house.tell(ev.ResponseStarted(1, "r1")) == [order.CancelResponse()]
    house.tell(ev.ResponseFinished(1, "r1", cancelled=True))
    assert house.phase is Phase.THINKING
    house.tell(ev.Understood(1, "yes"))
    assert house.phase is Phase.IDLE


def test_even_one_whose_answer_is_heard_gets_no_follow_up() -> None:
    """The session ends with the sound."""
    house = Announcing()
    house.ask()
    house.tell(ev.SpeechStarted(1), ev.SpeechStopped(1), ev.PlaybackStarted(1), ev.ResponseFinished(1, "r1"))
    house.tell(ev.PlaybackFinished(1))
    assert house.phase is Phase.IDLE


def test_muted_it_says_but_does_not_ask() -> None:
    """The microphone stays closed."""
    house = Announcing(muted=True)
    house.request("One.", 1)
    house.request("Shall I?", 2, asks=True)
    assert house.told == [(2, Outcome.MUTED, "")]
    house.wait(SOON)
    assert house.texts == ["One."]


def test_a_question_that_waits_is_refused_when_mute_comes_before_its_turn() -> None:
    """It is looked at again when it is to be said."""
    house = Announcing()
    house.request("One.", 1)
    house.request("Shall I?", 2, asks=True)
    house.wait(SOON)
    house.tell(ev.MuteRequested())
    house.wait(10 * SOON)
    assert house.told == [(1, Outcome.INTERRUPTED, ""), (2, Outcome.MUTED, "")]
    assert house.texts == ["One."]


@pytest.mark.parametrize("after", ["said", "asked"])
def test_mute_in_the_middle_of_a_question_opens_nothing(after: str) -> None:
    """Whether it sounds still, or is being answered."""
    house = Announcing()
    house.request("Shall I?", asks=True)
    house.wait(SOON)
    if after == "asked":
        house.said()
        house.tell(ev.SessionReady(1))
    house.tell(ev.MuteRequested())
    house.said()
    assert house.phase is Phase.IDLE
    assert not house.machine.status.gate_open
    assert house.told == [(1, Outcome.MUTED, "")]


def test_a_deaf_house_does_not_ask() -> None:
    """Nor does one that became deaf while it asked."""
    house = Announcing()
    house.request("Shall I?", 1, asks=True)
    house.wait(SOON)
    house.tell(ev.DeviceFailed(ev.Device.MICROPHONE, "gone"))
    house.said()
    house.request("Shall I?", 2, asks=True)
    assert house.phase is Phase.IDLE
    assert house.told == [(1, Outcome.DEAF, ""), (2, Outcome.DEAF, "")]


@pytest.mark.parametrize(
    "fact", [ev.WakeWordDetected("hey_jarvis", 0.9, Samples(16_000)), ev.StopRequested(), ev.ButtonClicked(Samples(1))]
)
def test_whoever_wants_quiet_or_a_conversation_ends_an_announcement(fact: ev.Event) -> None:
    """It is not said again."""
    house = Announcing()
    house.request()
    house.wait(SOON)
    assert order.StopPlayback() in house.tell(fact)
    assert house.phase is (Phase.WAKING if isinstance(fact, ev.WakeWordDetected) else Phase.IDLE)
    assert house.told == [(1, Outcome.INTERRUPTED, "")]
    house.said()
    assert len(house.told) == 1


def test_the_wake_word_instead_of_an_answer_begins_a_conversation() -> None:
    """And what is said then is no answer."""
    house = Announcing()
    house.ask()
    orders = house.wake()
    assert house.phase is Phase.WAKING
    assert orders[-1] == order.OpenSession(2, TurnEnd.PROVIDER)
    assert house.told == [(1, Outcome.GAVE_WAY, "")]
    house.tell(ev.SessionReady(2), ev.SpeechStarted(2), ev.SpeechStopped(2), ev.ResponseStarted(2, "r"))
    house.tell(ev.PlaybackStarted(2))
    assert house.phase is Phase.SPEAKING


def test_a_failed_session_is_told_to_both() -> None:
    """The person hears why, and so does who asked."""
    house = Announcing()
    house.request("Shall I?", asks=True)
    house.wait(SOON)
    house.said()
    house.tell(ev.SessionFailed(1, ev.Failure.UNREACHABLE, "no network"))
    assert house.phase is Phase.IDLE
    assert any(isinstance(action, order.Announce) for action in house.orders)
    assert house.told == [(1, Outcome.FAILED, "")]


def test_who_leaves_is_asked_for_no_more() -> None:
    """A question that sounds is said to its end, but nobody is listened to; one that waits is not asked."""
    house = Announcing()
    house.request("One?", 1, asks=True)
    house.request("Two?", 2, asks=True)
    house.wait(SOON)
    house.tell(ev.AnnouncementWithdrawn(2), ev.AnnouncementWithdrawn(1))
    assert order.StopPlayback() not in house.orders
    house.said()
    house.wait(10 * SOON)
    assert house.phase is Phase.IDLE
    assert house.texts == ["One?"]
    assert house.told == []


def test_who_leaves_while_the_answer_is_waited_for_ends_the_session() -> None:
    """And nobody else's."""
    house = Announcing()
    house.ask()
    house.tell(ev.AnnouncementWithdrawn(7))
    assert house.phase is Phase.LISTENING
    house.tell(ev.AnnouncementWithdrawn(1))
    assert house.phase is Phase.IDLE
    assert order.CloseSession() in house.orders


def test_what_is_not_urgent_waits_for_the_end_of_the_quiet_hours() -> None:
    """Who asked is told at once; a question is refused."""
    house = Announcing()
    house.tell(ev.QuietHoursChanged(True))
    house.request("The laundry is done.", 1)
    house.request("Shall I?", 2, asks=True)
    house.request("Somebody is at the door.", 3, urgent=True)
    assert house.told == [(1, Outcome.HELD, ""), (2, Outcome.QUIET, "")]
    house.wait(SOON)
    assert house.texts == ["Somebody is at the door."]
    house.said()
    house.wait(3_600_000)
    assert len(house.texts) == 1
    house.tell(ev.QuietHoursChanged(False))
    house.wait(SOON)
    assert house.texts[1:] == ["The laundry is done."]


def test_quiet_hours_that_begin_while_it_waits_hold_it_back_as_well() -> None:
    """Conversations may be long."""
    house = Announcing()
    house.speak()
    house.request("The laundry is done.", 1)
    house.request("Shall I?", 2, asks=True)
    house.tell(ev.QuietHoursChanged(True), ev.StopRequested())
    house.wait(10 * SOON)
    assert house.texts == []
    assert house.told == [(2, Outcome.QUIET, "")]


def test_a_full_queue_refuses_and_what_is_held_back_does_not_keep_out_what_is_urgent() -> None:
    """Bounded, whatever a program does."""
    house = Announcing()
    house.tell(ev.QuietHoursChanged(True))
    for number in range(MOST_WAITING + 1):
        house.request(ticket=number + 1)
    assert house.told[-1] == (MOST_WAITING + 1, Outcome.FULL, "")
    house.request("Fire!", 99, urgent=True)
    house.wait(SOON)
    assert house.texts == ["Fire!"]


def test_a_voice_that_does_not_work_is_told_and_the_next_one_comes() -> None:
    """Nothing waits for ever."""
    house = Announcing()
    house.request("One.", 1)
    house.request("Two.", 2)
    house.wait(SOON)
    house.tell(ev.AnnouncementUnsaid(1, "no espeak-ng"))
    house.wait(SOON)
    assert house.texts == ["One.", "Two."]
    house.wait(120_000)
    assert house.told == [(1, Outcome.UNSAID, ""), (2, Outcome.UNSAID, "")]
    assert house.machine.get_timer() is None


def test_it_waits_for_an_alarm_to_end() -> None:
    """An alarm is not ducked, and nobody could follow both."""
    house = Announcing()
    house.tell(ev.AlarmDue("1", ev.AlarmKind.ALARM))
    house.request()
    house.wait(60_000)
    assert house.texts == []
    house.tell(ev.StopRequested())
    house.wait(SOON)
    assert house.texts == ["Dinner is ready."]


def test_every_outcome_but_the_good_ones_has_a_reason() -> None:
    """For who asked."""
    assert set(Outcome) - set(OF_ANNOUNCEMENT) == {Outcome.SAID, Outcome.HELD, Outcome.ANSWERED}


def test_no_words_are_in_what_may_be_logged() -> None:
    """Neither what is to be said nor what was answered."""
    facts = (
        ev.AnnouncementRequested("secret"),
        ev.Understood(1, "secret"),
        ev.Heard(1, "secret"),
        ev.Said(1, "secret"),
        order.SayAnnouncement(1, "secret"),
        order.TellOutcome(1, Outcome.ANSWERED, "secret"),
    )
    assert "secret" not in repr(facts)


# -- in the provider's voice


def reciting(settings: Settings | None = None) -> Announcing:
    """A house whose provider has been asked to say something."""
    house = Announcing(settings)
    house.tell(ev.AnnouncementRequested("Good morning.", 1, by_provider=True))
    assert order.OpenSession(1, TurnEnd.DEVICE, Purpose.RECITE) in house.wait(SOON)
    assert house.phase is Phase.WAKING
    assert house.tell(ev.SessionReady(1)) == [order.Recite("Good morning.")]
    return house


@pytest.mark.parametrize("turn_end", TurnEnd)
def test_the_provider_says_it_with_the_gate_shut_and_the_session_ends(turn_end: TurnEnd) -> None:
    """Nobody is heard, whatever is said meanwhile."""
    house = reciting(Settings(barge_in="voice", turn_end=turn_end))
    facts = (
        ev.VoiceStarted(Samples(1)),
        ev.ResponseStarted(1, "r"),
        ev.PlaybackStarted(1),
        ev.SpeechStarted(1),
        ev.VoiceStopped(Samples(2)),
        ev.VoiceStarted(Samples(3)),
        ev.VoiceConfirmed(),
        ev.ResponseFinished(1, "r"),
    )
    for fact in facts:
        house.tell(fact)
        assert not house.machine.status.gate_open
    assert house.phase is Phase.SPEAKING
    house.tell(ev.PlaybackFinished(1))
    assert house.phase is Phase.IDLE
    assert house.told == [(1, Outcome.SAID, "")]
    assert not any(isinstance(action, order.OpenGate | order.Duck | order.PlayCue) for action in house.orders)


@pytest.mark.parametrize(
    "fact",
    [
        ev.SessionFailed(1, ev.Failure.UNREACHABLE, "no network"),
        ev.ResponseFinished(1, "r", failure=ev.Failure.QUOTA),
        None,
    ],
)
def test_a_provider_that_does_not_say_it_is_replaced(fact: ev.Event | None) -> None:
    """By the local voice, once."""
    house = reciting()
    if fact is None:
        house.wait(30_000)
    else:
        house.tell(fact)
    house.wait(SOON)
    assert house.texts == ["Good morning."]
    assert house.phase is Phase.IDLE
    house.said(2)
    assert house.told == [(1, Outcome.SAID, "")]


def test_a_provider_that_breaks_off_is_not_replaced() -> None:
    """Half of it was heard."""
    house = reciting()
    house.tell(ev.ResponseStarted(1, "r"), ev.PlaybackStarted(1), ev.SessionFailed(1, ev.Failure.DROPPED, "gone"))
    house.wait(10 * SOON)
    assert house.texts == []
    assert house.told == [(1, Outcome.INTERRUPTED, "")]


@pytest.mark.parametrize(
    "fact", [ev.WakeWordDetected("hey_jarvis", 0.9, Samples(16_000)), ev.ButtonHeld(Samples(16_000))]
)
def test_whoever_calls_gets_a_conversation_of_their_own(fact: ev.Event) -> None:
    """Not a turn in a session that cannot hear."""
    house = reciting()
    house.tell(ev.ResponseStarted(1, "r"), ev.PlaybackStarted(1))
    orders = house.tell(fact)
    assert isinstance(orders[-1], order.OpenSession)
    assert orders[-1].purpose is Purpose.TALK
    assert house.told == [(1, Outcome.INTERRUPTED, "")]


def test_muted_it_needs_no_provider() -> None:
    """No session is opened while muted."""
    house = Announcing(muted=True)
    house.tell(ev.AnnouncementRequested("Good morning.", 1, by_provider=True))
    house.wait(SOON)
    assert house.texts == ["Good morning."]
