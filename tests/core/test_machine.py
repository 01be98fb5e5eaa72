"""Conversations as the machine sees them: facts in, orders out."""

from __future__ import annotations

import pytest

from device.core import actions as order
from device.core import events as ev
from device.core import failures
from device.core.actions import Action, Cue, TurnEnd
from device.core.darkness import BEGUN
from device.core.events import Device, Failure
from device.core.machine import Machine
from device.core.memory import Settings
from device.core.status import Phase
from device.units import Ms, Samples


class House:
    """Feeds a machine and keeps its orders."""

    def __init__(self, settings: Settings | None = None, muted: bool = False) -> None:
        self.machine = Machine(settings or Settings(barge_in="voice"), muted)
        self.now = 0.0
        self.orders: list[Action] = []

    def tell(self, *facts: ev.Event) -> list[Action]:
        """Tell the facts one by one; return the orders they led to."""
        new = [order for fact in facts for order in self.machine.handle_event(fact, Ms(self.now))]
        self.orders += new
        return new

    def wait(self, duration: float) -> list[Action]:
        """Let time pass."""
        end = self.now + duration
        new: list[Action] = []
        while (at := self.machine.get_timer()) is not None and at <= end:
            self.now = max(self.now, at)
            new += self.machine.handle_timer(Ms(self.now))
        self.now = end
        self.orders += new
        return new

    @property
    def phase(self) -> Phase:
        return self.machine.status.phase

    @property
    def turn(self) -> int:
        return self.machine.status.turn

    # -- the way to each phase

    def wake(self) -> list[Action]:
        return self.tell(ev.WakeWordDetected("hey_jarvis", 0.9, Samples(16_000)))

    def listen(self) -> None:
        self.wake()
        self.tell(ev.SessionReady(self.turn))

    def think(self) -> None:
        self.listen()
        self.tell(ev.SpeechStarted(self.turn), ev.SpeechStopped(self.turn), ev.ResponseStarted(self.turn, "r1"))

    def speak(self) -> None:
        self.think()
        self.tell(ev.PlaybackStarted(self.turn))

    def finish(self, response: str = "r1") -> list[Action]:
        return self.tell(ev.ResponseFinished(self.turn, response))


def names(orders: list[Action]) -> list[str]:
    return [type(o).__name__ for o in orders]


def test_a_whole_turn_from_the_wake_word_to_the_follow_up_and_idle() -> None:
    """The plain case, with every order in its place."""
    house = House()
    assert names(house.wake()) == ["StopPlayback", "OpenSession"]
    assert house.phase is Phase.WAKING
    assert house.tell(ev.SessionReady(1)) == [order.OpenGate(Samples(16_000))]
    assert house.phase is Phase.LISTENING
    house.tell(ev.SpeechStarted(1))
    assert house.machine.status.hearing
    house.tell(ev.SpeechStopped(1), ev.ResponseStarted(1, "r1"))
    assert house.phase is Phase.THINKING
    house.tell(ev.PlaybackStarted(1))
    assert house.phase is Phase.SPEAKING
    assert house.finish() == [order.EndAnswer(1)]
    assert house.phase is Phase.SPEAKING
    house.tell(ev.PlaybackFinished(1))
    assert house.phase is Phase.LISTENING
    ends = house.wait(8_000)
    assert ends == [order.CutGate(), order.CloseSession(), order.StopPlayback(), order.PlayCue(Cue.DONE)]
    assert house.phase is Phase.IDLE
    assert house.machine.get_timer() is None


def test_the_gate_stays_shut_until_the_session_is_configured() -> None:
    """Frames never precede the acknowledgement."""
    house = House()
    house.wake()
    assert not house.machine.status.gate_open
    assert not any(isinstance(o, order.OpenGate) for o in house.orders)


def let_go_in_the_middle(house: House) -> None:
    """Hold the button, begin a sentence, and let go before it is over."""
    house.tell(ev.ButtonHeld(Samples(16_000)), ev.SessionReady(1), ev.VoiceStarted(Samples(20_000)))
    house.tell(ev.ButtonReleased(Samples(40_000)))
    house.wait(200)
    assert house.orders[-1] == order.CommitTurn()


@pytest.mark.parametrize("turn_end", TurnEnd)
def test_the_rest_of_a_sentence_in_which_the_button_was_let_go_is_not_sent(turn_end: TurnEnd) -> None:
    """However soon the answer comes, and is over: the button ended the turn, so it is asked once."""
    house = House(Settings(barge_in="voice", turn_end=turn_end))
    let_go_in_the_middle(house)
    house.tell(ev.ResponseStarted(1, "r1"), ev.PlaybackStarted(1), ev.ResponseFinished(1, "r1"))
    assert order.OpenGate not in map(type, house.tell(ev.PlaybackFinished(1)))
    assert house.phase is Phase.LISTENING
    assert not house.machine.status.hearing
    assert house.tell(ev.VoiceStopped(Samples(60_000))) == [order.OpenGate(None, voiced_only=True)]
    assert house.phase is Phase.LISTENING
    started = house.tell(ev.VoiceStarted(Samples(90_000)))
    assert (house.machine.status.hearing, started) == (turn_end is TurnEnd.DEVICE, [])


def test_music_that_goes_on_for_ever_is_not_waited_for_in_the_follow_up_window() -> None:
    """A detector that takes it for a voice must not keep the person from being heard."""
    house = House()
    let_go_in_the_middle(house)
    house.tell(ev.ResponseStarted(1, "r1"), ev.PlaybackStarted(1), ev.ResponseFinished(1, "r1"))
    house.tell(ev.PlaybackFinished(1))
    assert house.wait(2_000) == [order.OpenGate(None, voiced_only=True)]


