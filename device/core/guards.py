"""Conditions of the transition table: each reads the memory and the fact, and changes nothing."""

from __future__ import annotations

from typing import Any

from device.core import stopping
from device.core.actions import TurnEnd
from device.core.confirmation import is_understood, press_counts, says_no, says_yes
from device.core.events import (
    ApprovalRequested,
    ConfirmationNeeded,
    Device,
    DeviceFailed,
    Failure,
    Heard,
    MuteLetGo,
    ProviderComplained,
    ResponseFinished,
    SessionFailed,
    ToolCalled,
    ToolFinished,
    VoiceStarted,
    VoiceStopped,
    Way,
)
from device.core.gating import rest_goes_on, unlit
from device.core.memory import Memory, Timer, awaits_more
from device.core.status import Phase


def always(memory: Memory, fact: Any) -> bool:
    """No condition."""
    return True


def muted(memory: Memory, fact: Any) -> bool:
    """The person has muted the microphone."""
    return memory.status.muted


def deaf(memory: Memory, fact: Any) -> bool:
    """The microphone does not work, or the light without which nobody is listened to."""
    return Device.MICROPHONE in memory.status.faults or unlit(memory)


def calls_in_vain(memory: Memory, fact: Any) -> bool:
    """A wake word is heard, and nobody may be listened to."""
    return unlit(memory) and not memory.status.muted


def mute_not_kept(memory: Memory, fact: DeviceFailed) -> bool:
    """The disk refused the mute state."""
    return fact.device is Device.DISK


def telling_failure(memory: Memory, fact: Any) -> bool:
    """The person is being told that a conversation failed."""
    return memory.status.failing


def ringing(memory: Memory, fact: Any) -> bool:
    """A timer, an alarm or a reminder rings."""
    return bool(memory.ringing.alarms)


def rings_over_a_question(memory: Memory, fact: Any) -> bool:
    """It rings while somebody is asked for a yes: no press, however long, that silences it may be taken for one."""
    return ringing(memory, fact) and memory.confirming is not None


def unmuted(memory: Memory, fact: Any) -> bool:
    """The microphone is not muted."""
    return not memory.status.muted


def may_unmute(memory: Memory, fact: Any) -> bool:
    """Muted, by the person's own button or command only: no switch holds it."""
    return memory.status.muted and not memory.status.mute_held


def mute_is_held(memory: Memory, fact: Any) -> bool:
    """A switch says mute."""
    return bool(memory.status.mute_held)


def held_only(memory: Memory, fact: Any) -> bool:
    """Muted by a switch, and by nothing else yet."""
    return memory.status.muted and not memory.mute_asked


def holds_mute(memory: Memory, fact: MuteLetGo) -> bool:
    """This switch holds the mute."""
    return fact.by in memory.status.mute_held


def mute_is_held_against_press(memory: Memory, fact: Any) -> bool:
    """A long press that began while muted, against a switch that says mute."""
    return mute_is_held(memory, fact) and memory.button_down


def holding(memory: Memory, fact: Any) -> bool:
    """The button is held for push-to-talk."""
    return memory.button_down


def ended_already(memory: Memory, fact: Any) -> bool:
    """The person had finished before the session was ready (push-to-talk, or heard by our own segmenter)."""
    return memory.until is not None and Timer.HOLD_TAIL not in memory.timers


def provider_ends_turn(memory: Memory, fact: Any) -> bool:
    """The provider's VAD decides when the person has finished."""
    return memory.turn_end is TurnEnd.PROVIDER


def device_vad_ends_turn(memory: Memory, fact: Any) -> bool:
    """Our own segmenter decides when the person has finished."""
    return memory.turn_end is TurnEnd.DEVICE and not memory.by_button


def device_vad_heard_enough(memory: Memory, fact: VoiceStopped) -> bool:
    """Our own segmenter decides, and the voice was more than the end of the wake word."""
    return device_vad_ends_turn(memory, fact) and fact.at - memory.began >= memory.settings.shortest_turn


def wake_cue_is_owed(memory: Memory, fact: VoiceStopped) -> bool:
    """The voice was only the end of the wake word, and the cue has waited for it."""
    return fact.at < memory.cue_until and not memory.button_down


def device_vad_goes_on(memory: Memory, fact: Any) -> bool:
    """Our own segmenter ended the turn too early: the person only paused."""
    return device_vad_ends_turn(memory, fact) and memory.settings.turn_end is TurnEnd.DEVICE


def voice_goes_on(memory: Memory, fact: Any) -> bool:
    """The segmenter hears a voice that the provider has not reported yet; this prolongs the wait only once."""
    return memory.voice is not None and not memory.grace_given and not memory.status.hearing


