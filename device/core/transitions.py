"""The transition table: for every phase and fact, what follows. The state diagram is drawn from it.

A rule is one row: in `phase`, when `trigger` happens and `guard` holds, do `effect`, then be in `target`. The first row
whose guard holds is taken; a fact without a row changes nothing. Rules with `rearm` start the phase's deadline anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from device.core import answers, silence
from device.core import effects as do
from device.core import endings as end
from device.core import events as ev
from device.core import guards as when
from device.core.actions import Action
from device.core.memory import Memory, Timer
from device.core.status import Phase

Trigger = type | Timer
Guard = Callable[[Memory, Any], bool]
Effect = Callable[[Memory, Any], list[Action]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table."""

    phase: Phase
    trigger: Trigger
    target: Phase
    effect: Effect = do.nothing
    guard: Guard = when.always
    rearm: bool = True


IDLE, WAKING, LISTENING, THINKING, SPEAKING = Phase

_IDLE = (
    Rule(IDLE, ev.WakeWordDetected, WAKING, do.open_session_by_voice, when.unmuted),
    Rule(IDLE, ev.ButtonClicked, IDLE, end.say_muted, when.muted),
    Rule(IDLE, ev.ButtonClicked, IDLE, end.hush, when.telling_failure),
    Rule(IDLE, ev.ButtonClicked, IDLE, end.say_deaf, when.deaf),
    Rule(IDLE, ev.ButtonClicked, WAKING, do.open_session_by_button),
    Rule(IDLE, ev.ButtonHeld, IDLE, do.press_button, when.muted),
    Rule(IDLE, ev.ButtonHeld, IDLE, end.hold_deaf, when.deaf),
    Rule(IDLE, ev.ButtonHeld, WAKING, do.open_session_by_hold),
)

_WAKING = (
    Rule(WAKING, ev.SessionReady, THINKING, do.send_whole_turn, when.ended_already),
    Rule(WAKING, ev.SessionReady, LISTENING, do.greet),
    Rule(WAKING, ev.ButtonReleased, WAKING, do.remember_release, when.holding, rearm=False),
    Rule(WAKING, ev.ButtonHeld, WAKING, do.hold_while_waking, rearm=False),
    Rule(WAKING, ev.VoiceStarted, WAKING, do.forget_end, when.device_vad_ends_turn, rearm=False),
    Rule(WAKING, ev.VoiceStopped, WAKING, do.remember_end, when.device_vad_heard_enough, rearm=False),
    Rule(WAKING, ev.ButtonClicked, IDLE, end.leave),
    Rule(WAKING, Timer.DEADLINE, IDLE, end.give_up_connecting),
)

_LISTENING = (
    Rule(LISTENING, ev.SpeechStarted, LISTENING, do.nothing, when.heard_already, rearm=False),
    Rule(LISTENING, ev.SpeechStarted, LISTENING, do.hear, when.provider_ends_turn),
    Rule(LISTENING, ev.SpeechStopped, THINKING, do.stop_hearing, when.provider_ends_turn),
    Rule(LISTENING, ev.ProviderComplained, LISTENING, answers.doubt, when.question_is_put_in_doubt),
    Rule(LISTENING, ev.VoiceStarted, LISTENING, do.nothing, when.answer_is_in_doubt),
    Rule(LISTENING, ev.VoiceStopped, LISTENING, do.nothing, when.answer_is_in_doubt),
    Rule(LISTENING, ev.VoiceStarted, LISTENING, do.hear, when.device_vad_ends_turn),
    Rule(LISTENING, ev.VoiceStarted, LISTENING, do.hear, when.holding),
    Rule(LISTENING, ev.VoiceStopped, LISTENING, do.listen_on, when.rest_is_over, rearm=False),
    Rule(LISTENING, ev.VoiceStopped, LISTENING, do.play_wake_cue, when.wake_cue_is_owed),
    Rule(LISTENING, ev.VoiceStopped, THINKING, do.commit, when.device_vad_heard_enough),
    Rule(LISTENING, ev.VoiceStopped, LISTENING, do.listen_on, when.device_vad_ends_turn),
    Rule(LISTENING, ev.ButtonHeld, LISTENING, do.interrupt_by_hold),
    Rule(LISTENING, ev.ButtonReleased, LISTENING, do.release_button, when.holding),
    Rule(LISTENING, Timer.HOLD_TAIL, THINKING, do.commit),
    Rule(LISTENING, ev.ResponseStarted, THINKING, answers.expect_answer),
    Rule(LISTENING, ev.PlaybackStarted, SPEAKING, answers.play_unannounced),
    Rule(LISTENING, ev.WakeWordDetected, LISTENING, silence.call_listening, when.provider_ends_turn),
    Rule(LISTENING, ev.WakeWordDetected, LISTENING, silence.call, rearm=False),
    Rule(LISTENING, ev.LinkAnswered, IDLE, end.leave_quietly, when.leaving),
    Rule(LISTENING, ev.ButtonClicked, IDLE, end.leave),
    Rule(LISTENING, Timer.LONGEST_SESSION, IDLE, end.leave_quietly, when.nobody_goes_on),
    Rule(LISTENING, Timer.LONGEST_TURN, IDLE, end.give_up_listening),
    Rule(LISTENING, Timer.DEADLINE, IDLE, end.give_up_doubtful_answer, when.answer_is_in_doubt),
    Rule(LISTENING, Timer.DEADLINE, IDLE, end.give_up_listening, when.hearing),
    Rule(LISTENING, Timer.DEADLINE, LISTENING, do.give_grace, when.voice_goes_on),
    Rule(LISTENING, Timer.DEADLINE, LISTENING, silence.ask_before_leaving, when.perhaps_unheard),
    Rule(LISTENING, Timer.DEADLINE, IDLE, end.leave_quietly),
)

