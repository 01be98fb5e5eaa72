"""Who carries out which order: the parts of a house, and what each order asks of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from device.core import actions as order
from device.core.actions import Action
from device.core.events import Device
from device.ports.conversation import Conversation
from device.ports.panel import Panel
from device.ports.sound import Ear, Microphone, Mouth, Voice, VolumeOfHouse
from device.ports.tools import Tools


@dataclass(frozen=True, slots=True)
class House:
    """Everything the controller gives orders to."""

    ear: Ear
    microphone: Microphone
    mouth: Mouth
    conversation: Conversation
    tools: Tools
    panel: Panel
    voice: Voice
    remember_mute: Callable[[bool], None]
    """Keep the state over a restart. Never waits: a disk that refuses is posted as DeviceFailed."""
    volume: VolumeOfHouse


@dataclass(frozen=True, slots=True)
class Step:
    """What one part of the house does when an order is given."""

    part: Device
    do: Callable[[Any], object]


def each(part: Device, orders: Mapping[type[Action], Callable[[Any], object]]) -> dict[type[Action], tuple[Step]]:
    """Return the one step of each of these orders, all of which one part carries out."""
    return {kind: (Step(part, do),) for kind, do in orders.items()}


def orders_to_conversation(talk: Conversation) -> dict[type[Action], Callable[[Any], object]]:
    """Return what each order asks of a conversation."""
    return {
        order.CloseSession: lambda a: talk.close(),
        order.CutConnection: lambda a: talk.cut(),
        order.CheckLink: lambda a: talk.check(a.within / 1000),
        order.BeginTurn: lambda a: talk.begin_turn(a.turn, a.turn_end),
        order.CommitTurn: lambda a: talk.commit_turn(),
        order.Recite: lambda a: talk.recite(a.text),
        order.CancelResponse: lambda a: talk.cancel_response(a.keeps_due),
        order.DropResponse: lambda a: talk.drop_response(),
        order.AbandonResponse: lambda a: talk.abandon_response(),
        order.TruncateItem: lambda a: talk.truncate_item(a.item, a.played),
        order.DeleteItem: lambda a: talk.delete_item(a.item),
        order.SendToolResult: lambda a: talk.send_tool_result(a.call_id, a.output),
        order.AnswerApproval: lambda a: talk.answer_approval(a.call_id, a.approve, a.reason),
    }


def orders_to_ear(ear: Ear) -> dict[type[Action], Callable[[Any], object]]:
    """Return what each order asks of the ear."""
    return {
        order.OpenGate: lambda a: ear.open_gate(a.since, a.until, a.voiced_only),
        order.CloseGate: lambda a: ear.close_gate(),
        order.CutGate: lambda a: ear.cut_gate(),
    }


def orders_to_mouth(mouth: Mouth) -> dict[type[Action], Callable[[Any], object]]:
    """Return what each order asks of the mouth."""
    return {
        order.EndAnswer: lambda a: mouth.end_answer(a.turn),
        order.Duck: lambda a: mouth.duck(),
        order.Unduck: lambda a: mouth.unduck(),
        order.PlayCue: lambda a: mouth.play_cue(a.cue),
        order.Ring: lambda a: mouth.ring(a.ducked),
        order.StopRinging: lambda a: mouth.stop_ringing(),
    }