def test_a_voice_noticed_only_after_the_button_was_let_go_does_not_interrupt_the_answer_to_it() -> None:
    """The last word of the sentence, after a pause in it."""
    house = House()
    house.tell(ev.ButtonHeld(Samples(16_000)), ev.SessionReady(1), ev.VoiceStarted(Samples(20_000)))
    house.tell(ev.VoiceStopped(Samples(30_000)), ev.ButtonReleased(Samples(40_000)))
    house.wait(200)
    house.tell(ev.ResponseStarted(1, "r1"), ev.PlaybackStarted(1))
    assert house.tell(ev.VoiceStarted(Samples(41_000)), ev.VoiceConfirmed()) == []
    assert house.phase is Phase.SPEAKING


def test_nothing_is_sent_twice_when_a_voice_interrupts_the_answer_to_a_held_turn() -> None:
    """What was said before the button was let go has been sent."""
    house = House()
    let_go_in_the_middle(house)
    house.tell(ev.VoiceStopped(Samples(41_000)), ev.ResponseStarted(1, "r1"), ev.PlaybackStarted(1))
    orders = house.tell(ev.VoiceStarted(Samples(43_000)), ev.VoiceConfirmed())
    assert orders[-1] == order.OpenGate(Samples(40_000 + 120 * 16))


def test_draining_before_the_response_is_complete_does_not_end_speaking() -> None:
    """Speaking ends when two facts hold."""
    house = House()
    house.speak()
    house.tell(ev.PlaybackFinished(house.turn))
    assert house.phase is Phase.SPEAKING


def test_without_a_follow_up_window_the_answer_ends_the_conversation() -> None:
    """follow_up_s = 0."""
    house = House(Settings(follow_up=Ms(0)))
    house.speak()
    house.finish()
    orders = house.tell(ev.PlaybackFinished(house.turn))
    assert order.CloseSession() in orders
    assert house.phase is Phase.IDLE


def test_the_follow_up_window_begins_when_the_answer_was_heard() -> None:
    """Not when its last byte arrived: a long answer is not cut off."""
    house = House()
    house.speak()
    house.finish()
    house.wait(60_000)
    assert house.phase is Phase.SPEAKING


def test_a_voice_over_the_answer_ducks_it_at_once_and_the_provider_stops_it() -> None:
    """Barge-in by voice, with the truncation that follows."""
    house = House()
    house.speak()
    assert house.tell(ev.VoiceStarted(Samples(99))) == [order.Duck()]
    orders = house.tell(ev.SpeechStarted(1))
    assert orders[:2] == [order.StopPlayback(), order.DropResponse()]
    assert order.BeginTurn(2, TurnEnd.PROVIDER) in orders
    assert house.phase is Phase.LISTENING
    assert house.tell(ev.PlaybackStopped(1, "item", Ms(700), Ms(3000))) == [order.TruncateItem("item", Ms(700))]


def test_a_voice_that_was_nothing_gives_the_volume_back() -> None:
    """A cough ducks and no more."""
    house = House()
    house.speak()
    house.tell(ev.VoiceStarted(Samples(99)))
    assert house.tell(ev.VoiceStopped(Samples(199))) == [order.Unduck()]
    house.wait(2_000)
    assert house.phase is Phase.SPEAKING


def test_a_voice_that_goes_on_stops_the_answer_without_the_provider() -> None:
    """The local confirmation cancels the response itself."""
    house = House()
    house.speak()
    house.tell(ev.VoiceStarted(Samples(99)))
    orders = house.tell(ev.VoiceConfirmed())
    assert orders[:2] == [order.StopPlayback(), order.CancelResponse(keeps_due=True)]
    assert house.phase is Phase.LISTENING


def test_a_voice_that_may_not_interrupt_is_not_confirmed_either() -> None:
    """barge_in = "wake_word": it goes on in vain."""
    house = House(Settings(barge_in="wake_word"))
    house.speak()
    assert house.tell(ev.VoiceStarted(Samples(99)), ev.VoiceConfirmed()) == []
    assert house.phase is Phase.SPEAKING


def test_an_item_of_which_nothing_was_heard_is_deleted() -> None:
    """The provider refuses to truncate at 0."""
    house = House()
    house.speak()
    house.tell(ev.SpeechStarted(1))
    assert house.tell(ev.PlaybackStopped(1, "item", Ms(0), Ms(300))) == [order.DeleteItem("item")]


def test_without_voice_barge_in_a_voice_changes_nothing_and_the_gate_is_shut() -> None:
    """The device does not hear itself."""
    house = House(Settings(barge_in="wake_word"))
    house.speak()
    assert not house.machine.status.gate_open
    assert house.tell(ev.VoiceStarted(Samples(99))) == []


def test_the_wake_word_over_an_answer_begins_a_new_turn() -> None:
    """barge_in = "wake_word": audio goes out from the end of the word on."""
    house = House(Settings(barge_in="wake_word"))
    house.speak()
    orders = house.tell(ev.WakeWordDetected("hey_jarvis", 0.8, Samples(70_000)))
    assert names(orders) == ["StopPlayback", "CancelResponse", "BeginTurn", "CheckLink", "OpenGate"]
    assert orders[-1] == order.OpenGate(Samples(70_000))


def test_barge_in_off_leaves_only_the_button() -> None:
    """barge_in = "off"."""
    house = House(Settings(barge_in="off"))
    house.speak()
    assert names(house.wake()) == ["CheckLink"]
    assert not house.machine.status.gate_open
    assert order.CloseSession() in house.tell(ev.ButtonClicked(Samples(1)))
    assert house.phase is Phase.IDLE


