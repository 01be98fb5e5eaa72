"""The transition table: for every phase and fact, what follows. The state diagram is drawn from it.

Each row says: in `phase`, when `trigger` happens and `guard` holds, do `effect`, then be in `target`. The first row
whose guard holds applies; a fact without a row changes nothing. Rows with `rearm` start the phase's deadline anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from device.core import announcing, answers, confirmation, ringing, saying, silence
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
class Row:
    """One row of the table."""

    phase: Phase
    trigger: Trigger
    target: Phase
    effect: Effect = do.nothing
    guard: Guard = when.always
    rearm: bool = True


IDLE, WAKING, LISTENING, THINKING, SPEAKING = Phase

# An announcement, and a session that only listens for its answer. Tried before the rows of conversations.
_ANNOUNCEMENTS = (
    Row(IDLE, Timer.ANNOUNCEMENT, WAKING, announcing.open_to_recite, saying.next_is_for_provider),
    Row(IDLE, Timer.ANNOUNCEMENT, IDLE, announcing.say_next),
    Row(IDLE, ev.AnnouncementSaid, WAKING, announcing.listen_for_answer, saying.answer_is_wanted),
    Row(IDLE, ev.AnnouncementSaid, IDLE, announcing.finish, saying.announcement_sounds),
    Row(IDLE, ev.AnnouncementUnsaid, IDLE, announcing.fail, saying.announcement_sounds),
    Row(IDLE, Timer.LONGEST_ANNOUNCEMENT, IDLE, announcing.give_up),
    Row(IDLE, ev.ButtonClicked, IDLE, end.hush, saying.announcing),
    Row(WAKING, ev.SessionReady, THINKING, announcing.recite, saying.reciting),
    Row(WAKING, Timer.DEADLINE, IDLE, announcing.say_it_ourselves, saying.reciting),
    Row(LISTENING, ev.ResponseStarted, LISTENING, announcing.want_no_response, saying.asking, rearm=False),
    Row(LISTENING, ev.Understood, LISTENING, announcing.keep_words, saying.asking, rearm=False),
    Row(THINKING, ev.ResponseStarted, THINKING, announcing.want_no_response, saying.asking, rearm=False),
    Row(THINKING, ev.ResponseFinished, THINKING, do.nothing, saying.asking, rearm=False),
    Row(THINKING, ev.Understood, IDLE, announcing.take_answer, saying.words_are_whole),
    Row(THINKING, ev.Understood, THINKING, announcing.keep_words, saying.asking, rearm=False),
    Row(THINKING, Timer.DEADLINE, IDLE, announcing.miss_answer, saying.asking),
    Row(THINKING, Timer.DEADLINE, IDLE, announcing.say_it_ourselves, saying.reciting),
    Row(SPEAKING, Timer.DEADLINE, IDLE, end.leave, saying.reciting),
)

_IDLE = (
    Row(IDLE, ev.WakeWordDetected, IDLE, end.answer_call, when.calls_in_vain),
    Row(IDLE, ev.WakeWordDetected, WAKING, do.open_session_by_voice, when.unmuted),
    Row(IDLE, ev.ButtonClicked, IDLE, end.say_muted, when.muted),
    Row(IDLE, ev.ButtonClicked, IDLE, end.hush, when.telling_failure),
    Row(IDLE, ev.ButtonClicked, IDLE, end.say_deaf, when.deaf),
    Row(IDLE, ev.ButtonClicked, WAKING, do.open_session_by_button),
    Row(IDLE, ev.ButtonHeld, IDLE, do.press_button, when.muted),
    Row(IDLE, ev.ButtonHeld, IDLE, end.hold_deaf, when.deaf),
    Row(IDLE, ev.ButtonHeld, WAKING, do.open_session_by_hold),
    Row(IDLE, ev.StopRequested, IDLE, end.hush),
    Row(IDLE, ev.StopWordHeard, IDLE, end.hush, when.telling),
)

_WAKING = (
    Row(WAKING, ev.SessionReady, THINKING, do.send_whole_turn, when.ended_already),
    Row(WAKING, ev.SessionReady, LISTENING, do.begin_listening),
    Row(WAKING, ev.ButtonReleased, WAKING, do.remember_release, when.holding, rearm=False),
    Row(WAKING, ev.ButtonHeld, WAKING, do.hold_while_waking, rearm=False),
    Row(WAKING, ev.VoiceStarted, WAKING, do.forget_end, when.device_vad_ends_turn, rearm=False),
    Row(WAKING, ev.VoiceStopped, WAKING, do.remember_end, when.device_vad_heard_enough, rearm=False),
    Row(WAKING, ev.ButtonClicked, IDLE, end.leave),
    Row(WAKING, Timer.DEADLINE, IDLE, end.give_up_connecting),
)

_LISTENING = (
    Row(LISTENING, ev.SpeechStarted, LISTENING, do.nothing, when.heard_already, rearm=False),
    Row(LISTENING, ev.SpeechStarted, LISTENING, do.hear, when.provider_ends_turn),
    Row(LISTENING, ev.SpeechStopped, THINKING, do.stop_hearing, when.provider_ends_turn),
    Row(LISTENING, ev.ProviderComplained, LISTENING, answers.doubt, when.question_is_put_in_doubt),
    Row(LISTENING, ev.VoiceStarted, LISTENING, do.nothing, when.answer_is_in_doubt),
    Row(LISTENING, ev.VoiceStopped, LISTENING, do.nothing, when.answer_is_in_doubt),
    Row(LISTENING, ev.VoiceStarted, LISTENING, do.hear, when.device_vad_ends_turn),
    Row(LISTENING, ev.VoiceStarted, LISTENING, do.hear, when.holding),
    Row(LISTENING, ev.VoiceStopped, LISTENING, do.listen_on, when.rest_is_over, rearm=False),
    Row(LISTENING, ev.VoiceStopped, LISTENING, do.play_wake_cue, when.wake_cue_is_owed),
    Row(LISTENING, ev.VoiceStopped, THINKING, do.commit, when.device_vad_heard_enough),
    Row(LISTENING, ev.VoiceStopped, LISTENING, do.listen_on, when.device_vad_ends_turn),
    Row(LISTENING, ev.ButtonHeld, LISTENING, do.interrupt_by_hold),
    Row(LISTENING, ev.ButtonReleased, LISTENING, do.release_button, when.holding),
    Row(LISTENING, Timer.HOLD_TAIL, THINKING, do.commit),
    Row(LISTENING, ev.ResponseStarted, THINKING, answers.expect_answer),
    Row(LISTENING, ev.PlaybackStarted, SPEAKING, answers.play_unannounced),
    Row(LISTENING, ev.WakeWordDetected, LISTENING, silence.check_while_listening, when.provider_ends_turn),
    Row(LISTENING, ev.WakeWordDetected, LISTENING, silence.check_session, rearm=False),
    Row(LISTENING, ev.LinkAnswered, IDLE, end.leave_quietly, when.leaving),
    Row(LISTENING, ev.ButtonClicked, IDLE, end.leave),
    Row(LISTENING, ev.StopWordHeard, IDLE, end.leave, when.interrupted_just_now),
    Row(LISTENING, Timer.LONGEST_SESSION, IDLE, end.leave_quietly, when.nobody_goes_on),
    Row(LISTENING, Timer.LONGEST_TURN, IDLE, end.give_up_listening),
    Row(LISTENING, Timer.DEADLINE, IDLE, end.give_up_doubtful_answer, when.answer_is_in_doubt),
    Row(LISTENING, Timer.DEADLINE, IDLE, end.give_up_listening, when.hearing),
    Row(LISTENING, Timer.DEADLINE, LISTENING, do.give_grace, when.voice_goes_on),
    Row(LISTENING, Timer.DEADLINE, LISTENING, silence.ask_before_leaving, when.perhaps_unheard),
    Row(LISTENING, Timer.DEADLINE, IDLE, end.leave_quietly),
)

_THINKING = (
    Row(THINKING, ev.SpeechStarted, LISTENING, do.yield_to_provider, when.provider_ends_turn),
    Row(THINKING, ev.VoiceStarted, LISTENING, do.go_on_listening, when.device_vad_goes_on),
    Row(THINKING, ev.ResponseStarted, IDLE, end.give_up_tools, when.too_many_responses),
    Row(THINKING, ev.ResponseStarted, THINKING, answers.expect_answer),
    Row(THINKING, ev.ResponseFinished, IDLE, end.fail_by_response, when.response_failed),
    Row(THINKING, ev.ResponseFinished, THINKING, answers.expect_more, when.more_follows),
    Row(THINKING, ev.ResponseFinished, THINKING, answers.wait_for_words, when.nothing_came),
    Row(THINKING, ev.ResponseFinished, THINKING, answers.read_the_rest, when.something_lacks),
    Row(THINKING, ev.ResponseFinished, THINKING, answers.end_answer),
    Row(THINKING, ev.WordsWritten, THINKING, answers.expect_end),
    Row(THINKING, ev.WordsFollowed, THINKING, answers.read_late_words, when.answer_is_empty),
    Row(THINKING, ev.ReadingFailed, THINKING, answers.end_unread),
    Row(THINKING, ev.ProviderComplained, THINKING, answers.doubt, when.answer_is_put_in_doubt),
    Row(THINKING, ev.PlaybackStarted, SPEAKING, answers.play),
    Row(THINKING, ev.PlaybackFinished, LISTENING, do.follow_up, when.follow_up_wanted),
    Row(THINKING, ev.PlaybackFinished, IDLE, end.leave_quietly, when.answer_is_over),
    Row(THINKING, ev.WakeWordDetected, LISTENING, silence.interrupt_and_check),
    Row(THINKING, ev.ButtonHeld, LISTENING, do.interrupt_by_hold),
    Row(THINKING, ev.ButtonClicked, IDLE, end.leave),
    Row(THINKING, ev.StopWordHeard, IDLE, end.leave, when.interrupted_just_now),
    Row(THINKING, Timer.DEADLINE, THINKING, answers.say_that_nothing_came, when.answer_is_empty),
    Row(THINKING, Timer.DEADLINE, THINKING, answers.assume_complete, when.words_are_written),
    Row(THINKING, Timer.DEADLINE, IDLE, end.give_up_doubtful_answer, when.answer_is_in_doubt),
    Row(THINKING, Timer.DEADLINE, IDLE, end.give_up_answer),
    Row(THINKING, Timer.LONGEST_TURN, IDLE, end.give_up_answer),
)

_SPEAKING = (
    Row(SPEAKING, ev.VoiceStarted, SPEAKING, do.duck, when.voice_may_barge_in, rearm=False),
    Row(SPEAKING, ev.VoiceStopped, SPEAKING, do.unduck, when.ducked, rearm=False),
    Row(SPEAKING, ev.VoiceConfirmed, LISTENING, do.interrupt_by_confirmed_voice, when.ducked),
    Row(SPEAKING, ev.SpeechStarted, LISTENING, do.yield_to_provider),
    Row(SPEAKING, ev.WakeWordDetected, LISTENING, silence.interrupt_and_check, when.wake_word_may_barge_in),
    Row(SPEAKING, ev.WakeWordDetected, SPEAKING, silence.check_session, rearm=False),
    Row(SPEAKING, ev.ButtonHeld, LISTENING, do.interrupt_by_hold),
    Row(SPEAKING, ev.ButtonClicked, IDLE, end.leave),
    Row(SPEAKING, ev.StopWordHeard, IDLE, end.leave),
    Row(SPEAKING, ev.ResponseStarted, IDLE, end.give_up_tools, when.too_many_responses),
    Row(SPEAKING, ev.ResponseStarted, SPEAKING, answers.expect_answer),
    Row(SPEAKING, ev.ResponseFinished, IDLE, end.fail_by_response, when.response_failed),
    Row(SPEAKING, ev.ResponseFinished, SPEAKING, answers.expect_more, when.more_follows),
    Row(SPEAKING, ev.ResponseFinished, SPEAKING, answers.read_the_rest, when.something_lacks),
    Row(SPEAKING, ev.ResponseFinished, SPEAKING, answers.end_answer),
    Row(SPEAKING, ev.ReadingFailed, SPEAKING, answers.end_unread),
    Row(SPEAKING, ev.ProviderComplained, SPEAKING, answers.doubt, when.answer_is_put_in_doubt, rearm=False),
    Row(SPEAKING, ev.PlaybackRanDry, SPEAKING, answers.end_late_sound, when.nothing_is_to_come, rearm=False),
    Row(SPEAKING, ev.PlaybackRanDry, SPEAKING, answers.run_dry),
    Row(SPEAKING, ev.PlaybackStarted, SPEAKING, answers.play),
    Row(SPEAKING, ev.PlaybackFinished, LISTENING, do.follow_up, when.follow_up_wanted),
    Row(SPEAKING, ev.PlaybackFinished, IDLE, end.leave_quietly, when.answer_is_over),
    Row(SPEAKING, Timer.DEADLINE, IDLE, end.give_up_doubtful_answer, when.answer_is_in_doubt),
    Row(SPEAKING, Timer.DEADLINE, SPEAKING, answers.assume_complete, when.answer_ran_dry),
    Row(SPEAKING, Timer.DEADLINE, IDLE, end.give_up_answer),
)


def _while_confirming() -> tuple[Row, ...]:
    """Rows of the question whether something may be done; they come before all others."""
    return tuple(row for phase in (LISTENING, THINKING, SPEAKING) for row in _confirming(phase))


def _confirming(here: Phase) -> tuple[Row, ...]:
    asked = () if here is LISTENING else _asked(here)
    return (
        *asked,
        Row(here, ev.ConfirmationNeeded, here, confirmation.refuse, when.confirmation_is_open),
        Row(here, ev.ApprovalRequested, here, confirmation.refuse_provider, rearm=False),
        Row(here, ev.ButtonClicked, here, confirmation.confirm, when.press_confirms),
        Row(here, ev.ButtonHeld, here, confirmation.press, when.hold_may_confirm, rearm=False),
        Row(here, ev.ButtonReleased, here, confirmation.confirm, when.release_confirms),
        Row(here, ev.Heard, here, confirmation.confirm, when.heard_yes),
        Row(here, ev.Heard, here, confirmation.decline, when.heard_no),
        Row(here, Timer.CONFIRMATION, here, confirmation.time_out),
    )


def _asked(here: Phase) -> tuple[Row, ...]:
    return (
        Row(here, ev.ConfirmationNeeded, here, confirmation.ask, when.may_ask),
        Row(here, ev.ApprovalRequested, here, confirmation.ask_for_provider, when.may_ask_for_provider),
        Row(here, ev.PlaybackFinished, LISTENING, confirmation.listen, when.question_in_words_is_over),
        Row(here, ev.PlaybackFinished, here, confirmation.wait, when.confirming),
    )


def _in_sessions_of_announcements() -> tuple[Row, ...]:
    """Rows for a session that is for an announcement, in whatever phase."""
    return tuple(row for phase in Phase if phase is not IDLE for row in _for_an_announcement(phase))


def _for_an_announcement(here: Phase) -> tuple[Row, ...]:
    return (
        Row(here, ev.WakeWordDetected, IDLE, announcing.give_way_unlit, saying.reciting_unlit),
        Row(here, ev.WakeWordDetected, WAKING, announcing.give_way, when.announcing_in_session),
        Row(here, ev.AnnouncementWithdrawn, IDLE, announcing.stop_listening, saying.asking_for_who_left),
        Row(here, ev.ButtonHeld, IDLE, announcing.give_way_unlit, saying.reciting_unlit),
        Row(here, ev.ButtonHeld, WAKING, announcing.give_way_to_hold, saying.reciting),
        Row(here, ev.VoiceStarted, here, do.nothing, saying.reciting, rearm=False),
        Row(here, ev.SpeechStarted, here, do.nothing, saying.reciting, rearm=False),
        Row(here, ev.SessionFailed, IDLE, announcing.say_it_ourselves, saying.reciting),
        Row(here, ev.ResponseFinished, IDLE, announcing.say_it_ourselves, saying.recital_failed),
        Row(here, ev.PlaybackFinished, IDLE, announcing.finish_recital, saying.recital_is_over),
    )


def _in_every_phase() -> tuple[Row, ...]:
    """Rows that hold everywhere; they stand last, so that a phase may have its own."""
    return tuple(row for phase in Phase for row in _everywhere(phase))


def _while_it_rings(here: Phase) -> tuple[Row, ...]:
    """Rows that come before all others: what ends the ringing does nothing else."""
    return (
        Row(here, ev.ButtonClicked, here, ringing.end, when.ringing, rearm=False),
        Row(here, ev.VolumeStepRequested, here, ringing.end, when.ringing, rearm=False),
        Row(here, ev.ButtonHeld, here, ringing.end, when.rings_over_a_question, rearm=False),
        Row(here, ev.StopRequested, here, ringing.end, when.ringing, rearm=False),
        Row(here, ev.StopWordHeard, here, ringing.end, when.ringing, rearm=False),
    )


def _everywhere(here: Phase) -> tuple[Row, ...]:
    in_session = () if here is IDLE else _in_every_session(here)
    return (
        *in_session,
        Row(here, ev.ButtonReleased, here, do.let_go, rearm=False),
        Row(here, ev.ButtonLongPressed, IDLE, end.mute, when.long_press_mutes),
        Row(here, ev.ButtonLongPressed, here, end.unmute, when.long_press_unmutes, rearm=False),
        Row(here, Timer.LONGEST_HOLD, IDLE, end.mute, when.holding_unmuted),
        Row(here, ev.ButtonLongPressed, here, end.say_muted, when.mute_is_held_against_press, rearm=False),
        Row(here, ev.MuteRequested, IDLE, end.mute, when.unmuted),
        Row(here, ev.MuteRequested, here, end.mute_too, when.held_only, rearm=False),
        Row(here, ev.UnmuteRequested, here, end.unmute, when.may_unmute, rearm=False),
        Row(here, ev.UnmuteRequested, here, end.say_muted, when.mute_is_held, rearm=False),
        Row(here, ev.MuteToggleRequested, IDLE, end.mute, when.unmuted),
        Row(here, ev.MuteToggleRequested, here, end.unmute, when.may_unmute, rearm=False),
        Row(here, ev.MuteToggleRequested, here, end.say_muted, rearm=False),
        Row(here, ev.MuteHeld, IDLE, end.hold_mute),
        Row(here, ev.MuteLetGo, here, end.let_mute_go, when.holds_mute, rearm=False),
        Row(here, ev.VolumeStepRequested, here, do.step_volume, rearm=False),
        Row(here, ev.PersonaChosen, here, do.choose_persona, rearm=False),
        Row(here, ev.WakeWordChosen, here, do.choose_wake_word, rearm=False),
        Row(here, ev.ButtonPressed, here, do.note_press, rearm=False),
        Row(here, ev.ButtonLifted, here, do.note_lift, rearm=False),
        Row(here, Timer.REST, here, do.nothing, rearm=False),
        Row(here, ev.AlarmDue, here, ringing.begin, rearm=False),
        Row(here, ev.AlarmSilenced, here, ringing.silence, rearm=False),
        Row(here, ev.AlarmMissed, here, ringing.miss, rearm=False),
        Row(here, Timer.NAME_WHAT_RINGS, here, ringing.name_aloud, rearm=False),
        Row(here, Timer.LONGEST_RINGING, here, ringing.give_up, rearm=False),
        Row(here, Timer.INTERRUPTED, here, do.nothing, rearm=False),
        Row(here, Timer.FAILURE_SHOWN, here, end.stop_showing_failure, rearm=False),
        Row(here, ev.DeviceFailed, here, end.note_not_kept, when.mute_not_kept, rearm=False),
        Row(here, ev.DeviceFailed, here, end.add_fault, rearm=False),
        Row(here, ev.DeviceRecovered, here, end.remove_fault, rearm=False),
        Row(here, ev.EchoCancellationLost, here, end.give_up_voice_barge_in, rearm=False),
        Row(here, ev.EchoCancellationRecovered, here, end.take_voice_barge_in_back, rearm=False),
        Row(here, ev.LoadShed, here, end.note_load, rearm=False),
        Row(here, ev.AnnouncementRequested, here, announcing.take, rearm=False),
        Row(here, ev.AnnouncementWithdrawn, here, announcing.withdraw, rearm=False),
        Row(here, ev.QuietHoursChanged, here, announcing.note_hours, rearm=False),
        Row(here, ev.ShutdownRequested, IDLE, end.shut_down),
    )


def _in_every_session(here: Phase) -> tuple[Row, ...]:
    return (
        *(() if here is WAKING else _in_every_conversation(here)),
        Row(here, Timer.LONGEST_SESSION, IDLE, end.give_up_session),
        Row(here, ev.StopRequested, IDLE, end.leave),
        Row(here, ev.SessionFailed, IDLE, end.fail_by_session),
        Row(here, ev.DeviceFailed, IDLE, end.fail_by_device, when.conversation_needs_device),
    )


def _in_every_conversation(here: Phase) -> tuple[Row, ...]:
    return (
        Row(here, ev.PlaybackStopped, here, do.account_for_heard, rearm=False),
        Row(here, ev.CallBegun, here, answers.expect_call),
        Row(here, ev.ToolCalled, here, do.refuse_stale_call, when.call_is_stale, rearm=False),
        Row(here, ev.ToolCalled, here, do.refuse_excess_call, when.too_many_calls, rearm=False),
        Row(here, ev.ToolCalled, here, do.run_tool),
        Row(here, ev.ToolFinished, here, do.send_result, when.call_is_open),
        Row(here, Timer.SILENCE, here, silence.ask, rearm=False),
        Row(here, ev.SessionFailed, WAKING, silence.open_again, when.session_was_dead),
    )


ROWS: tuple[Row, ...] = (
    *(row for phase in Phase for row in _while_it_rings(phase)),
    *_while_confirming(),
    *_ANNOUNCEMENTS,
    *_in_sessions_of_announcements(),
    *_IDLE,
    *_WAKING,
    *_LISTENING,
    *_THINKING,
    *_SPEAKING,
    *_in_every_phase(),
)


def _index() -> dict[tuple[Phase, Trigger], tuple[Row, ...]]:
    table: dict[tuple[Phase, Trigger], tuple[Row, ...]] = {}
    for row in ROWS:
        key = (row.phase, row.trigger)
        table[key] = (*table.get(key, ()), row)
    return table


TABLE = _index()
