"""hearthside timers: the list for people, and the command against a house."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from device.cli.remote.timers import lines
from tests.cli.test_remote import living, run


def row(number: int, name: str, left_s: float, when: str, state: str = "waiting") -> dict[str, Any]:
    """As the house tells of one."""
    return {"id": number, "name": name, "left_s": left_s, "when": when, "state": state}


def test_the_list_has_a_line_for_each() -> None:
    """In columns; what rings and what was missed says so."""
    told = [
        row(12, "pasta timer", -3.0, "12:08 PM today", "ringing"),
        row(3, "tea timer", 65.2, "in 1 minute and 5 seconds"),
        row(6, "rice timer", 45.0, "in 45 seconds"),
        row(4, "7 AM alarm", 68_340.0, "7 AM tomorrow"),
        row(5, "reminder to call home", 200_000.0, "6 PM on Friday"),
        row(1, "egg timer", -4_000.0, "11 AM today", "missed"),
    ]
    assert list(lines(told)) == [
        "#12  pasta timer                ringing  12:08 PM today",
        " #3  tea timer                1 min 5 s",
        " #6  rice timer                    45 s",
        " #4  7 AM alarm             18 h 59 min  7 AM tomorrow",
        " #5  reminder to call home      2 d 7 h  6 PM on Friday",
        " #1  egg timer                   missed  11 AM today",
    ]
    assert list(lines([])) == ["no timer, alarm or reminder is set"]


async def test_the_commands_list_and_cancel_what_was_set_by_voice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a whole house."""
    async with living(tmp_path, monkeypatch) as house:
        assert await run("timers") == (0, "no timer, alarm or reminder is set\n", "")
        await house.app.registry.call("set_timer", '{"seconds": 3599, "label": "pasta"}')
        await house.app.registry.call("set_timer", '{"seconds": 1800}')
        code, out, _ = await run("timers")
        assert (code, [line.split()[:2] for line in out.splitlines()]) == (0, [["#2", "30"], ["#1", "pasta"]])
        code, out, _ = await run("timers", "--json")
        assert (code, [timer["kind"] for timer in json.loads(out)]) == (0, ["timer", "timer"])
        code, out, err = await run("timers", "cancel", "the", "timer")
        assert (code, out) == (1, "")
        assert err.startswith("hearthside: more than one fits; which one is meant: the ")
        assert await run("timers", "cancel", "pasta") == (0, "Cancelled: the pasta timer\n", "")
        assert await run("timers", "cancel", "#2") == (0, "Cancelled: the 30 minute timer\n", "")
        await house.app.registry.call("set_timer", '{"seconds": 60}')
        assert await run("timers", "cancel", "3") == (0, "Cancelled: the 1 minute timer\n", "")