@pytest.mark.parametrize("way", ["wake", "listen", "think", "speak"])
def test_a_click_ends_whatever_goes_on(way: str) -> None:
    """Stop or cancel by context."""
    house = House()
    getattr(house, way)()
    orders = house.tell(ev.ButtonClicked(Samples(1)))
    assert order.CloseSession() in orders
    assert order.StopPlayback() in orders
    assert house.phase is Phase.IDLE


def test_a_click_in_idle_begins_to_listen_without_the_wake_word() -> None:
    """Talk."""
    house = House()
    assert order.OpenSession(1, TurnEnd.PROVIDER) in house.tell(ev.ButtonClicked(Samples(5)))
    assert house.tell(ev.SessionReady(1)) == [order.OpenGate(Samples(5))]


def test_push_to_talk_is_ended_by_the_button() -> None:
    """Held, spoken, released: committed once the sound card has given its last words."""
    house = House()
    assert order.OpenSession(1, TurnEnd.DEVICE) in house.tell(ev.ButtonHeld(Samples(5)))
    house.tell(ev.SessionReady(1), ev.SpeechStopped(1))
    assert house.phase is Phase.LISTENING
    assert house.tell(ev.VoiceStarted(Samples(900))) == [order.OpenGate(Samples(5))]
    assert house.tell(ev.ButtonReleased(Samples(50_000))) == []
    assert house.wait(120) == [order.CloseGate(), order.CommitTurn()]
    assert house.phase is Phase.THINKING


def test_nothing_leaves_while_the_button_is_held_in_silence() -> None:
    """It may become a long press, and whoever mutes does not want the room to be heard first."""
    house = House()
    house.tell(ev.ButtonHeld(Samples(5)), ev.SessionReady(1))
    assert not house.machine.status.gate_open
    house.tell(ev.ButtonLongPressed())
    assert not any(isinstance(o, order.OpenGate) for o in house.orders)


def test_words_too_soft_for_the_segmenter_are_sent_when_the_button_is_let_go() -> None:
    """Push-to-talk is the button's decision, not the VAD's."""
    house = House()
    house.tell(ev.ButtonHeld(Samples(5)), ev.SessionReady(1))
    assert house.tell(ev.ButtonReleased(Samples(50_000))) == [order.OpenGate(Samples(5))]
    assert house.wait(120) == [order.CloseGate(), order.CommitTurn()]


def test_after_push_to_talk_nobody_listens_until_the_answer_was_heard() -> None:
    """What you say until you let go; then the follow-up window, with the usual way of ending turns."""
    house = House()
    house.tell(ev.ButtonHeld(Samples(5)), ev.SessionReady(1), ev.VoiceStarted(Samples(900)))
    house.tell(ev.ButtonReleased(Samples(50_000)))
    house.wait(120)
    house.tell(ev.VoiceStopped(Samples(51_000)))
    house.tell(ev.ResponseStarted(1, "r1"), ev.PlaybackStarted(1), ev.ResponseFinished(1, "r1"))
    assert not house.machine.status.gate_open
    orders = house.tell(ev.PlaybackFinished(1))
    assert orders == [order.BeginTurn(2, TurnEnd.PROVIDER), order.OpenGate(None, voiced_only=True)]


def test_push_to_talk_that_ends_before_the_session_is_ready_is_sent_whole() -> None:
    """Not a word is lost when connecting is slow."""
    house = House()
    house.tell(ev.ButtonHeld(Samples(5)), ev.ButtonReleased(Samples(50_000)))
    house.wait(120)
    # 120 ms: what the sound card still held.
    assert house.tell(ev.SessionReady(1)) == [order.OpenGate(Samples(5), Samples(51_920)), order.CommitTurn()]
    assert house.phase is Phase.THINKING


@pytest.mark.parametrize("turn_end", TurnEnd)
def test_what_is_said_after_push_to_talk_is_no_part_of_it(turn_end: TurnEnd) -> None:
    """Whoever usually ends turns: the button has ended this one, before the session was ready."""
    house = House(Settings(turn_end=turn_end))
    house.tell(ev.ButtonHeld(Samples(5)), ev.ButtonReleased(Samples(50_000)))
    house.wait(120)
    house.tell(ev.VoiceStarted(Samples(60_000)), ev.VoiceStopped(Samples(90_000)))
    assert house.tell(ev.SessionReady(1)) == [order.OpenGate(Samples(5), Samples(51_920)), order.CommitTurn()]


def test_push_to_talk_that_ends_as_the_session_gets_ready_waits_for_the_last_words() -> None:
    """They are still on their way through the sound card."""
    house = House()
    house.tell(ev.ButtonHeld(Samples(5)), ev.ButtonReleased(Samples(50_000)))
    assert house.tell(ev.SessionReady(1)) == [order.OpenGate(Samples(5))]
    assert house.wait(120) == [order.CloseGate(), order.CommitTurn()]


def test_a_hold_over_an_answer_interrupts_it() -> None:
    """Only what is said while the button is down goes out."""
    house = House()
    house.speak()
    orders = house.tell(ev.ButtonHeld(Samples(500)))
    assert names(orders) == ["CloseGate", "StopPlayback", "CancelResponse", "BeginTurn"]
    assert orders[3] == order.BeginTurn(2, TurnEnd.DEVICE)
    assert house.tell(ev.VoiceStarted(Samples(700))) == [order.OpenGate(Samples(500))]


def test_a_silent_long_press_mutes_from_every_phase() -> None:
    """Mute is sovereign."""
    for way in ("wake", "listen", "think", "speak"):
        house = House()
        getattr(house, way)()
        house.tell(ev.ButtonHeld(Samples(500)))
        orders = house.tell(ev.ButtonLongPressed())
        assert {"CloseSession", "CloseMicrophone", "RememberMute"} <= set(names(orders))
        assert house.machine.status.muted
        assert not house.machine.status.gate_open
        assert house.phase is Phase.IDLE


