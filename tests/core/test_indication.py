"""What the lights say of a status."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.core.events import Device
from device.core.indication import Indication, indication
from device.core.status import Phase, Status

statuses = st.builds(
    Status,
    phase=st.sampled_from(Phase),
    muted=st.booleans(),
    online=st.booleans(),
    faults=st.frozensets(st.sampled_from(Device)),
    failing=st.booleans(),
    pressed=st.booleans(),
    ringing=st.booleans(),
    announcing=st.booleans(),
    confirming=st.booleans(),
)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status(), Indication.IDLE),
        (Status(muted=True, faults=frozenset({Device.MICROPHONE})), Indication.MUTED),
        (Status(phase=Phase.LISTENING, failing=True), Indication.LISTENING),
        (Status(faults=frozenset({Device.WAKE_WORD}), failing=True), Indication.DEAF),
        (Status(faults=frozenset({Device.SPEAKER})), Indication.FAULT),
        (Status(faults=frozenset({Device.SPEAKER}), failing=True), Indication.ERROR),
        (Status(online=False), Indication.OFFLINE),
        (Status(online=False, pressed=True), Indication.PRESSED),
        (Status(failing=True, pressed=True), Indication.ERROR),
        (Status(phase=Phase.THINKING, confirming=True), Indication.CONFIRMING),
        (Status(phase=Phase.LISTENING, confirming=True), Indication.LISTENING),
        (Status(phase=Phase.SPEAKING, ringing=True), Indication.SPEAKING),
        (Status(ringing=True, announcing=True, online=False), Indication.RINGING),
        (Status(announcing=True, failing=True), Indication.ANNOUNCING),
    ],
)
def test_the_most_important_fact_is_shown(status: Status, expected: Indication) -> None:
    """Priority is fixed."""
    assert indication(status) is expected


@given(statuses)
def test_mute_is_always_shown(status: Status) -> None:
    """Nothing hides that the microphone is off, and nothing pretends that it is."""
    assert (indication(status) is Indication.MUTED) == status.muted


@given(statuses)
def test_a_conversation_is_always_visible(status: Status) -> None:
    """Outside IDLE the gate may be open: the lights say so whatever else is wrong."""
    if not status.muted and status.phase is not Phase.IDLE:
        shown = indication(status)
        assert shown.value == status.phase.value or (shown is Indication.CONFIRMING and status.confirming)