_THINKING = (
    Rule(THINKING, ev.SpeechStarted, LISTENING, do.yield_to_provider, when.provider_ends_turn),
    Rule(THINKING, ev.VoiceStarted, LISTENING, do.go_on_listening, when.device_vad_goes_on),
    Rule(THINKING, ev.ResponseStarted, IDLE, end.give_up_tools, when.too_many_responses),
    Rule(THINKING, ev.ResponseStarted, THINKING, answers.expect_answer),
    Rule(THINKING, ev.ResponseFinished, IDLE, end.fail_by_response, when.response_failed),
    Rule(THINKING, ev.ResponseFinished, THINKING, answers.expect_more, when.more_follows),
    Rule(THINKING, ev.ResponseFinished, THINKING, answers.wait_for_words, when.nothing_came),
    Rule(THINKING, ev.ResponseFinished, THINKING, answers.read_the_rest, when.something_lacks),
    Rule(THINKING, ev.ResponseFinished, THINKING, answers.end_reply),
    Rule(THINKING, ev.WordsWritten, THINKING, answers.expect_end),
    Rule(THINKING, ev.WordsFollowed, THINKING, answers.read_late_words, when.answer_is_empty),
    Rule(THINKING, ev.ReadingFailed, THINKING, answers.end_unread),
    Rule(THINKING, ev.ProviderComplained, THINKING, answers.doubt, when.answer_is_put_in_doubt),
    Rule(THINKING, ev.PlaybackStarted, SPEAKING, answers.play),
    Rule(THINKING, ev.PlaybackFinished, LISTENING, do.follow_up, when.follow_up_wanted),
    Rule(THINKING, ev.PlaybackFinished, IDLE, end.leave_quietly, when.answer_is_over),
    Rule(THINKING, ev.WakeWordDetected, LISTENING, silence.call_interrupting),
    Rule(THINKING, ev.ButtonHeld, LISTENING, do.interrupt_by_hold),
    Rule(THINKING, ev.ButtonClicked, IDLE, end.leave),
    Rule(THINKING, Timer.DEADLINE, THINKING, answers.say_that_nothing_came, when.answer_is_empty),
    Rule(THINKING, Timer.DEADLINE, THINKING, answers.take_for_complete, when.words_are_written),
    Rule(THINKING, Timer.DEADLINE, IDLE, end.give_up_doubtful_answer, when.answer_is_in_doubt),
    Rule(THINKING, Timer.DEADLINE, IDLE, end.give_up_answer),
    Rule(THINKING, Timer.LONGEST_TURN, IDLE, end.give_up_answer),
)