def test_a_long_press_with_words_is_a_long_push_to_talk() -> None:
    """Who speaks while holding does not want to mute."""
    house = House()
    house.tell(ev.ButtonHeld(Samples(500)), ev.SessionReady(1), ev.VoiceStarted(Samples(900)))
    assert house.tell(ev.ButtonLongPressed()) == []
    assert house.phase is Phase.LISTENING


def test_a_television_does_not_keep_the_microphone_on() -> None:
    """Held long enough, the button mutes whatever is heard meanwhile."""
    house = House()
    house.tell(ev.VoiceStarted(Samples(1)), ev.ButtonHeld(Samples(500)), ev.SessionReady(1), ev.ButtonLongPressed())
    assert not house.machine.status.muted
    house.wait(30_000)
    assert house.machine.status.muted


def test_a_dead_microphone_is_told_to_whoever_wants_to_talk() -> None:
    """No session is opened that could not hear anything."""
    for fact in (ev.ButtonClicked(Samples(1)), ev.ButtonHeld(Samples(1))):
        house = House()
        house.tell(ev.DeviceFailed(Device.MICROPHONE, "unplugged"))
        orders = house.tell(fact)
        assert names(orders) == ["PlayCue", "Announce"]
        assert house.phase is Phase.IDLE


def test_a_click_ends_the_tale_of_a_failure() -> None:
    """Click = stop, whatever is being said; the next one talks."""
    house = House()
    house.listen()
    house.tell(ev.SessionFailed(1, Failure.DROPPED, "why"))
    assert house.tell(ev.ButtonClicked(Samples(1))) == [order.StopPlayback()]
    assert "OpenSession" in names(house.tell(ev.ButtonClicked(Samples(1))))


def test_after_shutting_down_nothing_is_decided_any_more() -> None:
    """A wake word that was on its way must not open a session."""
    house = House()
    house.tell(ev.ShutdownRequested())
    assert house.wake() == []
    assert house.machine.get_timer() is None


def test_a_slow_tool_of_an_interrupted_answer_does_not_hold_up_the_next_one() -> None:
    """Its result is still given to the provider when it comes."""
    house = House()
    house.think()
    house.tell(ev.ToolCalled(1, "slow", "get_time", "{}"), ev.SpeechStarted(1), ev.SpeechStopped(2))
    house.tell(ev.ResponseStarted(2, "r2"), ev.PlaybackStarted(2))
    assert house.tell(ev.ResponseFinished(2, "r2")) == [order.EndAnswer(2)]
    house.tell(ev.PlaybackFinished(2))
    assert house.phase is Phase.LISTENING
    assert house.tell(ev.ToolFinished("slow", "noon")) == [order.SendToolResult("slow", "noon")]


def test_a_tool_that_is_still_running_keeps_the_answer_open() -> None:
    """The card may drain while the tool works."""
    house = House()
    house.speak()
    house.tell(ev.ToolCalled(1, "slow", "get_time", "{}"), ev.ResponseFinished(1, "r1"))
    house.tell(ev.PlaybackFinished(1))
    assert house.phase is Phase.SPEAKING


def test_local_turn_taking_goes_on_after_a_pause_in_the_sentence() -> None:
    """ "Turn on the ... light"."""
    house = House(Settings(turn_end=TurnEnd.DEVICE))
    house.listen()
    house.tell(ev.VoiceStarted(Samples(20_000)), ev.VoiceStopped(Samples(40_000)))
    orders = house.tell(ev.VoiceStarted(Samples(60_000)))
    assert names(orders) == ["StopPlayback", "CancelResponse", "BeginTurn", "OpenGate"]
    assert orders[-1] == order.OpenGate(Samples(60_000 - 4_800), voiced_only=True)


def test_local_turn_taking_waits_for_a_sentence_that_goes_on_while_connecting() -> None:
    """The voice began before the wake word, and is still going when the session is ready."""
    house = House(Settings(turn_end=TurnEnd.DEVICE))
    house.tell(ev.VoiceStarted(Samples(1_000)))
    house.listen()
    house.wait(20_000)
    assert house.phase is Phase.LISTENING
    assert order.CommitTurn() in house.tell(ev.VoiceStopped(Samples(400_000)))


def test_while_muted_only_a_long_press_does_anything() -> None:
    """No wake word, no click, no hold opens a session."""
    house = House(muted=True)
    assert house.wake() == []
    assert house.tell(ev.ButtonClicked(Samples(1))) == [order.PlayCue(Cue.MUTED)]
    assert house.tell(ev.ButtonHeld(Samples(1))) == []
    assert house.phase is Phase.IDLE
    orders = house.tell(ev.ButtonLongPressed())
    assert orders == [order.OpenMicrophone(), order.RememberMute(False), order.PlayCue(Cue.UNMUTED)]
    assert not house.machine.status.muted


def test_local_turn_taking_commits_when_the_voice_stops() -> None:
    """turn_taking = "local"."""
    house = House(Settings(turn_end=TurnEnd.DEVICE))
    house.listen()
    house.tell(ev.VoiceStarted(Samples(20_000)))
    assert house.tell(ev.VoiceStopped(Samples(40_000))) == [order.CloseGate(), order.CommitTurn()]
    assert house.phase is Phase.THINKING


def test_local_turn_taking_does_not_take_the_wake_word_for_the_command() -> None:
    """The voice that stops right after the wake word was the wake word."""
    house = House(Settings(turn_end=TurnEnd.DEVICE))
    house.listen()
    assert house.tell(ev.VoiceStopped(Samples(17_000))) == []
    assert house.phase is Phase.LISTENING


