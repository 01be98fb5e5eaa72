"""A board that is plugged in later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from device.boards import finding
from device.boards.signs import Machine
from device.core.status import Phase, Status
from device.foreign.plugged import Hat
from device.house import configuration, latecomer
from device.house.latecomer import BoardAppearedError, is_awaited, wait_for_board
from device.house.layers import Layer

THERE = Machine(hat=Hat("Pi-CodecZero"))


@pytest.mark.parametrize(
    ("hardware", "machine", "awaited"),
    [
        ({}, Machine(), True),
        ({"profile": "auto"}, Machine(), True),
        ({}, THERE, False),
        ({"profile": "generic"}, Machine(), False),
        ({"profile": "codec_zero"}, Machine(), False),
    ],
)
def test_only_where_one_would_be_taken_and_none_is_there(
    hardware: dict[str, Any], machine: Machine, awaited: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A named one is waited for by its card."""
    monkeypatch.setattr(finding, "look", lambda: machine)
    assert is_awaited(configuration.effective([Layer("here", {"hardware": hardware})]).board) is awaited


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[Machine]:
    """What is plugged in when it is looked for the first time, the second, and so on; without waiting."""
    machines = [Machine(), Machine(), THERE]
    monkeypatch.setattr(finding, "look", lambda: machines.pop(0))
    monkeypatch.setattr(latecomer, "LOOK_EVERY_S", 0)
    return machines


@pytest.mark.usefixtures("looked")
async def test_the_service_starts_anew_when_nobody_talks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is heard to its end."""
    monkeypatch.setattr(latecomer, "is_service", lambda: True)
    phases = [Phase.SPEAKING, Phase.SPEAKING, Phase.IDLE]
    asked: list[BoardAppearedError] = []
    await wait_for_board(lambda: replace(Status(), phase=phases.pop(0)), asked.append)
    assert phases == []
    assert "codec_zero" in str(asked[0])


@pytest.mark.usefixtures("looked")
async def test_by_hand_it_is_only_said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Who has started it would not find it ended."""
    monkeypatch.setattr(latecomer, "is_service", lambda: False)
    asked: list[BoardAppearedError] = []
    await wait_for_board(Status, asked.append)
    assert asked == []
    assert "used from the next start on" in caplog.text