def heard_already(memory: Memory, fact: Any) -> bool:
    """The provider says again that it hears somebody."""
    return provider_ends_turn(memory, fact) and memory.status.hearing


def hearing(memory: Memory, fact: Any) -> bool:
    """Somebody is being heard."""
    return memory.status.hearing


def nobody_goes_on(memory: Memory, fact: Any) -> bool:
    """The answer is over, and nobody has said anything since."""
    return memory.in_follow_up and not memory.status.hearing


def perhaps_unheard(memory: Memory, fact: Any) -> bool:
    """Our own detector heard a voice that the provider has not reported; this prolongs the wait only once."""
    return memory.unheard and not memory.leaving and not memory.status.hearing


def leaving(memory: Memory, fact: Any) -> bool:
    """The wait for the person is over; only the provider's sign of life is waited for."""
    return memory.leaving


def session_was_dead(memory: Memory, fact: SessionFailed) -> bool:
    """The wake word was said while the session was dead."""
    return memory.wake_word is not None and fact.failure is Failure.DROPPED


def response_failed(memory: Memory, fact: ResponseFinished) -> bool:
    """The model could not answer."""
    return fact.failure is not None


def more_follows(memory: Memory, fact: ResponseFinished) -> bool:
    """Another response comes by itself: it waits for results of tools, or is queued."""
    return fact.more or bool(memory.awaited)


def nothing_came(memory: Memory, fact: ResponseFinished) -> bool:
    """The answer is complete without sound, words or a reason."""
    came = fact.cancelled or fact.sound or fact.text or fact.lack or memory.answer.sounded or memory.answer.texts
    return not came


def something_lacks(memory: Memory, fact: ResponseFinished) -> bool:
    """The answer is complete, and the person would not hear all of it otherwise."""
    return not fact.cancelled and bool(fact.text or fact.lack or memory.answer.texts)


def answer_is_empty(memory: Memory, fact: Any) -> bool:
    """The answer is complete, and neither sound nor words of it have arrived."""
    return memory.answer.empty


def words_are_written(memory: Memory, fact: Any) -> bool:
    """The words of the running response are complete, and no tool is waited for."""
    return memory.answer.written and not memory.awaited


def answer_is_in_doubt(memory: Memory, fact: Any) -> bool:
    """The provider said that something went wrong, and has given no sign of the answer since."""
    return memory.answer.suspected is not None


def nothing_is_to_come(memory: Memory, fact: Any) -> bool:
    """The answer is complete, and the local voice has nothing to add."""
    return answer_is_over(memory, fact) and not memory.answer.reading


def answer_ran_dry(memory: Memory, fact: Any) -> bool:
    """What came of the running response was heard, and nothing has followed for long."""
    return memory.answer.dry and memory.answering and not awaits_more(memory)


def answer_is_put_in_doubt(memory: Memory, fact: ProviderComplained) -> bool:
    """After this error there may be no answer; only the first such error counts."""
    return fact.failure is not None and memory.answer.suspected is None


def question_is_put_in_doubt(memory: Memory, fact: ProviderComplained) -> bool:
    """After this error the provider may not hear the person any more, though it has not said so."""
    return heard_already(memory, fact) and answer_is_put_in_doubt(memory, fact)


def too_many_responses(memory: Memory, fact: Any) -> bool:
    """This turn has had as many responses as it may have: the model goes on calling tools."""
    return memory.answer.responses >= memory.settings.responses


def answer_is_over(memory: Memory, fact: Any) -> bool:
    """Both facts hold: the response is complete and the sound card has drained (this fact is the draining)."""
    return not (memory.answering or memory.awaited or memory.answer.empty)


def follow_up_wanted(memory: Memory, fact: Any) -> bool:
    """The answer is over, and the person may go on without the wake word."""
    wanted = memory.settings.follow_up > 0 and not announcing_in_session(memory, fact)
    return wanted and answer_is_over(memory, fact) and not deaf(memory, fact)


def voice_may_barge_in(memory: Memory, fact: VoiceStarted) -> bool:
    """Talking over the answer is allowed, and this voice is not still the sentence that is being answered."""
    return memory.settings.barge_in == "voice" and not rest_goes_on(memory)


def rest_is_over(memory: Memory, fact: VoiceStopped) -> bool:
    """The sentence in which the button was released is over: until now the gate was kept shut for it."""
    return memory.in_follow_up and not memory.status.gate_open and not memory.button_down


def wake_word_may_barge_in(memory: Memory, fact: Any) -> bool:
    """Saying the wake word over the answer is allowed."""
    return memory.settings.barge_in != "off"