def test_local_turn_taking_sends_a_command_that_ended_while_connecting() -> None:
    """One breath and a slow connection."""
    house = House(Settings(turn_end=TurnEnd.DEVICE))
    house.wake()
    house.tell(ev.VoiceStopped(Samples(48_000)))
    orders = house.tell(ev.SessionReady(1))
    assert orders == [order.OpenGate(Samples(16_000), Samples(48_000)), order.CommitTurn()]


def test_the_follow_up_window_lets_out_voices_only_until_the_provider_hears_one() -> None:
    """Then everything until it has heard the end, and after it: a pause in the sentence is not its end."""
    house = House(Settings(barge_in="wake_word"))
    house.speak()
    house.finish()
    assert house.tell(ev.PlaybackFinished(1)) == [order.OpenGate(None, voiced_only=True)]
    assert house.tell(ev.VoiceStarted(Samples(60_000))) == []
    assert house.tell(ev.SpeechStarted(1)) == [order.OpenGate(None)]
    assert house.tell(ev.VoiceStopped(Samples(70_000)), ev.SpeechStopped(1), ev.ResponseStarted(1, "r2")) == []
    assert house.machine.status.gate_open
    assert house.tell(ev.PlaybackStarted(1)) == [order.CloseGate()]
    house.finish("r2")
    assert house.tell(ev.PlaybackFinished(1)) == [order.OpenGate(None, voiced_only=True)]


def test_over_an_answer_only_voices_go_out_until_the_provider_hears_one() -> None:
    """What an echo canceller leaves of the answer must not reach a provider that would take it for a person."""
    house = House()
    house.think()
    assert house.tell(ev.PlaybackStarted(1)) == [order.OpenGate(None, voiced_only=True)]
    assert house.tell(ev.SpeechStarted(1))[-1] == order.OpenGate(None)


def test_the_follow_up_window_withholds_as_the_answer_did() -> None:
    """The gate need not move."""
    house = House()
    house.speak()
    house.finish()
    assert house.tell(ev.PlaybackFinished(1)) == []
    assert house.machine.status.gate_open


@pytest.mark.parametrize("address", [ev.WakeWordDetected("hey_jarvis", 0.9, Samples(90_000)), ev.SpeechStarted(1)])
def test_whoever_is_addressed_in_the_follow_up_window_hears_everything(address: ev.Event) -> None:
    """By the wake word, though nobody needs it there, or by what the provider takes for speech."""
    house = House()
    house.speak()
    house.finish()
    house.tell(ev.PlaybackFinished(1))
    assert [o for o in house.tell(address) if not isinstance(o, order.CheckLink)] == [order.OpenGate(None)]


def test_after_the_wake_word_over_an_answer_nothing_is_withheld() -> None:
    """It is a first listening again, also when the conversation had come to its follow-up window before."""
    house = House(Settings(barge_in="wake_word"))
    house.speak()
    house.finish()
    house.tell(ev.PlaybackFinished(1), ev.SpeechStarted(1), ev.SpeechStopped(1), ev.PlaybackStarted(1))
    orders = house.tell(ev.WakeWordDetected("hey_jarvis", 0.8, Samples(70_000)))
    assert orders[-1] == order.OpenGate(Samples(70_000))


def test_local_turn_taking_lets_out_voices_only() -> None:
    """From the wake word on, so that one breath is whole; then what our own segmenter takes for a voice."""
    house = House(Settings(turn_end=TurnEnd.DEVICE, barge_in="wake_word"))
    house.wake()
    assert house.tell(ev.SessionReady(1)) == [order.OpenGate(Samples(16_000), voiced_only=True)]
    assert house.tell(ev.VoiceStarted(Samples(20_000))) == []
    house.tell(ev.VoiceStopped(Samples(40_000)), ev.ResponseStarted(1, "r1"), ev.PlaybackStarted(1))
    house.finish()
    assert house.tell(ev.PlaybackFinished(1)) == [order.OpenGate(None, voiced_only=True)]


@pytest.mark.parametrize("turn_end", TurnEnd)
def test_push_to_talk_is_never_gated(turn_end: TurnEnd) -> None:
    """Neither while the button is down nor until the last words have come through the sound card."""
    house = House(Settings(turn_end=turn_end))
    house.tell(ev.ButtonHeld(Samples(5)), ev.SessionReady(1))
    assert house.tell(ev.VoiceStarted(Samples(900))) == [order.OpenGate(Samples(5))]
    assert house.tell(ev.VoiceStopped(Samples(9_000)), ev.ButtonReleased(Samples(50_000))) == []
    assert house.wait(120) == [order.CloseGate(), order.CommitTurn()]


def test_the_result_of_a_tool_goes_back_and_the_answer_is_awaited() -> None:
    """A response that called a tool is not the end of the turn."""
    house = House()
    house.think()
    assert house.tell(ev.ToolCalled(1, "c1", "get_time", "{}")) == [order.RunTool("c1", "get_time", "{}")]
    assert house.tell(ev.ResponseFinished(1, "r1", more=True)) == []
    assert house.tell(ev.ToolFinished("c1", "noon")) == [order.SendToolResult("c1", "noon")]
    assert house.phase is Phase.THINKING
    house.tell(ev.ResponseStarted(1, "r2"), ev.PlaybackStarted(1))
    assert house.finish("r2") == [order.EndAnswer(1)]


def test_a_call_of_an_interrupted_response_is_answered_but_not_run() -> None:
    """Every call id is answered."""
    house = House()
    house.speak()
    house.tell(ev.SpeechStarted(1))
    (answer,) = house.tell(ev.ToolCalled(1, "c9", "set_switch", "{}"))
    assert isinstance(answer, order.SendToolResult)
    assert answer.call_id == "c9"


