"""Confirmation: some tools run only when a person has said yes to it, with the button or in words.

The model has no way to give it. What it asked for is kept here as it came, and is run, exactly so, by a fact that the
model cannot bring about: the button, or the transcript of what the person said after the question. A press is stronger
than a spoken yes, since nothing outside of the house can forge it. Whatever else happens means no: no answer in time, a
spoken no, the end of the session, and, where the button was asked for, a wake word (who goes on to something else may
press the button for another reason). After a no the model cannot wear a person down: it may ask again only when the
person has spoken again.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from device.core import actions as order
from device.core import effects as do
from device.core import events as ev
from device.core import failures
from device.core.actions import Action
from device.core.events import Way
from device.core.memory import Confirming, Memory, Timer

_YES = ("yes", "yeah", "yep", "yup", "ja", "oui", "si", "sí", "sì", "sim", "tak")
_YES_AND = ("", "please", "do it", "do that", "do", "go ahead", "i am sure", "i'm sure", "sure", "of course", "bitte")
_AS_GOOD_AS_YES = ("do it", "go ahead", "confirm", "confirmed", "i confirm", "sure", "okay", "ok", "jawohl")
_NO = ("no", "nope", "nah", "don't", "stop", "cancel", "nein", "non", "nee", "nie")
_AS_GOOD_AS_NO = ("do not", "never mind", "forget it", "leave it", "not now")

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


def says_yes(text: str, what: str) -> bool:
    """Say whether the words mean yes to `what` ("unlock the door"), and nothing else: a sentence with more in it is not
    understood, and the question stays open."""
    said = _normal(text)
    if said in _AS_GOOD_AS_YES:
        return True
    first, _, rest = said.partition(" ")
    return first in _YES and (rest in _YES_AND or rest == _normal(what))


def says_no(text: str) -> bool:
    """Say whether the words begin with a no: here a doubt is as good as one."""
    said = _normal(text)
    return said.partition(" ")[0] in _NO or said.startswith(_AS_GOOD_AS_NO)


def _normal(text: str) -> str:
    return " ".join(_WORD.findall(text.lower().replace("\u2019", "'")))


# -- effects


def ask(memory: Memory, fact: ev.ConfirmationNeeded) -> list[Action]:
    """Tell the person what to do, and wait."""
    memory.confirming = Confirming(fact, memory.status.turn, memory.now)
    memory.start(Timer.CONFIRMATION, memory.settings.confirm)
    memory.note(confirming=True)
    asking = failures.PRESS_TO if fact.way is Way.PRESS else failures.SAY_YES_TO
    return [order.ReadAloud(memory.status.turn, (), asking.format(what=fact.what))]


def refuse(memory: Memory, fact: ev.ConfirmationNeeded) -> list[Action]:
    """Ask nobody: one question at a time, none again and again, and none about what the person does not wait for."""
    return do.send_result(memory, ev.ToolFinished(fact.call_id, _why_not(memory)))


def ask_for_provider(memory: Memory, fact: ev.ApprovalRequested) -> list[Action]:
    """The same for what the provider itself is to do."""
    memory.calls.add(fact.call_id)
    memory.awaited.add(fact.call_id)
    memory.answer.suspected = None
    return ask(memory, ev.ConfirmationNeeded(fact.call_id, "", "", fact.way, fact.what, by_provider=True))


def refuse_provider(memory: Memory, fact: ev.ApprovalRequested) -> list[Action]:
    """Let it not be done, and ask nobody: as `refuse`, or because the answer was interrupted."""
    return [order.AnswerApproval(fact.call_id, False, _why_not(memory))]


def listen(memory: Memory, fact: Any) -> list[Action]:
    """The question was heard: it is the person's turn, a new one, so that no earlier words can answer it."""
    memory.answering = False
    return do.give_turn(memory, memory.settings.confirm)


def wait(memory: Memory, fact: Any) -> list[Action]:
    """The question was heard, and the button is waited for."""
    memory.answer.dry = True
    return []


def press(memory: Memory, fact: ev.ButtonHeld) -> list[Action]:
    """The button, which was asked for, is down: when it is let go that is a yes, unless it became a long press."""
    if memory.confirming is not None:
        memory.confirming = replace(memory.confirming, pressed=True)
    return do.press_button(memory, fact)


def confirm(memory: Memory, fact: Any) -> list[Action]:
    """The person said yes: run what was asked about, as it was asked about."""
    do.let_go(memory, fact)
    asked = _settle(memory)
    if asked.by_provider:
        do.forget_call(memory, asked.call_id)
        return [order.AnswerApproval(asked.call_id, True)]
    return [order.RunTool(asked.call_id, asked.name, asked.arguments, confirmed=True)]


def decline(memory: Memory, fact: Any) -> list[Action]:
    """The person said no."""
    return _refused(memory, failures.DECLINED)


def time_out(memory: Memory, fact: Any) -> list[Action]:
    """The person has said nothing to it."""
    return _refused(memory, failures.NOT_CONFIRMED)


def is_understood(memory: Memory) -> bool:
    """Say whether the question was asked long enough ago for a person to have heard it."""
    asked = memory.confirming
    return asked is not None and memory.now >= asked.since + memory.settings.notice


def press_counts(memory: Memory) -> bool:
    """Say whether a press can be meant for the question, and not for what rings."""
    return is_understood(memory) and not memory.status.ringing


def give_up(memory: Memory, fact: Any) -> list[Action]:
    """Return what follows, beside its own row, from a fact that shows that the person has gone on to something else."""
    asked = memory.confirming
    if asked is None or asked.wanted.way is not Way.PRESS:
        return []
    # Who holds the button and cannot mean the question wants to talk.
    holds = isinstance(fact, ev.ButtonHeld) and not press_counts(memory)
    return decline(memory, fact) if holds or isinstance(fact, ev.WakeWordDetected) else []


def _settle(memory: Memory) -> ev.ConfirmationNeeded:
    asked = memory.confirming
    assert asked is not None, "see the guards"
    memory.end_confirmation()
    memory.window = memory.settings.listen
    return asked.wanted


def _refused(memory: Memory, reason: str) -> list[Action]:
    memory.answer.refused = True
    asked = _settle(memory)
    if asked.by_provider:
        do.forget_call(memory, asked.call_id)
        return [order.AnswerApproval(asked.call_id, False, reason)]
    return do.send_result(memory, ev.ToolFinished(asked.call_id, reason))


def _why_not(memory: Memory) -> str:
    if memory.confirming is not None:
        return failures.CONFIRMING_ANOTHER
    return failures.NOT_CONFIRMED if memory.answer.refused else failures.CALL_INTERRUPTED