def telling(memory: Memory, fact: Any) -> bool:
    """Something is said outside of a conversation: an announcement, or what went wrong."""
    return memory.status.announcing or memory.status.failing


def interrupted_just_now(memory: Memory, fact: Any) -> bool:
    """The voice that interrupted the answer may have been the stop word."""
    return stopping.interrupted_just_now(memory)


def ducked(memory: Memory, fact: Any) -> bool:
    """The answer is being played quietly."""
    return memory.status.ducked


def long_press_mutes(memory: Memory, fact: Any) -> bool:
    """A long press without a word spoken, while the microphone is on. With words it is a long push-to-talk."""
    return not memory.status.muted and not memory.spoke_in_hold


def holding_unmuted(memory: Memory, fact: Any) -> bool:
    """The button is still down, and the microphone on."""
    return memory.button_down and not memory.status.muted


def long_press_unmutes(memory: Memory, fact: Any) -> bool:
    """A long press that began while muted. One during which somebody else muted does not take that back."""
    return may_unmute(memory, fact) and memory.button_down


def call_is_stale(memory: Memory, fact: ToolCalled) -> bool:
    """The call belongs to an answer that was interrupted."""
    return fact.turn != memory.status.turn


def too_many_calls(memory: Memory, fact: ToolCalled) -> bool:
    """As many calls are running as may run at once."""
    return len(memory.calls) >= memory.settings.calls


def call_is_open(memory: Memory, fact: ToolFinished) -> bool:
    """The provider of this session still waits for the call's result."""
    return fact.call_id in memory.calls


def conversation_needs_device(memory: Memory, fact: DeviceFailed) -> bool:
    """This phase cannot go on without the part that failed: the person is not heard, or hears nothing."""
    if fact.device in (Device.EAR, Device.CONVERSATION):
        # A gate that could not be shut must not have an open session behind it either.
        return True
    if fact.device is Device.LIGHT:
        return memory.settings.light_required and not memory.announcements.reciting
    needs_ear = memory.status.phase in (Phase.WAKING, Phase.LISTENING)
    return fact.device is (Device.MICROPHONE if needs_ear else Device.SPEAKER)


def may_ask(memory: Memory, fact: ConfirmationNeeded) -> bool:
    """The person waits for this call, is not being asked about another, and has not just refused."""
    return memory.confirming is None and fact.call_id in memory.awaited and not memory.answer.refused


def may_ask_for_provider(memory: Memory, fact: ApprovalRequested) -> bool:
    """The same of what the provider is to do by itself."""
    return memory.confirming is None and fact.turn == memory.status.turn and not memory.answer.refused


def confirmation_is_open(memory: Memory, fact: ConfirmationNeeded) -> bool:
    """The provider of this session still waits for the call's result."""
    return fact.call_id in memory.calls


def confirming(memory: Memory, fact: Any) -> bool:
    """A person is being asked for a yes."""
    return memory.confirming is not None


def confirming_in_words(memory: Memory, fact: Any) -> bool:
    """A person is being asked for a yes in words."""
    return memory.confirming is not None and memory.confirming.wanted.way is Way.YES


def question_in_words_is_over(memory: Memory, fact: Any) -> bool:
    """The sound that ends now can be the question's, and is not what was said before it."""
    return confirming_in_words(memory, fact) and is_understood(memory)


def press_confirms(memory: Memory, fact: Any) -> bool:
    """A person is being asked, and may have understood what this press means."""
    return press_counts(memory)


def hold_may_confirm(memory: Memory, fact: Any) -> bool:
    """The same, where the button is asked for: whoever presses it long has pressed it. To say yes it may be held."""
    return press_confirms(memory, fact) and not confirming_in_words(memory, fact)


def release_confirms(memory: Memory, fact: Any) -> bool:
    """The button that was pressed for it was let go before that became a long press, which mutes."""
    return memory.confirming is not None and memory.confirming.pressed


def heard_yes(memory: Memory, fact: Heard) -> bool:
    """The person has said yes, in words said after the question."""
    asked = memory.confirming
    if asked is None or not confirming_in_words(memory, fact):
        return False
    return fact.turn > asked.turn and says_yes(fact.text, asked.wanted.what)


def heard_no(memory: Memory, fact: Heard) -> bool:
    """The person has said no."""
    return memory.confirming is not None and says_no(fact.text)


def announcing_in_session(memory: Memory, fact: Any) -> bool:
    """The session is for an announcement: its answer, or its sound."""
    return memory.announcements.said or memory.announcements.reciting