def test_stale_facts_change_nothing() -> None:
    """What belongs to an interrupted answer is dropped."""
    house = House()
    house.speak()
    house.tell(ev.SpeechStarted(1))
    before = house.machine.status
    stale = (ev.PlaybackStarted(1), ev.ResponseStarted(1, "r1"), ev.ResponseFinished(1, "r1"), ev.PlaybackFinished(1))
    assert house.tell(*stale) == []
    assert house.machine.status == before


@pytest.mark.parametrize("failure", list(Failure))
@pytest.mark.parametrize("way", ["wake", "listen", "think", "speak"])
def test_every_failure_is_told_and_the_next_wake_word_is_answered(way: str, failure: Failure) -> None:
    """Never a silent end, never a dead device."""
    house = House()
    getattr(house, way)()
    orders = house.tell(ev.SessionFailed(house.turn, failure, "why"))
    assert order.PlayCue(Cue.ERROR) in orders
    assert any(isinstance(o, order.Announce) for o in orders)
    assert house.phase is Phase.IDLE
    assert house.machine.status.failing
    assert "OpenSession" in names(house.wake())


@pytest.mark.parametrize("way", ["wake", "think", "speak"])
def test_what_does_not_come_in_time_is_given_up_aloud(way: str) -> None:
    """Every waiting phase has a deadline."""
    house = House()
    getattr(house, way)()
    orders = house.wait(121_000)
    assert any(isinstance(o, order.Announce) for o in orders)
    assert house.phase is Phase.IDLE


def test_a_person_who_has_just_begun_to_speak_gets_a_moment_more() -> None:
    """The provider may not have noticed yet; but noise does not keep the window open."""
    house = House()
    house.listen()
    house.wait(7_000)
    house.tell(ev.VoiceStarted(Samples(500_000)))
    house.wait(1_500)
    assert house.phase is Phase.LISTENING
    house.wait(2_000)
    house.tell(ev.LinkAnswered(1))
    assert house.phase is Phase.IDLE


def test_a_lost_microphone_ends_listening_and_shows_until_it_is_back() -> None:
    """Deaf is said aloud and shown."""
    house = House()
    house.listen()
    orders = house.tell(ev.DeviceFailed(Device.MICROPHONE, "unplugged"))
    assert order.CloseSession() in orders
    assert Device.MICROPHONE in house.machine.status.faults
    house.tell(ev.DeviceRecovered(Device.MICROPHONE))
    assert not house.machine.status.faults


def test_a_lost_microphone_does_not_cut_an_answer_off() -> None:
    """The answer is still heard; only the follow-up is left out."""
    house = House()
    house.speak()
    house.tell(ev.DeviceFailed(Device.MICROPHONE, "unplugged"))
    assert house.phase is Phase.SPEAKING
    house.finish()
    house.tell(ev.PlaybackFinished(house.turn))
    assert house.phase is Phase.IDLE


@pytest.mark.parametrize("way", ["wake", "listen", "think", "speak"])
def test_shutting_down_closes_everything(way: str) -> None:
    """SIGTERM from every phase."""
    house = House()
    getattr(house, way)()
    orders = house.tell(ev.ShutdownRequested())
    assert {"CloseSession", "StopPlayback", "CloseMicrophone"} <= set(names(orders))
    assert orders[-1] == order.Exit()
    assert not house.machine.status.gate_open


def test_a_response_that_failed_is_told() -> None:
    """The model's own failure, e.g. a rate limit."""
    house = House()
    house.think()
    orders = house.tell(ev.ResponseFinished(1, "r1", failure=Failure.BUSY, message="rate_limit_exceeded"))
    assert any(isinstance(o, order.Announce) for o in orders)
    assert house.phase is Phase.IDLE


def test_speech_while_the_answer_is_being_prepared_goes_on_with_the_turn() -> None:
    """A pause in the middle of a sentence is not its end."""
    house = House()
    house.think()
    orders = house.tell(ev.SpeechStarted(1))
    assert order.DropResponse() in orders
    assert house.phase is Phase.LISTENING
    assert house.machine.status.gate_open


def test_without_cues_only_words_are_heard() -> None:
    """audio.cues = false: no sounds of our own, but what went wrong is still said."""
    house = House(Settings(cues=False, wake_cue=True))
    house.listen()
    orders = house.tell(ev.SessionFailed(1, Failure.DROPPED, "why"))
    assert any(isinstance(o, order.Announce) for o in orders)
    house.tell(ev.ButtonHeld(Samples(1)), ev.ButtonLongPressed())
    assert not any(isinstance(o, order.PlayCue) for o in house.orders)


def test_the_wake_cue_is_played_when_the_session_is_ready() -> None:
    """audio.wake_cue = true."""
    house = House(Settings(wake_cue=True))
    house.listen()
    assert order.PlayCue(Cue.WAKE) in house.orders


def wake_cues(orders: list[Action]) -> int:
    return orders.count(order.PlayCue(Cue.WAKE))


def test_no_wake_cue_is_played_into_a_sentence() -> None:
    """Wake word and command in one breath: whoever speaks need not be told to."""
    house = House(Settings(wake_cue=True))
    house.tell(ev.VoiceStarted(Samples(4_000)))
    house.listen()
    house.tell(ev.VoiceStopped(Samples(16_000 + 24_000)))
    assert wake_cues(house.orders) == 0


def test_a_long_sentence_that_begins_while_the_provider_still_hears_the_wake_word_is_heard_to_its_end() -> None:
    """It says once that it hears somebody, and its silence is longer than ours."""
    house = House(Settings(wake_cue=True, listen=Ms(8_000)))
    house.tell(ev.VoiceStarted(Samples(9_000)))
    house.wake()
    house.tell(ev.SessionReady(1), ev.SpeechStarted(1))
    house.tell(ev.VoiceStopped(Samples(17_000)), ev.VoiceStarted(Samples(20_000)))
    assert wake_cues(house.orders) == 1
    house.wait(20_000)
    assert house.phase is Phase.LISTENING
    house.tell(ev.SpeechStopped(1))
    assert house.phase is Phase.THINKING


