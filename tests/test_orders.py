"""Who carries out which order."""

from __future__ import annotations

from typing import Any, get_args

from device.controller import Controller
from device.core.actions import Action
from device.core.machine import Machine
from device.core.memory import Settings
from device.orders import House, orders_to_conversation, orders_to_ear, orders_to_mouth
from tests.test_controller import Recorder


def test_every_order_has_somebody_who_carries_it_out() -> None:
    """None could be given that nobody has ever heard of; and no two parts take the same one from these tables."""
    part: Any = Recorder()
    controller = Controller(Machine(Settings()))
    controller.move_in(House(*[part] * 9))
    assert set(controller._orders) == set(get_args(Action))
    tables = [orders_to_conversation(part), orders_to_ear(part), orders_to_mouth(part)]
    assert len({kind for table in tables for kind in table}) == sum(map(len, tables))
