"""All checks, in the order in which a person looks for a fault; those that use the sound card one after the other."""

from __future__ import annotations

from typing import Any

from device.setup.doctor.board import BOARD
from device.setup.doctor.cards import CARDS
from device.setup.doctor.check import Check
from device.setup.doctor.hearing import HEARING, MODELS
from device.setup.doctor.key import BROKER, KEY
from device.setup.doctor.machine import CLOCK, DISK, FIRMWARE
from device.setup.doctor.network import NETWORK, WAY
from device.setup.doctor.panel import PINS
from device.setup.doctor.sensors import SENSORS
from device.setup.doctor.unit import CONFIGURATION, SERVICE

GROUPS: tuple[tuple[Check[Any], ...], ...] = (
    (CONFIGURATION, BOARD, SERVICE, DISK, FIRMWARE, CLOCK, NETWORK, WAY, KEY, BROKER),
    (PINS,),
    (SENSORS,),
    (CARDS,),
    # By itself: what runs beside it costs the sound test its time.
    (MODELS,),
    (HEARING,),
)