def test_the_wake_cue_waits_for_the_end_of_the_wake_word() -> None:
    """A quick session is ready before the segmenter knows that nothing follows the word."""
    house = House(Settings(wake_cue=True))
    house.tell(ev.VoiceStarted(Samples(4_000)))
    house.listen()
    assert wake_cues(house.orders) == 0
    assert house.tell(ev.VoiceStopped(Samples(16_000 + 5_000))) == [order.PlayCue(Cue.WAKE)]
    house.tell(ev.VoiceStarted(Samples(30_000)), ev.VoiceStopped(Samples(60_000)))
    assert wake_cues(house.orders) == 1


def test_a_slow_session_plays_no_wake_cue_after_the_sentence() -> None:
    """All was said before it was ready; a cue that says "go on" would come late."""
    house = House(Settings(wake_cue=True))
    house.tell(ev.VoiceStarted(Samples(4_000)))
    house.wake()
    house.tell(ev.VoiceStopped(Samples(16_000 + 24_000)), ev.SessionReady(1))
    assert wake_cues(house.orders) == 0


def test_a_wake_cue_still_owed_is_forgotten_with_the_sentence() -> None:
    """It is not made up for after an answer."""
    house = House(Settings(wake_cue=True, barge_in="voice"))
    house.tell(ev.VoiceStarted(Samples(4_000)))
    house.speak()
    house.tell(ev.VoiceStopped(Samples(50_000)))
    house.finish()
    house.tell(ev.PlaybackFinished(1), ev.VoiceStarted(Samples(60_000)), ev.VoiceStopped(Samples(61_000)))
    assert house.phase is Phase.LISTENING
    assert wake_cues(house.orders) == 0


@pytest.mark.parametrize(("ended", "cues"), [(400, 1), (500 + 20_000, 0)])
def test_a_press_while_somebody_speaks_waits_for_the_end_too(ended: int, cues: int) -> None:
    """The cue follows when the voice ends with the press, and not when it goes on."""
    house = House(Settings(wake_cue=True))
    house.tell(ev.VoiceStarted(Samples(100)), ev.ButtonClicked(Samples(500)), ev.SessionReady(1))
    assert wake_cues(house.orders) == 0
    house.tell(ev.VoiceStopped(Samples(ended)))
    assert wake_cues(house.orders) == cues


def test_no_wake_cue_is_played_while_the_button_is_held() -> None:
    """Whoever holds it speaks, or is about to; nor is the cue made up for at the end of a short word."""
    house = House(Settings(wake_cue=True))
    house.tell(ev.ButtonHeld(Samples(16_000)), ev.SessionReady(1))
    assert house.phase is Phase.LISTENING
    house.tell(ev.VoiceStarted(Samples(17_000)), ev.VoiceStopped(Samples(20_000)))
    assert wake_cues(house.orders) == 0


def test_a_wake_cue_owed_is_not_played_into_a_hold() -> None:
    """The wake word, and at once the button."""
    house = House(Settings(wake_cue=True))
    house.tell(ev.VoiceStarted(Samples(4_000)))
    house.listen()
    house.tell(ev.ButtonHeld(Samples(17_000)), ev.VoiceStopped(Samples(18_000)))
    assert wake_cues(house.orders) == 0


@pytest.mark.parametrize("wake_cue", [True, False])
def test_the_end_of_the_wake_word_is_no_sentence(wake_cue: bool) -> None:
    """Where the device ends turns: nobody is heard any more, and a person who says nothing is not waited for long."""
    house = House(Settings(wake_cue=wake_cue, turn_end=TurnEnd.DEVICE))
    house.tell(ev.VoiceStarted(Samples(4_000)))
    house.listen()
    assert house.machine.status.hearing
    house.tell(ev.VoiceStopped(Samples(16_000 + 5_000)))
    assert (house.phase, house.machine.status.hearing) == (Phase.LISTENING, False)


def test_without_echo_cancellation_a_voice_no_longer_interrupts() -> None:
    """It might be the device's own: the gate shuts over the answer, and the wake word still works."""
    house = House(Settings(barge_in="voice"))
    house.speak()
    house.tell(ev.VoiceStarted(Samples(1)))
    assert house.tell(ev.EchoCancellationLost("why")) == [order.Unduck(), order.CloseGate()]
    house.tell(ev.VoiceStopped(Samples(2)))
    assert house.tell(ev.VoiceStarted(Samples(3))) == []
    assert "StopPlayback" in names(house.wake())


def test_when_echoes_are_cancelled_again_a_voice_interrupts_again() -> None:
    """In the middle of an answer or before one."""
    house = House(Settings(barge_in="voice"))
    house.tell(ev.EchoCancellationLost("too slow", for_good=False))
    house.speak()
    assert house.tell(ev.VoiceStarted(Samples(1))) == []
    house.tell(ev.VoiceStopped(Samples(2)), ev.EchoCancellationRecovered())
    assert order.Duck() in house.tell(ev.VoiceStarted(Samples(3)))


@pytest.mark.parametrize("muted", [True, False])
def test_a_state_that_the_disk_refuses_is_said_each_time(muted: bool) -> None:
    """Who mutes relies on it over a restart."""
    house = House(muted=muted)
    for _ in range(2):
        orders = house.tell(ev.DeviceFailed(Device.DISK, "full"))
        text = failures.MUTE_NOT_KEPT if muted else failures.UNMUTE_NOT_KEPT
        assert orders == [order.Announce(text)]
    assert Device.DISK in house.machine.status.faults