_SPEAKING = (
    Rule(SPEAKING, ev.VoiceStarted, SPEAKING, do.duck, when.voice_may_barge_in, rearm=False),
    Rule(SPEAKING, ev.VoiceStopped, SPEAKING, do.unduck, when.ducked, rearm=False),
    Rule(SPEAKING, ev.VoiceConfirmed, LISTENING, do.interrupt_by_confirmed_voice, when.ducked),
    Rule(SPEAKING, ev.SpeechStarted, LISTENING, do.yield_to_provider),
    Rule(SPEAKING, ev.WakeWordDetected, LISTENING, silence.call_interrupting, when.wake_word_may_barge_in),
    Rule(SPEAKING, ev.WakeWordDetected, SPEAKING, silence.call, rearm=False),
    Rule(SPEAKING, ev.ButtonHeld, LISTENING, do.interrupt_by_hold),
    Rule(SPEAKING, ev.ButtonClicked, IDLE, end.leave),
    Rule(SPEAKING, ev.ResponseStarted, IDLE, end.give_up_tools, when.too_many_responses),
    Rule(SPEAKING, ev.ResponseStarted, SPEAKING, answers.expect_answer),
    Rule(SPEAKING, ev.ResponseFinished, IDLE, end.fail_by_response, when.response_failed),
    Rule(SPEAKING, ev.ResponseFinished, SPEAKING, answers.expect_more, when.more_follows),
    Rule(SPEAKING, ev.ResponseFinished, SPEAKING, answers.read_the_rest, when.something_lacks),
    Rule(SPEAKING, ev.ResponseFinished, SPEAKING, answers.end_reply),
    Rule(SPEAKING, ev.ReadingFailed, SPEAKING, answers.end_unread),
    Rule(SPEAKING, ev.ProviderComplained, SPEAKING, answers.doubt, when.answer_is_put_in_doubt, rearm=False),
    Rule(SPEAKING, ev.PlaybackRanDry, SPEAKING, answers.end_late_sound, when.nothing_is_to_come, rearm=False),
    Rule(SPEAKING, ev.PlaybackRanDry, SPEAKING, answers.run_dry),
    Rule(SPEAKING, ev.PlaybackStarted, SPEAKING, answers.play),
    Rule(SPEAKING, ev.PlaybackFinished, LISTENING, do.follow_up, when.follow_up_wanted),
    Rule(SPEAKING, ev.PlaybackFinished, IDLE, end.leave_quietly, when.answer_is_over),
    Rule(SPEAKING, Timer.DEADLINE, IDLE, end.give_up_doubtful_answer, when.answer_is_in_doubt),
    Rule(SPEAKING, Timer.DEADLINE, SPEAKING, answers.take_for_complete, when.answer_ran_dry),
    Rule(SPEAKING, Timer.DEADLINE, IDLE, end.give_up_answer),
)


def _in_every_phase() -> tuple[Rule, ...]:
    """Rules that hold everywhere; they stand last, so that a phase may have its own."""
    return tuple(rule for phase in Phase for rule in _everywhere(phase))


def _everywhere(here: Phase) -> tuple[Rule, ...]:
    in_session = () if here is IDLE else _in_every_session(here)
    return (
        *in_session,
        Rule(here, ev.ButtonReleased, here, do.let_go, rearm=False),
        Rule(here, ev.ButtonLongPressed, IDLE, end.mute, when.long_press_mutes),
        Rule(here, ev.ButtonLongPressed, here, end.unmute, when.long_press_unmutes, rearm=False),
        Rule(here, Timer.LONGEST_HOLD, IDLE, end.mute, when.holding_unmuted),
        Rule(here, Timer.REST, here, do.nothing, rearm=False),
        Rule(here, Timer.FAILURE_SHOWN, here, end.stop_showing_failure, rearm=False),
        Rule(here, ev.DeviceFailed, here, end.say_not_kept, when.mute_not_kept, rearm=False),
        Rule(here, ev.DeviceFailed, here, end.add_fault, rearm=False),
        Rule(here, ev.DeviceRecovered, here, end.remove_fault, rearm=False),
        Rule(here, ev.EchoCancellationLost, here, end.give_up_voice_barge_in, rearm=False),
        Rule(here, ev.ShutdownRequested, IDLE, end.shut_down),
    )


def _in_every_session(here: Phase) -> tuple[Rule, ...]:
    return (
        *(() if here is WAKING else _in_every_conversation(here)),
        Rule(here, Timer.LONGEST_SESSION, IDLE, end.give_up_session),
        Rule(here, ev.SessionFailed, IDLE, end.fail_by_session),
        Rule(here, ev.DeviceFailed, IDLE, end.fail_by_device, when.conversation_needs_device),
    )


def _in_every_conversation(here: Phase) -> tuple[Rule, ...]:
    return (
        Rule(here, ev.PlaybackStopped, here, do.account_for_heard, rearm=False),
        Rule(here, ev.CallBegun, here, answers.expect_call),
        Rule(here, ev.ToolCalled, here, do.refuse_stale_call, when.call_is_stale, rearm=False),
        Rule(here, ev.ToolCalled, here, do.refuse_excess_call, when.too_many_calls, rearm=False),
        Rule(here, ev.ToolCalled, here, do.run_tool),
        Rule(here, ev.ToolFinished, here, do.send_result, when.call_is_open),
        Rule(here, Timer.SILENCE, here, silence.ask, rearm=False),
        Rule(here, ev.SessionFailed, WAKING, silence.call_again, when.was_called),
    )


RULES: tuple[Rule, ...] = _IDLE + _WAKING + _LISTENING + _THINKING + _SPEAKING + _in_every_phase()


def _index() -> dict[tuple[Phase, Trigger], tuple[Rule, ...]]:
    table: dict[tuple[Phase, Trigger], tuple[Rule, ...]] = {}
    for rule in RULES:
        key = (rule.phase, rule.trigger)
        table[key] = (*table.get(key, ()), rule)
    return table


TABLE = _index()