def test_a_state_that_the_disk_refuses_is_said_after_the_conversation_that_has_begun() -> None:
    """Once, and not into the conversation; not when the disk works again, or at the end of the program."""
    house = House()
    house.speak()
    refused, said = ev.DeviceFailed(Device.DISK, "full"), order.Announce(failures.UNMUTE_NOT_KEPT)
    assert house.tell(refused) == []
    assert said in house.tell(ev.ButtonClicked(Samples(0)))
    house.speak()
    assert said not in house.tell(ev.ButtonClicked(Samples(0)))
    house.speak()
    house.tell(refused, ev.DeviceRecovered(Device.DISK))
    assert said not in house.tell(ev.ButtonClicked(Samples(0)))
    house.speak()
    assert said not in house.tell(refused, ev.ShutdownRequested())


DARK = ev.DeviceFailed(Device.LIGHT, "the LED cannot be used any more")
LIT = ev.DeviceRecovered(Device.LIGHT)


def in_the_dark(settings: Settings | None = None) -> House:
    """A house that wants no cues, and whose light has failed."""
    house = House(settings or Settings(cues=False, wake_cue=False))
    assert house.tell(DARK) == [order.Announce(failures.DARK)]
    return house


def test_without_a_light_a_sound_says_that_it_listens() -> None:
    """After the wake word and in the follow-up window, whatever the settings say of cues."""
    house = in_the_dark()
    house.wake()
    house.tell(ev.SessionReady(house.turn))
    assert wake_cues(house.orders) == 1
    house.tell(ev.SpeechStarted(1), ev.SpeechStopped(1), ev.ResponseStarted(1, "r1"), ev.PlaybackStarted(1))
    house.finish()
    assert wake_cues(house.orders) == 1
    house.tell(ev.PlaybackFinished(house.turn))
    assert house.phase is Phase.LISTENING
    assert wake_cues(house.orders) == 2


@pytest.mark.parametrize("turn_end", TurnEnd)
def test_the_sound_for_a_sentence_in_one_breath_follows_it(turn_end: TurnEnd) -> None:
    """Never into somebody's words, and never left out."""
    house = in_the_dark(Settings(turn_end=turn_end))
    house.wake()
    house.tell(ev.VoiceStarted(Samples(15_000)), ev.SessionReady(1))
    if turn_end is TurnEnd.PROVIDER:
        house.tell(ev.SpeechStarted(1))
    assert wake_cues(house.orders) == 0
    house.tell(ev.VoiceStopped(Samples(60_000)))
    assert wake_cues(house.orders) == (turn_end is TurnEnd.DEVICE)
    if turn_end is TurnEnd.PROVIDER:
        house.tell(ev.SpeechStopped(1))
    assert house.phase is Phase.THINKING
    assert wake_cues(house.orders) == 1


def test_the_end_of_the_wake_word_is_waited_for_in_the_dark() -> None:
    """As with audio.wake_cue."""
    house = in_the_dark()
    house.wake()
    house.tell(ev.VoiceStarted(Samples(9_000)), ev.SessionReady(1), ev.SpeechStarted(1))
    assert wake_cues(house.orders) == 0
    house.tell(ev.VoiceStopped(Samples(18_000)))
    assert wake_cues(house.orders) == 1


def test_push_to_talk_in_the_dark_sounds_when_the_words_are_over() -> None:
    """Both when the session was ready before and after them."""
    house = in_the_dark()
    house.tell(ev.ButtonHeld(Samples(1)), ev.SessionReady(1), ev.VoiceStarted(Samples(2)), ev.VoiceStopped(Samples(3)))
    assert wake_cues(house.orders) == 0
    house.tell(ev.ButtonReleased(Samples(4)))
    house.wait(500)
    assert house.phase is Phase.THINKING
    assert wake_cues(house.orders) == 1
    early = in_the_dark()
    early.tell(ev.ButtonHeld(Samples(1)), ev.ButtonReleased(Samples(4)))
    early.wait(500)
    early.tell(ev.SessionReady(1))
    assert early.phase is Phase.THINKING
    assert wake_cues(early.orders) == 1


def test_a_light_that_fails_in_a_conversation_is_told_of_behind_it() -> None:
    """The sound takes its place at once; the sentence must not be spoken into a session."""
    house = House()
    house.listen()
    assert house.tell(DARK) == [order.PlayCue(Cue.WAKE)]
    assert order.Announce(failures.DARK) not in house.orders
    assert house.tell(ev.ButtonClicked(Samples(1)))[-1] == order.Announce(failures.DARK)


def test_a_sentence_that_a_conversation_cut_short_is_said_again_behind_it() -> None:
    """A light that fails under the finger that wants to talk; once it could be heard, it is enough."""
    house = in_the_dark()
    house.listen()
    assert house.tell(ev.ButtonClicked(Samples(1)))[-1] == order.Announce(failures.DARK)
    house.wait(BEGUN)
    house.listen()
    assert order.Announce(failures.DARK) not in house.tell(ev.ButtonClicked(Samples(1)))


def test_a_light_is_told_of_once_until_it_has_lasted_a_conversation() -> None:
    """One that comes and goes should not be talked of all day."""
    house = in_the_dark()

    def converse(*between: ev.Event) -> int:
        before = len(house.orders)
        house.wait(BEGUN)
        house.listen()
        house.tell(*between, ev.ButtonClicked(Samples(1)))
        return house.orders[before:].count(order.Announce(failures.DARK))

    assert [converse(), converse(LIT), converse(DARK), converse(LIT)] == [0, 0, 0, 0]
    before = wake_cues(house.orders)
    assert converse() == 0
    assert wake_cues(house.orders) == before
    assert converse(DARK) == 1
